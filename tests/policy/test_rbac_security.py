"""Mistakes in policies that open doors elsewhere, and what happens here: one test for each known weakness."""

import pytest

from policy.findings import errors_of
from policy.guard import Guard, Subject
from policy.rbac.lint import lint
from tests.policy.rbac_world import both, generation_of, guard_of, project, role, settings_of

APP = ("applications", "sync", "p/x")


@pytest.mark.parametrize(
    ("mode", "deny"),
    [("glob", "p, r, applications, sync, [a-, deny"), ("regex", "p, r, applications, sync, (, deny")],
)
def test_a_broken_deny_keeps_the_whole_policy_out(mode: str, deny: str) -> None:
    """The last good version stays; without one everything is denied."""
    good = {"policy.csv": "p, r, applications, get, .*, allow", "policy.matchMode": mode}
    bad = {"policy.csv": f"p, r, applications, .*, .*, allow\n{deny}", "policy.matchMode": mode}
    before, _ = generation_of(good)
    after, findings = generation_of(bad, previous=before)
    assert "rbac-pattern" in [finding.code for finding in errors_of(findings)]
    assert [False, False] == [Guard(g).can(Subject("r"), *APP).allowed for g in (after, generation_of(bad)[0])]


@pytest.mark.parametrize("pattern", ["^(a+)+$", "(.*)*x", "(a|a)*b", "(a{1,50}){1,20}"])
def test_no_expression_stalls(pattern: str) -> None:
    """Linear time, also against a long name that an owner of applications chose."""
    guard = guard_of(
        {"policy.csv": f"p, u, applications, sync, {pattern.replace(',', '.')}, allow", "policy.matchMode": "regex"}
    )
    assert not guard.can(Subject("u"), "applications", "sync", "p/" + "a" * 5000 + "!").allowed


@pytest.mark.parametrize(
    "line",
    [
        "p, r, applications, sync",
        "p, r, applications, sync, */*",
        "p, r, applications, sync, */*, allow, x",
        "p, r, applications, sync, */*, Allow",
        'p, r, applications, sync, "a,b"",*/*, allow',
        "\ufeffp, r, applications, sync, */*, allow",
        "p2, r, applications, sync, */*, allow",
        "g, a",
        "p, r, applications, sync, \x00, allow",
        "p, r, applications, sync, */*, permit",
    ],
)
def test_malformed_lines_are_refused_with_their_line(line: str) -> None:
    """The finding names key and line, and the last good policy stays."""
    before, _ = generation_of("p, r, applications, get, */*, allow")
    after, findings = generation_of(f"# a comment\n{line}", previous=before)
    assert errors_of(findings)[0].where.startswith("argocd-rbac-cm policy.csv:2:")
    assert [True, False] == [Guard(after).can(Subject("r"), "applications", a, "p/x").allowed for a in ("get", "sync")]


def test_large_and_deep_policies_end() -> None:
    """Ten megabytes are refused; a cycle and a chain of ten thousand roles are answered."""
    assert "rbac-size" in [finding.code for finding in generation_of("#" + "x" * 10_000_000)[1]]
    deep = "\n".join(f"g, r{n}, r{n + 1}" for n in range(10_000)) + "\np, r10000, applications, sync, */*, allow"
    assert not guard_of(deep).can(Subject("r0"), *APP).allowed
    circle = guard_of("g, a, b\ng, b, a\np, b, applications, sync, */*, allow")
    assert circle.can(Subject("a"), *APP).allowed
    assert {"rbac-chain", "rbac-cycle"} <= {
        f.code for text in (deep, "g, a, b\ng, b, a") for f in lint(settings_of(text))
    }


def test_carriage_returns_and_quotes_are_fine() -> None:
    """A ConfigMap from Windows, and a group with a comma."""
    guard = guard_of('p, role:r, applications, sync, */*, allow\r\ng, "a, b", role:r\r\n')
    assert guard.can(Subject("u", ("a, b",)), *APP).allowed


@pytest.mark.parametrize("key", ["policy.csv", "policy.team.csv"])
def test_nothing_of_a_broken_version_takes_effect(key: str) -> None:
    """Neither its default role, nor its match mode, nor the keys that are good."""
    bad = {
        "policy.csv": "p, u, applications, sync, */*, allow",
        "policy.default": "role:admin",
        "policy.matchMode": "regex",
    }
    before, _ = generation_of("")
    after, _ = generation_of({**bad, key: "p, broken"}, previous=before)
    assert [False, False] == [Guard(after).can(Subject(name), *APP).allowed for name in ("u", "v")]
    assert "glob" == after.policy.match_mode


def test_a_default_role_that_outruns_a_deny_is_reported() -> None:
    """Compat lets alice pass as upstream does, strict does not; a finding says so, and the decision names its rule."""
    data = {"policy.csv": "p, alice, applications, sync, */*, deny", "policy.default": "role:admin"}
    strict, compat = both(data)
    answers = [guard.can(Subject("alice"), *APP) for guard in (strict, compat)]
    assert [False, True] == [answer.allowed for answer in answers]
    assert ["argocd-rbac-cm policy.csv:1", ("alice", "role:admin")] == [answers[0].rule.origin, answers[1].rule.path]
    assert ["rbac-default-deny"] == [finding.code for finding in lint(settings_of(data))]


def test_a_broken_project_role_opens_nothing() -> None:
    """With a last good form its deny stays; without one members of the project's roles are denied there."""
    deny = role("r", "p, proj:p:r, applications, sync, p/prod, deny", groups=["team"])
    broken = role("r", *deny.policies, "p, proj:p:r, applications", groups=["team"])
    policy = "g, team, role:admin"
    before, _ = generation_of(policy, project("p", deny))
    kept = Guard(generation_of(policy, project("p", broken), previous=before)[0])
    fresh = guard_of(policy, project("p", broken))
    user = Subject("u", ("team",))
    asks = [("applications", "sync", target) for target in ("p/prod", "p/x", "q/x")]
    assert [[False, True, True], [False, False, True]] == [
        [g.can(user, *ask).allowed for ask in asks] for g in (kept, fresh)
    ]


@pytest.mark.parametrize("name", ["role:admin", "proj:p:dev"])
def test_names_of_roles_are_no_names_of_callers(name: str) -> None:
    """As user or as group they give nothing, and the refusal says so."""
    guard = guard_of("", project("p", role("dev", "p, proj:p:dev, applications, sync, p/*, allow")))
    for subject in (Subject(name), Subject("u", (name,))):
        answer = guard.can(subject, *APP)
        assert (False, True) == (answer.allowed, "is the name of a role" in answer.reasons[0])


def test_a_line_without_subject_matches_nobody() -> None:
    """Neither an anonymous caller nor an empty group; upstream grants it to every caller."""
    text = "p, , applications, sync, */*, allow\ng, , role:admin"
    for subject in (Subject(), Subject("", ("",)), Subject("u", ("",))):
        assert not guard_of(text).can(subject, *APP).allowed
    assert "rbac-subject" in [finding.code for finding in lint(settings_of(text))]
