"""Tests of what an import costs: pure packages bring in no client library."""

import json
import subprocess
import sys

import pytest

from tests.architecture.support import ROOT

CLIENTS = ("kubernetes", "git", "flask", "prometheus_client", "opentelemetry", "requests", "urllib3", "helm_python")
SCRIPT = """
import importlib, json, pkgutil, sys
package = importlib.import_module(sys.argv[1])
for each in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    importlib.import_module(each.name)
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def loaded_by(package: str) -> set[str]:
    """The top-level modules in a fresh interpreter after every module of the package was imported."""
    command = [sys.executable, "-c", SCRIPT, package]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("package", ["model", "policy"])
def test_pure_packages_load_no_client(package: str) -> None:
    """Policy commands work, and start fast, without Kubernetes', Git's and Flask's modules."""
    assert set() == loaded_by(package) & set(CLIENTS)


def test_policy_loads_no_other_package_of_ours() -> None:
    """The decisions know nothing of the loop, the exporter, the server or the embedded cluster."""
    assert set() == loaded_by("policy") & {"controller", "exporter", "server", "lynceus", "sandbox"}


def test_the_sandbox_loads_nothing_of_ours() -> None:
    """The embedded cluster stands apart: it can judge the rest because it shares nothing with it."""
    ours = {"model", "policy", "controller", "exporter", "server", "lynceus"}

    assert set() == loaded_by("sandbox") & ours
