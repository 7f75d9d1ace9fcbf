"""Decisions over random policies equal those of the naive reference, in both modes and both match modes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.meta import ObjectMeta
from model.project import AppProject, ProjectRole, ProjectSpec
from model.settings import RbacSettings
from policy.generation import build
from policy.guard import Guard, Subject
from tests.policy.reference_rbac import Asker, Reference, Role

SUBJECTS = ["u", "v", "ga", "gb", "role:a", "role:b", "role:admin", "admin", "proj:p:dev", "proj:q:dev", "proj:x:y", ""]
RESOURCES = ["applications", "applicationsets", "clusters", "repositories", "projects", "logs", "exec", "accounts"]
WORDS = {
    "resource": [*RESOURCES, "*", "app*", "applications*", "[al]*", "?ogs", "{logs,exec}", "[a-"],
    "action": ["get", "sync", "*", "update", "update/*", "s?nc", "delete/apps/*", "action/*", "{get,sync}", "[!g]*"],
    "target": [
        "*",
        "*/*",
        "p/*",
        "p/x",
        "q/*",
        "{p,q}/x",
        "*/x",
        "p/n/*",
        "p*",
        "p",
        "p/*/x",
        "[p-q]/*",
        "?",
        "",
        "[z-a]",
    ],
}
EXPRESSIONS = {
    "resource": [*RESOURCES, ".*", "app.*", "^logs$", "logs|exec", "*", "("],
    "action": ["get", "sync", ".*", "update", "update/.*", "^(get|sync)$", "action/.+", "a++"],
    "target": [".*", "p/.*", "^p/.*", "p/x", "[pq]/x", ".*/x$", "p", "", "*/*", "(?i)P/X"],
}
EFFECTS = ["allow", "allow", "allow", "deny", "deny", "Allow"]


@st.composite
def policies(draw: st.DrawFn, *, regex: bool) -> tuple[str, dict[str, tuple[Role, ...]], str]:
    """Return a policy text, projects with roles, and a default role."""
    words = EXPRESSIONS if regex else WORDS
    names = st.sampled_from(SUBJECTS)
    grant = st.tuples(st.just("p"), names, *map(st.sampled_from, words.values()), st.sampled_from(EFFECTS))
    binding = st.tuples(st.just("g"), names, names)
    odd = st.sampled_from(["", "# p, u, *, *, *, allow", "r, x", "p, u, logs", "g, u", "P, a, b, c, d, allow"])
    line = st.one_of(grant, grant, grant, binding, binding).map(_csv)
    text = draw(st.lists(line, max_size=10))
    text += draw(st.lists(odd, max_size=1)) if draw(st.integers(0, 9)) == 0 else []
    projects = {name: draw(_roles(name, grant, binding)) for name in draw(st.sets(st.sampled_from(["p", "q"])))}
    return "\n".join(text), projects, draw(st.sampled_from(["", "", "role:a", "role:readonly", "role:admin", "u"]))


def _csv(fields: tuple[str, ...]) -> str:
    return ", ".join('"' + field.replace('"', '""') + '"' for field in fields)


@st.composite
def _roles(
    draw: st.DrawFn,
    project: str,
    grant: st.SearchStrategy[tuple[str, ...]],
    binding: st.SearchStrategy[tuple[str, ...]],
) -> tuple[Role, ...]:
    """Return roles whose lines are mostly such as the API takes."""
    own = f"proj:{project}:dev"
    proper = grant.map(
        lambda line: _csv(("p", own, line[2], line[3], f"{project}/x" if "[" in line[4] else f"{project}/*", line[5]))
    )
    other = st.one_of(grant, binding).map(_csv)
    policy = st.integers(0, 9).flatmap(lambda n: other if n == 0 else proper)
    groups = st.sampled_from(["ga", "gb", '"g,c"', "v"])
    role = st.builds(
        Role, st.just("dev"), st.lists(policy, max_size=3).map(tuple), st.lists(groups, max_size=2).map(tuple)
    )
    return tuple(draw(st.lists(role, max_size=1)))


ASKERS = st.builds(
    Asker,
    st.sampled_from(SUBJECTS),
    st.lists(st.sampled_from(["ga", "gb", "g,c", "role:b", "proj:p:dev", ""]), max_size=2).map(tuple),
    st.just("user"),
) | st.sampled_from([Asker("proj:p:dev", (), "token"), Asker("proj:q:dev", (), "token"), Asker("role:a", (), "role")])
QUESTIONS = st.tuples(
    st.sampled_from(RESOURCES),
    st.sampled_from(["get", "sync", "update", "update/apps/Deployment/n/x", "action/apps/Deployment/restart"]),
    st.sampled_from(["p/x", "q/x", "p/n/x", "p", "q", "", "other-p/x", "https://h/x", "p/https://h/x"]),
)


def guard_of(text: str, projects: dict[str, tuple[Role, ...]], default: str, *, regex: bool, strict: bool) -> Guard:
    """Build the real thing."""
    objects = [
        AppProject(
            metadata=ObjectMeta(name=name),
            spec=ProjectSpec(
                roles=[ProjectRole(name=r.name, policies=list(r.policies), groups=list(r.groups)) for r in roles]
            ),
        )
        for name, roles in projects.items()
    ]
    rbac = RbacSettings(csv=(("policy.csv", text),), default_role=default, match_mode="regex" if regex else "glob")
    return Guard(build(rbac, objects, mode="strict" if strict else "compat")[0])


@pytest.mark.parametrize("strict", [True, False], ids=["strict", "compat"])
@pytest.mark.parametrize("regex", [False, True], ids=["glob", "regex"])
def test_decisions_equal_the_reference(regex: bool, strict: bool) -> None:
    """Globs, expressions, groups, projects, tokens and default roles: both give the same answers."""

    @settings(max_examples=250, deadline=None)
    @given(policies(regex=regex), st.lists(st.tuples(ASKERS, QUESTIONS), min_size=4, max_size=8))
    def compare(
        policy: tuple[str, dict[str, tuple[Role, ...]], str], asked: list[tuple[Asker, tuple[str, str, str]]]
    ) -> None:
        text, projects, default = policy
        guard = guard_of(text, projects, default, regex=regex, strict=strict)
        reference = Reference(text, projects, default, regex, strict)
        for asker, question in asked:
            decision = guard.can(Subject(asker.name, asker.groups, asker.kind), *question)
            assert reference.decide(asker, *question) == decision.allowed, (asker, question, decision.reason)

    compare()
