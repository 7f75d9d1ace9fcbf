"""`lynceus demo` as a person runs it, on the embedded cluster and a real control plane: all ticked, nothing left."""

import os
import re
import signal
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from tests.stage.cluster import Cluster

PATIENCE_SECONDS = 300
STEPS = 11
CRDS = Path(__file__).parents[2] / "deploy" / "crds"


def tell(
    *arguments: str, start: tuple[str, ...] = ("-m", "lynceus"), **variables: str
) -> "subprocess.CompletedProcess[str]":
    """Run the demo as a person would, in a process of its own, with these variables in its environment."""
    command = [sys.executable, *start, "demo", "--once", *arguments]
    options: dict[str, t.Any] = {"capture_output": True, "text": True, "env": os.environ | variables}
    return subprocess.run(command, timeout=PATIENCE_SECONDS, check=False, **options)


def step(told: str, title: str) -> str:
    """Return what was printed of the step with this title."""
    found = [text for text in re.split(r"^(?=\[\d+/)", told, flags=re.MULTILINE) if title in text.splitlines()[0]]
    assert 1 == len(found), told
    return found[0]


PLACES = (
    "/api/v1/namespaces",
    "/api/v1/configmaps",
    "/api/v1/secrets",
    "/api/v1/events",
    "/apis/apps/v1/deployments",
    "/apis/coordination.k8s.io/v1/leases",
    "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
)


def inventory(cluster: Cluster) -> set[str]:
    """Return what is on the cluster of the kinds that the demo makes, by path, namespace and name."""
    found = set()
    for place in PLACES:
        reply = cluster.request("GET", place)
        for item in reply.json()["items"] if reply.status == 200 else ():
            meta = item["metadata"]
            found.add(f"{place} {meta.get('namespace', '')} {meta['name']}")
    return found


def assert_nothing_is_left(cluster: Cluster, before: set[str]) -> None:
    """Nothing is there that was not before and bears the demo's mark, or was put over the whole cluster."""
    new = inventory(cluster) - before
    assert not [line for line in new if "lynceus-demo-" in line or "argoproj.io" in line]


@pytest.mark.slow
@pytest.mark.row(1, 2, 4, 10, 46, 48, 49)
def test_the_story_holds_on_the_embedded_cluster() -> None:
    """All steps hold, each with at least one tick, the exit code is 0, and what Lynceus said is shown."""
    done = tell()
    assert (0, "") == (done.returncode, done.stderr), done.stdout
    numbers = re.findall(rf"^\[(\d+)/{STEPS}\]", done.stdout, re.MULTILINE)
    assert [str(number) for number in range(1, STEPS + 1)] == numbers
    assert "✗" not in done.stdout
    assert all("✓" in text for text in re.split(r"^\[\d+/", done.stdout, flags=re.MULTILINE)[1:])
    assert_freeze_told(step(done.stdout, "A freeze holds"))
    assert_preview_told(step(done.stdout, "A policy edit is previewed"))
    assert "| error: policy.csv:9:1: p with 5 fields" in step(done.stdout, "A bad policy edit")


def assert_freeze_told(text: str) -> None:
    """Reason, person and end stand in the refusals; the override is counted, told by an Event, and in its place."""
    refusal = (
        r"blocked until \d{4}-\d\d-\d\dT[0-9:]{8}Z: lynceus-cm freeze\.database .*'night-shift': 'database on fire'"
    )
    assert 2 == len(re.findall(refusal, text))
    assert "break-glass refused" in text
    assert '| lynceus_freeze_overrides_total{project="shop"} 1.0' in text
    assert "operator syncs through lynceus-cm freeze.database by break-glass: tell visitors what happens" in text
    order = ("freeze start", "guestbook: 'tell visitors", "still waits", "freeze stop", "payments is deployed")
    places = [text.index(words) for words in order]
    assert sorted(places) == places


def assert_preview_told(text: str) -> None:
    """Who would gain what by which line, and how many tests stand against it."""
    assert "| role:developer, with it shop-developers:" in text
    assert "gain applications sync on shop/*payments" in text
    assert "1 application: shop/payments" in text
    cases = re.findall(r"\| 1 file, (\d+) cases, (\d+) failed", text)
    assert [0, True] == [int(cases[0][1]), int(cases[1][1]) > 0]


@pytest.fixture
def somebodys(cluster: Cluster) -> Cluster:
    """A cluster that has Argo CD's CRDs, as others use them while the demo runs."""
    cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(CRDS))
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", str(CRDS))
    return cluster


@pytest.mark.slow
@pytest.mark.parametrize("cluster", ["real"], indirect=True)
def test_the_story_holds_on_somebodys_cluster_and_leaves_nothing(somebodys: Cluster) -> None:
    """With --kubeconfig it stays in namespaces of its own; when it ends they are gone, and all that was in them."""
    before = inventory(somebodys)
    done = tell("--kubeconfig", str(somebodys.kubeconfig))
    assert (0, "") == (done.returncode, done.stderr), done.stdout
    assert_nothing_is_left(somebodys, before)


def interrupted(cluster: Cluster, number: signal.Signals, words: str) -> str:
    """Tell the story on a cluster and send the signal to the whole group, as a terminal does, once this is printed."""
    command = [sys.executable, "-u", "-m", "lynceus", "demo", "--once", "--kubeconfig", str(cluster.kubeconfig)]
    pipes: dict[str, t.Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    told, sent = "", False
    with subprocess.Popen(command, start_new_session=True, **pipes) as process:
        assert process.stdout
        for line in process.stdout:
            told += line
            if words in line and not sent:
                os.killpg(process.pid, number)
                sent = True
        assert 1 == process.wait(PATIENCE_SECONDS), told
    assert (2, False) == (len(told.split("Interrupted.")), "Traceback" in told), told
    return told


@pytest.mark.slow
def test_the_story_leaves_nothing_after_ctrl_c_in_the_freeze(somebodys: Cluster) -> None:
    """The freeze is ended, all that was made is removed, and the exit code is 1."""
    before = inventory(somebodys)
    told = interrupted(somebodys, signal.SIGINT, "both say which freeze")
    assert "$ lynceus freeze stop database" in told
    assert_nothing_is_left(somebodys, before)


@pytest.mark.slow
@pytest.mark.parametrize("cluster", ["sandbox"], indirect=True)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_the_story_leaves_nothing_when_it_is_ended(somebodys: Cluster, number: signal.Signals) -> None:
    """SIGTERM and a closed terminal clear away as Ctrl-C does."""
    before = inventory(somebodys)
    interrupted(somebodys, number, "guestbook is Synced")
    assert_nothing_is_left(somebodys, before)


@pytest.mark.slow
def test_somebodys_own_repository_is_deployed(git_server: t.Any) -> None:
    """--repo deploys a folder of another repository and lists what became of each object."""
    repo = git_server.create("mine")
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: mine}\ndata: {a: b}\n"
    repo.push({"here/settings.yaml": text}, "Begin")
    done = tell("--repo", repo.url, "--path", "here")
    assert 0 == done.returncode, done.stdout + done.stderr
    assert re.search(r"ConfigMap own/mine +Synced", done.stdout)


@pytest.mark.slow
def test_a_folder_will_do_as_repository(tmp_path: Path) -> None:
    """--repo takes the path of a clone on this machine."""
    git = ("git", "-c", "user.name=t", "-c", "user.email=t@t.invalid", "-C", str(tmp_path))
    (tmp_path / "settings.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: mine}\n")
    for words in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "-m", "Begin")):
        subprocess.run([*git, *words], check=True)
    done = tell("--repo", str(tmp_path))
    assert 0 == done.returncode, done.stdout + done.stderr
    assert re.search(r"ConfigMap own/mine +Synced", done.stdout)


@pytest.mark.slow
def test_a_repository_that_is_not_there_says_so(git_server: t.Any) -> None:
    """The condition is printed and the exit code is 1."""
    done = tell("--repo", f"{git_server.url}/nowhere.git", "--path", "here")
    assert (1, True) == (done.returncode, "ComparisonError" in done.stdout), done.stdout + done.stderr


def test_how_to_use_a_cluster_needs_a_cluster() -> None:
    """--context without --kubeconfig is wrong use: exit code 2 and one line."""
    done = tell("--context", "mine")
    assert (2, True) == (done.returncode, "--kubeconfig is used, which is missing" in done.stderr), done.stderr


WITHOUT_TOOL = """
import controller.sources.kustomize_tool as tool
tool.find_tool = lambda environ=None: None
from lynceus.cli import main
main()
"""


@pytest.mark.slow
def test_without_kustomize_its_steps_are_left_out() -> None:
    """Where neither kustomize nor kubectl is found, one line says so and the rest holds; behind a proxy, too."""
    nowhere = "http://127.0.0.1:9"
    proxies = {"HTTPS_PROXY": nowhere, "https_proxy": nowhere, "HTTP_PROXY": nowhere, "http_proxy": nowhere}
    done = tell(start=("-c", WITHOUT_TOOL), **proxies)
    assert (0, 1) == (done.returncode, done.stdout.count("storefront is left out")), done.stdout + done.stderr
    assert "storefront is Synced" not in done.stdout
    assert f"All {STEPS} steps hold." in done.stdout


BROKEN = """
from lynceus.demo import command, freezing, narrator, preview, story
narrator.Narrator.expect.__defaults__ = (4.0,)
command.STEPS = (story.first_sync, {step})
{defect}
from lynceus.cli import main
main()
"""
FREEZE_IGNORED = """
from policy import guard
build = guard.build
guard.build = lambda *found, additions=None, **more: build(*found, additions=None, **more)
"""
GLASS_FOR_EVERYBODY = """
from policy import breakglass
breakglass.held_names = lambda *_: ("role:operator",)
"""
GLASS_FOR_NOBODY = """
from policy import breakglass
breakglass.held_names = lambda *_: ()
"""
EDIT_THAT_CHANGES_NOTHING = 'preview.DENIES = "no such line"'


@pytest.mark.slow
@pytest.mark.parametrize(
    ("step_of", "defect", "failure"),
    [
        (
            "freezing.a_freeze",
            FREEZE_IGNORED,
            'lynceus_app_sync_allowed{name="guestbook",trigger="auto"} is 0: not seen',
        ),
        ("freezing.a_freeze", GLASS_FOR_EVERYBODY, "the developer's break-glass was answered 200"),
        ("freezing.a_freeze", GLASS_FOR_NOBODY, "the operator's break-glass was answered 403"),
        ("preview.a_preview", EDIT_THAT_CHANGES_NOTHING, "expected developers to gain sync of payments"),
    ],
)
def test_the_story_notices_when_lynceus_does_not_do_it(step_of: str, defect: str, failure: str) -> None:
    """With a defect put into Lynceus the step fails, says what was seen instead, and the exit code is 1."""
    done = tell("--log-file", os.devnull, start=("-c", BROKEN.format(step=step_of, defect=defect)))
    assert (1, True) == (done.returncode, f"✗ {failure}" in done.stdout), done.stdout + done.stderr
    assert "checks did not hold" in done.stdout
