"""The exporter as the other floors see it: events in, one exposition out.

`listen` is called by the loop's threads, `exposition` by the web server's; neither waits for the other longer than
copying some references takes.
"""

from __future__ import annotations

import re
import time
import typing as t

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST

from exporter.catalogue import CATALOGUE
from exporter.choice import Choice
from exporter.fragments import gzip_member
from exporter.instruments import Instruments
from exporter.listener import Listener
from exporter.textformat import written
from model.events import Event, QueueState

_END = b"# EOF\n"
_NOTHING = re.compile(r"q=0(\.0*)?")
_SAMPLES = {name: metric.samples for metric in CATALOGUE for name in (metric.name, metric.family)}
"""What can be queried of each family; a counter has two names, one for each format."""


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
        chosen: Choice | None = None,
    ) -> None:
        """Start with no series but those that are born with the process.

        Args:
            argocd_metrics: export the families that an Argo CD in the same cluster exports too.
            version: of Lynceus, for lynceus_build_info.
            mode: reconcile or observe, for lynceus_mode_info.
            now: the clock, in Unix seconds; None takes the machine's.
            count_attempts: False counts syncs as Argo CD does, once per finished operation.
            chosen: what was asked for beyond the rest, and within which bounds.
        """
        chosen = chosen or Choice()
        clock = now or time.time  # noqa: TID251 - as prometheus_client does for exemplars
        self._instruments = Instruments(
            argocd_metrics=argocd_metrics, most_label_sets=chosen.most_label_sets, wants=chosen.wants
        )
        self._listener = Listener(
            self._instruments, argocd_metrics=argocd_metrics, count_attempts=count_attempts, chosen=chosen, now=clock
        )
        self._applications = self._listener.applications
        self._instruments.set("argocd_info", 1, version)
        self._instruments.set("lynceus_build_info", 1, version)
        self._instruments.set("lynceus_mode_info", 1, mode, "on" if argocd_metrics else "off")
        self._instruments.tables.add_source(("lynceus_metrics_series",), self._sizes, last=True)

    def _sizes(self) -> dict[str, list[tuple[tuple[str], float]]]:
        """Return how many label sets each family has."""
        sizes = self._instruments.sizes() | {family.metric.name: family.lines for family in self._applications.families}
        sizes["lynceus_metrics_series"] = len(sizes)
        return {"lynceus_metrics_series": [((family,), number) for family, number in sorted(sizes.items())]}

    def listen(self, event: Event) -> None:
        """Take one event; returns at once."""
        self._listener.listen(event)

    def sample(self, *, queues: t.Callable[[], t.Iterable[QueueState]]) -> None:
        """Ask at each scrape for what changes with the clock alone; `queues` is called by the thread that answers."""
        self._listener.loop.sample(queues)

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
        applications = self._applications.pictures(gzip=gzip)
        registry, wanted = self._instruments.registry, _samples(names)
        asked = registry.restricted_registry(wanted) if names else registry
        fixed = written(asked.collect(), openmetrics=openmetrics)
        parts = [gzip_member(fixed) if gzip else fixed]
        for family, pictures in applications:
            if not names or family.metric.name in wanted:
                parts += family.parts(openmetrics=openmetrics, gzip=gzip, pictures=pictures)
        if openmetrics:
            parts.append(gzip_member(_END) if gzip else _END)
        content_type = CONTENT_TYPE_LATEST if openmetrics else CONTENT_TYPE_PLAIN_0_0_4
        headers = [("Content-Type", content_type), ("Vary", "Accept, Accept-Encoding")]
        return b"".join(parts), headers + ([("Content-Encoding", "gzip")] if gzip else [])


def _samples(names: t.Iterable[str]) -> set[str]:
    """Return the samples that are named, and all samples of the families that are."""
    return {sample for name in names for sample in _SAMPLES.get(name, (name,))}


def _accepts(name: str, header: str) -> bool:
    """Say whether an Accept or Accept-Encoding header names `name` with a weight above 0 (RFC 9110, 12.4.2)."""
    for item in header.lower().split(","):
        named, *parameters = (part.replace(" ", "") for part in item.split(";"))
        if named == name:
            return not any(_NOTHING.fullmatch(parameter) for parameter in parameters)
    return False
