"""`lynceus freeze` on real API servers: what is written, what is left alone, what is said; and wrong use."""
# ruff: noqa: E501 - tables of cases, one case to a place

import json
import typing as t
from collections.abc import Callable

import pytest
import yaml

from lynceus import freezes
from tests.lynceus.calling import Answer, invoke
from tests.scenarios.conftest import install_crds
from tests.stage.cluster import Cluster

Run = Callable[..., Answer]

OBJECTS = """
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: shop}
spec: {}
---
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: bank}
spec: {}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: web, labels: {tier: front}}
spec: {project: shop, source: {repoURL: https://git.example/a}, destination: {name: in-cluster, namespace: web}}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: cart, labels: {tier: back}}
spec: {project: shop, source: {repoURL: https://git.example/a}, destination: {name: in-cluster, namespace: cart}}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: ledger}
spec: {project: bank, source: {repoURL: https://git.example/a}, destination: {name: in-cluster, namespace: bank}}
"""


@pytest.fixture
def run(cluster: Cluster, namespace: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Call `lynceus freeze …` against each of the two servers."""
    return caller(cluster, namespace, monkeypatch, capsys)


@pytest.fixture
def run_real(
    real_cluster: Cluster, namespace: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Call it against the server that knows several users."""
    return caller(real_cluster, namespace, monkeypatch, capsys)


def caller(
    cluster: Cluster, namespace: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    def call(*words: str, user: str = "admin") -> Answer:
        where = ("--kubeconfig", str(cluster.user(user)), "-n", namespace)
        return invoke(monkeypatch, capsys, "freeze", words[0], *where, *words[1:])

    return call


def stored(cluster: Cluster, namespace: str) -> dict[str, str]:
    found = cluster.request("GET", f"/api/v1/namespaces/{namespace}/configmaps/lynceus-cm")
    assert 200 == found.status
    return found.json().get("data") or {}


def put(cluster: Cluster, namespace: str, data: dict[str, str]) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "lynceus-cm"}, "data": data}
    assert 201 == cluster.request("POST", f"/api/v1/namespaces/{namespace}/configmaps", body).status


def test_a_freeze_needs_one_line(run: Run, cluster: Cluster, namespace: str) -> None:
    """Without a ConfigMap it is made; the record has the reason, the end, and whom the API server takes us for."""
    code, out, _ = run("start", "--reason", "database on fire", "--for", "4h", "--id", "fire")
    record = yaml.safe_load(stored(cluster, namespace)["freeze.fire"])

    assert (0, "freeze fire is in force until ") == (code, out[:30])
    assert ", for 4h\n" in out
    assert {"reason", "person", "start", "end"} == set(record)
    assert "database on fire" == record["reason"]
    assert ("admin" if cluster.name == "real" else record["person"]) == record["person"] != ""


def test_the_person_is_who_the_api_server_says(run_real: Run, real_cluster: Cluster, namespace: str) -> None:
    """Another user of the kubeconfig is another person; --person is taken as said."""
    run_real("start", "--reason", "r", "--for", "1h", "--id", "a", user="lynceus")
    run_real("start", "--reason", "r", "--for", "1h", "--id", "b", "--person", "night shift")
    people = [yaml.safe_load(stored(real_cluster, namespace)[f"freeze.{key}"])["person"] for key in "ab"]

    assert ["lynceus", "night shift"] == people


def test_other_keys_are_left_alone(run: Run, cluster: Cluster, namespace: str) -> None:
    """Windows, foreign keys and other freezes stay as they were, byte for byte."""
    before = {"windows": "# ours\n[]\n", "note": "x", "freeze.broken": "}{"}
    put(cluster, namespace, before)
    run("start", "--reason", "r", "--for", "1h", "--id", "one")
    run("stop", "one", "--reason", "done")

    after = stored(cluster, namespace)
    assert before == {key: value for key, value in after.items() if key != "freeze.one"}


def test_an_id_is_used_once(run: Run) -> None:
    """A second freeze of the same id is refused, with exit code 2 and one line."""
    run("start", "--reason", "r", "--for", "1h", "--id", "one")
    code, out, err = run("start", "--reason", "r", "--for", "1h", "--id", "one")

    assert (2, "") == (code, out)
    assert "lynceus: --id: found 'one', which ConfigMap" in err
    assert 1 == err.count("\n")


def test_stopping_keeps_who_and_why(run: Run, cluster: Cluster, namespace: str) -> None:
    """The record stays with the time, person and reason of its end, and is no longer in force."""
    run("start", "--reason", "r", "--for", "1h", "--id", "one")
    code, out, _ = run("stop", "one", "--reason", "fire is out", "--person", "bob")
    record = yaml.safe_load(stored(cluster, namespace)["freeze.one"])
    status = json.loads(run("status", "-o", "json")[1])

    assert (0, True) == (code, "freeze one is over since" in out and "stopped by bob: fire is out" in out)
    assert ("bob", "fire is out") == (record["stoppedBy"], record["stopReason"])
    assert [("one", "past", record["stopped"])] == [(each["id"], each["state"], each["ends"]) for each in status]


def test_stopping_twice_and_stopping_nothing(run: Run) -> None:
    """What is over stays as it was: exit code 1; an unknown id is wrong use and names those there are."""
    run("start", "--reason", "r", "--for", "1h", "--id", "one")
    run("start", "--reason", "r", "--for", "1h", "--id", "two")
    run("stop", "one", "--reason", "r")

    code, _, err = run("stop", "one", "--reason", "r")
    assert (1, True) == (code, "freeze one is over since " in err)
    code, _, err = run("stop", "tow", "--reason", "r")
    assert (2, True) == (code, "found no freeze 'tow', expected one that is in force or coming: two" in err)


def test_all_are_stopped_also_the_unreadable(run: Run, cluster: Cluster, namespace: str) -> None:
    """--all ends what is in force or coming; a record that cannot be read is shown, and replaced by one that can."""
    put(cluster, namespace, {"freeze.bad": "reason: [1", "freeze.odd": "{reason: r, start: never, end: never}"})
    run("start", "--reason", "r", "--for", "1h", "--id", "soon", "--from", "2099-01-01T00:00:00Z")
    before = run("status", "--exit-code")
    code, out, err = run("stop", "--all", "--reason", "over")
    after = run("status", "--exit-code")

    assert (1, 2) == (before[0], before[1].count("the record cannot be evaluated"))
    assert (0, 3) == (code, out.count("is over since"))
    assert "lynceus-cm freeze.bad could not be evaluated and is replaced; it was:\nreason: [1" in err
    assert (0, "no freeze is in force or coming\n(3 over; --past shows them)\n") == after[:2]


def test_old_records_go_with_the_next_write(run: Run, cluster: Cluster, namespace: str) -> None:
    """30 days behind its end a record is removed; younger ones and those that cannot be read stay."""
    old = "{reason: r, person: p, start: '2026-01-01T00:00:00Z', end: '2026-01-02T00:00:00Z'}"
    put(cluster, namespace, {"freeze.old": old, "freeze.bad": "x"})
    run("start", "--reason", "r", "--for", "1h", "--id", "one")

    assert {"freeze.one", "freeze.bad"} == set(stored(cluster, namespace))


def test_status_says_it_with_the_exit_code_when_asked(run: Run) -> None:
    """Without --exit-code a freeze is no failure; with it, 1 while one is in force, 0 while it is coming."""
    assert (0, "no freeze is in force or coming\n") == run("status", "--exit-code")[:2]
    run("start", "--reason", "r", "--for", "1h", "--id", "later", "--from", "2099-01-01T00:00:00Z")
    assert 0 == run("status", "--exit-code")[0]
    run("start", "--reason", "r", "--for", "1h", "--id", "one")
    code, out, _ = run("status")
    assert (0, ["in force", "coming"]) == (code, [line.split(":")[0] for line in out.splitlines() if line[0] != " "])
    assert 1 == run("status", "--exit-code")[0]


def test_a_freeze_under_a_key_that_is_not_read_is_told(run: Run, cluster: Cluster, namespace: str) -> None:
    """Somebody wrote `Freeze.fire` by hand: nothing is frozen, and status says why."""
    put(cluster, namespace, {"Freeze.fire": "{reason: fire}"})
    code, out, err = run("status")
    assert (0, "no freeze is in force or coming\n") == (code, out)
    assert err.startswith("lynceus: note: lynceus-cm 'Freeze.fire': no key that is read, so that nothing in it counts")


def test_a_dry_run_writes_nothing(run: Run, cluster: Cluster, namespace: str) -> None:
    """It says what would be, and there is no ConfigMap afterwards."""
    code, out, _ = run("start", "--reason", "r", "--for", "1h", "--dry-run")

    assert (0, True) == (code, "would be in force until" in out)
    assert 404 == cluster.request("GET", f"/api/v1/namespaces/{namespace}/configmaps/lynceus-cm").status


def test_a_writer_in_between_is_not_overwritten(
    run: Run, cluster: Cluster, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ConfigMap that appears or changes between reading and writing keeps what the other wrote."""
    real = freezes.FreezeBook.read
    turns = iter(range(10))

    def read(book: freezes.FreezeBook) -> freezes.Stored:
        found = real(book)
        turn = next(turns)
        if turn == 0:
            put(cluster, namespace, {"windows": "[]"})
        elif turn == 1:
            path = f"/api/v1/namespaces/{namespace}/configmaps/lynceus-cm"
            body = {"data": {"other": "y"}}
            cluster.request("PATCH", path, body, content_type="application/merge-patch+json")
        return found

    monkeypatch.setattr(freezes.FreezeBook, "read", read)
    code, _, err = run("start", "--reason", "r", "--for", "1h", "--id", "one")

    assert (0, "") == (code, "".join(line for line in err.splitlines() if "note" not in line))
    assert {"windows", "other", "freeze.one"} == set(stored(cluster, namespace))


@pytest.fixture
def fleet(cluster: Cluster, namespace: str) -> t.Iterator[None]:
    """Three Applications in two projects."""
    install_crds(cluster)
    cluster.kubectl("apply", "-n", namespace, "-f", "-", input=OBJECTS)
    yield
    cluster.request("DELETE", f"/apis/argoproj.io/v1alpha1/namespaces/{namespace}/applications")


@pytest.mark.parametrize(
    ("scope", "names"),
    [
        ((), ["cart", "ledger", "web"]),
        (("--project", "sh*"), ["cart", "web"]),
        (("--project", "shop", "--project", "bank"), ["cart", "ledger", "web"]),
        (("--project", "shop", "--application", "w*"), ["web"]),
        (("--namespace", "bank"), ["ledger"]),
        (("--cluster", "https://kubernetes.default.svc"), ["cart", "ledger", "web"]),
        (("--cluster", "other"), []),
        (("--selector", "tier in (front, back),tier!=back"), ["web"]),
        (("--selector", "!tier"), ["ledger"]),
    ],
)
@pytest.mark.usefixtures("fleet")
def test_it_says_whom_it_concerns(run: Run, namespace: str, scope: tuple[str, ...], names: list[str]) -> None:
    """Patterns of one kind widen, kinds narrow, names and servers of clusters are one, labels count."""
    out = run("start", "--reason", "r", "--for", "1h", "--dry-run", "-o", "json", *scope)[1]

    found = [name for name in json.loads(out)["applications"] if name.startswith(f"{namespace}/")]
    assert [f"{namespace}/{name}" for name in names] == found


@pytest.mark.usefixtures("fleet")
def test_a_freeze_is_obeyed_until_it_is_stopped(
    run: Run, cluster: Cluster, namespace: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was started is what the policy reads: it refuses with the reason and person, and stops refusing at once."""

    def explain(*more: str) -> Answer:
        where = ("--kubeconfig", str(cluster.user("admin")), "-n", namespace, "--app", f"{namespace}/web")
        return invoke(monkeypatch, capsys, "windows", "explain", *where, *more)

    cluster.kubectl(
        "patch", "appproject", "shop", "-n", namespace, "--type=merge", "-p",
        json.dumps({"spec": {"sourceRepos": ["*"], "sourceNamespaces": ["*"]}}),
    )  # fmt: skip
    before = explain()
    run(
        "start",
        "--reason",
        "on fire",
        "--for",
        "1h",
        "--id",
        "fire",
        "--project",
        "shop",
        "--manual",
        "--person",
        "eve",
    )
    frozen, manual = explain(), explain("--manual")
    run("stop", "fire", "--reason", "out")
    after = explain()

    assert [0, 1, 0, 0] == [before[0], frozen[0], manual[0], after[0]]
    assert "lynceus-cm freeze.fire" in frozen[1]
    assert "by 'eve': 'on fire'" in frozen[1]


@pytest.mark.usefixtures("fleet")
def test_running_syncs_are_named(run: Run, cluster: Cluster, namespace: str) -> None:
    """Syncs under way stop at their next wave; with --manual those of people go on."""
    path = f"/apis/argoproj.io/v1alpha1/namespaces/{namespace}/applications"
    for name, automated in (("web", True), ("cart", False)):
        state = {
            "phase": "Running",
            "operation": {"initiatedBy": {"automated": automated}},
            "startedAt": "2026-01-01T00:00:00Z",
        }
        body = {"status": {"operationState": state}}
        cluster.request("PATCH", f"{path}/{name}", body, content_type="application/merge-patch+json")
    every = json.loads(run("start", "--reason", "r", "--for", "1h", "--dry-run", "-o", "json")[1])["running"]
    automated = json.loads(run("start", "--reason", "r", "--for", "1h", "--dry-run", "--manual", "-o", "json")[1])[
        "running"
    ]

    assert {f"{namespace}/web", f"{namespace}/cart"} <= set(every)
    assert f"{namespace}/web" in automated
    assert f"{namespace}/cart" not in automated


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--for", "4h", "--until", "2099-01-01T00:00:00Z"), "--for, --until: found both, expected one of them: a freeze has an end"),
        ((), "--for, --until: found neither, expected one of them: a freeze has an end"),
        (("--for", "soon"), "--for: found 'soon', expected a duration such as 4h, 90m or 2d"),
        (("--for", "0h"), "--for: found '0h', expected a duration such as 4h, 90m or 2d, more than nothing"),
        (("--for", "1d-1h"), "--for: found '1d-1h', expected a duration such as 4h, 90m or 2d, more than nothing"),
        (("--for", "99999d"), "--for: found '99999d', expected at most 366 days"),
        (("--until", "tomorrow"), "--until: found 'tomorrow', expected an RFC 3339 time with its offset"),
        (("--until", "2020-01-01T00:00:00Z"), "--until: found an end at 2020-01-01T00:00:00Z, expected one after now"),
        (("--for", "1h", "--from", "2020-01-01T00:00:00Z"), "--for: found an end at 2020-01-01T01:00:00Z, expected one after now"),
        (("--for", "1h", "--project", "[a"), "--project: found '[a': "),
        (("--for", "1h", "--application", ""), "--application: found '': empty, expected a glob such as shop-*"),
        (("--for", "1h", "--selector", "a in b"), "--selector: found 'a in b', expected a label selector such as"),
        (("--for", "1h", "--id", "a/b"), "--id: found 'a/b', expected letters, digits"),
        (("--for", "1h", "--reason", " "), "--reason: found nothing, expected one line of at most 500 characters"),
        (("--for", "1h", "--reason", "a\nb"), "--reason: found control characters, expected one line"),
    ],
)  # fmt: skip
def test_wrong_use_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], line: str
) -> None:
    """Exit code 2, before any cluster is asked."""
    code, out, err = invoke(monkeypatch, capsys, "freeze", "start", "--kubeconfig", "/nowhere", "--reason", "r", *words)

    assert (2, "", 1) == (code, out, err.count("\n"))
    assert err.startswith(f"lynceus: {line}")


def test_a_cluster_that_is_not_there(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing kubeconfig is named in one line."""
    code, _, err = invoke(monkeypatch, capsys, "freeze", "status", "--kubeconfig", "/nowhere")
    assert (
        2,
        "lynceus: kubeconfig /nowhere: found no such file, expected a kubeconfig (--kubeconfig or KUBECONFIG)\n",
    ) == (code, err)


def test_without_the_right_nothing_is_said_to_be_frozen(run_real: Run) -> None:
    """A user who may not write is told so, exit code 1, and nothing claims that a freeze is in force."""
    code, out, err = run_real("start", "--reason", "r", "--for", "1h", user="alice")
    assert (1, "", True) == (code, out, "alice" in err and "lynceus-cm" in err)


RIGHTS = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: freeze}
rules:
- {apiGroups: [""], resources: [configmaps], resourceNames: [lynceus-cm], verbs: [get, patch]}
- {apiGroups: [""], resources: [configmaps], verbs: [create]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: freeze}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: freeze}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: alice}]
"""


def test_the_least_rights_suffice(run_real: Run, real_cluster: Cluster, namespace: str) -> None:
    """Who may only write lynceus-cm can freeze and end it; whom it concerns is then a note, not a failure."""
    real_cluster.kubectl("apply", "-n", namespace, "-f", "-", input=RIGHTS)
    code, out, err = run_real("start", "--reason", "r", "--for", "1h", "--id", "one", user="alice")
    stopped = run_real("stop", "one", "--reason", "r", user="alice")

    assert (0, 0) == (code, stopped[0])
    assert "  by:       alice" in out
    assert "concerns:" not in out
    assert "lynceus: note: which Applications it concerns cannot be told: " in err


def test_a_namespace_that_does_not_exist(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is not made; the option to correct is named."""
    code, _, err = invoke(
        monkeypatch, capsys, "freeze", "start", "--kubeconfig", str(cluster.user("admin")), "-n", "no-such",
        "--reason", "r", "--for", "1h",
    )  # fmt: skip
    assert (2, True) == (code, "lynceus: --namespace: found 'no-such', which does not exist" in err)
