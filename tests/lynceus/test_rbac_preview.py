"""`lynceus rbac who|diff|can|validate`: what is printed, in which format, with which exit code; files and cluster."""

import json
from pathlib import Path

import pytest
import yaml

from tests.lynceus.test_commands_policy import run
from tests.lynceus.test_live import OBJECTS, RIGHTS, control
from tests.stage.cluster import Cluster

control = control

OLD = """p, role:developer, applications, get, shop/*, allow
p, role:developer, applications, sync, shop/*, allow
p, role:developer, applications, sync, shop/*payments, deny
g, shop-developers, role:developer
"""
NEW = OLD.replace("p, role:developer, applications, sync, shop/*payments, deny\n", "")
PROJECT = """
kind: AppProject
metadata: {name: shop}
spec:
  roles: [{name: ci, policies: ["p, proj:shop:ci, applications, sync, shop/*, allow"], groups: [pipeline]}]
"""
APPS = """
kind: Application
metadata: {name: payments, namespace: argocd}
spec: {project: shop}
---
kind: Application
metadata: {name: web, namespace: argocd}
spec: {project: shop}
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with two policies, a project and two Applications."""
    for name, text in {"old.csv": OLD, "new.csv": NEW, "project.yaml": PROJECT, "apps.yaml": APPS}.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_who_lists_ways(files: Path) -> None:
    """Everybody who may with line and way, and whom a deny stops."""
    ask = ("rbac", "who", "sync", "apps", "shop/payments", "--policy-file", "old.csv", "--project-file", "project.yaml")
    code, out, err = run(files, *ask)

    assert (0, "") == (code, err)
    assert "  tokens of proj:shop:ci: AppProject shop: spec.roles[0].policies[0]:1: p, proj:shop:ci" in out
    assert "user pipeline, or any member of group pipeline: " in out
    denied = out[out.index("denied by a line:") :]
    assert "any member of group shop-developers: old.csv:3: " in denied
    assert "(shop-developers -> role:developer)" in denied


def test_who_as_data(files: Path) -> None:
    """JSON has each holder with its decision; nobody exits 1."""
    code, out, _ = run(
        files, "rbac", "who", "sync", "applications", "shop/web", "--policy-file", "old.csv", "-o", "json"
    )
    answer = json.loads(out)

    assert (0, False, None) == (code, answer["everybody"]["allowed"], answer["everybody"]["rule"]["line"])
    assert [2] == [each["rule"]["line"] for each in answer["allowed"] if each["name"] == "shop-developers"]
    assert {"admin", "role:admin", "role:developer", "shop-developers"} == {each["name"] for each in answer["allowed"]}
    assert (1, 0) == (
        run(files, "rbac", "who", "nothing", "clusters", "x")[0],
        run(files, "rbac", "who", "get", "clusters", "x", "--default-role", "role:readonly")[0],
    )


def test_diff_tells_who_gains(files: Path) -> None:
    """A role with its members, the lines before and after, the Applications; exit code 1."""
    code, out, err = run(files, "rbac", "diff", "old.csv", "new.csv", "--app-file", "apps.yaml")

    assert (1, "") == (code, err)
    assert [
        "role:developer, with it shop-developers:",
        "  gain applications sync on shop/*payments",
        "    before: old.csv:3: p, role:developer, applications, sync, shop/*payments, deny",
        "    after:  new.csv:2: p, role:developer, applications, sync, shop/*, allow",
        "    1 application: shop/payments",
        "looked at: 6 callers, all actions, all objects by their patterns; 2 applications",
    ] == out.splitlines()


def test_diff_of_equal_policies(files: Path) -> None:
    """No difference exits 0, also when lines stand elsewhere."""
    (files / "moved.csv").write_text("# moved\n" + "".join(reversed(OLD.splitlines(keepends=True))))
    code, out, _ = run(files, "rbac", "diff", "old.csv", "moved.csv")

    assert (0, True) == (code, out.startswith("nobody gains or loses anything\n"))


def test_diff_as_data(files: Path) -> None:
    """YAML has callers, changes and the decisions of both sides about the example."""
    code, out, _ = run(files, "rbac", "diff", "new.csv", "old.csv", "--app-file", "apps.yaml", "-o", "yaml")
    answer = yaml.safe_load(out)
    (entry,) = answer["changes"]
    (change,) = entry["changes"]

    assert (1, True, []) == (code, answer["differs"], answer["unproven"])
    assert ["role:developer", "shop-developers"] == [each["name"] for each in entry["subjects"]]
    assert ("lost", ["sync"], ["shop/payments"]) == (change["direction"], change["actions"], change["applications"])
    assert (True, False, "old.csv:3") == (
        change["before"]["allowed"],
        change["after"]["allowed"],
        change["after"]["rule"]["origin"],
    )


def test_diff_of_folders_with_settings_and_findings(files: Path) -> None:
    """Default role, scopes and new findings are told; projects of one side alone count on both."""
    document = {"kind": "ConfigMap", "metadata": {"name": "argocd-rbac-cm"}, "data": {"policy.csv": OLD}}
    for name in ("a", "b"):
        (files / name).mkdir()
    (files / "a" / "cm.yaml").write_text(yaml.safe_dump(document))
    (files / "a" / "project.yaml").write_text(PROJECT)
    document["data"] = {"policy.csv": OLD + "p, x, apps, get, a/b, allow\n", "policy.default": "role:readonly",
                        "scopes": "[groups, email]"}  # fmt: skip
    (files / "b" / "cm.yaml").write_text(yaml.safe_dump(document))
    code, out, err = run(files, "rbac", "diff", "a", "b")

    assert (1, "") == (code, err)
    assert ["policy.default: none -> role:readonly", "scopes: groups -> groups, email"] == out.splitlines()[:2]
    assert "everybody (but for role:admin, role:readonly" in out
    assert "new warning: argocd-rbac-cm policy.csv:5:7: resource 'apps' is unknown" in out
    assert "proj:shop:ci" not in out  # tokens have the default role as everybody has
    assert "  gain certificates get on *\n" in out


def test_diff_of_scopes_alone_differs(files: Path) -> None:
    """What a claim gives is not in the lines; a change of scopes is a difference."""
    for name, scopes in (("a.yaml", "[groups]"), ("b.yaml", "[email]")):
        document = {"kind": "ConfigMap", "data": {"policy.csv": OLD, "scopes": scopes}}
        (files / name).write_text(yaml.safe_dump(document))

    assert 1 == run(files, "rbac", "diff", "a.yaml", "b.yaml")[0]


def test_diff_of_settings_without_effect_is_none(files: Path) -> None:
    """Another match mode or default role by which nobody gains or loses is told, and exits 0."""
    data = {"policy.csv": "p, al, applications, get, shop/web, allow"}
    (files / "a.yaml").write_text(yaml.safe_dump({"kind": "ConfigMap", "data": data}))
    data |= {"policy.matchMode": "regex", "policy.default": "role:nothing"}
    (files / "b.yaml").write_text(yaml.safe_dump({"kind": "ConfigMap", "data": data}))
    code, out, _ = run(files, "rbac", "diff", "a.yaml", "b.yaml")

    said = ["policy.default: none -> role:nothing", "policy.matchMode: glob -> regex", "nobody gains or loses anything"]
    assert (0, said) == (code, out.splitlines()[:3])


def test_diff_shows_long_actions_as_such(files: Path) -> None:
    """All actions on single objects that nothing tells apart are one, with dots."""
    (files / "more.csv").write_text(OLD + "p, role:developer, applications, delete/*/Pod/*, shop/*, allow\n"
                                    "p, role:developer, applications, action/*, shop/*, allow\n")  # fmt: skip
    out = run(files, "rbac", "diff", "old.csv", "more.csv")[1]

    assert "  gain applications action/… on shop/*, for example shop/x\n" in out
    assert "  gain applications delete//Pod/ on shop/*, for example shop/x\n" in out


def test_diff_of_csv_keeps_the_settings_of_the_config_map(files: Path) -> None:
    """CSV brings lines only: default role and scopes are those of the other side."""
    document = {"kind": "ConfigMap", "data": {"policy.csv": OLD, "policy.default": "role:readonly"}}
    (files / "cm.yaml").write_text(yaml.safe_dump(document))

    assert 0 == run(files, "rbac", "diff", "cm.yaml", "old.csv")[0]
    assert 0 == run(files, "rbac", "diff", "old.csv", "cm.yaml")[0]


def test_diff_looks_at_a_given_caller(files: Path) -> None:
    """Somebody in two groups is told beside the names alone."""
    (files / "deny.csv").write_text(OLD + "p, contractors, applications, get, *, deny\n")
    code, out, _ = run(
        files, "rbac", "diff", "old.csv", "deny.csv", "--subject", "al", "--group", "shop-developers",
        "--group", "contractors",
    )  # fmt: skip

    assert 1 == code
    assert "al in shop-developers and contractors:\n  lose applications get on *" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("diff", "old.csv", "nope.csv"), "nope.csv: found no such file"),
        (("diff", "old.csv", "bad.csv"), "bad.csv:1:1: found p with 5 fields"),
        (("diff", "old.csv", "live", "--kubeconfig", "nope"), "kubeconfig nope: found no such file"),
        (("who", "get", "nonsense"), "unknown resource 'nonsense'"),
        (("can", "al", "get", "apps", "a/b", "--project-file", "apps.yaml"), "apps.yaml: found no AppProject"),
        (("can", "a", "get", "apps", "x/y", "--kubeconfig", "nope"), "kubeconfig nope: found no such file"),
        (("validate", "nope.csv"), "nope.csv: found no such file"),
    ],
    ids=["missing", "broken", "no cluster", "resource", "no project", "can without cluster", "validate"],
)
def test_what_cannot_be_read_exits_2(files: Path, arguments: tuple[str, ...], said: str) -> None:
    """One line on stderr, nothing else."""
    (files / "bad.csv").write_text("p, a, applications, sync, allow\n")
    code, out, err = run(files, "rbac", *arguments)

    assert (2, "", True, 1) == (code, out, said in err, len(err.splitlines()))


def test_validate_checks_projects_and_may_fail_on_warnings(files: Path) -> None:
    """Findings of projects with place and fix; --fail-on warning makes a warning fail."""
    (files / "warned.csv").write_text("p, role:x, apps, get, a/b, allow\n")
    broken = PROJECT.replace("shop/*, allow", "pay/*, allow")
    (files / "broken.yaml").write_text(broken)
    codes = [
        run(files, "rbac", "validate", *arguments)[0]
        for arguments in (
            ("old.csv", "--fail-on", "warning"),
            ("warned.csv",),
            ("warned.csv", "--fail-on", "warning"),
            ("old.csv", "--project-file", "project.yaml"),
            ("broken.yaml",),
        )
    ]
    found = json.loads(run(files, "rbac", "validate", "old.csv", "--project-file", "broken.yaml", "-o", "json")[1])

    assert [0, 0, 1, 0, 1] == codes
    assert ("role-policy", "error", "AppProject shop: spec.roles[0].policies[0]:1", 1) == tuple(
        found["findings"][0][key] for key in ("code", "severity", "where", "line")
    )
    warned = json.loads(run(files, "rbac", "validate", "warned.csv", "-o", "json")[1])
    assert (1, 12) == tuple(warned["findings"][-1][key] for key in ("line", "column"))


def test_can_reads_a_folder_and_follows_switches(files: Path) -> None:
    """argocd-cm may let plain update and delete cover an Application's objects; without it they do not."""
    (files / "all").mkdir()
    rbac = {"kind": "ConfigMap", "metadata": {"name": "argocd-rbac-cm"},
            "data": {"policy.csv": "p, al, applications, delete, shop/*, allow"}}  # fmt: skip
    switch = {"server.rbac.disableApplicationFineGrainedRBACInheritance": "false"}
    settings = {"kind": "ConfigMap", "metadata": {"name": "argocd-cm"}, "data": switch}
    ask = ("rbac", "can", "al", "delete/apps/Deployment/ns/web", "app", "shop/web", "--policy-file", "all")
    (files / "all" / "rbac.yaml").write_text(yaml.safe_dump(rbac))
    without = run(files, *ask)[0]
    (files / "all" / "cm.yaml").write_text(yaml.safe_dump(settings))

    assert (1, 0) == (without, run(files, *ask)[0])
    who = ("rbac", "who", *ask[3:6], "--policy-file", "all", "-o", "json")
    assert "al" in {each["name"] for each in json.loads(run(files, *who)[1])["allowed"]}


def test_diff_tells_of_switches(files: Path) -> None:
    """argocd-cm on both sides: another switch is a difference by itself; on one side only it says nothing."""
    for name, value in (("a", "false"), ("b", "true")):
        (files / name).mkdir()
        rbac = {"kind": "ConfigMap", "metadata": {"name": "argocd-rbac-cm"}, "data": {"policy.csv": OLD}}
        data = {"exec.enabled": value, "timeout.reconciliation": "90s"}
        settings = {"kind": "ConfigMap", "metadata": {"name": "argocd-cm"}, "data": data}
        (files / name / "all.yaml").write_text(f"{yaml.safe_dump(rbac)}---\n{yaml.safe_dump(settings)}")
    code, out, _ = run(files, "rbac", "diff", "a", "b")

    assert (1, "argocd-cm exec.enabled: off -> on") == (code, out.splitlines()[0])
    assert 0 == run(files, "rbac", "diff", "b", "old.csv")[0]


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (("create", "exec"), "exec.enabled"),
        (("get", "logs"), "applications get"),
        (("rollback", "apps"), "rollback.enforce.enable"),
        (("sync", "apps"), ""),
    ],
)
def test_can_says_what_else_a_deed_needs(files: Path, ask: tuple[str, str], said: str) -> None:
    """Terminals, logs and rollbacks hang on more than the right of their name."""
    answer = json.loads(run(files, "rbac", "can", "admin", *ask, "shop/web", "-o", "json")[1])

    assert (True, said) == (answer["allowed"], next((said for note in answer["reasons"] if said in note), ""))


def test_can_takes_all_of_a_file_with_a_policy(files: Path) -> None:
    """An AppProject beside the ConfigMap counts, as it does in a folder; a ConfigMap of another name does as well."""
    document = {"kind": "ConfigMap", "metadata": {"name": "argocd-rbac-cm"}, "data": {"policy.csv": OLD}}
    (files / "both.yaml").write_text(f"{yaml.safe_dump(document)}---{PROJECT}")
    document["metadata"] = {"name": "next"}
    (files / "next.yaml").write_text(yaml.safe_dump(document))
    ask = ("rbac", "can", "al", "sync", "apps", "shop/web", "--group")

    assert 0 == run(files, *ask, "pipeline", "--policy-file", "both.yaml")[0]
    assert 0 == run(files, *ask, "shop-developers", "--policy-file", "next.yaml")[0]
    assert 2 == run(files, *ask, "pipeline", "--policy-file", "project.yaml")[0]


WINDOWS = """
kind: AppProject
metadata: {name: shop}
spec:
  syncWindows: [{kind: deny, schedule: "0 22 * * *", duration: 8h, applications: ["*"]}]
"""


def test_can_at_an_instant_says_until_when(files: Path) -> None:
    """Outside of windows the line that permits is named, with the next opening; inside the window is, with its end."""
    (files / "windows.yaml").write_text(WINDOWS)
    ask = ("rbac", "can", "al", "sync", "apps", "shop/web", "--group", "shop-developers", "--policy-file", "old.csv",
           "--project-file", "windows.yaml", "-o", "json", "--at")  # fmt: skip
    day, night = (run(files, *ask, at) for at in ("2026-01-10T12:00:00Z", "2026-01-10T23:00:00Z"))

    assert (0, "rbac", "2026-01-10T22:00:00Z") == _when(day)
    assert (1, "window", "2026-01-11T06:00:00Z") == _when(night)


def _when(result: tuple[int, str, str]) -> tuple[int, str, str]:
    answer = json.loads(result[1])
    return result[0], answer["rule"]["kind"], answer["until"]


def test_can_refuses_a_wrong_instant_whatever_is_asked(files: Path) -> None:
    """--at is checked also when no window will be asked."""
    for action in ("get", "sync"):
        code, out, err = run(files, "rbac", "can", "al", action, "apps", "shop/web", "--at", "yesterday")
        assert (2, "", True) == (code, out, "expected an RFC 3339 time" in err)


def test_can_names_an_action_that_does_not_exist(files: Path) -> None:
    """A slip in the action is denied and pointed at."""
    code, out, _ = run(files, "rbac", "can", "al", "run", "apps", "shop/web", "--policy-file", "old.csv")

    assert (1, True, True) == (code, "applications have no action 'run'" in out, "remedy: ask for create or" in out)


def test_live_answers(files: Path, real_cluster: Cluster, control: str) -> None:
    """can, who and diff read the cluster; a new policy file is laid over what is there."""
    where = ("--kubeconfig", str(real_cluster.kubeconfig), "-n", control)
    ask = ("x", "sync", "apps", "shop/web")
    (files / "next.csv").write_text("p, role:dev, applications, sync, shop/w*, allow\ng, developers, role:dev\n")
    can = run(files, "rbac", "can", *ask, "--group", "developers", *where)
    who = run(files, "rbac", "who", *ask[1:], *where)
    code, out, err = run(files, "rbac", "diff", "live", "next.csv", *where)

    assert (0, 0, 1, "") == (can[0], who[0], code, err)
    assert "argocd-rbac-cm policy.csv:1" in can[1]
    assert "tokens of proj:shop:ci: AppProject shop: spec.roles[0].policies[0]:1" in who[1]
    assert out.startswith("role:dev, with it developers:\n  lose applications sync on shop/*, for example shop/")
    assert "proj:shop:ci" not in out
    assert "policy.default" not in out


def test_live_with_less_rights(files: Path, real_cluster: Cluster, control: str) -> None:
    """Who may not read the policy gets one line and exit code 2; missing Applications are a note."""
    real_cluster.kubectl("apply", "-n", control, "-f", "-", input=RIGHTS)
    ask = ("rbac", "diff", "live", "live", "-n", control, "--kubeconfig")
    less = run(files, *ask, str(real_cluster.user("alice")))
    none = run(files, *ask, str(real_cluster.user("bob")))

    assert (0, 2, "") == (less[0], none[0], none[1])
    assert "lynceus: note: " in less[2]
    assert ("no permission to read" in none[2], 1) == (True, len(none[2].splitlines()))


def test_objects_of_the_cluster_as_files_say_the_same(files: Path, real_cluster: Cluster, control: str) -> None:
    """The manifests that were applied and what is read back do not differ."""
    (files / "all.yaml").write_text(OBJECTS)
    code, out, _ = run(
        files, "rbac", "diff", "live", "all.yaml", "--kubeconfig", str(real_cluster.kubeconfig), "-n", control
    )

    assert (0, True) == (code, "nobody gains or loses anything" in out)
