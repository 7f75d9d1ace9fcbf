"""Any history of Applications ends in the exposition that is built from scratch out of what is true at its end."""

from __future__ import annotations

import collections
import dataclasses
import typing as t

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter import Exporter, fragments
from exporter.catalogue import CATALOGUE
from model.events import ApplicationChanged, ApplicationDeleted, Event, OrphansCounted
from model.meta import NamespacedName
from tests.exporter.script import asked, attempted, behind, changed, ended, exporter, permission, stands, turn

PER_APPLICATION = tuple(metric.name for metric in CATALOGUE if metric.per_application)
NAMES = ("a", "b", 'c"\n', "d\ud800")

states = st.fixed_dictionaries(
    {},
    optional={
        "sync": st.sampled_from(["Synced", "OutOfSync", ""]),
        "health": st.sampled_from(["Healthy", "Degraded"]),
        "project": st.sampled_from(["shop", "other", ""]),
        "dest_server": st.sampled_from(["https://one", "https://two", ""]),
        "conditions": st.lists(st.sampled_from(["SyncError", "ComparisonError"]), max_size=2),
        "labels": st.sampled_from([None, {"team": "a"}, {"team": 'b"'}]),
        "resources": st.lists(st.sampled_from([("Synced", "Healthy"), ("OutOfSync", "")]), max_size=3),
        "operation_state": st.sampled_from([None, ended(), ended("Failed"), ended("Running", at=None)]),
    },
)
numbers = st.none() | st.integers(0, 5)
happenings = st.tuples(
    st.sampled_from(NAMES),
    st.one_of(
        st.tuples(st.just("changed"), states),
        st.tuples(st.just("deleted"), st.none()),
        st.tuples(st.just("attempted"), st.sampled_from(["Failed", "Succeeded"])),
        st.tuples(st.just("stands"), numbers),
        st.tuples(st.just("behind"), numbers),
        st.tuples(st.just("permitted"), st.booleans()),
        st.tuples(st.just("orphans"), st.integers(0, 3)),
        st.tuples(st.just("turn"), st.none()),
        st.tuples(st.just("asked"), st.sampled_from([200, 409])),
        st.tuples(st.just("scraped"), st.none()),
    ),
)


@dataclasses.dataclass
class Facts:
    """What is true of one Application: told to an exporter that has heard nothing else."""

    last: dict[str, Event] = dataclasses.field(default_factory=dict)
    finished: ApplicationChanged | None = None
    attempts: list[Event] = dataclasses.field(default_factory=list)
    turns: int = 0
    requests: collections.Counter[int] = dataclasses.field(default_factory=collections.Counter)

    def tell(self, made: Exporter, name: str) -> None:
        """Tell the facts, each once, in an order of its own."""
        for event in filter(None, (self.finished, self.last["changed"])):
            made.listen(event)
        for code, number in self.requests.items():
            for _ in range(number):
                made.listen(asked(name, code=code))
        if self.turns:
            made.listen(turn(name, end=1000.0 + 1.5 * self.turns))
        for event in (*self.attempts, *(event for kind, event in self.last.items() if kind != "changed")):
            made.listen(event)


def event_of(name: str, what: str, how: t.Any) -> Event:
    """Return the event that a step stands for."""
    key = NamespacedName("argocd", name)
    makers: dict[str, t.Callable[[], Event]] = {
        "changed": lambda: changed(name, **how),
        "deleted": lambda: ApplicationDeleted(key=key),
        "attempted": lambda: msgspec.structs.replace(attempted(name, how, final=True), dest_server="https://one"),
        "stands": lambda: stands(name, drift_since=how, unhealthy_since=how, health_status="Degraded"),
        "behind": lambda: behind(name, how, how),
        "permitted": lambda: permission(name, automated=how),
        "orphans": lambda: OrphansCounted(key=key, project="x", number=how),
        "turn": lambda: turn(name),
        "asked": lambda: asked(name, code=how),
    }
    return makers[what]()


def note(facts: dict[str, Facts], name: str, what: str, event: Event) -> None:
    """Write down what an event makes true; events of an Application that is not there make nothing true."""
    if what == "deleted":
        facts.pop(name, None)
    elif what == "changed":
        mine = facts.setdefault(name, Facts())
        assert isinstance(event, ApplicationChanged)
        mine.last["changed"] = event
        state = event.application.status.operation_state
        if state is None or state.phase != "Running":
            mine.finished = event
    elif (known := facts.get(name)) is None:
        return
    elif what == "attempted":
        known.attempts.append(event)
    elif what == "turn":
        known.turns += 1
    elif what == "asked":
        known.requests[event.code] += 1  # type: ignore[attr-defined]
    else:
        known.last[what] = event


def body(made: Exporter, accept: str = "") -> bytes:
    """Return the per-Application families as a scraper gets them."""
    return made.exposition(accept, "", PER_APPLICATION)[0]


@settings(max_examples=150, deadline=None)
@given(st.lists(happenings, max_size=60))
def test_any_history_gives_the_bytes_that_are_built_from_scratch(
    history: list[tuple[str, tuple[str, t.Any]]],
) -> None:
    """Deletions, late events, changes of project, scrapes in between: both formats are the same byte for byte."""
    made, facts = exporter(), dict[str, Facts]()
    for name, (what, how) in history:
        if what == "scraped":
            body(made)
            continue
        event = event_of(name, what, how)
        made.listen(event)
        note(facts, name, what, event)
    scratch = exporter()
    for name in sorted(facts, reverse=True):
        facts[name].tell(scratch, name)
    for accept in ("", "application/openmetrics-text"):
        assert body(scratch, accept) == body(made, accept)


def test_more_than_one_block_ends_in_the_same_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond one block the order of blocks is that of the seats; the lines are the same."""
    monkeypatch.setattr(fragments, "BLOCK", 4)
    made, scratch = exporter(), exporter()
    for number in range(40):
        made.listen(changed(f"app-{number}", labels={"team": "a"}))
    for number in range(0, 40, 3):
        made.listen(ApplicationDeleted(key=NamespacedName("argocd", f"app-{number}")))
    for number in range(39, -1, -1):
        if number % 3:
            scratch.listen(changed(f"app-{number}", labels={"team": "a"}))
    assert sorted(body(scratch).splitlines()) == sorted(body(made).splitlines())
    assert made._applications._seats.take() == 0
