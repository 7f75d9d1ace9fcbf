"""What each kind of case asks, and how its answer is compared."""

from pathlib import Path

import pytest

from tests.lynceus.policy_files import HEAD, differences, judge

RIGHT = {
    "can by group": "can: {groups: [acme:dev], action: sync, object: shop/web}\n    expect: allow",
    "can by the name of an Application": "can: {groups: [acme:dev], action: sync, app: web}\n    expect: allow",
    "can as a role": "can: {role: role:dev, action: delete, object: shop/web}\n    expect: deny",
    "can with a token": "can: {token: proj:shop:ci, action: sync, object: shop/web}\n    expect: allow",
    "can as nobody": "can: {anonymous: true, action: get, object: shop/web}\n    expect: deny",
    "can with the line": (
        "can: {role: role:dev, action: sync, object: shop/secret}\n    expect: deny\n    rule: policy.csv:2"
    ),
    "can with the path": (
        "can: {user: dana, groups: [acme:dev], action: get, object: shop/web}\n    expect: allow\n"
        "    path: [dana, acme:dev, role:dev]"
    ),
    "can with the path behind the user": (
        "can: {user: dana, groups: [acme:dev], action: get, object: shop/web}\n    expect: allow\n"
        "    path: [acme:dev, role:dev]"
    ),
    "can with the exact rule": (
        "can: {role: role:dev, action: get, object: shop/web}\n    expect: allow\n"
        "    rule: {origin: policy.csv:3, text: 'p, role:dev, applications, get, shop/*, allow'}"
    ),
    "sync in the window": (
        "sync: {app: web}\n    expect: allow\n    until: 2026-11-18T17:00:00Z\n    rule: syncWindows[0]"
    ),
    "sync outside": (
        "at: 2026-11-18T20:00:00Z\n    sync: {app: web}\n    expect: deny\n    until: 2026-11-19T10:00:00+01:00"
    ),
    "manual sync outside": "at: 2026-11-18T20:00:00Z\n    sync: {app: web, trigger: manual}\n    expect: allow",
    "sync by somebody": "sync: {app: web, by: {user: eve}}\n    expect: deny\n    reason: eve may not sync",
    "sync of an Application written there": (
        "sync: {app: {project: shop, name: x, destination: {name: production, namespace: y}}}\n    expect: allow"
    ),
    "sync over time": "sync: {app: web}\n    timeline: {2026-11-18T16:59:59Z: allow, 2026-11-18T17:00:00Z: deny}",
    "permitted": "permitted: {app: web}\n    expect: allow",
    "permitted is refused": (
        "permitted: {app: {project: shop, source: https://a.example/x, destination: {name: production, namespace: a}}}"
        "\n    expect: deny\n    rule: spec.sourceRepos"
    ),
    "source": "source: {project: shop, repo: https://git.example.com/shop-api}\n    expect: allow",
    "source is refused": (
        "source: {project: shop, repo: https://evil.example/x}\n    expect: deny\n    rule: spec.sourceRepos"
    ),
    "destination by server": (
        "destination: {project: shop, server: https://production.example.com, namespace: shop-a}\n    expect: allow"
    ),
    "destination is refused": "destination: {project: shop, name: in-cluster, namespace: shop-a}\n    expect: deny",
    "resource": "resource: {app: web, kind: ConfigMap, namespace: shop-web, name: a}\n    expect: allow",
    "resource is refused": (
        "resource: {app: web, kind: Secret, namespace: shop-web, name: a}\n    expect: deny\n    rule: Blacklist[0]"
    ),
    "resource of the cluster": "resource: {app: web, kind: Namespace, name: a}\n    expect: deny",
    "window by its description": (
        "window: {project: shop, window: Office}\n    expect: open\n    until: 2026-11-18T17:00:00Z"
    ),
    "window over time": (
        "window: {project: shop, window: 'syncWindows[0]'}\n"
        "    timeline: {2026-11-18T08:59:59Z: closed, 2026-11-18T09:00:00Z: open}"
    ),
    "no findings": "findings: []",
}


@pytest.mark.parametrize("case", RIGHT.values(), ids=RIGHT.keys())
def test_right_cases_pass(tmp_path: Path, case: str) -> None:
    """Each kind of question is answered as the policy says."""
    result = judge(tmp_path, f"  - {case}\n")

    assert ([], ()) == (differences(result), result.findings)
    assert result.outcomes


WRONG = {
    "can: {role: role:dev, action: sync, object: shop/secret}\n    expect: allow": "expected allow, got deny",
    "can: {role: role:dev, action: sync, object: shop/web}\n    expect: allow\n    rule: policy.csv:2": (
        "rule: expected to contain 'policy.csv:2', got policy.csv:1: p, role:dev, applications, sync, shop/*, allow"
    ),
    "can: {role: role:dev, action: sync, object: shop/web}\n    expect: allow\n    rule: {origin: policy.csv}": (
        "rule.origin: expected 'policy.csv', got 'policy.csv:1'"
    ),
    "can: {role: role:dev, action: sync, object: shop/web}\n    expect: allow\n    path: [role:ops]": (
        "path: expected role:ops, got role:dev"
    ),
    "sync: {app: web}\n    expect: allow\n    until: never": "until: expected never, got 2026-11-18T17:00:00Z",
    "sync: {app: web}\n    expect: allow\n    reason: Christmas": "reason: expected to contain 'Christmas'",
    "window: {project: shop, window: Office}\n    expect: closed": "expected closed, got open",
    "findings: [window-or]": "codes: expected window-or, got none",
    "findings: {includes: [window-or]}": "codes: expected among them window-or, got none",
    "source: {project: shop, repo: https://evil.example/x}\n    expect: allow": "expected allow, got deny",
    "sync: {app: web}\n    timeline: {2026-11-18T16:59:59Z: deny, 2026-11-18T17:00:00Z: deny}": (
        "expected deny, got allow"
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_cases_say_what_differs(tmp_path: Path, case: str) -> None:
    """A failed case names the field, what was expected and what came."""
    result = judge(tmp_path, f"  - {case}\n")

    assert ([WRONG[case]], 1, False) == (differences(result), result.failed, result.passed)


def test_a_rule_is_not_found_inside_a_longer_number(tmp_path: Path) -> None:
    """Line 1 is not in line 11."""
    csv = "# comment\n" * 10 + "p, role:dev, applications, get, shop/*, allow\n"
    case = "  - can: {role: role:dev, action: get, object: shop/web}\n    expect: allow\n    rule: more.csv:1\n"

    result = judge(tmp_path, case, HEAD.replace("policy.csv", "more.csv"), more_csv=csv)

    assert [
        "rule: expected to contain 'more.csv:1', got more.csv:11: p, role:dev, applications, get, shop/*, allow"
    ] == (differences(result))


def test_a_rule_is_not_found_where_none_decided(tmp_path: Path) -> None:
    """Words with which a report says that there is no rule do not stand for one."""
    spec = "{sourceRepos: ['*'], destinations: [{name: '*', namespace: '*'}]}"
    free = f"kind: AppProject\nmetadata: {{name: free}}\nspec: {spec}\n"
    app = "{project: free, name: x, destination: {name: production, namespace: y}}"
    head = HEAD.replace("projects: objects.yaml", "projects: [objects.yaml, free.yaml]")

    result = judge(tmp_path, f"  - sync: {{app: {app}}}\n    expect: allow\n    rule: rule\n", head, free_yaml=free)

    assert ["rule: expected to contain 'rule', got no rule"] == differences(result)


MATRIX = """  - matrix:
      subjects: {dev: {groups: [acme:dev]}, eve: {user: eve}}
      actions: [get, sync]
      objects: [shop/web, shop/secret]
      allow:
        dev: {shop/web: "*", shop/secret: [get]}
"""


def test_a_matrix_asks_every_cell(tmp_path: Path) -> None:
    """Subjects times actions times objects; what `allow` does not list must be denied."""
    result = judge(tmp_path, MATRIX)

    assert (8, []) == (len(result.outcomes), differences(result))


def test_a_matrix_notices_a_right_too_many(tmp_path: Path) -> None:
    """The cell that is allowed and not listed fails alone, with its subject's line."""
    result = judge(tmp_path, MATRIX.replace('shop/web: "*"', "shop/web: [sync]"))
    failed = [outcome for outcome in result.outcomes if not outcome.passed]

    assert [("can a member of acme:dev get applications shop/web", 10)] == [
        (outcome.case.name, outcome.case.line) for outcome in failed
    ]


def test_a_matrix_with_one_answer(tmp_path: Path) -> None:
    """`expect` counts for all cells, `rule` for each."""
    case = """  - matrix: {subjects: {dev: {role: role:dev}}, actions: [get], objects: [shop/a, shop/b], expect: allow}
    rule: policy.csv:3
"""

    assert [] == differences(judge(tmp_path, case))


def test_anchors_and_merge_keys(tmp_path: Path) -> None:
    """What cases share is written once; what a case says itself stands."""
    case = """  - can: &dev {groups: [acme:dev], action: sync, object: shop/web}
    expect: allow
  - can: {<<: *dev, object: shop/secret}
    expect: deny
"""

    assert [] == differences(judge(tmp_path, case))


def test_modes_are_told_apart(tmp_path: Path) -> None:
    """One file may ask both modes: a deny of one group is final in strict only."""
    csv = "p, role:a, applications, get, shop/*, allow\np, role:b, applications, get, shop/*, deny\n"
    csv += "g, a, role:a\ng, b, role:b\n"
    case = "  - can: {user: u, groups: [a, b], action: get, object: shop/web}\n    expect: deny\n"
    more = "- name: as Argo CD\n  mode: compat\n  cases:\n" + case.replace("expect: deny", "expect: allow")

    assert [] == differences(judge(tmp_path, case + more, HEAD.replace("policy.csv", "two.csv"), two_csv=csv))


def test_errors_of_the_policy_fail_the_file(tmp_path: Path) -> None:
    """A policy that would not come into force fails with the finding, and no case is asked."""
    result = judge(tmp_path, "  - findings: []\n", HEAD.replace("policy.csv", "bad.csv"), bad_csv="p, a, b\n")

    assert (["rbac-fields"], 0, 1, False) == (
        [finding.code for finding in result.findings],
        len(result.outcomes),
        result.left_out,
        result.passed,
    )


def test_a_misspelt_field_of_a_project_fails_the_file(tmp_path: Path) -> None:
    """A rule that is not there denies, too: a test that expects a denial would pass by mistake."""
    head = HEAD.replace("projects: objects.yaml", "projects: [{metadata: {name: shop}, spec: {sourceRepoz: [a]}}]")

    result = judge(tmp_path, "  - source: {project: shop, repo: https://a.example}\n    expect: deny\n", head)

    assert ([("project-unknown-field", "sourceRepos")], 0) == (
        [(each.code, each.fix) for each in result.findings],
        len(result.outcomes),
    )


def test_expected_errors_are_cases(tmp_path: Path) -> None:
    """A case that expects the finding lets the others be asked."""
    window = '{kind: deny, schedule: "61 * * * *", duration: 8h, applications: ["*"]}'
    head = HEAD.replace(
        "projects: objects.yaml", f"projects: [{{metadata: {{name: shop}}, spec: {{syncWindows: [{window}]}}}}]"
    )
    cases = "  - findings: {codes: [window-schedule], in: AppProject shop}\n  - sync: {app: web}\n    expect: deny\n"

    result = judge(tmp_path, cases, head)

    assert ((), [], 2) == (result.findings, differences(result), len(result.outcomes))


def test_settings_that_cannot_be_used_fail_the_file(tmp_path: Path) -> None:
    """Global projects that cannot be read would take windows away in silence."""
    head = HEAD.replace("at: ", 'settings: {globalProjects: "no list"}\nat: ')

    result = judge(tmp_path, "  - sync: {app: web}\n    expect: allow\n", head)

    assert [("project-global", "argocd-cm globalProjects")] == [(each.code, each.where) for each in result.findings]


def test_placeholders_are_filled_in(tmp_path: Path) -> None:
    """`replace` changes what is read, before it is read."""
    head = HEAD.replace("policy.csv", "plan.csv").replace("at: ", "replace: {TEAM: acme:ops}\nat: ")
    case = "  - can: {groups: [acme:ops], action: get, object: shop/web}\n    expect: allow\n"

    result = judge(tmp_path, case, head, plan_csv="p, role:o, applications, get, */*, allow\ng, TEAM, role:o\n")

    assert [] == differences(result)


def test_policies_are_read_in_every_form(tmp_path: Path) -> None:
    """A CSV text, the data of the ConfigMap, and CSV files with a default role beside them."""
    forms = [
        "policy: |\n  p, eve, applications, get, shop/*, allow\n",
        'policy: {policy.csv: "p, eve, applications, get, shop/*, allow"}\n',
        "policy: {policy.default: role:readonly}\n",
        "policy: {files: policy.csv, policy.default: role:dev}\n",
    ]
    case = "  - can: {user: eve, action: get, object: shop/web}\n    expect: allow\n"

    for form in forms:
        assert [] == differences(judge(tmp_path, case, HEAD.replace("policy: policy.csv\n", form)))


def test_coverage_names_what_no_case_decided(tmp_path: Path) -> None:
    """Lines, g lines on the way and windows count; the ones never decided on are listed in order."""
    cases = "  - can: {groups: [acme:dev], action: sync, object: shop/web}\n    expect: allow\n"

    coverage = judge(tmp_path, cases).coverage

    assert [
        "policy.csv:2",
        "policy.csv:3",
        "AppProject shop: spec.roles[0].policies[0]:1",
        "AppProject shop: spec.roles[0].groups[0]",
        "AppProject shop: spec.syncWindows[0]",
    ] == [item.origin for item in coverage.missed]
    assert 7 == len(coverage.items)


def test_a_blocked_sync_covers_its_window_and_its_line(tmp_path: Path) -> None:
    """Who asked is decided by a line, whether it may run by a window: both had a part."""
    cases = "  - sync: {app: web, by: {groups: [acme:dev]}}\n    expect: allow\n"

    covered = {item.origin for item in judge(tmp_path, cases).coverage.hit}

    assert {"policy.csv:1", "policy.csv:4", "AppProject shop: spec.syncWindows[0]"} == covered


def test_repositories_of_a_project_are_sources(tmp_path: Path) -> None:
    """A repository Secret, or one written there, with the project's name counts as an entry of the project."""
    secret = """kind: Secret
metadata: {name: a, labels: {argocd.argoproj.io/secret-type: repository}}
stringData: {url: "https://git.example.com/extra", project: shop, password: secret}
"""
    case = "  - source: {project: shop, repo: https://git.example.com/extra}\n    expect: allow\n"
    entries = ["{url: https://git.example.com/extra, project: shop}", "secret.yaml"]

    for entry in entries:
        head = HEAD.replace("at: ", f"repositories: [{entry}]\nat: ")
        assert [] == differences(judge(tmp_path, case, head, secret_yaml=secret))
    assert ["expected allow, got deny"] == differences(judge(tmp_path, case))


def test_clusters_are_read_from_secrets(tmp_path: Path) -> None:
    """A cluster Secret makes name and server one cluster."""
    secret = """kind: Secret
metadata: {name: a, labels: {argocd.argoproj.io/secret-type: cluster}}
stringData: {name: production, server: "https://production.example.com", config: "{}"}
"""
    head = HEAD.replace('[{name: production, server: "https://production.example.com"}]', "[secret.yaml]")
    asked = "{project: shop, server: https://production.example.com, namespace: shop-a}"
    case = f"  - destination: {asked}\n    expect: allow\n"

    assert [] == differences(judge(tmp_path, case, head, secret_yaml=secret))


ADDITIONS = """additions:
  windows: |
    - {name: sale, kind: deny, projects: [shop], from: 2026-11-18T00:00:00Z, until: 2026-11-19T00:00:00Z,
       labelSelector: {matchLabels: {tier: web}}, override: [ops], heal: true}
    - {name: old, kind: deny, projects: [shop], schedule: 0 0 * * *, duration: 1h, expires: 2026-01-01T00:00:00Z}
  freeze.one: |
    {reason: fire, person: kim, start: 2026-11-20T00:00:00Z, end: 2026-11-21T00:00:00Z}
"""
APP = "{project: shop, name: web, labels: {tier: web}, destination: {name: production, namespace: shop-web}}"
SALE = {
    "an added window": f"sync: {{app: {APP}}}\n    expect: deny\n    rule: \"'sale'\"",
    "by its labels": f"sync: {{app: {APP.replace('tier: web', 'tier: api')}}}\n    expect: allow",
    "heals": f"sync: {{app: {APP}, trigger: healing}}\n    expect: allow",
    "break-glass": (
        f"sync: {{app: {APP}, by: {{user: kim, groups: [acme:dev, ops]}}, breakGlass: it is down}}\n    expect: allow\n"
        "    overrode: lynceus-cm windows[0]"
    ),
    "break-glass by others": (
        f"sync: {{app: {APP}, by: {{user: eve, groups: [acme:dev]}}, breakGlass: it is down}}\n    expect: deny"
    ),
    "a freeze": "at: 2026-11-20T12:00:00Z\n    sync: {app: web}\n    expect: deny\n    rule: lynceus-cm freeze.one",
    "the state of a freeze": (
        "window: {project: shop, window: freeze.one}\n"
        "    timeline: {2026-11-19T23:59:59Z: closed, 2026-11-20T00:00:00Z: open, 2026-11-21T00:00:00Z: closed}"
    ),
    "what time brings": "findings: [window-expired]",
    "what was not yet": "at: 2025-11-18T12:00:00Z\n    findings: []",
}


@pytest.mark.parametrize("case", SALE.values(), ids=SALE.keys())
def test_additions_count(tmp_path: Path, case: str) -> None:
    """Added windows, freezes, healing and break-glass are asked as the loop asks them."""
    result = judge(tmp_path, f"  - {case}\n", HEAD.replace("at: ", ADDITIONS + "at: "))

    assert ([], ()) == (differences(result), result.findings)


def test_break_glass_that_was_not_needed(tmp_path: Path) -> None:
    """A case that expects something to be passed over fails when nothing was."""
    asked = "sync: {app: web, by: {groups: [acme:dev]}, breakGlass: fire}"
    case = f"  - {asked}\n    expect: allow\n    overrode: syncWindows\n"

    assert ["overrode: expected to contain 'syncWindows', got nothing"] == differences(judge(tmp_path, case))


def test_unreadable_additions_fail_the_file(tmp_path: Path) -> None:
    """What would block everything in the cluster is told, and no case is asked."""
    head = HEAD.replace("at: ", 'additions: {windows: "no list"}\nat: ')

    result = judge(tmp_path, "  - sync: {app: web}\n    expect: deny\n", head)

    assert ["lynceus-cm windows"] == [finding.where for finding in result.findings]
