"""The exporter as the other floors see it: events in, one exposition out.

`listen` is called by the loop's threads, `exposition` by the web server's; neither waits for the other longer than
copying some references takes.
"""

from __future__ import annotations

import re
import typing as t

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics_format

from exporter.applications import Applications
from exporter.fragments import gzip_member
from exporter.instruments import Instruments
from exporter.listener import Listener
from model.events import Event

_END = b"# EOF\n"
_NOTHING = re.compile(r"q=0(\.0*)?")


class Exporter:
    """Turns events into metrics."""

    def __init__(
        self,
        *,
        argocd_metrics: bool,
        version: str,
        mode: str,
        now: t.Callable[[], float] | None = None,
        count_attempts: bool = True,
    ) -> None:
        """Start with no series but build and mode.

        Args:
            argocd_metrics: export the families that an Argo CD in the same cluster exports too.
            version: of Lynceus, for lynceus_build_info.
            mode: reconcile or observe, for lynceus_mode_info.
            now: the clock, in Unix seconds; None takes the machine's.
            count_attempts: False counts syncs as Argo CD does, once per finished operation.
        """
        self._applications = Applications(argocd_metrics=argocd_metrics, count_attempts=count_attempts)
        self._instruments = Instruments(argocd_metrics=argocd_metrics)
        self._listener = Listener(self._applications, self._instruments, now)
        self._set_to_one("lynceus_build_info", version)
        self._set_to_one("lynceus_mode_info", mode, "on" if argocd_metrics else "off")

    def _set_to_one(self, name: str, *values: str) -> None:
        if (gauge := self._instruments.gauge(name, *values)) is not None:
            gauge.set(1)

    def listen(self, event: Event) -> None:
        """Take one event; returns at once."""
        self._listener.listen(event)

    def spans_dropped(self, number: int) -> None:
        """Count spans that never reached the collector."""
        if (counter := self._instruments.counter("lynceus_trace_spans_dropped_total")) is not None:
            counter.inc(number)

    def exposition(
        self, accept: str, accept_encoding: str = "", names: t.Collection[str] = ()
    ) -> tuple[bytes, list[tuple[str, str]]]:
        """Return the body of a scrape and its headers.

        Args:
            accept: the request's Accept header; OpenMetrics when it asks for it, else the text format 0.0.4.
            accept_encoding: the request's Accept-Encoding header; gzip is the only coding.
            names: only these families or samples (the parameters name[]); empty means all.
        """
        openmetrics, gzip = _accepts("application/openmetrics-text", accept), _accepts("gzip", accept_encoding)
        encoder = openmetrics_format.generate_latest if openmetrics else generate_latest
        registry = self._instruments.registry
        fixed = encoder(registry.restricted_registry(names) if names else registry)
        parts = [gzip_member(fixed.removesuffix(_END)) if gzip else fixed.removesuffix(_END)]
        for family in self._applications.families:
            if not names or {family.metric.name, family.metric.family} & set(names):
                parts += family.parts(openmetrics=openmetrics, gzip=gzip)
        if openmetrics:
            parts.append(gzip_member(_END) if gzip else _END)
        content_type = openmetrics_format.CONTENT_TYPE_LATEST if openmetrics else CONTENT_TYPE_PLAIN_0_0_4
        headers = [("Content-Type", content_type), ("Vary", "Accept, Accept-Encoding")]
        return b"".join(parts), headers + ([("Content-Encoding", "gzip")] if gzip else [])


def _accepts(name: str, header: str) -> bool:
    """Say whether an Accept or Accept-Encoding header names `name` with a weight above 0 (RFC 9110, 12.4.2)."""
    for item in header.lower().split(","):
        named, *parameters = (part.replace(" ", "") for part in item.split(";"))
        if named == name:
            return not any(_NOTHING.fullmatch(parameter) for parameter in parameters)
    return False
