"""The policy commands on files: answers, rules, formats and exit codes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

CSV = """# who
p, role:dev, applications, sync, staging/*, allow
g, my-org:developers, role:dev
p, alice, applications, delete, staging/*, deny
"""
APP = """
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: web, namespace: argocd}
spec:
  project: shop
  source: {repoURL: https://github.com/acme/payments-api.git, path: .}
  destination: {name: production, namespace: payments-x}
"""
PROJECT = """
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: shop, namespace: argocd, creationTimestamp: 2026-01-01}
spec:
  sourceRepos: ["https://github.com/acme/payments-*"]
  destinations: [{name: production, namespace: "payments-*"}]
  syncWindows:
  - {kind: allow, schedule: "0 9 * * 1-5", duration: 8h, applications: ["*"]}
  - {kind: deny, schedule: "0 0 20 12 *", duration: 336h, clusters: [production]}
"""
OBJECTS = f"{APP}---{PROJECT}"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "policy.csv").write_text(CSV)
    (tmp_path / "bad.csv").write_text("p, a, applications, sync, allow\n")
    (tmp_path / "app.yaml").write_text(OBJECTS)
    (tmp_path / "cm.yaml").write_text(
        yaml.safe_dump({"kind": "ConfigMap", "data": {"policy.csv": CSV, "policy.default": "role:readonly"}})
    )
    (tmp_path / "dup.yaml").write_text("kind: AppProject\nkind: AppProject\n")
    (tmp_path / "bomb.yaml").write_text("a: &a [x]\n" + "".join(f"b{n}: [*a, *a]\n" for n in range(20)))
    return tmp_path


def run(files: Path, *arguments: str) -> tuple[int, str, str]:
    code = "import sys; from lynceus.cli import main; sys.argv[0] = 'lynceus'; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=files, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


def test_can_names_line_and_path(files: Path) -> None:
    """An allowed question exits 0 and prints the deciding line and the way to it."""
    code, out, _ = run(
        files,
        "rbac",
        "can",
        "bob",
        "sync",
        "applications",
        "staging/x",
        "--policy-file",
        "policy.csv",
        "--group",
        "my-org:developers",
    )
    assert (0, True) == (code, out.startswith("allow: bob may sync applications staging/x: policy.csv:2:"))
    assert "bob -> my-org:developers -> role:dev" in out


def test_can_denies_with_the_line(files: Path) -> None:
    """A denied question exits 1; JSON carries rule, path and remedy."""
    code, out, _ = run(
        files, "rbac", "can", "alice", "delete", "app", "staging/x", "--policy-file", "policy.csv", "-o", "json"
    )
    answer = json.loads(out)
    assert (1, False, "policy.csv:4", ["alice"]) == (
        code,
        answer["allowed"],
        answer["rule"]["origin"],
        answer["rule"]["path"],
    )


def test_can_reads_the_config_map(files: Path) -> None:
    """The ConfigMap brings its default role, which --default-role replaces."""
    ask = ("rbac", "can", "carl", "get", "applications", "a/b", "--policy-file", "cm.yaml")
    assert (0, 1) == (run(files, *ask)[0], run(files, *ask, "--default-role", "")[0])


def test_can_asks_the_windows_with_an_instant(files: Path) -> None:
    """With --at a sync in the freeze is denied by its window."""
    ask = ("rbac", "can", "admin", "sync", "applications", "shop/web", "--project-file", "app.yaml")
    frozen, open_ = (run(files, *ask, "--at", at) for at in ("2026-12-24T12:00:00Z", "2026-06-15T12:00:00Z"))
    assert (1, 0) == (frozen[0], open_[0])
    assert "spec.syncWindows[1]" in frozen[1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("rbac", "can", "a", "get", "applications", "x/y", "--policy-file", "bad.csv"),
            "bad.csv:1:1: found p with 5 fields",
        ),
        (
            ("rbac", "can", "a", "get", "applications", "x/y", "--policy-file", "nope.csv"),
            "nope.csv: found no such file",
        ),
        (("rbac", "can", "a", "get", "nonsense", "x/y"), "unknown resource 'nonsense'"),
        (("windows", "list", "dup.yaml"), "a key stands twice"),
        (("windows", "list", "bomb.yaml"), "aliases"),
        (("windows", "explain", "app.yaml", "--at", "yesterday"), "--at: found 'yesterday', expected an RFC 3339 time"),
        (("project", "check", "policy.csv"), "policy.csv"),
        (("project", "check", "app.yaml", "--cluster", "x"), "expected NAME=SERVER"),
        (("rbac", "can", "a"), "Missing argument"),
    ],
)
def test_unreadable_input_exits_2_with_one_line(files: Path, arguments: tuple[str, ...], said: str) -> None:
    """Wrong use and unreadable files say what and where, without a traceback."""
    code, out, err = run(files, *arguments)
    assert (2, "", True, False) == (code, out, said in err, "Traceback" in err)


def test_validate_lists_findings(files: Path) -> None:
    """A good file exits 0, a bad one 1 with place and code."""
    good, bad = run(files, "rbac", "validate", "policy.csv"), run(files, "rbac", "validate", "bad.csv", "-o", "json")
    assert (0, 1) == (good[0], bad[0])
    assert ("rbac-fields", "bad.csv:1:1") == tuple(json.loads(bad[1])["findings"][0][key] for key in ("code", "where"))


@pytest.mark.parametrize(
    ("at", "code", "until"),
    [("2026-12-18T16:59:59Z", 0, "2026-12-18T17:00:00Z"), ("2026-12-24T12:00:00Z", 1, "2027-01-04T09:00:00Z")],
)
def test_explain_says_until_when(files: Path, at: str, code: int, until: str) -> None:
    """Exit code and next change of the freeze example, in YAML."""
    found = run(files, "windows", "explain", "app.yaml", "--at", at, "-o", "yaml")
    answer = yaml.load(found[1], Loader=yaml.BaseLoader)[0]
    assert (code, until, 2) == (found[0], answer["until"], len(answer["windows"]))


def test_windows_are_listed_with_their_state(files: Path) -> None:
    """Each window with place, text, state and end."""
    code, out, _ = run(files, "windows", "list", "app.yaml", "--at", "2026-12-24T12:00:00Z", "-o", "json")
    assert (0, ["open", "open"]) == (code, [window["state"] for window in json.loads(out)])


def test_project_check(files: Path) -> None:
    """A permitted Application exits 0; one whose destination is not listed exits 1 and says which list."""
    (files / "other.yaml").write_text(OBJECTS.replace("payments-x}", "kube-system}"))
    good, bad = (
        run(files, "project", "check", "app.yaml"),
        run(files, "project", "check", "other.yaml", "--project-file", "app.yaml"),
    )
    assert (0, 1) == (good[0], bad[0])
    assert "spec.destinations has production payments-*" in bad[1]
