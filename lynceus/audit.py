"""The audit log: what policy decided, who went past it, what governs, what people asked for. One JSON object a line.

A stream of its own, apart from the log: records are bounded, hold no secret, go through a queue of their own to a
thread of their own, and are dropped (counted and said) before anything waits for whoever reads them. The fields are
told in docs/logging.md. Listens to the Bus; called by lynceus.wiring.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
import typing as t

from controller.clock import Clock
from controller.turn import with_trace_id
from lynceus.auditstream import Record, Write, audit_sink, log_handler
from lynceus.logs import moment
from lynceus.sink import Losses
from model.additions import Freeze
from model.decision import Decision, Rule
from model.durations import parse_time
from model.events import (
    ApplicationDeleted,
    CalendarChanged,
    DecisionMade,
    Event,
    FreezeOverridden,
    Lost,
    OperationRequested,
    PolicyLoaded,
)
from model.meta import NamespacedName
from model.redaction import shown

log = logging.getLogger(__name__)

LONGEST_VALUE: t.Final = 1000
"""Characters of one value."""
MOST_ITEMS: t.Final = 20
"""Entries of one list; how many there are in all is said beside it."""
MOST_ANSWERS: t.Final = 50_000
"""Answers to the loop that are remembered, so that only another one makes a record."""


class Audit:
    """Makes records of events."""

    def __init__(self, write: Write, *, clock: Clock, freezes: t.Callable[[], t.Iterable[Freeze]]) -> None:
        """Begin with nothing remembered.

        Args:
            write: takes each record; must not block and not raise.
            clock: the time of records.
            freezes: the freezes of the policy in force.
        """
        self._write, self._clock, self._freezes = write, clock, freezes
        self._lock = threading.Lock()
        self._answers: dict[tuple[NamespacedName, str, bool], tuple[str, ...]] = {}
        self._asked: set[tuple[str, bool]] = set()
        """What the loop asks of Applications, so that an answer is found by its Application; a handful."""
        self._frozen: dict[str, Freeze] | None = None
        self._next_edge: dt.datetime | None = None
        self._on: dict[type[Event], t.Callable[[t.Any], None]] = {
            DecisionMade: self._decision,
            FreezeOverridden: self._override,
            OperationRequested: self._request,
            PolicyLoaded: self._policy,
            CalendarChanged: lambda event: self._calendar(),
            ApplicationDeleted: self._deleted,
        }

    def listen(self, event: Event) -> None:
        """Make the records of an event, if it is one of those."""
        reaction = self._on.get(type(event))
        if reaction is not None:
            reaction(event)
        if self._next_edge is not None and self._clock.now() >= self._next_edge:
            self._calendar()

    def _put(self, what: str, fields: Record) -> None:
        """Write a record as soon as the turn that makes it knows its trace; other threads' have none."""
        at = moment(self._clock.now().timestamp())

        def put(trace_id: str) -> None:
            self._write(_tidy({"time": at, "audit": what, **fields, "trace_id": trace_id}))

        with_trace_id(put)

    def _decision(self, event: DecisionMade) -> None:
        if event.source == "loop" and not self._is_another(event):
            return
        fields: Record = {
            "source": event.source,
            "subject": event.subject,
            "resource": event.resource,
            "action": event.action,
            "application": str(event.key) if event.key else "",
            "project": event.project,
            "manual": event.manual,
            **_answer(event.decision),
        }
        self._put("decision", fields)

    def _is_another(self, event: DecisionMade) -> bool:
        """Say whether the loop was answered otherwise than the last time it asked the same."""
        if event.key is None:
            return True
        decision = event.decision
        answer = (str(decision.effect), *_origin(decision.rule), *_origin(decision.overrode), event.subject)
        question = (event.key, f"{event.resource}/{event.action}", event.manual)
        with self._lock:
            known = self._answers.pop(question, None)
            self._answers[question] = answer
            self._asked.add(question[1:])
            if len(self._answers) > MOST_ANSWERS:
                del self._answers[next(iter(self._answers))]
        return known != answer

    def _deleted(self, event: ApplicationDeleted) -> None:
        with self._lock:
            for what, manual in self._asked:
                self._answers.pop((event.key, what, manual), None)

    def _override(self, event: FreezeOverridden) -> None:
        fields: Record = {
            "subject": event.subject,
            "application": str(event.key),
            "project": event.project,
            "given_reason": event.reason,
            **_answer(event.decision),
            **_rule("overrode", event.rule),
        }
        self._put("override", fields)

    def _request(self, event: OperationRequested) -> None:
        fields: Record = {
            "subject": event.subject,
            "request": event.what,
            "application": str(event.key),
            "project": event.project,
            **{word: value for word, value in event.details.items() if word not in ("time", "audit")},
        }
        self._put("request", fields)

    def _policy(self, event: PolicyLoaded) -> None:
        fields: Record = {
            "taken": event.ok,
            "generation": event.generation,
            "problems": [shown(problem, LONGEST_VALUE) for problem in event.problems[:MOST_ITEMS]],
            "problems_in_all": len(event.problems),
        }
        self._put("policy", fields)
        self._calendar()

    def _calendar(self) -> None:
        """Say which freezes began and which ended since the last look."""
        now = self._clock.now()
        with self._lock:
            before = self._frozen
            known = {freeze.id: freeze for freeze in self._freezes()}
            self._frozen = {name: freeze for name, freeze in known.items() if _in_force(freeze, now)}
            edges = (edge for freeze in known.values() for edge in _edges(freeze) if edge is not None and edge > now)
            self._next_edge = min(edges, default=None)
            frozen = self._frozen
        for name in frozen.keys() - (before or {}).keys():
            self._put("freeze", {"freeze": "began" if before is not None else "in force", **_freeze(frozen[name])})
        for name in (before or {}).keys() - frozen.keys():
            self._put("freeze", {"freeze": "ended", **_freeze(known.get(name, (before or {})[name]))})


def _in_force(freeze: Freeze, now: dt.datetime) -> bool:
    """As policy has it: from the start until the end or until it was stopped; a time that cannot be read blocks."""
    start, *ends = _edges(freeze)
    return (start is None or start <= now) and not any(end is not None and end <= now for end in ends)


def _edges(freeze: Freeze) -> tuple[dt.datetime | None, ...]:
    return tuple(_time(text) for text in (freeze.start, freeze.end, freeze.stopped))


def _time(text: str) -> dt.datetime | None:
    try:
        return parse_time(text)
    except ValueError:
        return None


def _freeze(freeze: Freeze) -> Record:
    return {
        "id": freeze.id,
        "subject": freeze.person,
        "given_reason": freeze.reason,
        "from": freeze.start,
        "until": freeze.end,
        "projects": list(freeze.projects[:MOST_ITEMS]),
        "applications": list(freeze.applications[:MOST_ITEMS]),
        "namespaces": list(freeze.namespaces[:MOST_ITEMS]),
        "clusters": list(freeze.clusters[:MOST_ITEMS]),
        "stopped": freeze.stopped,
        "stopped_by": freeze.stopped_by,
        "stop_reason": freeze.stop_reason,
        "problem": freeze.broken,
    }


def _answer(decision: Decision) -> Record:
    """Return what policy said, why, and until when."""
    return {
        "decision": str(decision.effect),
        "block": decision.block,
        "reason": decision.reason,
        **_rule("rule", decision.rule),
        **_rule("overrode", decision.overrode),
        "until": decision.until.isoformat().replace("+00:00", "Z") if decision.until else "",
        "generation": decision.generation,
    }


def _rule(word: str, rule: Rule | None) -> Record:
    if rule is None:
        return {}
    return {f"{word}_kind": rule.kind, word: rule.origin, f"{word}_text": rule.text, f"{word}_path": list(rule.path)}


def _origin(rule: Rule | None) -> tuple[str, ...]:
    return (rule.kind, rule.origin, rule.text) if rule is not None else ("",)


def _tidy(fields: Record) -> Record:
    """Return the record without empty fields, each text bounded and free of credentials."""
    tidy = {key: _bounded(value) for key, value in fields.items()}
    return {key: value for key, value in tidy.items() if value not in ("", [], None)}


def _bounded(value: t.Any) -> t.Any:
    if isinstance(value, list):
        return [_bounded(item) for item in value[:MOST_ITEMS]]
    return value if isinstance(value, (bool, int, float)) else shown(str(value), LONGEST_VALUE)


def attach(
    where: str,
    *,
    clock: Clock,
    freezes: t.Callable[[], t.Iterable[Freeze]],
    subscribe: t.Callable[[t.Callable[[Event], None]], None],
    publish: t.Callable[[Event], None],
) -> Losses:
    """Let an audit log hear the Bus, and the Bus hear of lines that this log and the other one lose.

    Args:
        where: as `audit_sink`.
        clock: the time of records.
        freezes: the freezes of the policy in force.
        subscribe: of the Bus.
        publish: of the Bus.

    Returns:
        What tells of losses, to be started and stopped.
    """
    sink, write = audit_sink(where)
    subscribe(Audit(write, clock=clock, freezes=freezes).listen)

    def lost(what: str, number: int) -> None:
        publish(Lost(what=t.cast("t.Literal['log record', 'audit record']", what), number=number))
        if what == "audit record":
            log.error("audit records were dropped", extra={"number": number})

    losses = Losses(lost)
    losses.watch("audit record", sink)
    if (handler := log_handler()) is not None:
        losses.watch("log record", handler.sink)
    return losses
