"""YAML text of settings: whatever stands in it, a value or one ValueError."""

import pytest

from model import yamltext
from model.additions import read_additions

ODD = ("!!bool maybe", "!!int ''", "!!int '-'", "!!float ''", "!!timestamp soon", "!!binary a", "!!nothing x")


@pytest.mark.parametrize("text", ODD)
def test_a_scalar_that_is_not_what_its_tag_says_is_a_value_error(text: str) -> None:
    """The library raises other errors over these, which must not reach who builds a policy."""
    with pytest.raises(ValueError, match=r"\w"):
        yamltext.load(f"- x: {text}")


@pytest.mark.parametrize("text", ODD)
def test_additions_are_read_whatever_the_tags(text: str) -> None:
    """An odd tag in lynceus-cm is a problem of its key, and a freeze that cannot be read is there and blocks."""
    data = dict.fromkeys(("windows", "breakGlass", "freeze.a"), f"x: {text}")
    found = read_additions(data, "1")
    assert ([f"lynceus-cm {key}" for key in sorted(data)], 1) == (
        sorted(problem.where for problem in found.problems),
        len(found.freezes),
    )
