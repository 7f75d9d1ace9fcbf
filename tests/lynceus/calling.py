"""Calls the command line in this process, as a shell would see it."""

import sys

import pytest

from lynceus.cli import main

Answer = tuple[int, str, str]
"""Exit code, standard output, standard error."""


def invoke(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> Answer:
    """Run `lynceus WORDS…`."""
    monkeypatch.setattr(sys, "argv", ["lynceus", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    printed = capsys.readouterr()
    return int(ended.value.code or 0), printed.out, printed.err
