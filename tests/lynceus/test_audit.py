"""lynceus.audit: who did what, what policy said, and nothing that must not be in it."""

from __future__ import annotations

import datetime as dt
import time
import typing as t
from pathlib import Path

import msgspec
import pytest

from controller.turn import Turn
from lynceus import audit as module
from lynceus.audit import Audit
from model.additions import Freeze
from model.decision import Decision, Rule, allow, deny
from model.events import (
    ApplicationDeleted,
    CalendarChanged,
    DecisionMade,
    Event,
    FreezeOverridden,
    OperationRequested,
    PolicyLoaded,
    SyncPermission,
)
from model.meta import NamespacedName
from tests.controller.builders import NOW, FakeClock

KEY = NamespacedName("argocd", "web")
RULE = Rule(kind="window", origin="AppProject shop: spec.syncWindows[0]", text="deny 0 9 * * * 8h")
CLOSED = deny("a window is closed", RULE, until=NOW + dt.timedelta(hours=1), generation="g1")


class Log:
    """An audit log that keeps its records."""

    def __init__(self) -> None:
        self.records: list[dict[str, t.Any]] = []
        self.clock, self.freezes = FakeClock(), list[Freeze]()
        self.audit = Audit(self.records.append, clock=self.clock, freezes=lambda: self.freezes)

    def hear(self, *events: Event) -> list[dict[str, t.Any]]:
        """Tell the log of events; returns the records of these."""
        before = len(self.records)
        for event in events:
            self.audit.listen(event)
        return self.records[before:]


@pytest.fixture
def log() -> Log:
    return Log()


def decided(decision: Decision = CLOSED, **values: t.Any) -> DecisionMade:
    given: dict[str, t.Any] = {
        "decision": decision,
        "resource": "applications",
        "action": "sync",
        "source": "api",
        "project": "shop",
        "key": KEY,
        "subject": "alice",
        "manual": True,
    }
    return DecisionMade(**(given | values))


def freeze(**values: t.Any) -> Freeze:
    given: dict[str, t.Any] = {
        "id": "xmas",
        "reason": "holidays",
        "person": "carol",
        "start": "2026-03-01T12:30:00Z",
        "end": "2026-03-01T14:00:00Z",
    }
    return Freeze(**(given | values))


def test_a_decision_for_a_person_is_told_whole(log: Log) -> None:
    """Who asked what, the answer, the rule with its place and text, until when, and by which policy."""
    assert [
        {
            "time": "2026-03-01T12:00:00.000Z",
            "audit": "decision",
            "source": "api",
            "subject": "alice",
            "resource": "applications",
            "action": "sync",
            "application": "argocd/web",
            "project": "shop",
            "manual": True,
            "decision": "deny",
            "block": "window_deny",
            "reason": "a window is closed",
            "rule_kind": "window",
            "rule": "AppProject shop: spec.syncWindows[0]",
            "rule_text": "deny 0 9 * * * 8h",
            "until": "2026-03-01T13:00:00Z",
            "generation": "g1",
        }
    ] == log.hear(decided())


@pytest.mark.parametrize("source", ["api", "webhook"])
def test_every_answer_to_people_is_told(log: Log, source: str) -> None:
    """Asked twice, told twice; allowed or not."""
    said = log.hear(decided(source=source), decided(source=source), decided(allow("open"), source=source))
    assert ["deny", "deny", "allow"] == [record["decision"] for record in said]


def test_the_loop_tells_only_another_answer(log: Log) -> None:
    """It asks each turn; what counts is when the answer or the rule changes, per Application and kind of sync."""
    closed, opened = decided(source="loop"), decided(allow("open"), source="loop")
    assert 1 == len(log.hear(closed, closed, decided(deny("still", RULE, generation="g2"), source="loop")))
    assert 1 == len(log.hear(decided(source="loop", manual=False)))
    assert 1 == len(log.hear(decided(source="loop", key=NamespacedName("argocd", "other"))))
    assert ["allow", "deny"] == [record["decision"] for record in log.hear(opened, opened, closed)]
    another = Rule(kind="freeze", origin="lynceus-cm freeze.xmas")
    assert ["lynceus-cm freeze.xmas"] == [r["rule"] for r in log.hear(decided(deny("frozen", another), source="loop"))]


def test_a_deleted_application_is_forgotten(log: Log) -> None:
    """One of its name made later is told of from the start."""
    log.hear(decided(source="loop"), ApplicationDeleted(key=KEY))
    assert 1 == len(log.hear(decided(source="loop")))


def test_many_deletions_take_no_time(log: Log) -> None:
    """The watch is not to wait while ten thousand Applications are forgotten."""
    keys = [NamespacedName("argocd", f"web-{number}") for number in range(10_000)]
    log.hear(*(decided(source="loop", key=key) for key in keys))
    began = time.process_time()
    log.hear(*(ApplicationDeleted(key=key) for key in keys))
    assert time.process_time() - began < 1
    assert 1 == len(log.hear(decided(source="loop", key=keys[0])))


def test_remembered_answers_are_bounded(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of too many the oldest is forgotten and told again; memory does not grow."""
    monkeypatch.setattr(module, "MOST_ANSWERS", 2)
    apps = [decided(source="loop", key=NamespacedName("argocd", name)) for name in "abc"]
    assert 3 == len(log.hear(*apps))
    assert 1 == len(log.hear(apps[0]))
    assert 0 == len(log.hear(apps[2]))


def test_an_override_says_who_why_and_past_what(log: Log) -> None:
    """Break-glass: the person's own words, the rule that was passed over, and the answer."""
    past = Rule(kind="freeze", origin="lynceus-cm freeze.xmas", text="holidays")
    decision = allow("break-glass by alice", overrode=past)
    event = FreezeOverridden(
        key=KEY, project="shop", subject="alice", reason="prod is down", rule=past, decision=decision
    )
    (record,) = log.hear(event)
    assert {
        "audit": "override",
        "subject": "alice",
        "given_reason": "prod is down",
        "application": "argocd/web",
        "project": "shop",
        "decision": "allow",
        "overrode": "lynceus-cm freeze.xmas",
        "overrode_text": "holidays",
    }.items() <= record.items()


def test_requests_say_who_and_what(log: Log) -> None:
    """What a person asked for and was let through with."""
    details = {"revision": "main", "given_reason": "prod is down", "time": "forged", "audit": "forged"}
    (record,) = log.hear(OperationRequested(key=KEY, project="shop", subject="alice", what="sync", details=details))
    assert {
        "time": "2026-03-01T12:00:00.000Z",
        "audit": "request",
        "request": "sync",
        "subject": "alice",
        "application": "argocd/web",
        "project": "shop",
        "revision": "main",
        "given_reason": "prod is down",
    } == record


def test_a_policy_is_told_taken_or_refused(log: Log) -> None:
    """With its generation, and with what is wrong: some of it, and how much there is."""
    taken, refused = log.hear(
        PolicyLoaded(ok=True, generation="g1"),
        PolicyLoaded(ok=False, generation="g2", problems=tuple(f"line {n}" for n in range(50))),
    )
    assert (True, "g1") == (taken["taken"], taken["generation"])
    assert (False, 50, module.MOST_ITEMS) == (refused["taken"], refused["problems_in_all"], len(refused["problems"]))


def test_freezes_begin_and_end_when_the_clock_says_so(log: Log) -> None:
    """No event is needed at the very moment: whatever is heard next makes the records."""
    log.freezes = [freeze()]
    assert [] == [r for r in log.hear(CalendarChanged()) if r["audit"] == "freeze"]
    log.clock.advance(1800)
    permission = SyncPermission(key=KEY, project="shop", automated=allow("x"), manual=allow("x"))
    (began,) = log.hear(permission)
    assert ("began", "xmas", "carol", "holidays", ["*"]) == tuple(
        began[key] for key in ("freeze", "id", "subject", "given_reason", "projects")
    )
    assert [] == log.hear(permission)
    log.clock.advance(5400)
    (ended,) = log.hear(permission)
    assert ("ended", "xmas") == (ended["freeze"], ended["id"])


def test_a_freeze_that_is_stopped_ends_with_the_name_of_who_did(log: Log) -> None:
    """The record that ends it says by whom and why; one taken away altogether ends too."""
    running = freeze(start="2026-03-01T11:00:00Z")
    log.freezes = [running, freeze(id="other", start="2026-03-01T11:00:00Z")]
    log.hear(PolicyLoaded(ok=True, generation="g1"))
    log.freezes = [
        freeze(start="2026-03-01T11:00:00Z", stopped="2026-03-01T12:00:00Z", stopped_by="dave", stop_reason="done")
    ]
    *_, first, second = log.hear(PolicyLoaded(ok=True, generation="g2"))
    ended = {record["id"]: record for record in (first, second)}
    assert ("ended", "dave", "done") == tuple(ended["xmas"][key] for key in ("freeze", "stopped_by", "stop_reason"))
    assert "ended" == ended["other"]["freeze"]


def test_a_freeze_that_runs_at_the_start_does_not_begin_again(log: Log) -> None:
    """After a restart it is said to be in force."""
    log.freezes = [freeze(start="2026-03-01T11:00:00Z"), freeze(id="odd", start="", end="", broken="no JSON")]
    said = {r["id"]: r["freeze"] for r in log.hear(PolicyLoaded(ok=True, generation="g1")) if r["audit"] == "freeze"}
    assert {"xmas": "in force", "odd": "in force"} == said


def test_records_carry_the_trace_of_their_turn(log: Log) -> None:
    """Also when the turn learns only later which deployment it is part of; other threads' records have none."""
    turn = Turn(KEY, "operation", log.clock)
    with turn.current():
        assert [] == log.hear(decided(source="loop"))
        turn.deploy("a" * 40)
        assert [turn.trace_id] == [record["trace_id"] for record in log.records]
    (record,) = log.hear(decided())
    assert "trace_id" not in record


def test_no_credential_and_no_endless_text_reaches_a_record(log: Log) -> None:
    """URLs lose user and password, long values are cut, long lists too."""
    url = "https://user:LYN-CANARY@git.example/x"
    rule = Rule(kind="rbac", origin=url, text=url * 100, path=tuple(url for _ in range(100)))
    records = log.hear(
        decided(deny(f"no {url}", rule), subject=url),
        PolicyLoaded(ok=False, generation="g", problems=(url, "x" * 10_000)),
        FreezeOverridden(key=KEY, project="p", subject="s", reason=url, rule=rule, decision=allow(url)),
        OperationRequested(key=KEY, project="p", subject=url, what="sync", details={"revision": url}),
    )
    log.freezes = [freeze(start="2026-03-01T11:00:00Z", reason=url, projects=tuple(url for _ in range(100)))]
    records += log.hear(CalendarChanged())
    assert 5 == len(records)
    assert "CANARY" not in str(records)
    assert "git.example" in str(records)
    for record in records:
        assert len(str(record)) < 60_000
        assert all(len(value) <= module.LONGEST_VALUE + 1 for value in record.values() if isinstance(value, str))
        assert all(len(value) <= module.MOST_ITEMS for value in record.values() if isinstance(value, list))


def test_each_field_is_documented(log: Log) -> None:
    """docs/logging.md names every field that a record can have."""
    rule = Rule(kind="rbac", origin="policy.csv:1", text="p, a", path=("alice", "role:dev"))
    decision = msgspec.structs.replace(CLOSED, rule=rule, overrode=rule)
    log.freezes = [
        Freeze(
            id="x", reason="r", person="p", start="2026-03-01T11:00:00Z", end="2026-03-02T11:00:00Z",
            applications=("a",), namespaces=("n",), clusters=("c",), stopped="2026-03-02T10:00:00Z",
            stopped_by="d", stop_reason="s", broken="b",
        )
    ]  # fmt: skip
    with Turn(KEY, "refresh", log.clock).current():
        log.hear(
            decided(decision),
            FreezeOverridden(key=KEY, project="p", subject="s", reason="r", rule=rule, decision=decision),
            PolicyLoaded(ok=False, generation="g", problems=("x",)),
            OperationRequested(key=KEY, project="p", subject="s", what="sync", details={"revision": "main"}),
        )
    text = (Path(__file__).parents[2] / "docs" / "logging.md").read_text()
    made = {field for record in log.records for field in record}
    assert {"trace_id", "overrode_path", "stop_reason", "problems_in_all"} <= made
    assert set() == {field for field in made if f"`{field}`" not in text}


def test_other_events_make_no_record(log: Log) -> None:
    """Permissions are asked for all the time."""
    assert [] == log.hear(SyncPermission(key=KEY, project="p", automated=allow("x"), manual=allow("x")))
