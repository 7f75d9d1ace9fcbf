"""status.conditions: each evaluator replaces its own types, a condition that stays keeps its time. Pure."""

from __future__ import annotations

import datetime as dt
import typing as t

import msgspec

from model.application import AppCondition
from model.durations import format_time
from model.states import ConditionType as C

SPEC_TYPES = frozenset({C.INVALID_SPEC, C.UNKNOWN})
"""Written by the validation of the spec against the project."""
COMPARE_TYPES = frozenset(
    {C.COMPARISON, C.SHARED_RESOURCE, C.REPEATED_RESOURCE, C.EXCLUDED_RESOURCE, C.ORPHANED_RESOURCE}
)
"""Written by the comparison."""
AUTOSYNC_TYPES = frozenset({C.SYNC, C.SYNC_BLOCKED})
"""Written by the decision to sync automatically."""
POLICY_TYPES = frozenset({C.POLICY_INVALID})
"""Written when the governing policy is malformed."""
DECIDED_TYPES = SPEC_TYPES | COMPARE_TYPES | AUTOSYNC_TYPES | POLICY_TYPES
"""All that a whole turn of a refresh decides about."""
DELETION_TYPES = frozenset({C.DELETION_ERROR})
"""Written by the deletion."""
LONGEST_MESSAGE = 4096
"""Characters; what a tool printed must not make the Application too large to write."""


class Finding(msgspec.Struct, frozen=True):
    """A condition that an evaluator found, still without a time."""

    type: str
    message: str


def replace(
    current: t.Sequence[AppCondition] | None, owned: t.AbstractSet[str], found: t.Iterable[Finding], now: dt.datetime
) -> list[AppCondition]:
    """Return the conditions with those of the `owned` types replaced by `found`.

    A condition of the same type and message keeps its lastTransitionTime. Findings of types that are not owned are a
    mistake of the caller and raise ValueError.
    """
    known = {(c.type, c.message): c.last_transition_time for c in current or ()}
    kept = [c for c in current or () if c.type not in owned]
    fresh: dict[tuple[str, str], AppCondition] = {}
    for finding in found:
        if finding.type not in owned:
            raise ValueError(f"condition {finding.type} does not belong to this evaluator")
        message = finding.message[:LONGEST_MESSAGE]
        when = known.get((str(finding.type), message)) or format_time(now)
        fresh[(finding.type, message)] = AppCondition(
            type=str(finding.type), message=message, last_transition_time=when
        )
    return sorted([*kept, *fresh.values()], key=lambda c: (c.type, c.message))
