"""Options that are numbers, as the command line reads them."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from lynceus.commands.policy import policy
from lynceus.commands.run import run


@pytest.mark.parametrize(
    ("command", "arguments"),
    [(run, ["--trace-sample", "nan"]), (policy, ["test", "a.test.yaml", "--fail-under", "NaN"])],
)
def test_no_number_is_within_no_bounds(command: click.Command, arguments: list[str]) -> None:
    """What compares as neither less nor more than a bound is a mistake, told in one line."""
    done = CliRunner().invoke(command, arguments)
    assert 2 == done.exit_code
    assert f"Invalid value for '{arguments[-2]}': '{arguments[-1]}' is not a number." in done.output
