"""`lynceus dashboards`: files, ConfigMaps that a real API server takes, and Grafana's provisioning."""

from __future__ import annotations

import json
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from lynceus.commands.dashboards import dashboards
from model.errors import InvalidSettings
from tests.dashboards.support import BOARDS, FOLDER
from tests.stage.cluster import Cluster

STEMS = sorted(name.removesuffix(".json") for name in BOARDS)
ANNOTATIONS = 256 * 1024
"""Bytes that all annotations of an object may have; kubectl apply keeps the whole object in one."""


def export(folder: Path, *options: str) -> list[str]:
    """Return the lines that the command prints."""
    result = CliRunner().invoke(dashboards, ["export", str(folder), *options], catch_exceptions=False)
    assert 0 == result.exit_code, result.output
    return result.output.splitlines()


def refused(folder: Path, *options: str) -> str:
    """Return the one line of an export that is refused and writes nothing."""
    result = CliRunner().invoke(dashboards, ["export", str(folder / "new"), *options])
    assert isinstance(result.exception, InvalidSettings)
    assert not (folder / "new").exists()
    assert "\n" not in str(result.exception)
    return str(result.exception)


def config_maps(folder: Path) -> dict[str, dict[str, t.Any]]:
    """Return the ConfigMaps that were written, by the name of their board."""
    files = sorted(folder.glob("*.yaml"))
    return {path.name.removesuffix(".configmap.yaml"): yaml.safe_load(path.read_text()) for path in files}


def test_files_are_the_boards_as_they_are(tmp_path: Path) -> None:
    """The plain form, for Grafana's import."""
    printed = export(tmp_path / "boards")
    assert [str(tmp_path / "boards" / f"{stem}.json") for stem in STEMS] == printed
    assert all(
        (FOLDER / f"{stem}.json").read_text() == (tmp_path / "boards" / f"{stem}.json").read_text() for stem in STEMS
    )


@pytest.mark.row(195)
def test_the_sidecar_finds_a_config_map_per_board(tmp_path: Path) -> None:
    """The label of Grafana's Helm chart, no namespace unless asked for, the board as it is under a name of its own."""
    export(tmp_path, "--format", "configmaps")
    found = config_maps(tmp_path)
    assert STEMS == sorted(found)
    for stem, each in found.items():
        assert ("v1", "ConfigMap") == (each["apiVersion"], each["kind"])
        labels = {"app.kubernetes.io/name": "lynceus", "grafana_dashboard": "1"}
        assert {"name": f"lynceus-dashboard-{stem}", "labels": labels} == each["metadata"]
        assert {f"lynceus-{stem}.json": (FOLDER / f"{stem}.json").read_text()} == each["data"]


def test_nothing_of_this_needs_grafanas_types(tmp_path: Path) -> None:
    """The code that writes the boards, and the SDK below it, are not loaded where Lynceus runs."""
    script = f"""
import sys
from lynceus.commands.dashboards import dashboards
dashboards(["export", {str(tmp_path)!r}, "--format", "configmaps"], standalone_mode=False)
print([name for name in sys.modules if name.startswith(("grafana", "dashboards.boards"))])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "[]" == done.stdout.splitlines()[-1]


def test_the_sidecar_may_look_for_something_else(tmp_path: Path) -> None:
    """Label, namespace, folder and the annotation that names it."""
    export(
        tmp_path,
        *("--format", "configmaps", "--label", "grafana.example/board=", "-n", "monitoring"),
        *("--folder", "GitOps: all", "--folder-annotation", "k8s-sidecar-target-directory"),
    )
    for each in config_maps(tmp_path).values():
        metadata = each["metadata"]
        assert "monitoring" == metadata["namespace"]
        assert "" == metadata["labels"]["grafana.example/board"]
        assert {"k8s-sidecar-target-directory": "GitOps: all"} == metadata["annotations"]


@pytest.mark.row(195)
def test_an_api_server_takes_the_config_maps(cluster: Cluster, tmp_path: Path) -> None:
    """Kubectl apply, once more without a change, and what is kept of each fits into the annotation that it writes."""
    export(tmp_path, "--format", "configmaps", "--folder", "GitOps")
    with cluster.namespace("boards") as namespace:
        cluster.kubectl("apply", "--dry-run=server", "-n", namespace, "-f", str(tmp_path))
        cluster.kubectl("apply", "-n", namespace, "-f", str(tmp_path))
        again = cluster.kubectl("apply", "-n", namespace, "-f", str(tmp_path)).stdout
        listed = cluster.kubectl("get", "configmaps", "-n", namespace, "-l", "grafana_dashboard=1", "-o", "json").stdout
    assert len(STEMS) == again.count("unchanged")
    items = json.loads(listed)["items"]
    assert [f"lynceus-dashboard-{stem}" for stem in STEMS] == sorted(item["metadata"]["name"] for item in items)
    for item in items:
        assert sum(len(k) + len(v) for k, v in item["metadata"]["annotations"].items()) < ANNOTATIONS
        assert len(json.dumps(item)) < 1024 * 1024
        ((name, text),) = item["data"].items()
        assert BOARDS[name.removeprefix("lynceus-")] == json.loads(text)


def test_provisioning_has_the_boards_and_the_file_that_names_them(tmp_path: Path) -> None:
    """What lies in Grafana's folder provisioning/dashboards: one provider, and the boards below."""
    printed = export(tmp_path, "--format", "provisioning")
    assert sorted(str(path) for path in tmp_path.rglob("*") if path.is_file()) == sorted(printed)
    described = yaml.safe_load((tmp_path / "lynceus.yaml").read_text())
    (provider,) = described["providers"]
    assert 1 == described["apiVersion"]
    assert ("lynceus", "file", "Lynceus") == (provider["name"], provider["type"], provider["folder"])
    assert "/etc/grafana/provisioning/dashboards/lynceus" == provider["options"]["path"]
    assert BOARDS == {path.name: json.loads(path.read_text()) for path in (tmp_path / "lynceus").iterdir()}


def test_provisioning_elsewhere(tmp_path: Path) -> None:
    """Another path, and another folder."""
    export(tmp_path, "--format", "provisioning", "--path", "/srv/boards", "--folder", "GitOps")
    (provider,) = yaml.safe_load((tmp_path / "lynceus.yaml").read_text())["providers"]
    assert ("/srv/boards", "GitOps") == (provider["options"]["path"], provider["folder"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--label", "a=b"), ("--label", "--format configmaps")),
        (("--format", "provisioning", "-n", "x"), ("--namespace", "--format configmaps")),
        (("--format", "configmaps", "--path", "/x"), ("--path", "--format provisioning")),
        (("--format", "configmaps", "--label", "grafana dashboard=1"), ("--label", "KEY=VALUE")),
        (("--format", "configmaps", "--label", "grafana_dashboard"), ("--label", "KEY=VALUE")),
        (("--format", "configmaps", "--namespace", "Not_One"), ("--namespace", "Not_One")),
        (("--format", "configmaps", "--folder", "two\nlines"), ("--folder", "one line")),
        (("--format", "configmaps", "--folder", "x", "--folder-annotation", "a b"), ("--folder-annotation", "a b")),
        (("--format", "provisioning", "--folder", " "), ("--folder", "one line")),
    ],
)
def test_what_cannot_be_is_told_in_one_line(tmp_path: Path, options: tuple[str, ...], words: tuple[str, ...]) -> None:
    """Which option, what was found, what would be right; nothing is written."""
    line = refused(tmp_path, *options)
    assert all(word in line for word in words), line
