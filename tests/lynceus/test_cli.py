"""lynceus.cli: finding commands, exit codes, and staying quick."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from lynceus import __version__, cli

HEAVY = ("kubernetes", "flask", "git", "prometheus_client", "opentelemetry", "uvicorn")


@pytest.mark.parametrize("name", sorted(cli.COMMANDS))
def test_every_command_can_be_imported(name: str) -> None:
    """Each line of --help leads to a command with a help text of its own."""
    answer = CliRunner().invoke(cli.cli, [name, "--help"])
    assert (0, True) == (answer.exit_code, "Usage:" in answer.output)


def test_version() -> None:
    """--version prints the version and nothing else."""
    assert f"lynceus {__version__}\n" == CliRunner().invoke(cli.cli, ["--version"]).output


def test_wrong_use_is_exit_code_2() -> None:
    """A command that does not exist is told in one line."""
    done = subprocess.run([sys.executable, "-m", "lynceus", "fly"], capture_output=True, text=True)
    assert (2, True) == (done.returncode, "fly" in done.stderr)
    assert "Traceback" not in done.stderr


def test_help_imports_no_client() -> None:
    """`lynceus --help` and the policy commands do not pay for clients they do not use."""
    code = f"import sys, lynceus.cli, lynceus.commands.rbac; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "[]\n" == done.stdout


def test_crds_are_printed_whole() -> None:
    """`lynceus crds` prints three documents for kubectl apply."""
    output = CliRunner().invoke(cli.cli, ["crds"]).output
    assert ["applications.argoproj.io", "applicationsets.argoproj.io", "appprojects.argoproj.io"] == sorted(
        line.split()[-1] for line in output.splitlines() if line.startswith("  name: ")
    )
