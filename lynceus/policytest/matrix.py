"""Reads tables: many subjects, actions and objects of one resource in a few lines, one case for each cell."""

from __future__ import annotations

import functools
import typing as t

from lynceus.policytest import cases, expecting, questions, subjects
from lynceus.policytest.cases import Expected, Question
from lynceus.policytest.fields import Fields, describe
from lynceus.policytest.world import Worlds
from policy.rbac.vocabulary import ACTIONS
from policy.subjects import Subject

EVERY = "*"
"""In a list of actions or objects of `allow`: all of the table's."""

_KEYS = ("resource", "subjects", "actions", "objects", "expect", "allow")
Cell = tuple[Question, Expected, int]


def read(case: Fields, worlds: Worlds) -> t.Iterator[Cell]:
    """Yield (question, expectation, line) of each cell.

    With `expect` every cell has the same answer. With `allow` the cells it lists are allowed and all others denied.
    """
    fields = case.nested("matrix", _KEYS)
    resource = questions.check_resource(fields, "resource", fields.text("resource", "applications"))
    actions = _actions(fields, resource)
    targets = _targets(fields, resource)
    people = _subjects(fields)
    fields.exactly_one(("expect", "allow"))
    allowed = _allowed(fields, people, actions, targets) if "allow" in fields else None
    expected = functools.cache(functools.partial(expecting.read, case, "matrix"))
    for label, (subject, line) in people.items():
        for action in actions:
            for target in targets:
                word = _word(fields, allowed, (label, action, target))
                yield cases.Can(subject, resource, action, target), expected(word), line


def _word(fields: Fields, allowed: set[tuple[str, str, str]] | None, cell: tuple[str, str, str]) -> str:
    if allowed is None:
        return fields.one_of("expect", ("allow", "deny"))
    return "allow" if cell in allowed else "deny"


def _actions(fields: Fields, resource: str) -> tuple[str, ...]:
    listed = fields.texts("actions")
    if not listed:
        raise fields.wrong("actions", "nothing", f"a list of actions, or {EVERY!r} for all of {resource}")
    if listed == (EVERY,):
        return tuple(sorted(ACTIONS[resource]))
    for index, action in enumerate(listed):
        questions.check_action(fields, "actions", resource, action, index)
    return listed


def _targets(fields: Fields, resource: str) -> tuple[str, ...]:
    listed = fields.texts("objects") or ("",)
    for index, target in enumerate(listed):
        questions.check_object(fields, "objects", resource, target, index if "objects" in fields else None)
    return listed


def _subjects(fields: Fields) -> dict[str, tuple[Subject, int]]:
    """Return the subjects by the labels that `allow` uses, each with its line."""
    if "subjects" not in fields:
        raise fields.wrong("", "no subjects", "subjects: a mapping of label to subject")
    table = fields.free("subjects")
    if not table.table:
        raise fields.wrong("subjects", "nothing", "a mapping of label to subject")
    found = {label: subjects.read(table.nested(label, subjects.KEYS)) for label in table.table}
    return {label: (subject, table.line_of(label)) for label, subject in found.items()}


def _allowed(
    fields: Fields, people: t.Collection[str], actions: t.Sequence[str], targets: t.Sequence[str]
) -> set[tuple[str, str, str]]:
    """Return the cells that must be allowed."""
    table = fields.nested("allow", tuple(people))
    cells: set[tuple[str, str, str]] = set()
    for label, value in table.table.items():
        if isinstance(value, dict):
            by_target = table.nested(label, tuple(targets))
            pairs = [(action, target) for target in value for action in _some(by_target, target, actions)]
        elif isinstance(value, list | str):
            pairs = [(action, target) for action in _some(table, label, actions) for target in targets]
        else:
            raise table.wrong(label, describe(value), "a list of actions, or a mapping of object to actions")
        cells |= {(label, *pair) for pair in pairs}
    return cells


def _some(fields: Fields, key: str, actions: t.Sequence[str]) -> t.Sequence[str]:
    """Return the actions under a key, which must be among those of the table."""
    listed = fields.texts(key)
    if listed == (EVERY,):
        return actions
    for index, action in enumerate(listed):
        if action not in actions:
            where = index if isinstance(fields.table[key], list) else None
            raise fields.wrong(key, f"{action[:40]!r}, which is not among actions", ", ".join(actions), where)
    return listed
