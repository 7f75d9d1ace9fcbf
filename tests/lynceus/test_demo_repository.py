"""lynceus.demo.repository: the repository that the story changes."""

from pathlib import Path

import pytest

from lynceus.demo.narrator import Narrator, StoryError
from lynceus.demo.repository import DemoRepository


def test_the_examples_are_in_the_first_commit(tmp_path: Path) -> None:
    """All three ways to write manifests are there, under a commit id."""
    repository = DemoRepository(tmp_path)
    for path in (
        "guestbook/deployment.yaml",
        "storefront/overlays/production/kustomization.yaml",
        "payments/Chart.yaml",
    ):
        assert repository.read(path)
    assert 40 == len(repository.head)


def test_a_push_moves_the_head(tmp_path: Path) -> None:
    """Changed and removed files make a new commit."""
    repository = DemoRepository(tmp_path)
    first = repository.head
    second = repository.push("Change", {"guestbook/service.yaml": None, "guestbook/settings.yaml": "a: b\n"})
    assert first != second == repository.head
    assert "a: b\n" == repository.read("guestbook/settings.yaml")


def test_an_expectation_that_never_holds_fails() -> None:
    """The story cannot pass by waiting: a claim that is not seen raises with the claim in it."""
    with pytest.raises(StoryError, match="pigs fly: not seen within 0 s"):
        Narrator(1).expect("pigs fly", lambda: None, seconds=0)


def test_a_claim_that_does_not_hold_is_a_failure() -> None:
    """What was seen instead is noted, and makes the story fail."""
    say = Narrator(1)
    assert say.check(True, "water is wet", "it is dry")
    assert not say.check(False, "pigs fly", "they walk")
    assert ["they walk"] == say.failures
