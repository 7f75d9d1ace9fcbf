"""Lint: one case for each code, places, soundness of what is called needless or dead, and speed of growth."""

from __future__ import annotations

import difflib
import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.findings import Finding
from policy.guard import Subject
from policy.rbac.lint import lint
from policy.rbac.lint_roles import MOST_COMPARED
from tests.policy.rbac_world import guard_of, project, role, settings_of

CASES = [
    ("rbac-csv", 'p, "a, applications, get, */*, allow', 4),
    ("rbac-fields", "p, u, applications, get, */*", 1),
    ("rbac-kind", "P, u, applications, get, */*, allow", 1),
    ("rbac-inert", "r, u, applications", 0),
    ("rbac-effect", "p, u, applications, get, */*, alow", 31),
    ("rbac-effect", "p, u, applications, get, */*, deny # why", 31),
    ("rbac-pattern", "p, u, applications, get, [a-, allow", 26),
    ("rbac-resource", "p, u, aplications, get, */*, allow", 7),
    ("rbac-action", "p, u, applications, snyc, */*, allow", 21),
    ("rbac-action", "p, u, applications, action, */*, allow", 21),
    ("rbac-blank", "p, u , applications, get, */*, allow", 4),
    ("rbac-blank", "g, u, role: admin", 7),
    ("rbac-comment", "g, u, role:admin # boss", 7),
    ("rbac-subject", "p, , applications, get, */*, allow", 4),
    ("rbac-object", "p, u, applications, sync, web, allow", 27),
    ("rbac-object", "p, u, logs, get, {a,b}, allow".replace("{a,b}", '"{a,b}"'), 18),
    ("rbac-object", "p, u, projects, get, shop/*, allow", 22),
    ("rbac-object", "p, u, gpgkeys, get, key, allow", 21),
    ("rbac-cluster-name", "p, u, clusters, get, production, allow", 22),
    ("rbac-cluster-name", "p, u, clusters, get, shop/in-cluster, allow", 22),
    ("rbac-glob", 'p, u, applications, get, "p/{a*,b}", allow', 26),
    ("rbac-overlap", "p, u, applications, get, team/*/app, allow", 26),
    ("rbac-kubernetes", "p, system:masters, applications, get, */*, allow", 4),
    ("rbac-kubernetes", "g, system:serviceaccount:ci:bot, role:admin", 4),
    ("rbac-group", "p, my-org:team, applications, get, */*, allow", 4),
    ("rbac-group", "p, 0a0b0c0d-1111-2222-3333-444455556666, applications, get, */*, allow", 4),
    ("rbac-group", "p, developers, applications, get, */*, allow", 4),
    ("rbac-group", "p, Team-Payments Admins, applications, get, */*, allow", 4),
    ("rbac-subject", "p, my-org:*, applications, delete, */*, deny", 4),
    ("rbac-subject", "g, *, role:readonly", 4),
    ("rbac-role", "g, u, role:nothing", 7),
    ("rbac-unreachable", "p, role:alone, applications, get, */*, allow", 4),
    ("rbac-cycle", "g, u, u", 7),
]


def _lint(data: str | dict[str, str], *projects: t.Any, mode: str = "strict") -> tuple[Finding, ...]:
    return lint(settings_of(data), projects=projects, mode=t.cast("t.Any", mode))


def _codes(data: str | dict[str, str], *projects: t.Any, mode: str = "strict") -> list[str]:
    return [finding.code for finding in _lint(data, *projects, mode=mode)]


@pytest.mark.parametrize(("code", "line", "column"), CASES)
def test_each_mistake_of_one_line_is_found_at_its_place(code: str, line: str, column: int) -> None:
    """Key, line and column, with what would be right; compat finds it as well."""
    finding = next(finding for finding in _lint(f"\n{line}") if finding.code == code)
    assert f"argocd-rbac-cm policy.csv:2{f':{column}' if column else ''}" == finding.where
    assert (True, True) == (bool(finding.fix), code in _codes(line, mode="compat"))


@pytest.mark.parametrize(
    "line",
    [
        "g, my-org:team, role:admin",
        "p, alice, applications, get, */*, allow",
        "p, alice@example.com, applications, sync, shop/*, allow",
        "p, team@example.com, applications, sync, shop/*, allow",
        "p, ci-bot, applications, sync, shop/*, allow",
        "p, alice, clusters, get, https://kubernetes.default.svc, allow",
        "p, alice, clusters, get, shop/https://c, allow",
        "p, alice, clusters, get, *, allow",
        "p, alice, certificates, get, *, allow",
        "p, alice, applications, action/apps/Deployment/restart, shop/web, allow",
        "p, alice, applications, delete/*/Pod/*/*, shop/*, deny",
        "p, alice, applications, get, sh?p, allow",
        'p, alice, applications, "{get,sync}", "{shop,web}/*", allow',
    ],
)
def test_good_lines_have_no_findings(line: str) -> None:
    """Nothing is said about what is in order."""
    assert [] == _codes(line)


@pytest.mark.parametrize(
    ("match_mode", "pattern", "said", "fix"),
    [
        ("glob", "[a-", "a class must be closed", "a glob such as shop/*"),
        ("glob", "[z-a]", "a range must run upwards", "a glob such as shop/*"),
        ("glob", "[a-zA-Z]", "one range", "a glob such as shop/*"),
        ("regex", "*/*", "repetition", ".*/.*"),
        ("regex", "(", "missing", "an RE2 expression such as shop/.*"),
    ],
)
def test_a_broken_pattern_is_shown_with_a_good_one(match_mode: str, pattern: str, said: str, fix: str) -> None:
    """What is wrong with it, and how it is written in this match mode."""
    found = _lint({"policy.csv": f"p, u, applications, get, {pattern}, allow", "policy.matchMode": match_mode})
    (finding,) = (each for each in found if each.code == "rbac-pattern")
    assert (True, True) == (said in finding.text, finding.fix.startswith(fix))


@pytest.mark.parametrize(
    ("key", "fix"),
    [("policy.Default", "policy.default"), ("policy.matchmode", "policy.matchMode"), ("Scopes", "scopes")],
)
def test_keys_that_mean_nothing(key: str, fix: str) -> None:
    """A key in another spelling is named with the one that was meant."""
    assert [("rbac-key", f"argocd-rbac-cm {key}", fix)] == [(f.code, f.where, f.fix) for f in _lint({key: "x"})]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({"policy.matchMode": "Regex"}, "rbac-match-mode"),
        ({"scopes": "{a: b}"}, "rbac-scopes"),
        ({"policy.default": "role:nobody"}, "rbac-default-role"),
        ({"policy.csv": "p, u, */*, *, *, deny", "policy.default": "role:admin"}, None),
        ({"policy.csv": "p, u, applications, sync, p/*, deny", "policy.default": "role:admin"}, "rbac-default-deny"),
        ({"policy.csv": "p, u, *, *, *, deny", "policy.default": "role:readonly"}, "rbac-default-deny"),
        ({"policy.csv": "p, u, applications, sync, p/*, deny", "policy.default": "role:readonly"}, None),
    ],
)
def test_keys_beside_the_text(data: dict[str, str], code: str | None) -> None:
    """Match mode, scopes and default role; a deny that the default role does not undo is in order."""
    assert code is None or code in _codes(data)
    assert code is not None or "rbac-default-deny" not in _codes(data)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({"scopes": "groups"}, "rbac-scopes"),
        ({"scopes": "[groups]"}, None),
        ({"policy.csv": "g, u, role:admin", "policy.matchMode": "regex"}, "rbac-regex-builtin"),
        ({"policy.default": "role:readonly", "policy.matchMode": "regex"}, "rbac-regex-builtin"),
    ],
)
def test_what_the_modes_answer_differently(data: dict[str, str], code: str | None) -> None:
    """A plain word as scopes, and built-in roles in regex mode."""
    assert ([code] if code else []) == _codes(data)


@pytest.mark.parametrize(
    ("bindings", "expected"),
    [
        ("g, ga, role:a\ng, gb, role:b", True),
        ("g, ga, role:a\ng, gb, role:b\ng, role:b, role:a", False),
        ("g, ga, role:a\ng, gb, role:b\ng, role:a, role:b", True),
    ],
)
def test_a_deny_that_another_role_outruns(bindings: str, expected: bool) -> None:
    """Where one evaluation has the allow without the deny, Argo CD lets it win, and strict does not."""
    text = "p, role:a, applications, sync, prod/*, deny\np, role:b, applications, *, prod/*, allow"
    assert expected == ("rbac-deny-final" in _codes(f"{text}\n{bindings}"))


def test_a_typo_names_what_was_probably_meant() -> None:
    """Resources, actions and roles come with the nearest known word."""
    text = "p, role:dev, aplications, get, */*, allow\np, role:dev, logs, gte, */*, allow\ng, u, role:dve"
    fixes = {finding.code: finding.fix for finding in _lint(text)}
    assert ("applications", "get") == (fixes["rbac-resource"], fixes["rbac-action"])
    assert fixes["rbac-role"].startswith("role:dev")


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("get, p/x, allow", "get, p/x, allow", [("rbac-shadowed", 2)]),
        ("get, p/x, allow", "get, p/*, allow", [("rbac-shadowed", 1)]),
        ("*, p/x, allow", "get, p/x, allow", [("rbac-shadowed", 2)]),
        ("get, p/*, allow", "get, */*, allow", [("rbac-shadowed", 1)]),
        ("get, *, allow", "get, **, allow", [("rbac-shadowed", 2)]),
        ("get, p/*, allow", "get, p/*, deny", [("rbac-denied", 1)]),
        ("get, p/x, deny", "get, p/*, deny", [("rbac-shadowed", 1)]),
        ("get, p/*, allow", "get, p/x, deny", []),
        ("get, p/*, allow", "sync, p/*, allow", []),
        ("get, p/*, allow", "get, pq/*, allow", []),
        ("get, p/*x, allow", "get, p/*y, allow", []),
    ],
)
def test_needless_and_dead_lines(first: str, second: str, expected: list[tuple[str, int]]) -> None:
    """Doubles, lines inside a wider one, and allows inside a deny; the other line is named."""
    text = f"p, u, applications, {first}\np, u, applications, {second}"
    found = [(f.code, int(f.where.split(":")[1])) for f in _lint(text) if f.code in ("rbac-shadowed", "rbac-denied")]
    assert expected == found


GRANTS = st.tuples(
    st.sampled_from(["applications", "logs", "*", "app*"]),
    st.sampled_from(["get", "sync", "*", "s*", "update/*"]),
    st.sampled_from(["*", "*/*", "p/*", "p/x", "p*", "q/*", "{p,q}/x", "*/x", "**", "p/*/x"]),
    st.sampled_from(["allow", "deny"]),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(GRANTS, min_size=2, max_size=6), st.sampled_from(["strict", "compat"]))
def test_taking_a_needless_or_dead_line_away_changes_no_answer(grants: list[tuple[str, ...]], mode: str) -> None:
    """What lint calls needless or dead is so, for every request."""
    lines = [", ".join(["p", "u", *(f'"{field}"' for field in grant)]) for grant in grants]
    findings = [f for f in _lint("\n".join(lines), mode=mode) if f.code in ("rbac-shadowed", "rbac-denied")]
    before = _answers(lines, mode)
    for finding in findings:
        number = int(finding.where.split(":")[1]) - 1
        assert before == _answers([*lines[:number], *lines[number + 1 :]], mode), (finding, lines)


def _answers(lines: list[str], mode: str) -> list[bool]:
    guard = guard_of("\n".join(lines), mode=mode)
    return [
        guard.can(Subject("u"), resource, action, target).allowed
        for resource in ("applications", "applicationsets", "logs")
        for action in ("get", "sync", "update/a")
        for target in ("p/x", "p/n/x", "q/x", "px", "p", "", "r/x")
    ]


@pytest.mark.parametrize("hops", [10, 11])
def test_chains_over_ten_hops_are_named(hops: int) -> None:
    """The eleventh g line does not count, and the finding says how long the way is."""
    chain = "\n".join(f"g, r{n}, r{n + 1}" for n in range(hops))
    found = [f.text for f in _lint(f"{chain}\np, r{hops}, applications, get, */*, allow") if f.code == "rbac-chain"]
    assert ([] if hops == 10 else ["'r0' comes to 'r11' only over 11 g lines, and only 10 count"]) == found


def test_a_cycle_is_reported_once_with_its_roles() -> None:
    """It is in force, since upstream takes it, and all of its roles are one."""
    text = "p, role:a, applications, get, */*, allow\ng, u, role:a\ng, role:a, role:b\ng, role:b, role:a"
    found = [finding for finding in _lint(text) if finding.code == "rbac-cycle"]
    assert [("warning", "a cycle of roles, role:a -> role:b -> role:a: all of them have the same lines")] == [
        (finding.severity, finding.text) for finding in found
    ]


def test_expressions_that_hit_too_much() -> None:
    """Found in other words or in the middle of an object; anchored ones are in order."""
    wide = "p, u, applications, update, proj/.*, allow"
    good = "p, u, ^applications$, ^(get|sync)$, ^proj/.*$, allow\np, u, .*, .*, .*, allow"
    mode = {"policy.matchMode": "regex"}
    assert ["rbac-regex-wide"] * 3 == _codes({"policy.csv": wide, **mode})
    assert "rbac-regex-wide" not in _codes({"policy.csv": good, **mode})


@pytest.mark.parametrize(
    ("code", "where", "layer"),
    [
        ("role-policy", "policies[0]:1", role("r", "p, u, applications, get, p/*, allow")),
        ("role-policy", "policies[0]:1", role("r", "g, u, role:admin")),
        ("role-group", "groups[0]", role("r", groups=[" team"])),
        ("role-name", "name", role("-r-")),
        ("role-double", "groups[1]", role("r", groups=["team", "team"])),
        ("role-action", "policies[0]:1", role("r", "p, proj:p:r, applications, create*, p/*, allow")),
        ("role-object", "policies[0]:1", role("r", "p, proj:p:r, applications, get, p/a?, allow")),
        ("rbac-fields", "policies[0]:1:1", role("r", "p, proj:p:r, applications")),
    ],
)
def test_roles_of_projects(code: str, where: str, layer: t.Any) -> None:
    """What the API would refuse is found where it stands, in both modes."""
    for mode in ("strict", "compat"):
        assert (code, f"AppProject p: spec.roles[0].{where}") in [
            (f.code, f.where) for f in _lint("", project("p", layer), mode=mode)
        ]


def test_two_roles_of_one_name() -> None:
    """Their lines add up, which nobody sees."""
    assert "role-double" in _codes("", project("p", role("r"), role("r")))


def test_central_lines_about_roles_of_projects() -> None:
    """A role that the project does not have is reported when the project is known, and only then."""
    text = "g, team, proj:p:dve"
    layer = project("p", role("dev", "p, proj:p:dev, applications, get, p/*, allow"))
    assert [[], ["rbac-role"], []] == [_codes(text), _codes(text, layer), _codes("g, team, proj:p:dev", layer)]


@pytest.mark.parametrize("shape", ["one role", "many roles", "chain", "doubles"])
def test_ten_thousand_lines_are_looked_at_once(shape: str) -> None:
    """The work grows with the lines and not with their square; findings of one code end at a hundred."""
    lines = {
        "one role": [f"p, role:r, applications, get, proj-{n}/*, allow" for n in range(10_000)],
        "many roles": [f"p, role:r{n}, applications, get, proj-{n}/*, allow" for n in range(10_000)],
        "chain": [f"g, r{n}, r{n + 1}" for n in range(10_000)],
        "doubles": ["p, role:r, applications, get, */*, allow"] * 10_000,
    }[shape]
    codes = _codes("\n".join(lines))
    assert {"one role": 1, "many roles": 100, "chain": 1, "doubles": 101}[shape] == len(codes)


def test_what_was_meant_is_looked_for_a_bounded_number_of_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand roles without lines among a thousand with them: some are told what was meant, all are reported."""
    compared: list[int] = []
    real = difflib.get_close_matches

    def counted(name: str, known: t.Sequence[str], *rest: t.Any) -> list[str]:
        compared.append(len(known))
        return real(name, known, *rest)

    monkeypatch.setattr(difflib, "get_close_matches", counted)
    lines = [f"p, role:r{n}, applications, get, p/*, allow\ng, team-{n}, role:rr{n}" for n in range(1000)]
    assert 100 <= _codes("\n".join(lines)).count("rbac-role")
    assert 0 < sum(compared) <= 2 * MOST_COMPARED


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda data: data.decode("latin-1")))
def test_no_text_makes_lint_raise(text: str) -> None:
    """Any text gives findings, in both modes and match modes."""
    for mode in ("strict", "compat"):
        for match_mode in ("glob", "regex"):
            data = {"policy.csv": text, "policy.matchMode": match_mode, "policy.default": text[:9], text[:5]: ""}
            assert all(finding.code and finding.where for finding in _lint(data, mode=mode))
