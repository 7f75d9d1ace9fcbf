"""Decisions of the RBAC engine, against the rules and against a naive reference."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.meta import ObjectMeta
from model.project import AppProject, ProjectRole, ProjectSpec
from model.settings import RbacSettings
from policy.generation import build
from policy.guard import Guard, Subject, named
from policy.patterns import glob

DEVELOPER = "p, role:developer, applications, sync, staging/*, allow\ng, my-org:developers, role:developer"


def _guard(text: str, *projects: AppProject, mode: str = "strict", **more: str) -> Guard:
    return Guard(build(RbacSettings(csv=(("policy.csv", text),), **more), projects, mode=mode)[0])


def _project(name: str, *policies: str, groups: tuple[str, ...] = ()) -> AppProject:
    role = ProjectRole(name="dev", policies=list(policies), groups=list(groups))
    return AppProject(metadata=ObjectMeta(name=name), spec=ProjectSpec(roles=[role]))


@pytest.mark.row(95, 96)
@pytest.mark.parametrize(
    ("target", "allowed"),
    [("staging/web", True), ("staging/ns/web", True), ("staging2/web", False), ("prod/web", False)],
)
def test_the_part_before_the_slash_is_the_project(target: str, allowed: bool) -> None:
    """staging/* means project staging only, and a group with a colon binds."""
    subject = Subject("alice", ("my-org:developers",))
    decision = _guard(DEVELOPER).can(subject, "applications", "sync", target)
    assert allowed == decision.allowed
    if allowed:
        assert ("argocd-rbac-cm policy.csv:1", ("alice", "my-org:developers", "role:developer")) == (
            decision.rule.origin,
            decision.rule.path,
        )


@pytest.mark.row(97)
@pytest.mark.parametrize("action", ["get", "sync", "delete/apps/Deployment/ns/x", "action/apps/Deployment/restart"])
def test_a_star_action_is_every_action(action: str) -> None:
    """role:ops with * may do everything with applications, and nothing with clusters."""
    guard = _guard("p, role:ops, applications, *, */*, allow\ng, bob, role:ops")
    assert (True, False) == (
        guard.can(Subject("bob"), "applications", action, "a/b").allowed,
        guard.can(Subject("bob"), "clusters", "get", "x").allowed,
    )


@pytest.mark.row(98)
def test_the_default_role_reads_and_does_not_sync() -> None:
    """A user without bindings has the default role, and the refusal says what came near."""
    guard = _guard("", default_role="role:readonly")
    reading, syncing = (guard.can(Subject("carl"), "applications", action, "a/b") for action in ("get", "sync"))
    assert (True, ("carl", "role:readonly"), False) == (reading.allowed, reading.rule.path, syncing.allowed)
    assert "comes near: its action is 'get'" in syncing.reasons[0]


@pytest.mark.row(99)
def test_built_in_roles_can_be_bound_and_extended() -> None:
    """role:admin exists; lines of the policy add to role:readonly."""
    guard = _guard("p, role:readonly, exec, create, */*, allow\ng, platform-admins, role:admin\ng, eve, role:readonly")
    assert guard.can(Subject("x", ("platform-admins",)), "clusters", "delete", "https://c").allowed
    assert guard.can(Subject("eve"), "exec", "create", "a/b").allowed
    assert guard.can(Subject("admin"), "applications", "sync", "a/b").allowed


@pytest.mark.parametrize("mode", ["strict", "compat"])
def test_of_several_lines_the_first_is_named(mode: str) -> None:
    """Order decides nothing, but the line that is named is the first of its text, whatever its pattern looks like."""
    lines = ["shop/*", "shop/web", "*/web", "*"]
    for first in range(4):
        order = lines[first:] + lines[:first]
        for effect in ("allow", "deny"):
            text = "\n".join(
                f"p, u, {'*' if n % 2 else 'applications'}, get, {o}, {effect}" for n, o in enumerate(order)
            )
            decision = _guard(text, mode=mode).can(Subject("u"), "applications", "get", "shop/web")
            assert ("argocd-rbac-cm policy.csv:1", order) == (decision.rule.origin, order)
    both = _guard("p, role:admin, applications, *, */*, allow\ng, u, role:admin", mode=mode)
    assert "built-in policy:16" == both.can(Subject("u"), "applications", "sync", "shop/web").rule.origin


def test_a_deny_is_final_and_named() -> None:
    """strict: a deny through one group stands against an allow through another; compat lets the allow win."""
    text = "p, role:a, applications, sync, */*, allow\np, role:b, applications, sync, prod/*, deny"
    text += "\ng, ga, role:a\ng, gb, role:b"
    subject = Subject("u", ("ga", "gb"))
    strict, compat = (
        _guard(text, mode=mode).can(subject, "applications", "sync", "prod/x") for mode in ("strict", "compat")
    )
    assert (False, "argocd-rbac-cm policy.csv:2", True) == (strict.allowed, strict.rule.origin, compat.allowed)


def test_a_deny_stands_against_the_default_role() -> None:
    """strict: denied although the default role is admin; compat: allowed, as in Argo CD."""
    text = "p, alice, applications, sync, */*, deny"
    strict, compat = (
        _guard(text, default_role="role:admin", mode=m).can(Subject("alice"), "applications", "sync", "a/b")
        for m in ("strict", "compat")
    )
    assert (False, True) == (strict.allowed, compat.allowed)


def test_a_group_needs_a_g_line_to_be_allowed_and_none_to_be_denied() -> None:
    """Lines of an unbound group allow nothing, as upstream; strict lets its deny lines count."""
    guard = _guard(
        "p, team, applications, get, */*, allow\n"
        "p, other, applications, get, */*, deny\n"
        "p, u, applications, get, */*, allow"
    )
    lonely = guard.can(Subject("x", ("team",)), "applications", "get", "a/b")
    assert (False, True) == (lonely.allowed, any("no g line" in reason for reason in lonely.reasons))
    assert not guard.can(Subject("u", ("other",)), "applications", "get", "a/b").allowed


@pytest.mark.parametrize(("hops", "allowed"), [(9, True), (10, True), (11, False)])
@pytest.mark.parametrize("mode", ["strict", "compat"])
def test_the_eleventh_hop_does_not_count(hops: int, allowed: bool, mode: str) -> None:
    """A role is reached over at most ten g lines; cycles do no harm."""
    chain = "\n".join(f"g, r{n}, r{n + 1}" for n in range(hops))
    guard = _guard(f"{chain}\ng, r{hops}, r0\np, r{hops}, applications, get, */*, allow", mode=mode)
    assert allowed == guard.can(Subject("r0"), "applications", "get", "a/b").allowed


@pytest.mark.parametrize("name", ["role:admin", "proj:p:dev"])
def test_a_user_who_is_called_like_a_role_gets_nothing_by_it(name: str) -> None:
    """A certificate or group named role:admin is no role; the question about the role itself is answered."""
    guard = _guard("", _project("p", "p, proj:p:dev, applications, sync, p/*, allow"))
    for subject in (Subject(name), Subject("x", (name,))):
        assert not guard.can(subject, "applications", "sync", "p/x").allowed
    assert guard.can(named(name), "applications", "sync", "p/x").allowed


def test_empty_names_match_nothing() -> None:
    """An anonymous caller and empty groups are no subject of a line with an empty one; upstream grants it to all."""
    text = "p, , applications, get, */*, allow\ng, , role:admin"
    assert not _guard(text).can(Subject("", ("",)), "applications", "get", "a/b").allowed
    assert not _guard(text).can(Subject("u", ("",)), "applications", "get", "a/b").allowed
    assert _guard(text, mode="compat").can(Subject("u"), "applications", "get", "a/b").allowed


def test_project_roles_count_inside_their_project_only() -> None:
    """A role's lines and groups act on objects of its project; its token nowhere else."""
    project = _project("p", "p, proj:p:dev, applications, sync, p/*, allow", groups=("team",))
    guard = _guard("p, proj:p:dev, applications, delete, */*, allow", project)
    decision = guard.can(Subject("u", ("team",)), "applications", "sync", "p/x")
    assert (True, "AppProject p: spec.roles[0].policies[0]:1") == (decision.allowed, decision.rule.origin)
    assert not guard.can(Subject("u", ("team",)), "applications", "sync", "q/x").allowed
    assert guard.can(named("proj:p:dev"), "applications", "delete", "p/x").allowed
    assert not guard.can(named("proj:p:dev"), "applications", "delete", "q/x").allowed
    assert guard.can(Subject("u", ("team",)), "projects", "get", "p").allowed


@pytest.mark.parametrize(
    "line",
    [
        "p, bob, applications, sync, p/*, allow",
        "p, proj:p:dev, applications, sync, q/*, allow",
        "p, proj:p:dev, applications, sync, */*, allow",
        "p, proj:p:dev, accounts, update, p/x, allow",
        "g, bob, role:admin",
        "p, proj:p:dev, applications, sync",
    ],
)
def test_broken_project_roles_deny_their_members(line: str) -> None:
    """A role line that Argo CD's API would refuse: members of the role are denied in the project, others are not."""
    guard = _guard("g, boss, role:admin\ng, fred, role:admin", _project("p", line, groups=("fred",)))
    assert (True, False) == tuple(
        guard.can(Subject(n, (n,)), "applications", "sync", "p/x").allowed for n in ("boss", "fred")
    )
    assert guard.can(Subject("fred"), "applications", "sync", "q/x").allowed


def test_strict_regexes_are_anchored_and_built_in_roles_work() -> None:
    """`applications` does not mean applicationsets, and admin stays admin; in compat both are as upstream."""
    text = "p, u, applications, get, proj/.*, allow\ng, a, role:admin"
    strict, compat = (_guard(text, match_mode="regex", mode=mode) for mode in ("strict", "compat"))
    request = ("applicationsets", "get", "other-proj/x")
    assert (False, True) == (strict.can(Subject("u"), *request).allowed, compat.can(Subject("u"), *request).allowed)
    admin = ("applications", "sync", "a/b")
    assert (True, False) == (strict.can(Subject("a"), *admin).allowed, compat.can(Subject("a"), *admin).allowed)


def test_near_misses_are_lines_that_differ_in_one_field() -> None:
    """Named are lines with another object and lines with another action, in their order, and no others."""
    text = "p, u, applications, get, p/*, allow\np, u, applications, sync, q/*, allow\np, u, logs, get, p/*, allow"
    guard = _guard(f"{text}\np, u, applications, delete, q/*, allow\np, u, applications, override, *, allow")
    places = [
        [
            reason.partition(" comes near: ")[::2]
            for reason in guard.can(Subject("u"), "applications", "sync", o).reasons
        ]
        for o in ("p/x", "r/x")
    ]
    line = "argocd-rbac-cm policy.csv:{}".format
    assert [
        [
            (line(1), "its action is 'get', asked was 'sync'"),
            (line(2), "its object is 'q/*', asked was 'p/x'"),
            (line(5), "its action is 'override', asked was 'sync'"),
        ],
        [
            (line(2), "its object is 'q/*', asked was 'r/x'"),
            (line(5), "its action is 'override', asked was 'sync'"),
        ],
    ] == places


NAMES = st.sampled_from(["u", "v", "ga", "gb", "role:a", "role:b"])
PATTERNS = {
    "resource": st.sampled_from(["applications", "logs", "*", "app*", "[al]*"]),
    "action": st.sampled_from(["get", "sync", "*", "update/*", "s?nc"]),
    "target": st.sampled_from(["*", "*/*", "p/*", "p/x", "q/*", "{p,q}/x", "*/x", "p/n/*", "p*"]),
}
LINES = st.lists(
    st.one_of(
        st.tuples(st.just("p"), NAMES, *PATTERNS.values(), st.sampled_from(["allow", "deny"])),
        st.tuples(st.just("g"), NAMES, NAMES),
    ),
    max_size=12,
)


def _reference(lines: list[tuple[str, ...]], subject: Subject, default: str, request: tuple[str, str, str]) -> bool:
    """Decide as the rules read, line by line."""
    bound = {line[1] for line in lines if line[0] == "g"}

    def verdicts(name: str) -> set[str]:
        reached = {name}
        for _ in range(10):
            reached |= {line[2] for line in lines if line[0] == "g" and line[1] in reached}
        hits = (line for line in lines if line[0] == "p" and line[1] in reached)
        return {hit[5] for hit in hits if all(glob(p).matches(v) for p, v in zip(hit[2:5], request, strict=True))}

    counting = [default, subject.name, *(group for group in subject.groups if group in bound)]
    found = {name: verdicts(name) for name in {*counting, *subject.groups}}
    return not any("deny" in v for v in found.values()) and any("allow" in found[name] for name in counting)


@settings(max_examples=300)
@given(
    LINES,
    st.lists(st.sampled_from(["ga", "gb"]), max_size=2),
    st.tuples(
        st.sampled_from(["applications", "logs"]),
        st.sampled_from(["get", "sync", "update/a"]),
        st.sampled_from(["p/x", "q/x", "p/n/x", "p"]),
    ),
)
def test_decisions_equal_a_naive_reference(
    lines: list[tuple[str, ...]], groups: list[str], request: tuple[str, str, str]
) -> None:
    """The index answers as reading every line would."""
    text = "\n".join(", ".join(f'"{field}"' for field in line) for line in lines)
    subject = Subject("u", tuple(groups))
    decision = _guard(text, default_role="role:b").can(subject, *request)
    assert _reference(lines, subject, "role:b", request) == decision.allowed
