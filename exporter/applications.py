"""Applications -> the lines of the per-application families. No I/O; called by `exporter.listener` with events.

An Application is known from its first ApplicationChanged to its ApplicationDeleted. What arrives for one that is not
known (a turn that ended after the deletion) is dropped, so that a deleted Application cannot come back. Lines are
written when what they say may have changed, and then only those.
"""

from __future__ import annotations

import sys
import threading
import typing as t

from exporter import choice, readings, tallies
from exporter.catalogue import CATALOGUE
from exporter.choice import Choice
from exporter.fragments import FragmentFamily, Line, Picture, Seats
from exporter.usage import Usage, Uses
from model import events
from model.application import Application
from model.meta import NamespacedName
from model.states import OperationPhase

_REQUESTS = "argocd_app_k8s_request_total"

Row = tuple[tuple[str, ...], float]
"""Values of the labels after namespace, name and project, and the number."""


class _Standing(t.NamedTuple):
    drift_since: float | None
    unhealthy_since: float | None
    health_status: str


class _Permission(t.NamedTuple):
    automated: bool
    manual: bool
    block: str
    until: float | None


class _State:
    """What is kept of one Application beside its lines."""

    __slots__ = (
        "behind",
        "blocked",
        "cost",
        "cut",
        "dest_server",
        "last",
        "oldest",
        "orphans",
        "permission",
        "project",
        "requests",
        "seat",
        "standing",
        "syncs",
        "uses",
    )

    def __init__(self, seat: int) -> None:
        self.seat = seat
        self.project = self.dest_server = ""
        self.uses: Uses | None = None
        self.syncs = tallies.Syncs()
        self.requests: tallies.Requests | None = None
        self.cost = 0.0
        self.cut = False
        self.last: readings.Last | None = None
        self.orphans: int | None = None
        self.standing: _Standing | None = None
        self.behind: int | None = None
        self.oldest: float | None = None
        self.permission: _Permission | None = None
        self.blocked: set[tuple[bool, str]] | None = None


class Applications:
    """The per-application families, kept up to date by events."""

    def __init__(
        self,
        *,
        argocd_metrics: bool,
        count_attempts: bool = True,
        chosen: Choice | None = None,
        usage: Usage | None = None,
        on_drop: t.Callable[[str, int], None] = lambda family, number: None,
    ) -> None:
        """Start without any Application.

        Args:
            argocd_metrics: False leaves out the families that an Argo CD in the same cluster exports too.
            count_attempts: False counts as Argo CD does: once per finished operation, whatever its retries.
            chosen: what was asked for; None is what is exported unless something else is asked for.
            usage: is told which projects, environments and repositories Applications name.
            on_drop: is told (family, number) of lines that there was no room for.
        """
        self._choice, self._usage, self._on_drop = chosen or Choice(), usage or Usage(), on_drop
        metrics = [m for m in CATALOGUE if m.per_application and (argocd_metrics or not m.shadows_argocd)]
        metrics = [metric for metric in metrics if self._choice.wants(metric)]
        self.families = tuple(FragmentFamily(metric, most_lines=self._choice.most_lines) for metric in metrics)
        self._labels = choice.label_names(self._choice.application_labels)
        more = tuple(self._labels)
        self._writers = {
            family.metric.name: (family, Line(family.metric, more if family.metric.chosen_labels else ()))
            for family in self.families
        }
        wanted = self._choice.application_conditions
        self._conditions = None if choice.EVERY in wanted else frozenset(wanted)
        self._count_attempts = count_attempts
        self._telling = _REQUESTS in self._writers
        self._stale: dict[NamespacedName, None] = {}
        self._seats = Seats()
        self._states: dict[NamespacedName, _State] = {}
        self._lock = threading.Lock()

    def changed(self, event: events.ApplicationChanged) -> None:
        """Take a new version of an Application."""
        app, key = event.application, event.application.key
        project, dest_server = sys.intern(readings.project(app)), sys.intern(event.dest_server)
        with self._lock:
            if (state := self._states.get(key)) is None:
                state = self._states[key] = _State(self._seats.take())
                self._mind_the_number()
            moved, redirected = state.cut or project != state.project, dest_server != state.dest_server
            state.project, state.dest_server, state.cut = project, dest_server, False
            self._use(state, app)
            self._write_object(key, state, app)
            self._take_last(key, state, app, again=moved)
            if moved or redirected:
                self._write_syncs(key, state)
            if moved:
                self._write_rest(key, state)

    def deleted(self, event: events.ApplicationDeleted) -> None:
        """Forget an Application and all of its series."""
        with self._lock:
            if (state := self._states.pop(event.key, None)) is None:
                return
            for family in self.families:
                family.remove(state.seat)
            self._stale.pop(event.key, None)
            self._seats.give(state.seat)
            self._usage.moved(state.uses, None)
            self._mind_the_number()

    def attempted(self, event: events.SyncAttempted) -> None:
        """Count an attempt of a sync."""
        counts = event.final or (self._count_attempts and event.phase != OperationPhase.SUCCEEDED)
        with self._lock:
            if not counts or (state := self._states.get(event.key)) is None:
                return
            # An attempt that failed before its destination was resolved belongs to the series that was born at 0.
            place = sys.intern(event.dest_server or state.dest_server)
            state.syncs.count(place, event.phase, readings.flag(event.dry_run), state.dest_server)
            if event.final:
                state.syncs.add(place, event.finished - event.started, state.dest_server)
            self._write_syncs(event.key, state)

    def permitted(self, event: events.SyncPermission) -> None:
        """Take whether a sync would be let through now."""
        until = event.automated.until.timestamp() if event.automated.until else None
        new = _Permission(event.automated.allowed, event.manual.allowed, event.automated.block, until)
        with self._lock:
            if (state := self._states.get(event.key)) is None:
                return
            if state.blocked:
                through = {manual for manual, allowed in ((False, new.automated), (True, new.manual)) if allowed}
                # Nobody in particular asked, so RBAC was not: what it refuses a person it may refuse still.
                state.blocked = {b for b in state.blocked if b[0] not in through or b == (True, "rbac")}
            if state.permission != new:
                state.permission = new
                self._write_permission(event.key, state)

    def blocks(self, event: events.DecisionMade) -> str:
        """Return the project, when the answer keeps a sync from running that nothing of the kind has kept before."""
        if event.key is None or (event.resource, event.action) != ("applications", "sync"):
            return ""
        with self._lock:
            if (state := self._states.get(event.key)) is None:
                return ""
            known = state.blocked or set()
            if event.decision.allowed:
                state.blocked = {b for b in known if b[0] != event.manual} or None
                return ""
            found = (event.manual, event.decision.block)
            state.blocked = known | {found}
            return "" if found in known else state.project

    def stands(self, event: events.Standing) -> None:
        """Take since when the Application is as it is."""
        with self._lock:
            if (state := self._states.get(event.key)) is not None:
                state.standing = _Standing(event.drift_since, event.unhealthy_since, event.health_status or "Unknown")
                self._write_standing(event.key, state)

    def behind(self, event: events.CommitsBehind) -> None:
        """Take how far the Application is behind its target branch."""
        with self._lock:
            if (state := self._states.get(event.key)) is not None:
                state.behind, state.oldest = event.number, event.oldest
                self._write_behind(event.key, state)

    def orphans(self, event: events.OrphansCounted) -> None:
        """Take the number of objects that nobody tracks."""
        with self._lock:
            if (state := self._states.get(event.key)) is not None:
                state.orphans = event.number
                self._write_orphans(event.key, state)

    def cost(self, event: events.TurnFinished) -> None:
        """Add the time that a turn took."""
        with self._lock:
            if (state := self._states.get(event.key)) is not None and not event.idle:
                state.cost += max(event.end - event.start, 0.0)
                self._write_cost(event.key, state)

    def asked(self, event: events.ApiRequestFinished) -> None:
        """Count a request to an API server; its line is written at the next scrape, as there may be many of them."""
        if event.application is None:
            return
        with self._lock:
            state = self._states.get(event.application)
            if not self._telling or state is None:
                return
            state.requests = state.requests or tallies.Requests()
            if state.requests.count(event):
                self._stale[event.application] = None
            else:
                self._on_drop(_REQUESTS, 1)

    def pictures(self, *, gzip: bool) -> list[tuple[FragmentFamily, list[Picture]]]:
        """Return what the families are made of, all of one moment: no Application is in one and not in another."""
        with self._lock:
            for key in self._stale:
                self._write_requests(key, self._states[key])
            self._stale.clear()
            return [(family, family.pictures(gzip=gzip)) for family in self.families]

    def _mind_the_number(self) -> None:
        """Stop and begin again to tell of requests, when that is left to the number of Applications."""
        if self._choice.application_requests != "auto" or _REQUESTS not in self._writers:
            return
        number = len(self._states)
        if self._telling and number > choice.FEW_APPLICATIONS:
            self._telling = False
            self._stale.clear()
            self._writers[_REQUESTS][0].clear()
            for state in self._states.values():
                state.requests = None
        elif not self._telling and number <= choice.FEW_AGAIN:
            self._telling = True

    def _use(self, state: _State, app: Application) -> None:
        uses = Uses(
            sys.intern(app.metadata.namespace),
            state.project,
            readings.environment(app, self._choice.environment_label),
            readings.repositories(app),
        )
        if uses != state.uses:
            self._usage.moved(state.uses, uses)
            state.uses = uses

    def _write_object(self, key: NamespacedName, state: _State, app: Application) -> None:
        """Write what follows from the object alone."""
        info = readings.info(app, state.dest_server)
        self._put("argocd_app_info", key, state, [(info, 1)])
        automated, _, dest_server, _, sync, health, _ = info
        self._put("lynceus_app_info", key, state, [((dest_server, automated, sync, health), 1)])
        self._put("lynceus_app_resources", key, state, readings.resources(app))
        if self._labels:
            rows: list[Row] = [(tuple(choice.chosen_values(self._labels, app.metadata.labels)), 1)]
            self._put("argocd_app_labels", key, state, rows)
            self._put("lynceus_app_labels", key, state, rows)
        if self._choice.application_conditions:
            self._put("argocd_app_condition", key, state, readings.conditions(app, self._conditions))

    def _take_last(self, key: NamespacedName, state: _State, app: Application, *, again: bool) -> None:
        last = readings.last(app.status.operation_state, state.last)
        if again or last != state.last:
            state.last = last
            self._put("lynceus_app_last_sync_info", key, state, [((last.phase,), 1)] if last else [])
            self._one("lynceus_app_last_sync_finished_timestamp_seconds", key, state, last.finished if last else None)

    def _write_rest(self, key: NamespacedName, state: _State) -> None:
        """Write what other events have told, under a new project."""
        self._write_cost(key, state)
        self._write_orphans(key, state)
        self._write_standing(key, state)
        self._write_behind(key, state)
        self._write_permission(key, state)
        if state.requests:
            self._stale[key] = None

    def _write_syncs(self, key: NamespacedName, state: _State) -> None:
        self._put("argocd_app_sync_total", key, state, state.syncs.counts(state.dest_server))
        self._put("argocd_app_sync_duration_seconds_total", key, state, state.syncs.seconds(state.dest_server))

    def _write_cost(self, key: NamespacedName, state: _State) -> None:
        self._one("lynceus_app_reconcile_cost_seconds_total", key, state, state.cost)

    def _write_orphans(self, key: NamespacedName, state: _State) -> None:
        self._one("argocd_app_orphaned_resources_count", key, state, state.orphans)

    def _write_requests(self, key: NamespacedName, state: _State) -> None:
        rows = state.requests.rows() if state.requests else []
        self._put(_REQUESTS, key, state, rows)

    def _write_standing(self, key: NamespacedName, state: _State) -> None:
        if (standing := state.standing) is None:
            return
        self._one("lynceus_app_drift_since_timestamp_seconds", key, state, standing.drift_since)
        since = standing.unhealthy_since
        rows: list[Row] = [] if since is None else [((standing.health_status,), since)]
        self._put("lynceus_app_unhealthy_since_timestamp_seconds", key, state, rows)

    def _write_behind(self, key: NamespacedName, state: _State) -> None:
        self._one("lynceus_app_commits_behind", key, state, state.behind)
        self._one("lynceus_app_oldest_undeployed_commit_timestamp_seconds", key, state, state.oldest)

    def _write_permission(self, key: NamespacedName, state: _State) -> None:
        if (now := state.permission) is None:
            return
        answers = [(("auto",), int(now.automated)), (("manual",), int(now.manual))]
        self._put("lynceus_app_sync_allowed", key, state, answers)
        self._put("lynceus_app_sync_blocked", key, state, [] if now.automated else [((now.block,), 1)])
        opens, closes = (None, now.until) if now.automated else (now.until, None)
        self._one("lynceus_app_window_next_open_timestamp_seconds", key, state, opens)
        self._one("lynceus_app_window_next_close_timestamp_seconds", key, state, closes)

    def _one(self, name: str, key: NamespacedName, state: _State, number: float | None) -> None:
        """Write the only line of a family without further labels; None leaves it out."""
        self._put(name, key, state, [] if number is None else [((), number)])

    def _put(self, name: str, key: NamespacedName, state: _State, rows: t.Sequence[Row]) -> None:
        """Write the lines of one Application in one family, when that family is exported."""
        if (found := self._writers.get(name)) is None:
            return
        family, line = found
        text = "".join([line.write((*key, state.project, *values), number) for values, number in rows])
        if dropped := family.put(state.seat, text.encode()):
            state.cut = True
            self._on_drop(name, dropped)
