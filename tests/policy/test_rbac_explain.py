"""What answers say: the line, the way to it, what came near and what would change it, as in real incidents."""

import pytest

from policy.guard import Subject, named
from tests.policy.rbac_world import both, guard_of, project, role

TEXT = """\
p, role:dev, applications, get, */*, allow
p, role:dev, applications, sync, staging/*, allow
p, role:dev, applications, sync, prod/billing*, deny
p, role:oncall, applications, *, prod/*, allow
p, my-org:sre, applications, sync, prod/*, allow
g, my-org:devs, role:dev
g, my-org:oncall, role:oncall
"""
DEV = Subject("alice", ("my-org:devs",))
LINE = "argocd-rbac-cm policy.csv:{}".format


def _sync(subject: Subject, target: str, mode: int = 0):
    return both(TEXT, project("prod"))[mode].can(subject, "applications", "sync", target)


def test_an_allow_names_line_and_way() -> None:
    """Key, line, text, and how the group led there."""
    answer = _sync(DEV, "staging/web")
    assert (
        f"alice may sync applications staging/web: {LINE(2)}: p, role:dev, applications, sync, staging/*, allow "
        "(by group my-org:devs -> role:dev)" == answer.reason
    )
    assert ("rbac", LINE(2), ("alice", "my-org:devs", "role:dev")) == (
        answer.rule.kind,
        answer.rule.origin,
        answer.rule.path,
    )


def test_a_refusal_names_what_came_near_and_the_line_that_is_missing() -> None:
    """The other project and the other action, and a line for a role that the caller has."""
    answer = _sync(DEV, "prod/web")
    assert "a line such as: p, role:dev, applications, sync, prod/web, allow" == answer.remedy
    assert (
        f"{LINE(1)} comes near: its action is 'get', asked was 'sync'",
        f"{LINE(2)} comes near: its object is 'staging/*', asked was 'prod/web'",
    ) == answer.reasons


def test_a_final_deny_names_what_would_count_without_it() -> None:
    """Somebody on call is stopped by the deny of another group: both lines are named."""
    answer = _sync(Subject("carl", ("my-org:devs", "my-org:oncall")), "prod/billing-api")
    assert (LINE(3), f"remove or narrow {LINE(3)}; a deny is final") == (answer.rule.origin, answer.remedy)
    allow = "p, role:oncall, applications, *, prod/*, allow (by group my-org:oncall -> role:oncall)"
    assert (f"without it {LINE(4)} allows: {allow}",) == answer.reasons


def test_a_group_without_a_g_line_is_told() -> None:
    """The commonest surprise: the line is there and does not count."""
    answer = _sync(Subject("bob", ("my-org:sre",)), "prod/web")
    assert answer.reasons[0].startswith("group 'my-org:sre' has p lines but no g line")
    assert answer.remedy.startswith("a g line that starts with the group: g, my-org:sre, ")


@pytest.mark.parametrize("name", ["My-Org:Devs", "my-org: devs", "my-org:devs "])
def test_another_spelling_is_told(name: str) -> None:
    """Case and blanks make another name; the known one is named."""
    answer = _sync(Subject("dora", (name,)), "staging/web")
    assert f"the policy knows 'my-org:devs', which differs from '{name}' in case or blanks" == answer.reasons[0]


@pytest.mark.parametrize(
    ("subject", "target", "reason", "remedy"),
    [
        (DEV, "staging", "object 'staging' has no slash", "ask for PROJECT/staging"),
        (Subject("erin", ("role:dev",)), "staging/x", "'role:dev' is the name of a role", "a line such as"),
        (named("proj:prod:ci"), "staging/x", "", "a role of project staging"),
        (Subject(), "staging/x", "", "log in, or let policy.default be a role"),
    ],
)
def test_other_refusals(subject: Subject, target: str, reason: str, remedy: str) -> None:
    """Each has the one hint that helps."""
    answer = _sync(subject, target)
    assert (True, True) == (answer.remedy.startswith(remedy), not reason or answer.reasons[0].startswith(reason))


def test_single_objects_need_long_actions() -> None:
    """Since Argo CD 3 a plain right does not cover them, and the refusal says which does."""
    guard = guard_of("p, u, applications, delete, p/*, allow")
    answer = guard.can(Subject("u"), "applications", "delete/apps/Deployment/ns/x", "p/web")
    assert "delete alone covers the Application, not its objects; delete/* covers those" == answer.reasons[0]


def test_upstreams_order_is_explained_in_compat() -> None:
    """A deny there is not final, a broken expression is named, and a line about nobody says whom it hits."""
    assert "or allow it by another group or the default role" in _sync(DEV, "prod/billing", 1).remedy
    data = {"policy.csv": "p, u, .*, get, (, allow", "policy.matchMode": "regex"}
    broken = guard_of(data, mode="compat").can(Subject("u"), "applications", "get", "p/x")
    assert ("correct the expression at argocd-rbac-cm policy.csv:1", True) == (
        broken.remedy,
        "does not compile" in broken.reason,
    )
    nobody = guard_of("p, , applications, get, */*, allow", mode="compat").can(
        Subject("u"), "applications", "get", "p/x"
    )
    assert nobody.reason.endswith("(a line about nobody counts for every caller)")


def test_broken_roles_are_named() -> None:
    """A member of a malformed role learns that it is malformed, and where."""
    guard = guard_of("g, team, role:admin", project("p", role("r", "p, oops", groups=["team"])))
    answer = guard.can(Subject("u", ("team",)), "applications", "sync", "p/x")
    assert "AppProject p: spec.roles[0]: denied while the roles of the project are malformed" in answer.reason


def test_an_unusable_policy_is_named() -> None:
    """Everything is denied, and what to correct is said."""
    answer = guard_of("p, oops").can(Subject("admin"), "applications", "get", "p/x")
    assert (False, "correct argocd-rbac-cm") == (answer.allowed, answer.remedy)
