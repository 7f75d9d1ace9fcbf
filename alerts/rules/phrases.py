"""Pieces of PromQL that several rules share. No rule stands here."""

from __future__ import annotations

import textwrap

APP = "namespace, name, project"
"""What identifies an application; without honorLabels the namespace is that of the scraped Service."""

ON_APP = f"on ({APP})"

DRIFT = f"max by ({APP}) (lynceus_app_drift_since_timestamp_seconds)"
"""max by: a pod that was replaced leaves its series for a few minutes, and one alert an application is enough."""

HELD = 'lynceus_app_sync_blocked{reason=~"window_deny|outside_allow|freeze"}'
"""Held back by a window or freeze now; not by a project or RBAC, which no time ends."""

JUST_HELD = "lynceus:app:just_held"
"""Recorded: held back now or until just now."""

DESTINATION = "lynceus:app:dest_server"
"""Recorded: where each application goes."""


def at_destination(expression: str) -> str:
    """Give each series of an application its dest_server, which few families have."""
    inner = textwrap.indent(expression, "  ")
    return f"(\n{inner}\n)\n* {ON_APP} group_left (dest_server) {DESTINATION}"


def grown(series: str, window: str) -> str:
    """Return how much counters grew that are not born at 0, because nobody knows their labels before.

    increase() does not see the step from nothing to the first value. A counter that had no sample in the six hours
    before the window has grown by all it shows; one that was only not scraped for a while has not.
    """
    return f"(\n  ({series} unless last_over_time({series}[6h] offset {window}))\n  or increase({series}[{window}])\n)"
