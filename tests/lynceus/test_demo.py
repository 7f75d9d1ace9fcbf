"""`lynceus demo --once` on the embedded cluster and on a real control plane: all steps ticked, nothing left behind."""

import re
import subprocess
import sys
import typing as t

import pytest

from tests.stage.cluster import Cluster

PATIENCE_SECONDS = 300


def tell(*arguments: str, start: tuple[str, ...] = ("-m", "lynceus")) -> "subprocess.CompletedProcess[str]":
    """Run the demo as a person would, in a process of its own."""
    command = [sys.executable, *start, "demo", "--once", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)


@pytest.mark.slow
@pytest.mark.row(1, 2, 4, 10, 46, 48, 49)
def test_the_story_holds_on_the_embedded_cluster() -> None:
    """All eleven steps hold, each with at least one tick, and the exit code is 0."""
    done = tell()
    assert (0, "") == (done.returncode, done.stderr), done.stdout
    assert [str(number) for number in range(1, 12)] == re.findall(r"^\[(\d+)/11\]", done.stdout, re.MULTILINE)
    assert "✗" not in done.stdout
    assert 45 <= done.stdout.count("✓")


@pytest.mark.slow
def test_the_story_holds_on_somebodys_cluster_and_leaves_nothing(real_cluster: Cluster) -> None:
    """With --kubeconfig it stays in namespaces of its own and removes them."""
    done = tell("--kubeconfig", str(real_cluster.kubeconfig))
    assert (0, "") == (done.returncode, done.stderr), done.stdout
    namespaces = real_cluster.get("/api/v1/namespaces")["items"]
    left = [item for item in namespaces if item["metadata"]["name"].startswith("lynceus-demo-")]
    assert all("deletionTimestamp" in item["metadata"] for item in left)


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
def test_a_repository_that_is_not_there_says_so(git_server: t.Any) -> None:
    """The condition is printed and the exit code is 1."""
    done = tell("--repo", f"{git_server.url}/nowhere.git", "--path", "here")
    assert (1, True) == (done.returncode, "ComparisonError" in done.stdout), done.stdout + done.stderr


WITHOUT_TOOL = """
import controller.sources.kustomize_tool as tool
tool.find_tool = lambda environ=None: None
from lynceus.cli import main
main()
"""


@pytest.mark.slow
def test_without_kustomize_its_steps_are_left_out() -> None:
    """Where neither kustomize nor kubectl is found, one line says so and the rest of the story holds."""
    done = tell(start=("-c", WITHOUT_TOOL))
    assert (0, 1) == (done.returncode, done.stdout.count("storefront is left out")), done.stdout + done.stderr
    assert "storefront is Synced" not in done.stdout
