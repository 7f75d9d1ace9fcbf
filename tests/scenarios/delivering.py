"""A world whose loop is followed by the tracker of deployments, and an Argo CD that only writes what one would."""

from __future__ import annotations

import collections
import contextlib
import time
import typing as t

from controller.delivery import Delivery
from controller.delivery.memory import ConfigMaps
from controller.kube.client import KubeClient
from controller.manager import LoopOptions, Manager
from controller.secretbook import SecretBook
from controller.sources.service import SourceService
from lynceus.wiring import Bus
from model import events
from policy.guard import Guard
from tests.controller.delivery.story import Story
from tests.scenarios.world import APPS, World
from tests.stage.git import Repo


class Followed(World):
    """A world with a tracker, which survives a restart of the loop in its ConfigMaps."""

    delivery: Delivery

    def start(self, **options: t.Any) -> Manager:
        """Start loop and tracker as `lynceus run` does."""
        bus, book = Bus(), SecretBook()
        bus.subscribe(self.events.append)
        self._sources = SourceService(
            cache_dir=self._cache,
            repositories=book.repository,
            cage=self._cage,
            publish=bus.publish,
            clock=self.clock,
            allow_schemes=("http",),
            on_moved=lambda url: self.manager.refresh_repository(url) if self.manager else None,
        )
        client = KubeClient.from_kubeconfig(str(self.kubeconfig), on_request=bus.publish)
        loop = LoopOptions(**options)
        self.delivery = Delivery(
            publish=bus.publish,
            clock=self.clock,
            mode=loop.mode,
            sources=self._sources,
            store=ConfigMaps(client, self.control, self.clock),
            save_seconds=0.2,
        )
        self.manager = Manager(
            client,
            namespace=self.control,
            guard=Guard(),
            sources=self._sources,
            clock=self.clock,
            publish=bus.publish,
            options=loop,
            book=book,
        )
        bus.subscribe(self.delivery.listen)
        self.delivery.start()
        self.manager.start()
        return self.manager

    def stop(self) -> None:
        """Stop the loop, then the tracker."""
        if self.manager is not None:
            self.manager.stop()
            self.manager = None
            with contextlib.suppress(AttributeError):
                self.delivery.stop()
        super().stop()

    @property
    def counts(self) -> collections.Counter[tuple[str, ...]]:
        """What was counted so far, by event and labels."""
        names = ("result", "origin", "phase", "final", "environment", "self_heal")
        counted = (
            events.DeploymentEnded, events.DriftDetected, events.DriftEnded, events.Restored, events.SelfHealed,
            events.SyncAttempted,
        )  # fmt: skip
        return collections.Counter(
            (type(event).__name__, *(f"{name}={getattr(event, name)}" for name in names if hasattr(event, name)))
            for event in list(self.events)
            if isinstance(event, counted)
        )

    def newest(self, kind: type[t.Any]) -> t.Any:
        """Return the newest event of one type."""
        return self.of(kind)[-1]


class ArgoCD(Story):
    """Writes the status of one Application to the cluster, step by step, as Argo CD does; it deploys nothing."""

    def __init__(self, world: World, name: str, repo: Repo, path: str = "app") -> None:
        source = {"repoURL": repo.url, "path": path, "targetRevision": "main"}
        super().__init__(source=source)
        self.world, self.name = world, name

    def see(self, *, after: float = 0.0) -> list[t.Any]:
        """Write what has become of the Application."""
        self.now = time.time()
        path = f"{APPS.format(self.world.control)}/{self.name}"
        found = {**self.world.get(self.name), "status": self.status, "operation": self.operation}
        if self.operation is None:
            del found["operation"]
        reply = self.world.cluster.request("PUT", path, found)
        assert reply.status == 200, reply.body[:500]
        return []
