"""Every rule seen to fire and seen to stay silent, by promtool; the cases that are known of the well-known rules."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from tests.alerts.support import ALERTING, TEST_FILES, Rule, key, load, promtool

Case = dict[str, t.Any]
CASES: list[Case] = [case for path in TEST_FILES for case in load(path)["tests"]]

SEED = {
    "OutOfSync for 80 minutes while the health alternates": ("ArgoCDAppOutOfSync", False, "LynceusAppDrifted"),
    "OutOfSync for 80 minutes and no other label changes": ("ArgoCDAppOutOfSync", True, ""),
    "One failed operation, born at 1": ("ArgoCDSyncFailing", False, "LynceusLastSyncFailed"),
    "Four failed operations ten minutes apart, born at 1": ("ArgoCDSyncFailing", True, ""),
    "Six failed attempts in three minutes, born at 0": ("ArgoCDSyncFailing", True, ""),
    "Git requests without a result and failed fetches, three a minute": (
        "ArgoCDGitFetchErrors",
        False,
        "LynceusGitFailing",
    ),
    "Failed fetches with a result, three a minute from 0": ("ArgoCDGitFetchErrors", True, ""),
}
"""How each case begins -> the well-known rule, whether it fires, and the rule of Lynceus that has to."""


@pytest.mark.row(184, 186, 187, 188, 189, 190, 218)
@pytest.mark.parametrize("path", TEST_FILES, ids=lambda path: path.name)
def test_promtool_sees_the_rules_fire_and_stay_silent(path: Path) -> None:
    """Every case of the file holds, texts included."""
    assert "SUCCESS" in promtool("test", "rules", path)


def fired(case: Case, rule: Rule) -> list[bool]:
    """Return, for each moment at which the case looks for this alert, whether this very rule fires."""
    own = rule["labels"].items()
    looks = [look for look in case["alert_rule_test"] if look["alertname"] == rule["alert"]]
    return [any(own <= alert["exp_labels"].items() for alert in look["exp_alerts"]) for look in looks]


@pytest.mark.parametrize("rule", ALERTING, ids=key)
def test_every_alert_has_a_case_that_fires_and_one_that_does_not(rule: Rule) -> None:
    """A rule never seen to fire is a guess, one never seen silent is noise; of objectives each pair."""
    seen = [answer for case in CASES for answer in fired(case, rule)]
    assert {True, False} == set(seen)


@pytest.mark.parametrize("rule", ALERTING, ids=key)
def test_every_alert_has_a_silence_with_data(rule: Rule) -> None:
    """A rule that is silent where nothing is exported has not been seen to hold back."""
    silent = [case for case in CASES if False in fired(case, rule)]
    assert any(case["input_series"] for case in silent)


@pytest.mark.row(184, 186, 188, 189)
@pytest.mark.parametrize("begin", SEED)
def test_what_is_known_of_the_well_known_rules(begin: str) -> None:
    """Each known case is one of ours; where the well-known rule stays silent a rule of Lynceus fires."""
    name, fires, instead = SEED[begin]
    (case,) = [case for case in CASES if case["name"].startswith(begin)]
    looked: dict[str, list[bool]] = {look["alertname"]: [] for look in case["alert_rule_test"]}
    for look in case["alert_rule_test"]:
        looked[look["alertname"]].append(bool(look["exp_alerts"]))
    assert fires == any(looked[name])
    assert not instead or any(looked[instead])


@pytest.mark.row(188)
def test_an_application_whose_every_sync_fails_alerts() -> None:
    """Once by its state, whatever the counters say."""
    (case,) = [case for case in CASES if case["name"].startswith("LastSyncFailed fires for one failure")]
    assert any(look["exp_alerts"] for look in case["alert_rule_test"])


def test_an_application_without_its_repository_alerts() -> None:
    """Called Unknown and Healthy, it escapes the four well-known rules and not ours."""
    (case,) = [case for case in CASES if case["name"].startswith("An application whose repository does not exist")]
    fires = {look["alertname"] for look in case["alert_rule_test"] if look["exp_alerts"]}
    silent = {look["alertname"] for look in case["alert_rule_test"] if not look["exp_alerts"]}
    assert {"LynceusAppUnknown", "LynceusGitFailing"} == fires
    assert {"ArgoCDAppOutOfSync", "ArgoCDAppUnhealthy"} == silent


@pytest.mark.row(218)
def test_a_fight_over_one_application_alerts_and_a_busy_project_does_not() -> None:
    """The heals of half an hour, by the name of the application that is healed."""
    (case,) = [case for case in CASES if case["name"].startswith("SelfHealLoop names the application")]
    names = [alert["exp_labels"]["name"] for look in case["alert_rule_test"] for alert in look["exp_alerts"]]
    assert ["fought"] == names
    others = {
        name for entry in case["input_series"] for name in ("calm", "busy") if f'name="{name}"' in entry["series"]
    }
    assert {"calm", "busy"} == others


@pytest.mark.parametrize("path", TEST_FILES, ids=lambda path: path.name)
def test_groups_are_evaluated_in_the_order_of_the_file(path: Path) -> None:
    """Else promtool takes any order, and what one group records another one reads a minute late, now and then."""
    cases = load(path)
    groups = [group["name"] for name in cases["rule_files"] for group in load(path.parent / name)["groups"]]
    assert len(groups) == 1 or groups == cases["group_eval_order"]
