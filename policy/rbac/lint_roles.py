"""Who reaches which role: roles without lines, roles that nobody has, groups without a g line, long chains, cycles.

policy.rbac.lint calls it with the lines of all layers. Warnings only: what is reported is in force.
"""

from __future__ import annotations

import difflib
import graphlib
import re
import typing as t

import msgspec

from policy.findings import Finding, shown
from policy.rbac import builtin
from policy.rbac.index import DEEPEST
from policy.rbac.lint_lines import warning
from policy.rbac.text import Binding, PolicyLine
from policy.subjects import project_of_token

MOST_STEPS = 200_000
"""g lines followed in search of chains over ten hops; beyond, chains are no longer looked for."""

MOST_CYCLES = 10

MOST_COMPARED = 10_000
"""Pairs of names whose spelling is compared, some fifty microseconds each; beyond, nobody is told what was meant."""

_CROWD = frozenset(
    ("admins", "contributors", "contractors", "dev", "developers", "devops", "devs", "employees", "engineers",
     "everyone", "group", "groups", "maintainers", "members", "operators", "ops", "owners", "people", "platform",
     "readers", "sre", "staff", "team", "teams", "users", "viewers")
)  # fmt: skip
"""Words at the end of a name that is hardly one person's."""

_OBJECT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.IGNORECASE)
"""How some identity providers name groups."""


class Graph(msgspec.Struct, frozen=True):
    """What the layers say about names."""

    lines: tuple[PolicyLine, ...]
    """All p lines that are reported on."""
    bindings: tuple[Binding, ...]
    """All g lines, built-in ones first."""
    holders: frozenset[str]
    """Subjects of p lines, the built-in ones too."""
    default_role: str
    project_roles: t.Mapping[str, frozenset[str]]
    """The role names of the projects that are known."""

    def foreign(self, name: str) -> bool:
        """True for a role of a project that is not known here."""
        project = project_of_token(name)
        return project is not None and project not in self.project_roles

    def exists(self, name: str) -> bool:
        """True when a name proj:PROJECT:ROLE is the role of a project that is known."""
        project = project_of_token(name)
        return project is not None and name.rpartition(":")[2] in self.project_roles.get(project, ())


class Spelling:
    """Names that are known, to find the one that a misspelt name was meant to be."""

    def __init__(self, known: t.Iterable[str]) -> None:
        self._known = sorted(known)
        self._left = MOST_COMPARED

    def near(self, name: str) -> str:
        """Return the known name that is spelt nearly so; empty when there is none, or enough were looked for."""
        self._left -= len(self._known)
        found = difflib.get_close_matches(name, self._known, 1, 0.75) if self._left >= 0 else []
        return found[0] if found else ""


def check_roles(graph: Graph) -> t.Iterator[Finding]:
    """Yield findings about the role graph."""
    over: dict[str, list[Binding]] = {}
    for binding in graph.bindings:
        over.setdefault(binding.member, []).append(binding)
    yield from _without_lines(graph, over)
    yield from _unreachable(graph, over)
    yield from _groups(graph, over)
    yield from _cycles(graph)
    yield from _chains(graph, over)


def _without_lines(graph: Graph, over: dict[str, list[Binding]]) -> t.Iterator[Finding]:
    """Report g lines to names that have no line and lead nowhere."""
    spelling = Spelling(graph.holders)
    seen: set[str] = set()
    for binding in graph.bindings:
        role = binding.role
        dead = role not in graph.holders and role not in over and not graph.exists(role) and not graph.foreign(role)
        if not dead or role in seen:
            continue
        seen.add(role)
        near = spelling.near(role)
        fix = f"{near}, or p lines for {shown(role)}" if near else f"p lines for {shown(role)}"
        yield warning("rbac-role", binding, 2, f"{shown(role)} has no p line and leads to no other role", fix)


def _unreachable(graph: Graph, over: dict[str, list[Binding]]) -> t.Iterator[Finding]:
    """Report role:… and proj:… subjects that neither a user or group nor the default role comes to."""
    reached = {graph.default_role, *builtin.ROLES}
    reached |= {member for member in over if not _is_role(member) or graph.exists(member) or graph.foreign(member)}
    edge = list(reached)
    while edge:
        further = [binding.role for member in edge for binding in over.get(member, ()) if binding.role not in reached]
        reached.update(further)
        edge = list(dict.fromkeys(further))
    spelling = Spelling(role for role in reached if _is_role(role))
    seen: set[str] = set()
    for line in graph.lines:
        name = line.subject
        if name in seen or not _is_role(name) or name in reached or graph.exists(name) or graph.foreign(name):
            continue
        seen.add(name)
        text = f"nobody is or has {shown(name)}"
        near = spelling.near(name)
        fix = f"{near}, or g, GROUP, {name}" if near else f"g, GROUP, {name}"
        yield warning("rbac-unreachable", line, 1, text, fix)


def _is_role(name: str) -> bool:
    return name.startswith(("role:", "proj:"))


def _groups(graph: Graph, over: dict[str, list[Binding]]) -> t.Iterator[Finding]:
    """Report subjects that look like groups and stand first in no g line, so that their allow lines do not count."""
    seen: set[str] = set()
    for line in graph.lines:
        name = line.subject
        if name in seen or name in over or not _looks_like_group(name):
            continue
        seen.add(name)
        text = f"{shown(name)} looks like a group; the allow lines of a group count only when a g line starts with it"
        yield warning("rbac-group", line, 1, text, f"p lines for a role, and g, {name}, role:NAME")


def _looks_like_group(name: str) -> bool:
    if _is_role(name) or name.startswith(("system:", "k8s:")):
        return False
    if ":" in name or name.startswith("/") or _OBJECT_ID.match(name) or name.upper().startswith("CN="):
        return True
    return "@" not in name and re.split(r"[^a-z]+", name.casefold())[-1] in _CROWD


def _cycles(graph: Graph) -> t.Iterator[Finding]:
    """Report the g line that closes a cycle; a name bound to itself is reported with its line."""
    edges = {(b.member, b.role): b for b in reversed(graph.bindings) if b.member != b.role}
    for _ in range(MOST_CYCLES):
        before: dict[str, set[str]] = {}
        for member, role in edges:
            before.setdefault(role, set()).add(member)
        try:
            graphlib.TopologicalSorter(before).prepare()
        except graphlib.CycleError as failure:
            path: list[str] = failure.args[1]
        else:
            return
        start = path.index(min(path))
        path = [*path[start:-1], *path[: start + 1]]
        binding = edges.pop((path[-2], path[-1]))
        names = " -> ".join(path if len(path) <= DEEPEST else [*path[:DEEPEST], "…"])
        text = f"a cycle of roles, {names}: all of them have the same lines"
        yield warning("rbac-cycle", binding, 2, text, "roles that lead one way")


def _chains(graph: Graph, over: dict[str, list[Binding]]) -> t.Iterator[Finding]:
    """Report names that come to lines only over more than ten g lines."""
    if not _deep(over):
        return
    steps = 0
    for member, found in over.items():
        depth, edge, hops = {member: 0}, [member], 0
        while edge and steps < MOST_STEPS:
            hops += 1
            steps += sum(len(over.get(name, ())) for name in edge)
            further = {b.role: None for name in edge for b in over.get(name, ()) if b.role not in depth}
            depth.update(dict.fromkeys(further, hops))
            edge = list(further)
        far = next((name for name, hops in depth.items() if hops > DEEPEST and name in graph.holders), "")
        if far:
            text = f"{shown(member)} comes to {shown(far)} only over {depth[far]} g lines, and only {DEEPEST} count"
            yield warning("rbac-chain", found[0], 1, text, f"g, {member}, {far}")


def _deep(over: dict[str, list[Binding]]) -> bool:
    """True when some chain is longer than ten g lines; a cycle counts as one."""
    names = set(over)
    for _ in range(DEEPEST):
        names = {binding.role for name in names for binding in over.get(name, ())} & set(over)
    return bool(names)
