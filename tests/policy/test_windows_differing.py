"""Where Argo CD answers otherwise about windows: both answers in one line, and silence where they agree."""

# ruff: noqa: E501 - tables of cases, one case to a place

import typing as t

import msgspec
import pytest

from model.application import Destination
from model.secrets import Cluster
from model.settings import RbacSettings
from policy.generation import build
from policy.guard import Guard
from tests.policy.added_support import FREEZE, NOON, application, at, generation, project

NIGHT = {
    "kind": "deny",
    "schedule": "0 22 * * *",
    "duration": "8h",
    "timeZone": "Europe/Amsterdam",
    "applications": ["*"],
}
ALWAYS = {"kind": "deny", "schedule": "* * * * *", "duration": "1h", "applications": ["*"]}


@pytest.mark.parametrize(
    ("fields", "when", "expected"),
    [
        ({}, "2026-06-15T20:30", ""),
        ({}, "2026-03-29T00:30", "Argo CD blocks this until 2026-03-29T04:00:00Z; Lynceus blocks this until 2026-03-29T05:00:00Z: "),
        ({}, "2026-03-29T04:30", "Argo CD lets this through until 2026-03-29T20:00:00Z; Lynceus blocks this until 2026-03-29T05:00:00Z: AppProject shop: spec.syncWindows[0]"),
        ({"kind": "Deny"}, NOON, "Argo CD lets this through; Lynceus blocks this: AppProject shop: spec.syncWindows[0]"),
        ({"applications": ["[web"]}, NOON, "Argo CD lets this through; Lynceus blocks this: "),
        ({"timeZone": "Mars/Base"}, "2026-06-15T12:00", "Argo CD lets this through until 2026-06-15T22:00:00Z; Lynceus blocks this: "),
        ({"schedule": "0 0 30 2 *"}, NOON, "Argo CD blocks this; Lynceus lets this through"),
        ({"schedule": "* * *"}, NOON, ""),
    ],
)  # fmt: skip
def test_both_answers_stand_side_by_side(fields: dict[str, t.Any], when: str, expected: str) -> None:
    """Clock changes, mistakes that vanish upstream, schedules that never fire; nothing where both agree."""
    found = Guard(generation(None, project(windows=[NIGHT | fields]))).differing(
        application(), now=at(when), manual=False
    )
    assert (found == expected) if not expected else found.startswith(expected)


def test_a_freeze_is_unknown_to_argo_cd() -> None:
    """A Lynceus beside Argo CD says that the other one goes on."""
    found = Guard(generation(FREEZE)).differing(application(), now=at(NOON), manual=False)
    assert found.startswith(
        "Argo CD lets this through; Lynceus blocks this until 2026-06-15T14:00:00Z: lynceus-cm freeze.f1 ("
    )


@pytest.mark.parametrize("mode", ["strict", "compat"])
def test_the_mode_of_the_policy_makes_no_difference(mode: t.Any) -> None:
    """The cluster by its other name is missed by Argo CD and hit by Lynceus, whichever of them answers."""
    windows = [ALWAYS | {"applications": None, "clusters": ["prod"]}]
    app = application()
    app = msgspec.structs.replace(
        app, spec=msgspec.structs.replace(app.spec, destination=Destination(server="https://p"))
    )
    policy = build(RbacSettings(), [project(windows=windows)], [Cluster(name="prod", server="https://p")], mode=mode)[0]
    found = Guard(policy).differing(app, now=at(NOON), manual=False)
    assert found.startswith("Argo CD lets this through; Lynceus blocks this: ")
