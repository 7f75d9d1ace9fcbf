"""docs/policy-testing.md: what it prints is what the command prints, and what it names is there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from lynceus.policytest import expecting, inputs, load, questions
from tests.architecture.support import ROOT

PAGE = (ROOT / "docs" / "policy-testing.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(kind: str) -> list[str]:
    return [text for found, text in BLOCK.findall(PAGE) if found == kind]


@pytest.mark.parametrize(("number", "without"), [(0, ""), (1, ", deny\n")], ids=["as written", "without the deny"])
def test_the_printed_runs_are_real(tmp_path: Path, number: int, without: str) -> None:
    """Both runs of the page, with its own files."""
    lines = blocks("csv")[0].splitlines(keepends=True)
    (tmp_path / "policy.csv").write_text("".join(line for line in lines if not without or not line.endswith(without)))
    (tmp_path / "policy.test.yaml").write_text(blocks("yaml")[0])
    command, _, printed = blocks("console")[number].partition("\n")

    arguments = [sys.executable, "-m", "lynceus", *command.removeprefix("$ lynceus ").split()]
    environment = {"PYTHONPATH": str(ROOT), "PATH": ""}
    done = subprocess.run(arguments, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    assert printed == done.stdout


def test_every_key_is_described() -> None:
    """No key of the format is left out of the page."""
    keys = {
        *load.ROOT_KEYS,
        *inputs.KEYS,
        *expecting.KEYS,
        *questions.KINDS,
        "matrix",
        "timeline",
        "breakGlass",
        "started",
    }

    assert set() == {key for key in keys if f"`{key}`" not in PAGE and f"**{key}**" not in PAGE}


def test_snippets_are_yaml() -> None:
    """The files for CI systems can be read."""
    assert all(yaml.safe_load(text) for text in blocks("yaml"))
