"""Clusters and their API servers, and ApplicationSets."""

from __future__ import annotations

import socket
import threading
import typing as t

from exporter.choice import MOST_LABEL_SETS, Choice, chosen_values, label_names
from exporter.instruments import Instruments
from exporter.reactions import On
from exporter.tables import Rows
from model import events
from model.meta import NamespacedName

_COMMANDS = ("apply", "auth", "create", "replace")
_NO_ANSWER = "<error>"
"""As Kubernetes' client writes the code of a request that got no answer."""

_CLUSTER_FAMILIES = (
    "argocd_cluster_info",
    "argocd_cluster_labels",
    "argocd_cluster_api_resource_objects",
    "argocd_cluster_api_resources",
    "argocd_cluster_cache_age_seconds",
    "argocd_cluster_connection_status",
)
MOST_FORMER = 1_000
"""Clusters that are gone and are remembered, for the turns and requests that were under way when they went."""

_SET_FAMILIES = ("argocd_appset_info", "argocd_appset_owned_applications", "argocd_appset_labels")


class Clusters:
    """Moves what belongs to clusters: the newest report on each, events, requests and writes."""

    def __init__(self, instruments: Instruments, chosen: Choice, now: t.Callable[[], float]) -> None:
        """Start without a cluster.

        Args:
            instruments: what is moved.
            chosen: has the labels of clusters that are exported.
            now: the clock, in Unix seconds.
        """
        self._instruments, self._now = instruments, now
        self._labels = label_names(chosen.cluster_labels)
        self._hostname = socket.gethostname()
        self._seen: dict[str, events.ClusterObserved] = {}
        self._former: dict[str, None] = {}
        self._hosts: dict[str, str] = {}
        self._pending = dict.fromkeys(_COMMANDS, 0)
        self._lock = threading.Lock()
        for command in _COMMANDS:
            instruments.bear("argocd_kubectl_exec_total", self._hostname, command)
            instruments.set("argocd_kubectl_exec_pending", 0, self._hostname, command)
        instruments.tables.add_labels("argocd_cluster_labels", self._labels)
        instruments.tables.add_source(_CLUSTER_FAMILIES, self._rows)
        self.on: On = {
            events.ClusterObserved: self._observed,
            events.ClusterGone: self._gone,
            events.ClusterEventsProcessed: self._processed,
            events.ApiRequestFinished: self._request,
            events.WriteMoved: self._write,
        }

    def left(self, server: str) -> bool:
        """Say whether the cluster is gone, so that what ends only now must not bring its series back."""
        return server in self._former

    def _observed(self, event: events.ClusterObserved) -> None:
        """Keep the newest report on a cluster."""
        with self._lock:
            self._former.pop(event.server, None)
            self._seen[event.server] = event

    def _gone(self, event: events.ClusterGone) -> None:
        """Forget a cluster and all series that name it."""
        with self._lock:
            self._seen.pop(event.server, None)
            self._former[event.server] = None
            if len(self._former) > MOST_FORMER:
                del self._former[next(iter(self._former))]
            host = self._hosts.pop(event.server, "")
            shared = host in self._hosts.values()
        self._instruments.forget(server=event.server)
        self._instruments.forget(dest_server=event.server)
        if host and not shared:
            self._instruments.forget(host=host)

    def _rows(self) -> dict[str, Rows]:
        """Return the rows of the cluster families as they are now."""
        with self._lock:
            seen = list(self._seen.values())
        now = self._now()
        return {
            "argocd_cluster_info": [((e.server, e.version, e.name), 1) for e in seen],
            "argocd_cluster_labels": [((e.server, e.name, *chosen_values(self._labels, e.labels)), 1) for e in seen],
            "argocd_cluster_api_resource_objects": [((e.server,), e.objects) for e in seen],
            "argocd_cluster_api_resources": [((e.server,), e.api_resources) for e in seen],
            "argocd_cluster_cache_age_seconds": [((e.server,), _age(e.synced_at, now)) for e in seen],
            "argocd_cluster_connection_status": [((e.server, e.version), int(e.connected)) for e in seen],
        }

    def _processed(self, event: events.ClusterEventsProcessed) -> None:
        if self.left(event.server):
            return
        for (group, kind), number in event.counts.items():
            self._instruments.count("argocd_cluster_events_total", event.server, group, kind, by=number)
        self._instruments.observe("argocd_resource_events_processing", event.seconds, event.server)
        self._instruments.set("argocd_resource_events_processed_in_batch", event.batch, event.server)

    def _request(self, event: events.ApiRequestFinished) -> None:
        if self.left(event.server):
            return
        host, method, instruments = event.host, event.method, self._instruments
        code = str(event.code) if event.code else _NO_ANSWER
        if self._hosts.get(event.server) != host and len(self._hosts) < MOST_LABEL_SETS:
            with self._lock:
                self._hosts[event.server] = host
        instruments.count("lynceus_k8s_requests_total", event.server, event.verb, code, event.kind)
        instruments.count("argocd_kubectl_requests_total", host, method, code)
        instruments.observe("argocd_kubectl_request_duration_seconds", event.seconds, host, method)
        instruments.observe("argocd_kubectl_rate_limiter_duration_seconds", event.waited, host, method)
        instruments.observe("argocd_kubectl_request_size_bytes", event.request_bytes, host, method)
        if event.response_bytes is not None:
            instruments.observe("argocd_kubectl_response_size_bytes", event.response_bytes, host, method)
        if event.retry:
            instruments.count("argocd_kubectl_request_retries_total", host, method, code)

    def _write(self, event: events.WriteMoved) -> None:
        with self._lock:
            pending = max(self._pending.get(event.command, 0) + (-1 if event.ended else 1), 0)
            self._pending[event.command] = pending
        self._instruments.set("argocd_kubectl_exec_pending", pending, self._hostname, event.command)
        if event.ended:
            self._instruments.count("argocd_kubectl_exec_total", self._hostname, event.command)


class Sets:
    """Keeps the newest version of each ApplicationSet."""

    def __init__(self, instruments: Instruments, chosen: Choice) -> None:
        """Start without a set; `chosen` has the labels that are exported."""
        self._labels = label_names(chosen.applicationset_labels)
        self._seen: dict[NamespacedName, events.ApplicationSetChanged] = {}
        self._lock = threading.Lock()
        instruments.tables.add_labels("argocd_appset_labels", self._labels)
        instruments.tables.add_source(_SET_FAMILIES, self._rows)
        self.on: On = {events.ApplicationSetChanged: self._changed}

    def _changed(self, event: events.ApplicationSetChanged) -> None:
        with self._lock:
            if event.deleted:
                self._seen.pop(event.key, None)
            else:
                self._seen[event.key] = event

    def _rows(self) -> dict[str, Rows]:
        with self._lock:
            seen = list(self._seen.values())
        return {
            "argocd_appset_info": [((*e.key, e.update_status), 1) for e in seen],
            "argocd_appset_owned_applications": [(e.key, e.owned) for e in seen],
            "argocd_appset_labels": [((*e.key, *chosen_values(self._labels, e.labels)), 1) for e in seen],
        }


def _age(synced_at: float, now: float) -> float:
    """Return the age of a cache in seconds; -1, as in Argo CD, while it was never filled."""
    return max(now - synced_at, 0.0) if synced_at else -1.0
