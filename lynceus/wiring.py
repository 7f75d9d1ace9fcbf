"""Builds the parts and joins them: the only place where constructors of different floors are called together.

Called by `lynceus run` and by the demo, which therefore runs the same program.
"""

from __future__ import annotations

import logging
import threading
import typing as t

from controller.cage import Cage
from controller.clock import SystemClock
from controller.context import LoopOptions
from controller.delivery import Delivery
from controller.delivery.memory import ConfigMaps
from controller.kube.client import KubeClient
from controller.manager import Manager
from controller.secretbook import SecretBook
from controller.sources.service import SourceService
from controller.webhooksecrets import WebhookSecretReader
from exporter import Exporter
from exporter.choice import Choice
from exporter.tracing import Tracing
from lynceus import __version__, audit
from lynceus.options import RunOptions
from lynceus.stopping import stop_on_signals
from model.events import Event, Lost
from model.secrets import IN_CLUSTER_SERVER
from policy.guard import Guard
from server.app import create_app
from server.identity import TokenFile
from server.parts import Parts
from server.run import Server

log = logging.getLogger(__name__)


class Bus:
    """Hands each event to every listener; one that fails is logged and harms neither the others nor the loop."""

    def __init__(self) -> None:
        self._listeners: list[t.Callable[[Event], None]] = []

    def subscribe(self, listener: t.Callable[[Event], None]) -> None:
        """Add a listener; done before the loop starts."""
        self._listeners.append(listener)

    def publish(self, event: Event) -> None:
        """Tell all listeners."""
        for listener in self._listeners:
            try:
                listener(event)
            except Exception:  # the boundary between the loop and whoever listens
                log.exception("a listener failed", extra={"event": type(event).__name__})


class Lynceus:
    """One running Lynceus: loop, exporter and servers."""

    def __init__(self, options: RunOptions) -> None:
        self.options, clock, bus = options, SystemClock(), Bus()
        self._listeners(clock, bus)
        path = str(options.kubeconfig) if options.kubeconfig else None
        self.client = KubeClient.from_kubeconfig(
            path, options.context, allow_exec=options.allow_exec, on_request=bus.publish, known_as=IN_CLUSTER_SERVER
        )
        self.cage, self.book = Cage(), SecretBook()
        self.sources = SourceService(
            cache_dir=options.cache_dir,
            repositories=self.book.repository,
            cage=self.cage,
            publish=bus.publish,
            clock=clock,
            allow_schemes=options.allow_schemes,
            on_moved=lambda url: self.manager.refresh_repository(url),
        )
        self.manager = Manager(
            self.client,
            namespace=options.namespace,
            guard=self.guard,
            sources=self.sources,
            clock=clock,
            publish=bus.publish,
            options=LoopOptions(mode=options.mode, policy_mode=options.policy_mode),
            book=self.book,
        )
        self.exporter.sample(queues=self.manager.queue_states)
        self.delivery = Delivery(
            publish=bus.publish,
            clock=clock,
            mode=options.mode,
            sources=self.sources,
            store=ConfigMaps(self.client, options.namespace, clock),
            environment_label=options.environment_label,
            save_seconds=options.state_seconds,
        )
        bus.subscribe(self.delivery.listen)
        parts = self._parts(clock, bus)
        self.metrics_server = Server(create_app(parts, api=False), options.host, options.metrics_port)
        self.api_server = Server(create_app(parts), options.host, options.api_port)

    def _listeners(self, clock: SystemClock, bus: Bus) -> None:
        """Make those who hear what happens: metrics, traces and the audit log."""
        options, self.guard = self.options, Guard()
        self.exporter = Exporter(
            argocd_metrics=options.exports_argocd_metrics,
            version=__version__,
            mode=options.mode,
            now=lambda: clock.now().timestamp(),
            chosen=_chosen(options),
        )
        self.tracing = Tracing(
            options.otlp_endpoint,
            version=__version__,
            sample=options.trace_sample,
            on_drop=lambda number: bus.publish(Lost(what="span", number=number)),
        )
        bus.subscribe(self.exporter.listen)
        bus.subscribe(self.tracing.listen)
        self.losses = audit.attach(
            options.audit_log,
            clock=clock,
            freezes=lambda: self.guard.current.additions.additions.freezes,
            subscribe=bus.subscribe,
            publish=bus.publish,
        )

    def _parts(self, clock: SystemClock, bus: Bus) -> Parts:
        writes = self.options.mode == "reconcile"
        return Parts(
            exporter=self.exporter,
            healthy=self.manager.healthy,
            ready=self.manager.ready,
            clock=clock,
            guard=self.guard,
            identity=TokenFile(self.options.token_file),
            applications=self.manager.applications,
            version=__version__,
            mode=self.options.mode,
            control_namespace=self.options.namespace,
            submit_operation=self.manager.submit_operation if writes else None,
            terminate_operation=self.manager.terminate_operation if writes else None,
            request_refresh=self.manager.request_refresh if writes else None,
            refresh_pushed=self.manager.refresh_pushed if writes else None,
            webhook_secrets=WebhookSecretReader(self.client, self.options.namespace, clock),
            webhook_megabytes=lambda: self.manager.governance.settings.webhook_payload_megabytes,
            switches=lambda: self.manager.governance.settings.rbac_switches,
            publish=bus.publish,
        )

    def start(self) -> None:
        """Start the servers, then the loop, so that probes answer while the caches fill."""
        self.losses.start()
        self.metrics_server.start()
        self.api_server.start()
        self.delivery.start()
        self.manager.start()

    def stop(self) -> None:
        """End everything, each part within its own deadline; a part that fails does not keep the others running."""
        endings: tuple[t.Callable[[], object], ...] = (
            self.manager.stop,
            self.delivery.stop,
            self.api_server.stop,
            self.metrics_server.stop,
            self.sources.close,
            self.cage.close,
            lambda: self.tracing.shutdown(2.0),
            self.losses.stop,
        )
        for end in endings:
            try:
                end()
            except Exception:  # whatever it is, what comes after it is to end as well
                log.exception("a part did not end as it should")


def _chosen(options: RunOptions) -> Choice:
    """Return what was asked for of the metrics."""
    return Choice(
        application_labels=options.metrics_application_labels,
        application_conditions=options.metrics_application_conditions,
        application_requests=options.metrics_application_requests,
        cluster_labels=options.metrics_cluster_labels,
        applicationset_labels=options.metrics_applicationset_labels,
        environment_label=options.environment_label,
        most_label_sets=options.metrics_limit // 10,
        most_lines=options.metrics_limit,
    )


def serve_until_stopped(options: RunOptions) -> None:
    """Run Lynceus until SIGTERM or Ctrl-C."""
    stopping = threading.Event()
    stop_on_signals(stopping)
    lynceus = Lynceus(options)
    try:
        lynceus.start()
        log.info(
            "lynceus runs",
            extra={
                "version": __version__,
                "mode": options.mode,
                "cluster": lynceus.client.server,
                "metrics": f"{lynceus.metrics_server.url}/metrics",
                "api": lynceus.api_server.url,
            },
        )
        stopping.wait()
        log.info("lynceus stops")
    finally:
        lynceus.stop()
