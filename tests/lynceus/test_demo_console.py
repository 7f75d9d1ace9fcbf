"""lynceus.demo.console and lynceus.demo.probes: what the steps type and what they look at."""

import typing as t
from pathlib import Path
from types import SimpleNamespace

import pytest

from lynceus.demo import probes
from lynceus.demo.console import call
from lynceus.demo.narrator import Narrator
from lynceus.demo.world import World
from model.errors import LynceusError

LINES = [
    'lynceus_app_sync_allowed{name="guestbook",namespace="argocd",project="shop",trigger="auto"} 0.0',
    'lynceus_app_sync_allowed{name="guestbook",namespace="argocd",project="shop",trigger="manual"} 1.0',
    'lynceus_app_sync_allowed{name="payments",namespace="argocd",project="shop",trigger="auto"} 1.0',
    'lynceus_app_sync_allowed_since{name="payments",trigger="auto"} 0.0',
    'lynceus_freeze_overrides_total{project="shop"} 2.0',
    'lynceus_freeze_overrides_total{project="other"} 3.0',
]


def world(**parts: t.Any) -> World:
    """Return a world of which only these parts are there."""
    base = {"scrape": lambda: LINES, "name": lambda name: name, "namespace": lambda name: name, "control": "argocd"}
    return t.cast("World", SimpleNamespace(**{**base, **parts}))


def test_a_command_is_shown_and_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is printed for readers lacks the folder; exit code and output are the command's own."""
    policy = tmp_path / "policy.csv"
    policy.write_text("p, role:developer, applications, *, allow\n")
    done = call(Narrator(1), "rbac", "validate", str(policy), folder=tmp_path)
    assert "      $ lynceus rbac validate policy.csv\n" == capsys.readouterr().out
    assert (1, True) == (done.code, "error: policy.csv:1:1: p with 5 fields" in done.text)


def test_a_command_that_is_fine_has_code_0(tmp_path: Path) -> None:
    """The other exit code comes through, too."""
    policy = tmp_path / "policy.csv"
    policy.write_text("p, role:developer, applications, get, shop/*, allow\n")
    assert 0 == call(Narrator(1), "rbac", "validate", str(policy), folder=tmp_path).code


@pytest.mark.parametrize("words", [("rbac", "validate", "/nowhere/policy.csv"), ("rbac", "validate"), ("rbac", "fly")])
def test_wrong_use_is_an_error_of_the_story(words: tuple[str, ...]) -> None:
    """The step fails with the command's words; nothing ends the demo's own process."""
    with pytest.raises(LynceusError):
        call(Narrator(1), *words)


def test_a_sample_is_found_by_its_whole_name_and_all_labels() -> None:
    """A longer name or another trigger is another sample."""
    assert (True, False) == (probes.forbidden(world(), "guestbook"), probes.forbidden(world(), "payments"))
    assert (2.0, 5.0, 0.0) == (
        probes.value(world(), "lynceus_freeze_overrides_total", 'project="shop"'),
        probes.value(world(), "lynceus_freeze_overrides_total"),
        probes.value(world(), "lynceus_freeze"),
    )
    assert probes.positive(world(), "lynceus_app_sync_allowed", 'name="guestbook"', 'trigger="auto"') is None


@pytest.mark.parametrize(
    ("status", "revision", "told"), [("OutOfSync", "b", "waits"), ("Synced", "b", None), ("OutOfSync", "a", None)]
)
def test_an_application_waits_only_with_this_commit(status: str, revision: str, told: str | None) -> None:
    """A condition left from an earlier commit does not count."""
    conditions = [{"type": "LynceusSyncBlocked", "message": "waits"}]
    found = {"status": {"sync": {"status": status, "revision": revision}, "conditions": conditions}}
    assert told == probes.blocked(world(application=lambda _: found), "guestbook", "b")


def test_an_event_is_the_applications_own() -> None:
    """Reason and name must both fit."""
    events = [
        {"reason": "FreezeOverridden", "involvedObject": {"name": "payments"}, "message": "not this"},
        {"reason": "SyncBlocked", "involvedObject": {"name": "guestbook"}, "message": "nor this"},
        {"reason": "FreezeOverridden", "involvedObject": {"name": "guestbook"}, "message": "this"},
    ]
    seen = world(cluster=SimpleNamespace(events=lambda _: events))
    assert ("this", None) == (
        probes.event(seen, "guestbook", "FreezeOverridden"),
        probes.event(seen, "storefront", "FreezeOverridden"),
    )
