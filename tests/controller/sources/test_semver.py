"""Constraints of Masterminds/semver over tags."""

import pytest

from controller.sources import semver

TAGS = ["v1.0.0", "v1.2.3", "1.2.4-rc.1", "1.2.4-rc.10", "v2.0.0", "0.2.3", "0.3.0", "junk", "v3.1", "latest"]


@pytest.mark.parametrize(
    ("constraint", "best"),
    [
        ("1.*", "v1.2.3"),
        ("1.x", "v1.2.3"),
        ("^1", "v1.2.3"),
        ("^0.2.0", "0.2.3"),
        ("~1.2", "v1.2.3"),
        ("~1.0.0", "v1.0.0"),
        ("*", "v3.1"),
        (">=1 <3", "v2.0.0"),
        (">=1.0.0, <2.0.0", "v1.2.3"),
        ("1.x || 3.x", "v3.1"),
        ("!=3.1.0", "v2.0.0"),
        ("<=1.2.3", "v1.2.3"),
        (">=1.2.4-0 <1.3.0-0", "1.2.4-rc.10"),
        ("1.0 - 1.2", "v1.2.3"),
        (">3.1", None),
        ("=2", "v2.0.0"),
    ],
)
def test_the_highest_matching_tag_wins(constraint: str, best: str | None) -> None:
    """Pre-releases match only where one is named; what is no version is ignored."""
    assert best == semver.best(constraint, TAGS)


@pytest.mark.parametrize("text", ["main", "release/1.x", "", "a1b2c3d", "feature-1", ">=", "1.2.3.4", "v"])
def test_names_are_no_constraints(text: str) -> None:
    """A branch name is not mistaken for a constraint."""
    assert not semver.is_constraint(text)
