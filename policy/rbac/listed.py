"""The p lines that are in force, for who lists them: those of people first, the built-in ones last.

Called by controller.policylog. Nothing is decided here.
"""

from __future__ import annotations

import typing as t

from model.events import RuleInfo
from policy.rbac import builtin
from policy.rbac.engine import Engine
from policy.rbac.text import PolicyLine

MOST_RULES = 2_000
"""Lines that are listed; a policy may have ten thousands."""


def listed(engine: Engine | None, most: int = MOST_RULES) -> tuple[tuple[RuleInfo, ...], int]:
    """Return the p lines by their place, and how many more there are than may be listed.

    Args:
        engine: of the generation in force; None: there is no policy that can be used.
        most: how many are listed.
    """
    if engine is None:
        return (), 0
    found = {line.origin: line for line in sorted(_lines(engine), key=_order)}
    rules = tuple(_rule(line) for line, _ in zip(found.values(), range(most), strict=False))
    return rules, max(0, len(found) - most)


def _lines(engine: Engine) -> t.Iterator[PolicyLine]:
    for layer in (engine.rules, *(engine.layers[name] for name in sorted(engine.layers))):
        for lines in layer.by_subject.values():
            yield from lines


def _order(line: PolicyLine) -> tuple[bool, str, int]:
    return line.origin.startswith(builtin.SOURCE), line.origin.partition(":")[0], line.number


def _rule(line: PolicyLine) -> RuleInfo:
    return RuleInfo(
        rule=line.origin,
        subject=line.subject,
        resource=line.resource.text,
        action=line.action.text,
        object=line.target.text,
        effect=line.effect,
    )
