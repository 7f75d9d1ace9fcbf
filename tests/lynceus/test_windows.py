"""`lynceus windows list` and `explain`: inherited and added windows, freezes, every kind of sync, Argo CD's answer."""
# ruff: noqa: E501 - objects and tables of cases

import json
import typing as t
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lynceus.calling import Answer, invoke
from tests.scenarios.conftest import install_crds
from tests.stage.cluster import Cluster

OBJECTS = """
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: shop, labels: {team: web}}
spec:
  sourceRepos: ["*"]
  destinations: [{server: "*", namespace: "*"}]
  syncWindows:
  - {kind: deny, schedule: "0 22 * * *", duration: 8h, timeZone: Europe/Amsterdam, applications: ["*"], manualSync: true}
---
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: company}
spec:
  syncWindows:
  - {kind: deny, schedule: "0 0 20 12 *", duration: 336h, clusters: [production]}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: web, labels: {tier: front}}
spec: {project: shop, source: {repoURL: https://git.example/a, path: .}, destination: {name: production, namespace: web}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-cm}
data: {globalProjects: "[{projectName: company, labelSelector: {matchLabels: {team: web}}}]"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: lynceus-cm}
data:
  windows: |
    - name: heal only
      kind: deny
      projects: [shop]
      from: "2026-06-01T00:00"
      until: "2026-06-02T00:00"
      timeZone: Europe/Amsterdam
      heal: true
      labelSelector: {matchLabels: {tier: front}}
      exclude: {applications: [api]}
    - {name: nobody, kind: deny, projects: [gone], schedule: "0 0 * * *", duration: 1h}
  freeze.fire: |
    {reason: fire, person: alice, start: "2026-07-01T12:00:00Z", end: "2026-07-01T14:00:00Z", manual: true}
"""
Run = Callable[..., Answer]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Call `lynceus windows …` beside all.yaml."""
    (tmp_path / "all.yaml").write_text(OBJECTS)
    monkeypatch.chdir(tmp_path)
    return lambda *words: invoke(monkeypatch, capsys, "windows", *words)


def listed(run: Run, at: str, *words: str) -> dict[str, dict[str, t.Any]]:
    code, out, _ = run("list", "all.yaml", "--at", at, "-o", "json", *words)
    assert 0 == code
    return {record["where"]: record for record in json.loads(out)}


def test_every_window_is_listed_once_with_where_it_counts(run: Run) -> None:
    """Inherited windows name their project of origin, added ones their key; one that counts nowhere says so."""
    found = listed(run, "2026-06-15T12:00:00Z")
    expected = {
        "lynceus-cm freeze.fire": ["company", "shop"],
        "AppProject shop: spec.syncWindows[0]": ["shop"],
        "AppProject company: spec.syncWindows[0]": ["company", "shop"],
        "lynceus-cm windows[0]": ["shop"],
        "lynceus-cm windows[1]": [],
    }
    assert expected == {where: record["projects"] for where, record in found.items()}
    assert "counts: in no project that there is" in run("list", "all.yaml")[1]
    assert "counts: in company, shop" in run("list", "all.yaml")[1]


def test_a_project_narrows_the_list(run: Run) -> None:
    """--project shows what counts in it, the inherited windows too."""
    found = listed(run, "2026-06-15T12:00:00Z", "--project", "comp*")
    assert {"lynceus-cm freeze.fire", "AppProject company: spec.syncWindows[0]"} == set(found)
    code, _, err = run("list", "all.yaml", "--project", "nope")
    assert (2, "lynceus: all.yaml: found no AppProject nope, expected one that is there\n") == (code, err)


def test_the_next_change_is_told_in_both_times(run: Run) -> None:
    """UTC for programs, the wall clock of the window's zone for people."""
    record = listed(run, "2026-06-15T21:00:00Z")["AppProject shop: spec.syncWindows[0]"]
    assert ("open", "2026-06-16T04:00:00Z", "Tue 2026-06-16 06:00 CEST") == (
        record["state"], record["until"], record["untilLocal"]
    )  # fmt: skip


def test_argo_cds_reckoning_is_told_where_it_differs(run: Run) -> None:
    """In the night of the clock change Argo CD ends the window an hour early; on other nights nothing is said."""
    record = listed(run, "2026-03-29T03:00:00Z")["AppProject shop: spec.syncWindows[0]"]
    assert ("2026-03-29T05:00:00Z", {"mode": "compat", "state": "open", "until": "2026-03-29T04:00:00Z"}) == (
        record["until"], record["otherMode"]
    )  # fmt: skip
    out = run("list", "all.yaml", "--at", "2026-03-29T03:00:00Z")[1]
    assert "  compat: open until 2026-03-29T04:00:00Z, as Argo CD reckons" in out
    out = run("list", "all.yaml", "--at", "2026-03-29T03:00:00Z", "--mode", "compat")[1]
    assert "  strict: open until 2026-03-29T05:00:00Z, as Lynceus reckons" in out
    assert "otherMode" not in listed(run, "2026-06-15T21:00:00Z")["AppProject shop: spec.syncWindows[0]"]


def test_what_a_window_selects_is_said_whole(run: Run) -> None:
    """Labels, projects and exclusions of added windows count as well as Argo CD's selectors."""
    found = listed(run, "2026-06-15T12:00:00Z")
    assert "labels tier=front of projects shop, without applications api" == found["lynceus-cm windows[0]"]["selects"]
    assert "clusters production" == found["AppProject company: spec.syncWindows[0]"]["selects"]
    assert "while open, no sync may run, except healing" == found["lynceus-cm windows[0]"]["meaning"]


def test_over_and_odd_entries_are_pointed_out(run: Run) -> None:
    """A one-off entry in the past is a finding; so is a schedule that cron tools read otherwise."""
    (record,) = [
        each for each in listed(run, "2026-06-15T12:00:00Z").values() if each["where"] == "lynceus-cm windows[0]"
    ]
    assert ["[window-over]"] == [finding.split()[-1] for finding in record["findings"]]
    text = Path("all.yaml").read_text().replace("0 22 * * *", "0 22 */1 * 1")
    Path("all.yaml").write_text(text)
    found = listed(run, "2026-06-15T12:00:00Z")["AppProject shop: spec.syncWindows[0]"]["findings"]
    assert ["[window-dialect]"] == [finding.split()[-1] for finding in found]


def test_a_malformed_window_is_exit_code_one(run: Run) -> None:
    """It is listed as invalid, and what it does is said."""
    Path("all.yaml").write_text(OBJECTS.replace("kind: deny, schedule", "kind: Deny, schedule"))
    code, out, _ = run("list", "all.yaml")
    assert 1 == code
    assert "invalid: AppProject shop: spec.syncWindows[0]" in out
    assert "cannot be evaluated as written: it blocks every sync of what it may concern" in out


def explained(run: Run, at: str, *words: str) -> tuple[int, dict[str, t.Any]]:
    code, out, _ = run("explain", "all.yaml", "--at", at, "-o", "json", *words)
    return code, json.loads(out)[0]


@pytest.mark.parametrize(
    ("at", "allowed"),
    [
        ("2026-06-15T12:00:00Z", [True, True, True]),
        ("2026-06-15T21:00:00Z", [False, True, False]),
        ("2026-06-01T12:00:00Z", [False, False, True]),
        ("2026-07-01T12:00:00Z", [False, True, False]),
        ("2026-12-21T12:00:00Z", [False, False, False]),
    ],
)
def test_all_three_kinds_of_sync_are_answered(run: Run, at: str, allowed: list[bool]) -> None:
    """Automated, manual and healing each have their own answer; the one asked for makes the exit code."""
    code, record = explained(run, at)
    assert allowed == [record["answers"][name]["allowed"] for name in ("automated", "manual", "healing")]
    assert [int(not flag) for flag in allowed] == [
        code, explained(run, at, "--manual")[0], explained(run, at, "--healing")[0],
    ]  # fmt: skip


def test_the_state_is_that_of_the_sync_that_was_asked_for(run: Run) -> None:
    """Under a window with heal an automated sync is denied, and healing let through."""
    at = "2026-06-01T12:00:00Z"
    assert ["denied", "heal"] == [explained(run, at, *words)[1]["state"] for words in ((), ("--healing",))]


def test_what_is_wrong_beside_the_windows_is_told(run: Run) -> None:
    """A misspelt key and a breakGlass entry of another shape: notes on stderr, and exit code 1 for the list."""
    Path("odd.yaml").write_text(
        OBJECTS.replace("  windows: |", "  Windows: x\n  breakGlass: '[{rolls: [a]}]'\n  windows: |", 1)
    )
    code, out, err = run("list", "odd.yaml", "-o", "json")
    assert (1, 5) == (code, len(json.loads(out)))
    notes = [line for line in err.splitlines() if line.startswith("lynceus: note: lynceus-cm ")]
    assert ["additions-field", "additions-key"] == [line.rpartition("[")[2].strip("]") for line in notes]
    assert err == run("explain", "odd.yaml")[2] == run("calendar", "odd.yaml")[2]


def test_a_window_of_unknown_kind_means_nothing_in_compat(run: Run) -> None:
    """Argo CD leaves it out; by the default it blocks."""
    Path("odd.yaml").write_text(OBJECTS.replace("kind: deny, schedule", "kind: Deny, schedule", 1))
    code, out, _ = run("list", "odd.yaml", "--at", "2026-06-15T12:00:00Z", "--mode", "compat")
    assert "  means:  nothing: Argo CD knows no such kind, so that the window has no effect there" in out.splitlines()
    assert 0 == code
    code, out, _ = run("list", "odd.yaml", "--at", "2026-06-15T12:00:00Z")
    assert "cannot be evaluated as written: it blocks every sync of what it may concern" in out
    assert 1 == code


def test_the_answer_says_who_why_and_what_would_change_it(run: Run) -> None:
    """A freeze is named with its person and reason, its end, and how to end it; the other syncs get a line each."""
    code, out, _ = run("explain", "all.yaml", "--at", "2026-07-01T12:30:00Z")
    lines = out.splitlines()
    assert 1 == code
    assert lines[0].startswith("web: deny: automated sync blocked until 2026-07-01T14:00:00Z: lynceus-cm freeze.fire")
    assert "by 'alice': 'fire'" in lines[0]
    assert "  remedy: a manual sync is let through" in lines
    assert "  manual:    allow until 2026-07-01T20:00:00Z" not in lines
    assert [line for line in lines if line.startswith("  manual: ")]
    assert 4 == sum(line.startswith("  window: ") and "note" not in line for line in lines)


def test_argo_cds_answer_is_told_where_it_differs(run: Run) -> None:
    """At 06:30 of the clock change Argo CD would sync already; strict waits for the true end."""
    code, record = explained(run, "2026-03-29T04:30:00Z")
    assert (1, "compat") == (code, record["otherMode"]["mode"])
    assert (True, False) == (record["otherMode"]["answers"]["automated"]["allowed"], record["allowed"])
    assert "  compat: automated allow" in run("explain", "all.yaml", "--at", "2026-03-29T04:30:00Z")[1]
    assert explained(run, "2026-06-15T12:00:00Z")[1]["otherMode"] is None


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("list",), "FILES, --live: found neither, expected files, or --live or --kubeconfig for a cluster"),
        (("explain", "all.yaml", "--live"), "FILES, --live: found both, expected files, or --live"),
        (("explain", "all.yaml", "--app", "nope"), "all.yaml: found no Application nope, expected one that is there"),
        (("explain", "all.yaml", "--manual", "--healing"), "--manual, --healing: found both, expected one of them"),
        (("explain", "all.yaml", "--started", "noon"), "--started: found 'noon', expected an RFC 3339 time"),
        (("explain", "all.yaml", "--cluster", "x"), "--cluster: found 'x', expected NAME=SERVER"),
    ],
)
def test_wrong_use_is_one_line(run: Run, words: tuple[str, ...], line: str) -> None:
    """Exit code 2 and what would be right."""
    code, out, err = run(*words)
    assert (2, "", 1) == (code, out, err.count("\n"))
    assert err.startswith(f"lynceus: {line}")


def test_a_cluster_is_asked_like_files(run: Run, real_cluster: Cluster, namespace: str) -> None:
    """--kubeconfig reads the same objects; a destination that no Secret names counts for every cluster selector."""
    install_crds(real_cluster)
    real_cluster.kubectl("apply", "-n", namespace, "-f", "-", input=OBJECTS)
    where = ("--kubeconfig", str(real_cluster.kubeconfig), "-n", namespace)
    listed_there = json.loads(run("list", *where, "--at", "2026-06-15T12:00:00Z", "-o", "json")[1])
    listed_here = json.loads(run("list", "all.yaml", "--at", "2026-06-15T12:00:00Z", "-o", "json")[1])
    name = f"{namespace}/web"
    code, out, _ = run("explain", *where, "--app", name, "--at", "2026-12-21T12:00:00Z", "-o", "json")
    real_cluster.request("DELETE", f"/apis/argoproj.io/v1alpha1/namespaces/{namespace}/applications")
    assert listed_here == listed_there
    assert (1, 1) == (code, len(json.loads(out)))
