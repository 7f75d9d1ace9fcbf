"""Finds the files that the architecture tests look at."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("model", "policy", "controller", "exporter", "server", "lynceus", "sandbox")


def modules() -> list[Path]:
    """Every module of the packages."""
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def tracked() -> list[Path]:
    """Every file that Git tracks or would track; without Git, as in an unpacked archive, every file but made ones."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if done.returncode == 0:
        found = [ROOT / name.decode() for name in done.stdout.split(b"\0") if name]
        return [path for path in found if path.is_file()]
    hidden = {".venv", "dist", "build", "__pycache__"}
    return [path for path in ROOT.rglob("*") if path.is_file() and not hidden & set(path.relative_to(ROOT).parts)]


def name_of(path: Path) -> str:
    """The path from the root of the repository."""
    return path.relative_to(ROOT).as_posix()
