"""What a test file must not say: each mistake is named with file, line, path and what would be right."""

from pathlib import Path

import pytest

from lynceus.policytest import marked
from lynceus.policytest.load import load
from model.errors import InvalidInput
from tests.lynceus.policy_files import HEAD, write

CAN = "can: {user: a, action: get, object: shop/web}"
REFUSED = {
    "an unknown key of a case": (
        f"{CAN}\n    expcet: allow",
        ":10: tests[0].cases[0].expcet: found an unknown key, expected expect",
    ),
    "an unknown key of a question": (
        "can: {usr: a, action: get, object: shop/web}\n    expect: deny",
        ":9: tests[0].cases[0].can.usr: found an unknown key, expected user",
    ),
    "no question": ("expect: deny", ":9: tests[0].cases[0]: found none of can, sync"),
    "two questions": (f"{CAN}\n    findings: []\n    expect: deny", ":9: tests[0].cases[0]: found can and findings"),
    "no answer": (CAN, ":9: tests[0].cases[0].expect: found nothing, expected one of allow, deny"),
    "an answer that YAML takes for true": (
        f"{CAN}\n    expect: yes",
        "found true or false, expected one of allow, deny",
    ),
    "an unknown answer": (f"{CAN}\n    expect: alow", ":10: tests[0].cases[0].expect: found 'alow', expected allow"),
    "an answer of another kind": (f"{CAN}\n    expect: open", "found 'open', expected one of allow, deny"),
    "an unknown action": (
        "can: {user: a, action: synk, object: shop/web}\n    expect: deny",
        "can.action: found the unknown action 'synk' on applications",
    ),
    "an unknown resource": (
        "can: {user: a, action: get, resource: apps, object: shop/web}\n    expect: deny",
        "can.resource: found the unknown resource 'apps'",
    ),
    "an object without project": (
        "can: {user: a, action: get, object: web}\n    expect: deny",
        "can.object: found 'web', expected PROJECT/NAME or PROJECT/NAMESPACE/NAME",
    ),
    "a pattern as object": (
        "can: {user: a, action: get, object: shop/*}\n    expect: deny",
        "can.object: found the pattern 'shop/*', expected the name of one object",
    ),
    "an object where there is none": (
        "can: {user: a, action: get, resource: gpgkeys, object: x}\n    expect: deny",
        "can.object: found an object of gpgkeys",
    ),
    "no subject": (
        "can: {action: get, object: shop/web}\n    expect: deny",
        ":9: tests[0].cases[0].can: found none of user",
    ),
    "two subjects": (
        "can: {user: a, role: role:b, action: get, object: shop/web}\n    expect: deny",
        "can: found user and role",
    ),
    "a role as user": (
        "can: {user: role:dev, action: get, object: shop/web}\n    expect: deny",
        "can.user: found the user 'role:dev', expected role: role:dev",
    ),
    "a role without its beginning": (
        "can: {role: dev, action: get, object: shop/web}\n    expect: deny",
        "can.role: found 'dev', expected role:NAME",
    ),
    "a token of no project": (
        "can: {token: ci, action: get, object: shop/web}\n    expect: deny",
        "can.token: found 'ci', expected proj:PROJECT:ROLE",
    ),
    "groups beside a role": (
        "can: {role: role:a, groups: [b], action: get, object: shop/web}\n    expect: deny",
        "can.groups: found groups beside role",
    ),
    "an unknown Application": (
        "sync: {app: wbe}\n    expect: deny",
        "sync.app: found no Applications 'wbe', expected one of web",
    ),
    "an Application of an unknown project": (
        "permitted: {app: {project: shp, destination: {name: production}}}\n    expect: deny",
        "permitted.app.project: found the unknown project 'shp'",
    ),
    "a permitted Application on an unknown cluster": (
        "permitted: {app: {project: shop, destination: {name: prod}}}\n    expect: deny",
        "permitted.app: found cluster 'prod', which is not among `clusters`",
    ),
    "a namespaced kind without a namespace": (
        "resource: {app: web, kind: Secret, name: a}\n    expect: deny",
        ":9: tests[0].cases[0].resource: found Secret without a namespace, expected namespace: where it lies",
    ),
    "a cluster-scoped kind in a namespace": (
        "resource: {app: web, kind: Namespace, namespace: a, name: a}\n    expect: deny",
        "resource: found Namespace with a namespace, expected none: it is cluster-scoped",
    ),
    "a destination said twice": (
        "destination: {project: shop, name: production, server: https://x, namespace: a}\n    expect: deny",
        "destination: found name and server, expected name or server of one cluster",
    ),
    "an Application on an unknown cluster": (
        "sync: {app: {project: shop, destination: {name: prod}}}\n    expect: deny",
        "sync.app: found cluster 'prod', which is not among `clusters`, expected one of in-cluster, production",
    ),
    "an Application nowhere": (
        "sync: {app: {project: shop, name: x}}\n    expect: deny",
        "sync.app",
    ),
    "an unknown project": (
        "source: {project: shp, repo: https://a.example}\n    expect: deny",
        "source.project: found the unknown project 'shp', expected one of shop",
    ),
    "an unknown cluster": (
        "destination: {project: shop, name: prod, namespace: a}\n    expect: deny",
        "destination.name: found the unknown cluster 'prod', expected one of in-cluster, production",
    ),
    "an unknown window": (
        "window: {project: shop, window: Xmas}\n    expect: open",
        "window.window: found no windows with 'Xmas', expected text that one of them contains: AppProject shop",
    ),
    "an instant without offset": (
        "at: 2026-11-18T12:00\n    sync: {app: web}\n    expect: allow",
        ":9: tests[0].cases[0].at: found '2026-11-18T12:00', expected an RFC 3339 time",
    ),
    "an instant that does not exist": (
        "at: 2026-02-30T12:00:00Z\n    sync: {app: web}\n    expect: allow",
        "at: found '2026-02-30T12:00:00Z'",
    ),
    "an instant in a timeline": (
        "sync: {app: web}\n    timeline: {tomorrow: allow}",
        ":10: tests[0].cases[0].timeline: found 'tomorrow'",
    ),
    "a timeline of something timeless": (
        f"{CAN}\n    timeline: {{2026-11-18T12:00:00Z: deny}}",
        "timeline: found a timeline",
    ),
    "a rule of something without": ("findings: []\n    rule: a", "rule: found rule beside findings"),
    "an empty rule": (f"{CAN}\n    expect: deny\n    rule: ''", "rule: found empty text"),
    "a rule that is a number": (f"{CAN}\n    expect: deny\n    rule: 3", "rule: found a number, expected text that"),
    "a flag that is text": (
        "can: {anonymous: 'yes', action: get, object: shop/web}\n    expect: deny",
        "can.anonymous: found text, expected true or false",
    ),
    "a healing sync by somebody": (
        "sync: {app: web, trigger: healing, by: {user: a}}\n    expect: deny",
        "sync.trigger: found a sync by somebody that is healing, expected manual",
    ),
    "break-glass by nobody": (
        "sync: {app: web, breakGlass: fire}\n    expect: deny",
        "sync.breakGlass: found break-glass by nobody",
    ),
    "an unknown trigger": (
        "sync: {app: web, trigger: auto}\n    expect: deny",
        "sync.trigger: found 'auto', expected automated",
    ),
    "a table without answers": (
        "matrix: {subjects: {a: {user: a}}, actions: [get], objects: [shop/a]}",
        "matrix: found none of expect, allow",
    ),
    "a table with an unknown action": (
        "matrix:\n      subjects: {a: {user: a}}\n      actions:\n      - get\n      - gte\n"
        "      objects: [shop/a]\n      expect: deny",
        ":13: tests[0].cases[0].matrix.actions[1]: found the unknown action 'gte'",
    ),
    "a table that allows what it does not ask": (
        "matrix: {subjects: {a: {user: a}}, actions: [get], objects: [shop/a], allow: {a: [sync]}}",
        "matrix.allow.a[0]: found 'sync', which is not among actions, expected get",
    ),
    "a table that allows somebody else": (
        "matrix: {subjects: {a: {user: a}}, actions: [get], objects: [shop/a], allow: {b: [get]}}",
        "matrix.allow.b: found an unknown key, expected one of a",
    ),
}


@pytest.mark.parametrize(("case", "wanted"), REFUSED.values(), ids=REFUSED.keys())
def test_mistakes_are_named_with_their_line(tmp_path: Path, case: str, wanted: str) -> None:
    """Nothing that a case says is guessed or passed over."""
    path = write(tmp_path, f"  - {case}\n")

    with pytest.raises(InvalidInput) as caught:
        load(path)

    assert wanted in str(caught.value)
    assert str(caught.value).startswith(f"{path}:")
    assert "\n" not in str(caught.value)


HEADS = {
    "an unknown key": (HEAD.replace("policy:", "polcy:"), ":1: polcy: found an unknown key, expected policy"),
    "a missing file": (
        HEAD.replace("policy.csv", "gone.csv"),
        ":1: policy: found no file 'gone.csv', expected a file, relative to",
    ),
    "a glob without files": (
        HEAD.replace("projects: objects.yaml", "projects: [x/*.yaml]"),
        ":2: projects: found no file that 'x/*.yaml' matches",
    ),
    "a file without a project": (HEAD.replace("projects: objects.yaml", "projects: policy.yaml"), ":2: projects"),
    "a ConfigMap among CSV files": (
        HEAD.replace("policy: policy.csv", "policy: [policy.csv, policy.yaml]"),
        ":1: policy: found policy.yaml among CSV files, expected CSV files, or one ConfigMap alone",
    ),
    "an Application of a project that is not there": (
        HEAD.replace("projects: objects.yaml", "projects: [{metadata: {name: other}}]"),
        ":9: tests[0].cases[0].sync.app: found project 'shop', which is not among `projects`, expected one of other",
    ),
    "an instant that is none": (HEAD.replace("2026-11-18T12:00:00Z", "yesterday"), ":5: at: found 'yesterday'"),
    "an unknown mode": (
        HEAD.replace("at: ", "mode: lax\nat: "),
        ":5: mode: found 'lax', expected one of strict, compat",
    ),
    "a cluster without server": (
        HEAD.replace(', server: "https://production.example.com"', ""),
        ":4: clusters[0].server: found nothing, expected text",
    ),
    "a ConfigMap that is not there": (
        HEAD.replace("at: ", "additions: objects.yaml\nat: "),
        ":5: additions: found no ConfigMap lynceus-cm in objects.yaml",
    ),
    "an Application twice": (
        HEAD.replace("applications: objects.yaml", "applications: [objects.yaml, objects.yaml]"),
        "found Application web again",
    ),
    "no tests": (HEAD.partition("tests:")[0], ": found no cases, expected tests: with at least one case"),
    "cases left empty": (HEAD, ":8: tests[0].cases: found nothing, expected a list"),
    "no cases": (
        HEAD.replace("cases:", "cases: []"),
        ":8: tests[0].cases: found no cases, expected at least one: a test asserts something",
    ),
    "a list": ("- a\n", "a.test.yaml:1: found a list, expected a mapping with policy"),
    "two documents": (HEAD + "---\na: b\n", "found 2 documents, expected one"),
    "nothing": ("", "found 0 documents, expected one"),
    "a key twice": (HEAD + "tests: []\n", ":9: found the key 'tests' twice, expected each key once"),
    "no YAML": ("policy: [\n", "found text that is no YAML (did not find expected node content), expected YAML"),
    "a tag that does not fit": ("policy: !!bool maybe\n", ":1: found a value that cannot be read"),
}


@pytest.mark.parametrize(("head", "wanted"), HEADS.values(), ids=HEADS.keys())
def test_mistakes_of_the_file_are_named(tmp_path: Path, head: str, wanted: str) -> None:
    """What the file names must be there, and it must assert something."""
    asserts = head != HEAD and head.endswith("cases:\n")
    case = "  - sync: {app: web}\n    expect: allow\n" if asserts else ""
    path = write(tmp_path, case, head, policy_yaml="kind: ConfigMap\n")

    with pytest.raises(InvalidInput) as caught:
        load(path)

    assert wanted in str(caught.value)


def test_no_instant_for_what_depends_on_it(tmp_path: Path) -> None:
    """A test whose answer depends on when it runs is none."""
    path = write(tmp_path, "  - sync: {app: web}\n    expect: allow\n", HEAD.replace("at: 2026-11-18T12:00:00Z\n", ""))

    with pytest.raises(InvalidInput, match=r":8: tests\[0\].cases\[0\].sync: found no instant, expected at:"):
        load(path)


def test_an_unreadable_object_is_named_by_its_own_file(tmp_path: Path) -> None:
    """A mistake in what is tested is told with the name of that file."""
    bad = "kind: AppProject\nmetadata: {name: shop}\nspec: {sourceRepos: 3}\n"
    path = write(
        tmp_path, f"  - {CAN}\n    expect: deny\n", HEAD.replace("projects: objects", "projects: bad"), bad_yaml=bad
    )

    with pytest.raises(InvalidInput, match=r"^bad.yaml: AppProject shop: spec.sourceRepos: found int, expected array"):
        load(path)


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x]\n"
        + "".join(f"b{n}: &b{n} [{', '.join([f'*b{n - 1}'] * 9 if n else ['*a'] * 9)}]\n" for n in range(9)),
        "a: &a [*a]\n",
        "[" * 200,
        "a: !!python/object/apply:os.system [id]\n",
        "a: !!binary '***'\n",
        "? [a]\n: b\n",
        "a: {<<: 3}\n",
        "a: *missing\n",
        "a: \x00\n",
    ],
    ids=["bomb", "loop", "deep", "object", "binary", "key", "merge", "alias", "nul"],
)
def test_yaml_that_must_not_be_taken(text: str) -> None:
    """Each is refused with one line, at once."""
    with pytest.raises(InvalidInput) as caught:
        marked.parse(text, "x.yaml")

    assert str(caught.value).startswith("x.yaml")
    assert "\n" not in str(caught.value)


def test_lines_of_keys_and_items_are_kept() -> None:
    """Aliases keep the line of what they stand for, merged keys theirs."""
    (found,) = marked.parse("a: &a\n  k: v\nb:\n- *a\n- <<: *a\n  l: w\n", "x")

    assert {"a": 1, "b": 3} == found.lines
    assert [1, 5] == found["b"].lines
    assert {"k": 2, "l": 6} == found["b"][1].lines
    assert {"a": {"k": "v"}, "b": [{"k": "v"}, {"k": "v", "l": "w"}]} == marked.plain(found)
