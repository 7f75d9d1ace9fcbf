"""Reads what a case must answer: expect, rule, until, reason, path, overrode."""

from __future__ import annotations

import datetime as dt
import typing as t

from lynceus.policytest.cases import NEVER, Expected, Word
from lynceus.policytest.fields import Fields, describe

KEYS = ("expect", "rule", "reason", "path", "until", "overrode")

_ANSWERS = ("allow", "deny")
_STATES = ("open", "closed", "invalid")
_MEANT: dict[str, tuple[str, ...]] = {
    "can": ("rule", "reason", "path"),
    "matrix": ("rule", "reason"),
    "sync": ("rule", "reason", "path", "until", "overrode"),
    "permitted": ("rule", "reason"),
    "source": ("rule", "reason"),
    "destination": ("rule", "reason"),
    "resource": ("rule", "reason"),
    "window": ("until",),
    "findings": (),
}
"""Kind of question -> what can be expected of its answer beside the answer itself."""


def read(fields: Fields, kind: str, word: str | None = None) -> Expected:
    """Return what a case expects.

    Args:
        fields: the case.
        kind: of its question.
        word: the answer when it stands elsewhere than under `expect`.
    """
    for key in KEYS[1:]:
        if key in fields and key not in _MEANT[kind]:
            wanted = ", ".join(("expect", *_MEANT[kind])) if kind != "findings" else "the codes alone"
            raise fields.wrong(key, f"{key} beside {kind}", wanted)
    rule, origin, text = _rule(fields)
    return Expected(
        word=_word(fields, kind, word),
        rule=rule,
        origin=origin,
        text=text,
        reason=fields.name("reason") if "reason" in fields else "",
        path=fields.texts("path") if "path" in fields else None,
        until=_until(fields),
        overrode=fields.name("overrode") if "overrode" in fields else "",
    )


def _word(fields: Fields, kind: str, word: str | None) -> Word:
    if kind == "findings":
        if "expect" in fields:
            raise fields.wrong("expect", "expect beside findings", "the codes alone")
        return "found"
    words = _STATES if kind == "window" else _ANSWERS
    if word is None:
        return t.cast("Word", fields.one_of("expect", words))
    if word not in words:
        raise fields.wrong("timeline", f"{word[:40]!r}", "one of " + ", ".join(words))
    return t.cast("Word", word)


def _rule(fields: Fields) -> tuple[str, str | None, str | None]:
    """Return (part, whole origin, whole text)."""
    if "rule" not in fields:
        return "", None, None
    value = fields.table["rule"]
    if isinstance(value, str):
        return fields.name("rule"), None, None
    if not isinstance(value, dict):
        raise fields.wrong("rule", describe(value), "text that the rule contains, or {origin, text}")
    exact = fields.nested("rule", ("origin", "text"))
    if not exact.table:
        raise fields.wrong("rule", "an empty mapping", "origin, text or both")
    origin = exact.text("origin") if "origin" in exact else None
    return "", origin, exact.text("text") if "text" in exact else None


def _until(fields: Fields) -> dt.datetime | t.Literal["never"] | None:
    if fields.table.get("until") == NEVER:
        return "never"
    return fields.instant("until")
