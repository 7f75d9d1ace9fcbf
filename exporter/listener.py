"""Hands each event to what it moves. The reactions are by area in `exporter.reactions`; here they are joined."""

from __future__ import annotations

import typing as t

from exporter.applications import Applications
from exporter.choice import Choice
from exporter.instruments import Instruments
from exporter.reactions import Reaction
from exporter.reactions.clusters import Clusters, Sets
from exporter.reactions.delivery import Delivery
from exporter.reactions.git import Git
from exporter.reactions.loop import Loop
from exporter.reactions.policy import Policy
from exporter.reactions.process import Process
from exporter.usage import Usage
from model import events


class Listener:
    """Moves metrics when something happens in the loop."""

    def __init__(
        self,
        instruments: Instruments,
        *,
        argocd_metrics: bool,
        now: t.Callable[[], float],
        count_attempts: bool = True,
        chosen: Choice | None = None,
    ) -> None:
        """Join the stores of series.

        Args:
            instruments: everything that no Application owns.
            argocd_metrics: export the families that an Argo CD in the same cluster exports too.
            now: the clock, in Unix seconds.
            count_attempts: False counts syncs as Argo CD does, once per finished operation.
            chosen: what was asked for beyond the rest.
        """
        chosen = chosen or Choice()
        git, delivery, clusters = Git(instruments, now), Delivery(instruments), Clusters(instruments, chosen, now)
        self._git, self.loop = git, Loop(instruments, clusters.left)
        usage = Usage(
            project_came=delivery.project_came,
            project_went=delivery.project_went,
            environment_came=delivery.environment_came,
            environment_went=delivery.environment_went,
            namespace_went=delivery.namespace_went,
            repository_came=git.came,
            repository_went=git.went,
        )
        self.applications = Applications(
            argocd_metrics=argocd_metrics,
            count_attempts=count_attempts,
            chosen=chosen,
            usage=usage,
            on_drop=instruments.dropped,
        )
        tables = (
            self._of_applications(),
            delivery.on,
            delivery.defines(usage),
            git.on,
            self.loop.on,
            clusters.on,
            Sets(instruments, chosen).on,
            Policy(instruments, self.applications, now).on,
            Process(instruments).on,
        )
        self._on = _joined(tables)

    def listen(self, event: events.Event) -> None:
        """Move what this event moves; events without a metric are ignored."""
        for reaction in self._on.get(type(event), ()):
            reaction(event)

    def _of_applications(self) -> dict[type[events.Event], Reaction]:
        return {
            events.ApplicationChanged: self.applications.changed,
            events.ApplicationDeleted: self.applications.deleted,
            events.SyncAttempted: self.applications.attempted,
            events.SyncPermission: self.applications.permitted,
            events.Standing: self.applications.stands,
            events.CommitsBehind: self.applications.behind,
            events.OrphansCounted: self.applications.orphans,
            events.TurnFinished: self.applications.cost,
            events.ApiRequestFinished: self.applications.asked,
        }


def _joined(tables: t.Iterable[t.Mapping[type[events.Event], Reaction]]) -> dict[type[events.Event], list[Reaction]]:
    """Return all reactions to each kind of event."""
    joined: dict[type[events.Event], list[Reaction]] = {}
    for table in tables:
        for kind, reaction in table.items():
            joined.setdefault(kind, []).append(reaction)
    return joined
