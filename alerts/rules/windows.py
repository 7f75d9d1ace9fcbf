"""Rules about sync windows and freezes."""

from __future__ import annotations

from alerts.rules.form import Alert, Group
from alerts.rules.phrases import APP, HELD, ON_APP

_WINDOW = "namespace, project, window"
_DENYING = f'max by ({_WINDOW}) (lynceus_sync_window_active{{kind="deny"}})'
_HOURLY = f"({_DENYING})[<forgotten:range>:1h]"

_FORGOTTEN = Alert(
    name="LynceusWindowForgotten",
    expr=f"min_over_time({_HOURLY}) == 1\n"
    f"and count_over_time({_HOURLY}) * 3600 > 0.75 * <forgotten>\n"
    f"and count_over_time({_HOURLY} offset <forgotten:range>) > 0\n"
    f"and {_DENYING} == 1",
    severity="info",
    summary="Window {{ $labels.window }} of project {{ $labels.project }} has kept syncs out for <forgotten>",
    description="Nothing of project {{ $labels.project }} in {{ $labels.namespace }} that the window "
    "{{ $labels.window }} matches was synced by itself for <forgotten>; perhaps it was forgotten.",
    board="windows",
    why="No family says since when a window is active. `for: 7d` would begin anew with each longer outage of "
    "Prometheus or Lynceus and with each new pod; this looks back hour by hour, whatever pod said it, and asks that "
    "three quarters of the hours were seen and that the window was known before them; without that, three quarters of "
    "the time would be enough for a new one. A window that opens for less than an hour may escape it.",
)

_FREEZE_FORGOTTEN = Alert(
    name="LynceusFreezeForgotten",
    expr="time() - max by (scope, project) (lynceus_freeze_since_timestamp_seconds) > <forgotten>",
    severity="info",
    hold="5m",
    summary="A freeze of project {{ $labels.project }} has been in force for {{ $value | humanizeDuration }}",
    description="Freezes have an end; this one (scope {{ $labels.scope }}) is longer than most.",
    board="windows",
)

_INVALID = Alert(
    name="LynceusWindowInvalid",
    expr=f"max by ({_WINDOW}) (lynceus_sync_window_invalid) == 1",
    hold="5m",
    severity="warning",
    summary="Window {{ $labels.window }} of project {{ $labels.project }} cannot be evaluated",
    description="Its schedule, duration, time zone or a selector in {{ $labels.namespace }} cannot be read. Until it "
    "is mended it may block what it concerns.",
    board="windows",
)

_NEVER = Alert(
    name="LynceusWindowNeverOpens",
    expr=f"max by ({APP}, reason) ({HELD})\nunless {ON_APP} lynceus_app_window_next_open_timestamp_seconds",
    hold="1h",
    severity="warning",
    summary="No window will ever let application {{ $labels.name }} sync",
    description="{{ $labels.namespace }}/{{ $labels.name }} of project {{ $labels.project }} is held back "
    "({{ $labels.reason }}), and no time is known at which that ends.",
    board="windows",
    why="Windows and freezes only: what RBAC or a project refuses never opens either, and that is no window.",
)

_OVERRIDDEN = Alert(
    name="LynceusFreezeOverridden",
    expr="sum by (project) (increase(lynceus_freeze_overrides_total[<override_window:range>])) > 0",
    severity="warning",
    summary="Somebody in project {{ $labels.project }} synced through a window or freeze",
    description="A break-glass sync began within the last <override_window>; the audit log names the person and the "
    "reason.",
    board="windows",
    why="The counter is born at 0 with the project, so that the first use counts.",
)

GROUP = Group(name="lynceus.windows", rules=(_FREEZE_FORGOTTEN, _INVALID, _NEVER, _OVERRIDDEN))

SLOW_GROUP = Group(name="lynceus.windows.slow", interval="10m", rules=(_FORGOTTEN,))
"""On its own, since looking back over a week each half minute would be a waste."""
