"""Tests of the built wheel in an environment of its own, away from the sources. Needs no network."""

import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.architecture.support import PACKAGES, ROOT

DATA = ("dashboards", "alerts", "deploy", "examples")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the sources as they are."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of a new environment with the wheel; its dependencies are those of the running one."""
    folder = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "venv", "--without-pip", str(folder))
    python = folder / "bin" / "python"
    packages = run(str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    dependencies = sysconfig.get_path("purelib")
    script = f"import sys; sys.path.append({dependencies!r})"
    (Path(packages) / "dependencies.pth").write_text(f"{script}\n")
    return folder / "bin"


def run(*command: str, folder: Path | None = None) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_holds_the_packages_and_nothing_else(wheel: Path) -> None:
    """All packages and data folders are in it; tests, documents and benchmarks are not."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.partition("/")[0] for name in names if ".dist-info/" not in name}

    assert {*PACKAGES, *DATA} == tops
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert all(f"{package}/py.typed" in names for package in PACKAGES)


def test_the_wheel_holds_every_data_file(wheel: Path) -> None:
    """Each file of the data packages, and each data file of the others, is shipped."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    tracked = run("git", "ls-files", *PACKAGES, *DATA, folder=ROOT).splitlines()

    assert [] == sorted(name for name in tracked if name not in names and (ROOT / name).exists())


def test_the_command_runs_from_anywhere(installed: Path, tmp_path: Path) -> None:
    """The installed program knows its version in a folder that has nothing of ours."""
    out = run(str(installed / "python"), "-m", "lynceus", "--version", folder=tmp_path)

    assert "0." in out


def test_the_installed_packages_are_the_wheels(installed: Path, tmp_path: Path) -> None:
    """What is imported comes from the new environment, not from the sources."""
    names = ", ".join((*PACKAGES, *DATA))
    script = f"import {names}; print('\\n'.join(each.__file__ for each in ({names},)))"

    found = run(str(installed / "python"), "-c", script, folder=tmp_path).splitlines()

    assert [] == [path for path in found if not path.startswith(str(installed.parent))]


@pytest.mark.parametrize("package", DATA)
def test_data_files_are_found(installed: Path, tmp_path: Path, package: str) -> None:
    """Dashboards, rules, manifests and examples are reachable as package data."""
    script = f"import importlib.resources as r; print(*(each.name for each in r.files({package!r}).iterdir()))"

    names = run(str(installed / "python"), "-c", script, folder=tmp_path).split()

    assert [] != [name for name in names if not name.startswith("_")]
