"""Importing policy or model loads no client of a cluster, a server or a collector: decisions can be made anywhere."""

import pkgutil
import subprocess
import sys

import pytest

import model
import policy

FOREIGN = (
    "kubernetes",
    "flask",
    "git",
    "prometheus_client",
    "opentelemetry",
    "requests",
    "urllib3",
)


def _modules(package: str, paths: list[str]) -> list[str]:
    return [package, *(found.name for found in pkgutil.walk_packages(paths, f"{package}."))]


@pytest.mark.parametrize(("package", "paths"), [("model", model.__path__), ("policy", policy.__path__)])
def test_every_module_loads_without_clients(package: str, paths: list[str]) -> None:
    """All modules of the package in a fresh interpreter; what they loaded is then looked through."""
    names = _modules(package, list(paths))
    script = (
        "import importlib, sys\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
        f"print(sorted(set({FOREIGN!r}) & {{name.partition('.')[0] for name in sys.modules}}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert ("[]\n", True) == (done.stdout, len(names) > 10)


def test_a_question_about_rbac_loads_no_client() -> None:
    """`lynceus rbac can` on files loads neither kubernetes nor flask nor git, and no collector's client."""
    script = (
        "import sys\nfrom lynceus.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        f"print(sorted(set({FOREIGN!r}) & {{name.partition('.')[0] for name in sys.modules}}))"
    )
    command = [sys.executable, "-c", script, "rbac", "can", "role:readonly", "get", "applications", "shop/web"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert "[]" == done.stdout.splitlines()[-1]
    assert "allow" in done.stdout.lower()
