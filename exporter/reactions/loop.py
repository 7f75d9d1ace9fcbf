"""The loop: turns and their stages, queues, leadership."""

from __future__ import annotations

import re
import threading
import typing as t

from exporter.instruments import Instruments
from exporter.reactions import On
from exporter.tables import Rows
from model import events

_WORD = re.compile(r"[a-z][a-z0-9-]*(?: [a-z][a-z0-9-]*){0,3}")
"""What a trigger may look like as a label value; anything else may hold names and is written `other`."""

_MOST_TRIGGERS = 40

_QUEUES = ("app_reconciliation_queue", "app_operation_processing_queue")
"""Those that there are from the start."""

_QUEUE_FAMILIES = (
    "workqueue_depth",
    "workqueue_unfinished_work_seconds",
    "workqueue_longest_running_processor_seconds",
    "lynceus_reconcile_queue_oldest_seconds",
)

Queues = t.Callable[[], t.Iterable[events.QueueState]]


class Loop:
    """Moves what belongs to the loop itself."""

    def __init__(self, instruments: Instruments, left: t.Callable[[str], bool]) -> None:
        """Give birth to the counters of the queues; `left` says whether a cluster is gone."""
        self._instruments, self._left = instruments, left
        self._triggers: set[str] = set()
        self._lock = threading.Lock()
        for queue in _QUEUES:
            for name in ("workqueue_adds_total", "workqueue_retries_total"):
                instruments.bear(name, queue, queue)
            for name in ("workqueue_queue_duration_seconds", "workqueue_work_duration_seconds"):
                instruments.bear(name, queue, queue)
        self.on: On = {
            events.TurnFinished: self._turn,
            events.QueueMoved: self._queue,
            events.Leading: self._leading,
        }

    def sample(self, queues: Queues) -> None:
        """Ask `queues` at each scrape how the queues are."""
        self._instruments.tables.add_source(_QUEUE_FAMILIES, lambda: _queue_rows(list(queues())))

    def _turn(self, event: events.TurnFinished) -> None:
        if not event.idle:
            self._busy_turn(event)

    def _busy_turn(self, event: events.TurnFinished) -> None:
        seconds, observe = event.end - event.start, self._instruments.observe
        if event.queue == "refresh" and not self._left(event.dest_server):
            observe("argocd_app_reconcile", seconds, event.key.namespace, event.dest_server)
        result = "error" if event.error else "success"
        self._instruments.count("lynceus_reconcile_total", self._trigger(event.reason), result)
        observe("lynceus_reconcile_duration_seconds", seconds, trace_id=event.trace_id)
        for stage in event.stages:
            observe("lynceus_reconcile_stage_seconds", stage.end - stage.start, stage.name, trace_id=event.trace_id)
        if event.pushed_at is not None:
            observe("lynceus_webhook_to_refresh_seconds", event.start - event.pushed_at)

    def _trigger(self, reason: str) -> str:
        """Return the reason's words up to the first detail, from a set that cannot grow without end."""
        found = _WORD.match(reason.lower())
        word = found[0] if found else "other"
        with self._lock:
            if word not in self._triggers and len(self._triggers) >= _MOST_TRIGGERS:
                return "other"
            self._triggers.add(word)
        return word

    def _queue(self, event: events.QueueMoved) -> None:
        queue, what = event.queue, event.what
        if what == "added":
            self._instruments.count("workqueue_adds_total", queue, queue)
        elif what == "retried":
            self._instruments.count("workqueue_retries_total", queue, queue)
        elif what == "taken":
            self._instruments.observe("workqueue_queue_duration_seconds", event.seconds, queue, queue)
        else:
            self._instruments.observe("workqueue_work_duration_seconds", event.seconds, queue, queue)

    def _leading(self, event: events.Leading) -> None:
        self._instruments.set("lynceus_leader", int(event.leading))


def _queue_rows(states: list[events.QueueState]) -> dict[str, Rows]:
    """Return the rows of the queue families; `controller` repeats the name, as in Argo CD."""
    return {
        "workqueue_depth": [((s.queue, s.queue, ""), s.depth) for s in states],
        "workqueue_unfinished_work_seconds": [((s.queue, s.queue), s.unfinished_seconds) for s in states],
        "workqueue_longest_running_processor_seconds": [((s.queue, s.queue), s.longest_seconds) for s in states],
        "lynceus_reconcile_queue_oldest_seconds": [((s.queue,), s.oldest_seconds) for s in states],
    }
