"""The deletion of an Application: with its finalizer the objects go first, without it they stay.

The finalizer goes only when nothing is left that has to go; an error keeps it and says why. No render is needed: what
was recorded and is tracked counts. Called by controller.manager's operation workers.
"""

from __future__ import annotations

import logging

from controller import published
from controller.clusters import Clusters
from controller.compare import tracking
from controller.conditions import DELETION_TYPES, Finding
from controller.context import Context
from controller.impersonation import client_for
from controller.kube.client import KubeClient
from controller.kube.cluster import ClusterCache
from controller.kube.store import StoredObject
from controller.memory import Memory
from controller.permit import permits
from controller.sync import cascade
from controller.turn import Turn
from model.application import Application
from model.errors import InvalidSpec, LynceusError, NotFound
from model.meta import JSON, GroupKind
from model.states import ConditionType

log = logging.getLogger(__name__)

LIST_SECONDS = 10.0
AGAIN_SECONDS = 5.0
"""Until a deletion that waits looks again; watch events come sooner."""


class Deleter:
    """Runs the turns of Applications that are being deleted."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def turn(self, app: Application, memory: Memory, turn: Turn) -> None:
        """Take the deletion one step further."""
        turn.project, turn.reason = app.spec.project, "deletion"
        how = cascade.propagation(app)
        if not how:
            turn.quiet = True
            return
        try:
            waiting = self._cascade(app, turn, how)
        except LynceusError as failure:
            turn.error = str(failure)
            self._say(app, turn, str(failure))
            raise
        if waiting:
            self._say(app, turn, waiting)
            self._context.ask_operation(app.key, AGAIN_SECONDS)
            return
        with turn.stage("status"):
            body: JSON = {"metadata": {"finalizers": cascade.without_finalizers(app) or None}}
            try:
                self._context.writer.patch(app, body, guarded=True)
            except NotFound:
                return

    def _cascade(self, app: Application, turn: Turn, how: str) -> str:
        """Delete the next wave; returns what is waited for, empty when nothing is left."""
        cache = self._cache(app)
        if cache is None:
            return ""
        recorded = {GroupKind(r.group, r.kind) for r in app.status.resources or ()}
        missing = cache.ensure(recorded, LIST_SECONDS)
        for kind in sorted(missing):
            if cache.discovery.find(*kind) is not None:
                return f"{kind} objects could not be listed, so it is not known what has to be deleted"
        if doubt := self._doubt(app):
            return doubt
        found = cascade.victims(self._ours(app, cache), app, self._context.governance.settings.installation_id)
        going = [victim for victim in found if victim.deleting]
        if going:
            first = going[0]
            held = f", held by finalizer {', '.join(first.finalizers)}" if first.finalizers else ""
            return f"waiting for {len(going)} objects to go: {first.key}{held}"
        wave = cascade.next_wave(found)
        client = client_for(self._context, app, cache) if wave else cache.client
        with turn.stage("prune", objects=len(wave)) as stage:
            for victim in wave:
                self._delete(cache, client, victim, how)
                stage.note("deleted", object=str(victim.key))
        if wave:
            return f"waiting for {len(wave)} objects to go: {wave[0].key}"
        return ""

    def _cache(self, app: Application) -> ClusterCache | None:
        """Return the cluster's cache; None when no such cluster is known, whose objects nobody can reach."""
        clusters: Clusters = self._context.clusters
        try:
            return clusters.cache(clusters.find(app.spec.destination, f"Application {app.key}"))
        except InvalidSpec:
            return None

    def _ours(self, app: Application, cache: ClusterCache) -> list[StoredObject]:
        """Return the objects that surely belong to the Application."""
        settings, instance = self._context.governance.settings, self._context.instance(app)
        tracked = cache.store.tracked_by(instance)
        label = settings.tracking_method == "label"
        ours = [
            stored
            for stored in tracked
            if not stored.header.owners
            and (label or tracking.is_self_reference(stored.header.tracking, stored.header.key))
        ]
        if (app.spec.project or "default") not in self._context.governance.projects:
            return ours
        foreign = [s for s in ours if not permits(self._context, app, cache, s.header.key)]
        if foreign:
            names = ", ".join(str(s.header.key) for s in foreign[:3])
            log.info("objects left alone", extra={"application": str(app.key), "not_permitted": names})
        return [stored for stored in ours if stored not in foreign]

    def _doubt(self, app: Application) -> str:
        """Say why it is not known what the project permits; a project that is gone leaves no doubt.

        Objects must neither be left behind unsaid, nor be deleted against a project, because of a typing mistake.
        """
        name, governance = app.spec.project or "default", self._context.governance
        if not governance.synced():
            return "the projects could not be read yet, so it is not known what they permit to delete"
        problem = "" if name in governance.projects else governance.project_problem(name)
        problem = problem or self._context.guard.current.refusals.get(name, "")
        return f"it is not known which objects AppProject {name} permits to delete: {problem}" if problem else ""

    def _delete(self, cache: ClusterCache, client: KubeClient, victim: cascade.Victim, how: str) -> None:
        """Delete one object with `client`, which may act as somebody else."""
        resource = cache.discovery.find(victim.key.group, victim.key.kind)
        if resource is None:
            return
        key = victim.key
        try:
            client.delete(resource, key.namespace, key.name, propagation=how, uid=victim.uid)
        except NotFound:
            return

    def _say(self, app: Application, turn: Turn, text: str) -> None:
        """Write why the deletion is not finished."""
        now = self._context.clock.now()

        def make(newest: Application) -> JSON | None:
            finding = Finding(ConditionType.DELETION_ERROR, text)
            fields = published.condition_fields(newest, DELETION_TYPES, [finding], now)
            return published.patch_of(newest, fields, now, compared=False, answer=False)

        with turn.stage("status"):
            try:
                published.write_retrying(self._context, app, make)
            except NotFound:
                return
