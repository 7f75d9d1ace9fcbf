"""Listens: events of the loop become metrics and traces. The only floor that knows prometheus_client and OpenTelemetry.

It never asks the loop for anything and never makes it wait. `lynceus.wiring` hands `Exporter.listen` and
`Tracing.listen` to the publisher; `server` asks `Exporter.exposition` for the body of a scrape.
"""

from exporter.exposition import Exporter

__all__ = ["Exporter"]
