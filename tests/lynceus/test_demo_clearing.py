"""lynceus.demo.clearing: what was made goes, what was there stays."""

import typing as t
from pathlib import Path

import pytest

from controller.kube.client import KubeClient
from lynceus.demo import clearing
from lynceus.demo.clearing import Clearing, insist
from lynceus.demo.cluster import DemoCluster
from model.errors import ApiUnavailable
from sandbox.serve import Sandbox

CRDS = Path(__file__).parents[2] / "deploy" / "crds"
CONTROL = "lynceus-demo-0"


@pytest.fixture
def cluster(tmp_path: Path) -> t.Iterator[DemoCluster]:
    """A cluster of the test's own that was given the CRDs."""
    server = Sandbox(directory=tmp_path)
    server.start()
    try:
        made = DemoCluster(KubeClient.from_kubeconfig(str(server.kubeconfig)))
        for file in sorted(CRDS.glob("*.yaml")):
            made.apply(file.read_text())
        made.wait_established(clearing.CRDS)
        yield made
    finally:
        server.stop()


def application(namespace: str, name: str, finalizer: str = "") -> str:
    """Return an Application that nobody reconciles."""
    return f"""
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: {name}, namespace: {namespace}, finalizers: [{finalizer}]}}
spec:
  project: default
  source: {{repoURL: "https://git.example.com/a.git", path: a}}
  destination: {{server: "https://kubernetes.default.svc", namespace: a}}
"""


def crds(cluster: DemoCluster) -> list[bool]:
    """Tell which of the CRDs are there."""
    return [cluster.exists("CustomResourceDefinition", "", name) for name in clearing.CRDS]


def test_crds_that_nobody_uses_are_removed(cluster: DemoCluster, capsys: pytest.CaptureFixture[str]) -> None:
    """The story's own Applications do not keep them."""
    cluster.create_namespace(CONTROL)
    cluster.apply(application(CONTROL, "lynceus-demo-0-guestbook"))
    Clearing(cluster, CONTROL, f"{CONTROL}-").crds(list(clearing.CRDS))
    assert [False, False, False] == crds(cluster)
    assert "Removed: the CRDs applications.argoproj.io" in capsys.readouterr().out


def test_crds_that_somebody_uses_meanwhile_stay(cluster: DemoCluster, capsys: pytest.CaptureFixture[str]) -> None:
    """One Application elsewhere keeps all three, and is named: deleting a CRD deletes its objects."""
    cluster.create_namespace("team")
    cluster.apply(application("team", "theirs"))
    Clearing(cluster, CONTROL, f"{CONTROL}-").crds(list(clearing.CRDS))
    assert [True, True, True] == crds(cluster)
    assert cluster.exists("Application", "team", "theirs")
    assert "the CRDs of Argo CD stay, since somebody uses them: applications team/theirs" in capsys.readouterr().out


def test_only_marked_namespaces_are_deleted(cluster: DemoCluster) -> None:
    """A namespace of the same word without the mark is somebody's own."""
    for name in (CONTROL, f"{CONTROL}-guestbook", "guestbook", "argocd"):
        cluster.create_namespace(name)
    Clearing(cluster, CONTROL, f"{CONTROL}-").namespaces()
    left = [cluster.exists("Namespace", "", name) for name in (CONTROL, f"{CONTROL}-guestbook", "guestbook", "argocd")]
    assert [False, False, True, True] == left


def test_an_application_that_does_not_go_loses_its_finalizer(
    cluster: DemoCluster, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a Lynceus that carries it out, it would keep the namespace for ever."""
    monkeypatch.setattr(clearing, "WAIT_SECONDS", 0.2)
    cluster.create_namespace(CONTROL)
    cluster.apply(application(CONTROL, f"{CONTROL}-payments", "resources-finalizer.argocd.argoproj.io"))
    Clearing(cluster, CONTROL, f"{CONTROL}-").applications()
    cluster.wait_gone([("Application", CONTROL, f"{CONTROL}-payments")], 5)
    assert f"Application {CONTROL}/{CONTROL}-payments is still there" in capsys.readouterr().out


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), ApiUnavailable("gone for a moment")])
def test_a_step_that_is_broken_off_is_run_once_more(failure: BaseException) -> None:
    """Ctrl-C during the clearing, or an API server that hiccups, leaves nothing half done."""
    failures, done = [failure], []

    def step(name: str) -> None:
        if failures:
            raise failures.pop()
        done.append(name)

    insist(step, "namespaces")
    assert ["namespaces"] == done


def test_a_step_that_fails_twice_says_what_stays(capsys: pytest.CaptureFixture[str]) -> None:
    """The next steps follow all the same: nothing is raised."""

    def step() -> None:
        raise ApiUnavailable("the API server is away")

    insist(step)
    assert "not all is cleared away" in capsys.readouterr().err
