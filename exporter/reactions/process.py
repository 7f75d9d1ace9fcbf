"""Lynceus itself: webhook requests under way, and what was given up so that the loop need not wait."""

from __future__ import annotations

import threading

from exporter.instruments import Instruments
from exporter.reactions import On
from exporter.readings import repository
from model import events

_STREAMS = {"log record": "log", "audit record": "audit"}


class Process:
    """Moves what belongs to the process."""

    def __init__(self, instruments: Instruments) -> None:
        """Give birth to the counters of what is lost."""
        self._instruments = instruments
        self._in_flight = 0
        self._lock = threading.Lock()
        for stream in _STREAMS.values():
            instruments.bear("lynceus_log_records_dropped_total", stream)
        self.on: On = {events.WebhookMoved: self._webhook, events.Lost: self._lost}

    def _webhook(self, event: events.WebhookMoved) -> None:
        with self._lock:
            self._in_flight = max(self._in_flight + (-1 if event.ended else 1), 0)
            in_flight = self._in_flight
        self._instruments.set("argocd_webhook_handlers_in_flight", in_flight)
        if event.ended:
            self._instruments.count("argocd_webhook_requests_total", repository(event.repo))

    def _lost(self, event: events.Lost) -> None:
        if event.what == "span":
            self._instruments.count("lynceus_trace_spans_dropped_total", by=event.number)
        else:
            self._instruments.count("lynceus_log_records_dropped_total", _STREAMS[event.what], by=event.number)
