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


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["fly"], "lynceus: No such command 'fly'; see lynceus --help"),
        (["--fly"], "lynceus: No such option '--fly'; see lynceus --help"),
        (["rbac", "fly"], "lynceus: rbac: No such command 'fly'; see lynceus rbac --help"),
        (["rbac", "can"], "lynceus: rbac can: Missing argument 'SUBJECT'; see lynceus rbac can --help"),
        (["windows", "list", "-o", "xml"], "lynceus: windows list: Invalid value for '-o' / '--output': 'xml' is not"),
        (["freeze", "status", "x"], "lynceus: freeze status: Got unexpected extra argument (x); see lynceus freeze"),
    ],
)  # fmt: skip
def test_wrong_use_is_one_line_and_exit_code_2(words: list[str], said: str) -> None:
    """What is wrong and where help is to be had, on stderr alone."""
    done = subprocess.run([sys.executable, "-m", "lynceus", *words], capture_output=True, text=True)
    assert (2, "", 1) == (done.returncode, done.stdout, len(done.stderr.splitlines())), done.stderr
    assert done.stderr.startswith(said)


def test_a_group_without_a_command_prints_its_help() -> None:
    """`lynceus rbac` lists what there is, with exit code 2 since nothing was done."""
    done = subprocess.run([sys.executable, "-m", "lynceus", "rbac"], capture_output=True, text=True)
    assert (2, True) == (done.returncode, "  validate  " in done.stderr)


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
