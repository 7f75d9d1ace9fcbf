"""Does a caller hold a name: is it that name, have it as a group, or reach it over g lines?

For rights that are given to roles, groups and users by name, without actions and objects (break-glass through a sync
window). The default role is nobody's by this: what everybody has is no sign of trust.
"""

from __future__ import annotations

from policy.rbac.engine import Engine
from policy.subjects import RESERVED, Subject


def way_to(engine: Engine, subject: Subject, name: str, project: str = "") -> tuple[str, ...]:
    """Return how the caller comes to a name, from the caller's own name on; empty when the caller does not hold it.

    Args:
        engine: of the generation in force.
        subject: who asks; an anonymous caller holds nothing.
        name: a role, group or user, compared exactly; a user or group that is merely called like a role is not one.
        project: whose role layer counts as well; empty for none.
    """
    if not name or not subject.name:
        return ()
    for own in _names(subject):
        for reach in engine.reach(own, project):
            if reach.role == name:
                return reach.path if own == subject.name else (subject.name, *reach.path)
    return ()


def holds(engine: Engine, subject: Subject, name: str, project: str = "") -> bool:
    """True when the caller is the name, has it as a group, or reaches it over at most ten g lines."""
    return bool(way_to(engine, subject, name, project))


def _names(subject: Subject) -> tuple[str, ...]:
    if subject.kind == "token":
        return (subject.name,)
    own = () if subject.kind == "user" and subject.name.startswith(RESERVED) else (subject.name,)
    return (*own, *(group for group in subject.groups if group and not group.startswith(RESERVED)))
