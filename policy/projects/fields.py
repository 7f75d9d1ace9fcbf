"""Fields of an AppProject that nobody reads: misspelt ones mostly, whose rule is then not there.

The API server drops them without a word, so that only files still show them. Pure; called by policy.projects.lint.
"""

from __future__ import annotations

import difflib
import functools
import typing as t

import msgspec
from msgspec import inspect

from model.project import AppProject, ProjectSpec
from policy.findings import Finding, Severity, shown

CLOSE = 0.75
"""Likeness, of 1, from which an unknown field counts as a misspelling."""


def unknown_fields(project: AppProject, where: str) -> tuple[Finding, ...]:
    """Return a finding for each field of the spec that has no meaning; none when the object was not read from bytes."""
    try:
        whole = msgspec.json.decode(project.raw) if project.raw else {}
    except (msgspec.MsgspecError, RecursionError):
        return ()
    spec = whole.get("spec") if isinstance(whole, dict) else None
    return tuple(_walk(spec, inspect.type_info(ProjectSpec), f"{where}: spec"))


def _walk(value: t.Any, kind: inspect.Type, where: str) -> t.Iterator[Finding]:
    """Compare a JSON value with its type; what is no struct or list of structs has no fields of its own."""
    for one in kind.types if isinstance(kind, inspect.UnionType) else (kind,):
        if isinstance(one, inspect.ListType) and isinstance(value, list):
            for number, item in enumerate(value):
                yield from _walk(item, one.item_type, f"{where}[{number}]")
        elif isinstance(one, inspect.StructType) and isinstance(value, dict):
            known = _fields(one.cls)
            for name, item in value.items():
                if name in known:
                    yield from _walk(item, known[name], f"{where}.{name}")
                else:
                    yield _unknown(name, known, where)


@functools.lru_cache(maxsize=64)
def _fields(struct: type) -> dict[str, inspect.Type]:
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)
    return {field.encode_name: field.type for field in info.fields}


def _unknown(name: str, known: t.Collection[str], where: str) -> Finding:
    folded = {field.lower(): field for field in known}
    near = difflib.get_close_matches(name.lower(), folded, n=1, cutoff=CLOSE)
    severity: Severity = "error" if near else "warning"
    fix = folded[near[0]] if near else f"one of {', '.join(sorted(known))}"
    text = f"field {shown(name)} is not known, so it says nothing"
    return Finding(code="project-unknown-field", severity=severity, where=where, text=text, fix=fix)
