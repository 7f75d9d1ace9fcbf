"""Denials, rules, findings, windows and freezes."""

from __future__ import annotations

from exporter import Exporter
from exporter.choice import MOST_RULES
from model.decision import Rule
from model.events import CalendarChanged, FreezeState, PolicyFindings, PolicyRules
from tests.exporter.script import NOW, decision, exporter, line, lines, rule, window

HITS = "lynceus_policy_rule_hits_total"


def rules(*places: str, **more: str) -> PolicyRules:
    """Return a policy with lines at these places."""
    return PolicyRules(generation="g", rules=tuple(rule(place, **more) for place in places))


def hits(made: Exporter) -> dict[str, float]:
    """Return line -> hits."""
    return {text.split('"')[1]: float(text.rsplit(" ", 1)[1]) for text in lines(made, HITS)}


def test_rules_are_born_at_zero_and_count_what_they_decide() -> None:
    """Lines that never decided show 0; defaults and windows are no lines."""
    made = exporter(rules("policy.csv:1", "policy.csv:2"))
    assert {"policy.csv:1": 0, "policy.csv:2": 0} == hits(made)
    for event in (
        decision(rule=line("policy.csv:1")),
        decision(rule=line("policy.csv:1"), allowed=False),
        decision(rule=line("gone.csv:9")),
        decision(rule=Rule(kind="window", origin="policy.csv:2")),
        decision(),
    ):
        made.listen(event)
    assert {"policy.csv:1": 2, "policy.csv:2": 0} == hits(made)


def test_a_line_that_stays_keeps_its_count_and_others_begin_at_zero() -> None:
    """The same place with other words is another line; a line that is gone leaves no series."""
    made = exporter(rules("a:1", "a:2", "a:3"))
    for place in ("a:1", "a:2", "a:3"):
        made.listen(decision(rule=line(place)))
    made.listen(PolicyRules(generation="h", rules=(rule("a:1"), rule("a:2", subject="role:other"), rule("a:4"))))
    assert {"a:1": 1, "a:2": 0, "a:4": 0} == hits(made)
    info = lines(made, "lynceus_policy_rule_info")
    assert [
        'lynceus_policy_rule_info{action="sync",effect="allow",object="shop/*",resource="applications",'
        f'rule="{place}",subject="{subject}"}} 1.0'
        for place, subject in (("a:1", "role:dev"), ("a:2", "role:other"), ("a:4", "role:dev"))
    ] == info


def test_a_policy_of_endless_length_is_cut_and_counted() -> None:
    """MOST_RULES lines are told apart; one place is one series."""
    made = exporter(rules(*(f"p:{number}" for number in range(MOST_RULES + 7))))
    assert MOST_RULES == len(hits(made)) == len(lines(made, "lynceus_policy_rule_info"))
    dropped = lines(made, "lynceus_metrics_dropped_label_values_total")
    for name in (HITS, "lynceus_policy_rule_info"):
        assert f'lynceus_metrics_dropped_label_values_total{{family="{name}"}} 7.0' in dropped
    made.listen(rules("p:1", "p:1"))
    assert {"p:1": 0} == hits(made)


def findings() -> PolicyFindings:
    """Return findings, which concern no rule."""
    return PolicyFindings(generation="g", errors=2, warnings=3)


def test_findings_by_severity() -> None:
    """Those of the newest generation."""
    name = "lynceus_policy_findings"
    made = exporter(findings())
    assert [f'{name}{{severity="error"}} 2.0', f'{name}{{severity="warning"}} 3.0'] == lines(made, name)
    made.listen(PolicyFindings(generation="h", errors=0, warnings=0))
    assert [f'{name}{{severity="error"}} 0.0', f'{name}{{severity="warning"}} 0.0'] == lines(made, name)


def test_denials_are_those_of_rbac() -> None:
    """A closed window is none; nobody's name is a label."""
    name = "lynceus_rbac_denials_total"
    shut = Rule(kind="window", origin="AppProject shop: spec.syncWindows[0]")
    made = exporter(
        decision(allowed=False, rule=shut),
        decision(allowed=False, rule=line("policy.csv:1"), source="api", action="delete"),
        decision(allowed=False, rule=Rule(kind="default", origin="argocd-rbac-cm"), source="api", action="delete"),
        decision(rule=line("policy.csv:1")),
    )
    assert [f'{name}{{action="delete",project="shop",resource="applications",source="api"}} 2.0'] == lines(made, name)


def test_windows_are_replaced_whole() -> None:
    """Of a window that is gone or renamed nothing is left; never is absent."""
    names = [f"lynceus_sync_window_{end}" for end in ("active", "invalid", "next_change_timestamp_seconds")]
    place = 'namespace="argocd",project="shop",window='
    odd = window("odd", invalid=True, next_change=None)
    made = exporter(CalendarChanged(windows=(window(active=True), odd)))
    assert [
        f'{names[0]}{{kind="allow",{place}"nights"}} 1.0',
        f'{names[0]}{{kind="allow",{place}"odd"}} 0.0',
        f'{names[1]}{{{place}"nights"}} 0.0',
        f'{names[1]}{{{place}"odd"}} 1.0',
        f'{names[2]}{{{place}"nights"}} {NOW + 600}'.replace("1700000600.0", "1.7000006e+09"),
    ] == lines(made, *names)
    assert (
        'lynceus_sync_window_info{duration="1h",kind="allow",manual_sync="true",namespace="argocd",project="shop",'
        'schedule="0 22 * * *",time_zone="UTC",window="nights"} 1.0'
    ) in lines(made, "lynceus_sync_window_info")
    made.listen(CalendarChanged(windows=(odd,)))
    assert not [text for text in lines(made) if "nights" in text]
    made.listen(CalendarChanged())
    assert [] == lines(made, *names, "lynceus_sync_window_info")


def test_freezes_of_one_scope_and_project_are_one_series() -> None:
    """In force while any is, since the oldest; an ended one shows 0 and no beginning."""
    names = ("lynceus_freeze_active", "lynceus_freeze_since_timestamp_seconds")
    both = (
        FreezeState(scope="all", project="*", active=True, since=NOW - 5),
        FreezeState(scope="all", project="*", active=True, since=NOW - 50),
        FreezeState(scope="part", project="shop", active=False),
    )
    made = exporter(CalendarChanged(freezes=both))
    assert [
        f'{names[0]}{{project="*",scope="all"}} 1.0',
        f'{names[0]}{{project="shop",scope="part"}} 0.0',
        f'{names[1]}{{project="*",scope="all"}} 1.69999995e+09',
    ] == lines(made, *names)
    made.listen(CalendarChanged())
    assert [] == lines(made, *names)
