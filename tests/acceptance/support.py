"""Reads the tables and asks the command line and the guard their questions."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
import yaml

from lynceus.files import read_bundle
from policy.findings import Finding, Mode
from policy.generation import Generation, build
from tests.lynceus.calling import invoke

TABLES = Path(__file__).parent / "tables"
MODES: tuple[Mode, ...] = ("strict", "compat")


class Result(t.NamedTuple):
    """What a shell would see."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> t.Any:
        """The output as data."""
        return json.loads(self.out)


def table(name: str) -> list[t.Any]:
    """Return the cases of a table as pytest parameters, named by their rules."""
    cases = yaml.safe_load((TABLES / f"{name}.yaml").read_text(encoding="utf-8"))
    return [pytest.param(case, id=case["rule"].replace("\n", " ")) for case in cases]


def run(capsys: pytest.CaptureFixture[str], *words: str) -> Result:
    """Run `lynceus WORDS…` in this process."""
    with pytest.MonkeyPatch.context() as patched:
        return Result(*invoke(patched, capsys, *words))


def per_mode(answer: t.Any) -> dict[Mode, t.Any]:
    """Return the answers of `strict/compat`, or the one answer for both."""
    left, slash, right = str(answer).partition("/")
    return {"strict": left, "compat": right if slash else left}


def config_map(name: str, data: dict[str, str]) -> dict[str, t.Any]:
    """Return a ConfigMap."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def project(name: str, spec: dict[str, t.Any] | None = None, **metadata: t.Any) -> dict[str, t.Any]:
    """Return an AppProject."""
    base = {"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}]}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {"name": name, "namespace": "argocd"} | metadata,
        "spec": base | (spec or {}),
    }


def application(name: str = "web", **given: t.Any) -> dict[str, t.Any]:
    """Return an Application; spec fields as keywords, `labels` and `namespace` for its metadata."""
    metadata = {"name": name, "namespace": given.pop("namespace", "argocd"), "labels": given.pop("labels", {})}
    spec = {
        "project": "shop",
        "source": {"repoURL": "https://git.example.com/shop", "path": "."},
        "destination": {"server": "https://kubernetes.default.svc", "namespace": "web"},
    }
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": metadata,
        "spec": spec | given,
    }


def cluster(name: str, server: str, **more: str) -> dict[str, t.Any]:
    """Return a cluster Secret."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": f"cluster-{name}", "labels": {"argocd.argoproj.io/secret-type": "cluster"}},
        "stringData": {"name": name, "server": server, "config": "{}"} | more,
    }


def write(path: Path, *objects: dict[str, t.Any]) -> str:
    """Write objects into one file; returns its path."""
    # JSON is YAML, and much faster to write
    path.write_text("\n---\n".join(json.dumps(each) for each in objects), encoding="utf-8")
    return str(path)


def generation(path: str, mode: Mode) -> tuple[Generation, tuple[Finding, ...]]:
    """Build what a file with objects says, as the commands do."""
    live = read_bundle([path])
    return build(
        live.rbac,
        live.projects,
        live.clusters,
        mode=mode,
        global_projects=live.settings.global_projects,
        additions=live.additions,
    )
