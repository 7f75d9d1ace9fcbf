"""The shipped alerts: word for word where they must be, made of what is exported, able to fire."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from alerts.rules.files import texts
from alerts.rules.objectives import BURNS
from alerts.rules.tables import filled
from alerts.rules.thresholds import DEFAULTS, Threshold, Thresholds
from exporter.catalogue import BY_NAME as FAMILIES
from exporter.catalogue import BY_SAMPLE
from tests.alerts.labels import Unknown, labels, selectors
from tests.alerts.support import (
    ALERTING,
    ALERTS,
    BY_NAME,
    EVERY_RULE,
    ROOT,
    RULE_FILES,
    Rule,
    key,
    load,
    promtool,
    recorded,
    rules,
)
from tests.dashboards import support as dashboards

WELL_KNOWN = {
    "ArgoCDAppOutOfSync": ('argocd_app_info{sync_status="OutOfSync"} == 1', "30m", "warning"),
    "ArgoCDAppUnhealthy": ('argocd_app_info{health_status!~"Healthy|Progressing"} == 1', "15m", "critical"),
    "ArgoCDSyncFailing": ('increase(argocd_app_sync_total{phase!="Succeeded"}[1h]) > 3', None, "critical"),
    "ArgoCDGitFetchErrors": (
        'increase(argocd_git_request_total{request_type="fetch", result="error"}[10m]) > 5',
        None,
        "warning",
    ),
}
"""As every guide has them: expression, for, severity."""

BOARDS = {board["uid"]: board for board in dashboards.BOARDS.values()}

BORN_AT_ZERO = {
    "argocd_app_sync_total",
    "argocd_git_request_total",
    "lynceus_freeze_overrides_total",
    "lynceus_log_records_dropped_total",
    "lynceus_metrics_dropped_label_values_total",
    "lynceus_self_heal_total",
}
"""Counters whose first step increase() sees, since the catalogue says that they are born before it."""

RECORDED = recorded()
every_rule = pytest.mark.parametrize("rule", EVERY_RULE, ids=key)
every_alert = pytest.mark.parametrize("rule", ALERTING, ids=key)


@pytest.mark.row(186, 187, 188, 189)
@pytest.mark.parametrize("name", WELL_KNOWN)
def test_the_well_known_rules_are_word_for_word(name: str) -> None:
    """Expression, duration and severity, to the character."""
    rule = {rule["alert"]: rule for rule in rules(ALERTS / "argocd.rules.yaml")}[name]
    assert WELL_KNOWN[name] == (rule["expr"], rule.get("for"), rule["labels"]["severity"])


def test_the_well_known_file_holds_nothing_else() -> None:
    """One group called argocd.rules with the four."""
    (group,) = load(ALERTS / "argocd.rules.yaml")["groups"]
    assert ("argocd.rules", list(WELL_KNOWN)) == (group["name"], [rule["alert"] for rule in group["rules"]])


@pytest.mark.row(190)
def test_annotations_name_the_application_and_its_health() -> None:
    """Summaries use $labels.name and $labels.health_status; the cases of promtool check the rendered text."""
    summaries = {name: BY_NAME[name][0]["annotations"]["summary"] for name in WELL_KNOWN}
    for name in ("ArgoCDAppOutOfSync", "ArgoCDAppUnhealthy", "ArgoCDSyncFailing"):
        assert "{{ $labels.name }}" in summaries[name]
    assert "{{ $labels.health_status }}" in summaries["ArgoCDAppUnhealthy"]
    rendered = (Path(__file__).parent / "argocd.test.yaml").read_text()
    assert "summary: Application shop is Degraded" in rendered


def test_the_files_are_what_the_table_makes() -> None:
    """`python -m alerts.rules` would change nothing, and no other rule file lies there."""
    written = {path.name: path.read_text(encoding="utf-8") for path in ALERTS.glob("*.yaml")}
    assert texts(Thresholds()) == written


def test_the_tables_of_the_page_are_what_the_table_makes() -> None:
    """Every alert, objective and threshold stands in docs/alerts.md, as it is."""
    page = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")
    assert filled(page, Thresholds()) == page
    for name in BY_NAME:
        assert f"[{name}](runbooks/{name}.md)" in page
    assert 3 == page.count(": written by python -m alerts.rules -->")


@pytest.mark.parametrize("threshold", DEFAULTS, ids=lambda threshold: threshold.name)
def test_every_threshold_decides_something(threshold: Threshold) -> None:
    """Another number makes other rules."""
    lowest = FAMILIES[threshold.family].buckets[0] if threshold.family else 0.5
    other = "3d" if threshold.is_time else f"{lowest:g}"
    changed = texts(Thresholds().changed([f"{threshold.name}={other}"]))
    assert texts(Thresholds()) != changed


def test_a_threshold_that_cannot_be_is_refused() -> None:
    """A name that is none, a number for a time, a word for a number, no bound of a bucket, no share."""
    for wrong in (
        "drfit=1h",
        "drift=30",
        "drift",
        "denials=many",
        "git_slow=20",
        "git_slow=3",
        "sync_target=99",
        "sync_target=1",
    ):
        with pytest.raises(ValueError, match=wrong.partition("=")[0]):
            Thresholds().changed([wrong])


@pytest.mark.row(192)
@pytest.mark.parametrize("path", RULE_FILES, ids=lambda path: path.name)
def test_promtool_accepts_the_rules(path: Path) -> None:
    """The command `promtool check rules` is clean."""
    assert f"{len(rules(path))} rules found" in promtool("check", "rules", path)


@every_rule
def test_rules_use_only_what_is_exported(rule: Rule) -> None:
    """Every metric, and every label that is matched, kept or joined by, is in the catalogue: no rule is dead."""
    labels(rule["expr"], RECORDED)
    assert selectors(rule["expr"])


def test_the_check_of_labels_sees_what_is_wrong() -> None:
    """A metric, a matcher, a grouping and a join that cannot be are each refused."""
    for wrong in (
        "lynceus_no_such_metric",
        'lynceus_leader{queue="x"}',
        "sum by (repo) (lynceus_leader)",
        "lynceus_leader and on (repo) argocd_repo_pending_request_total",
        "lynceus_leader * on (instance) group_left (repo) lynceus_build_info",
    ):
        with pytest.raises(Unknown):
            labels(wrong)


@every_alert
def test_texts_name_only_labels_that_the_alert_has(rule: Rule) -> None:
    """A label that the expression drops would leave a hole in the sentence."""
    said = " ".join(rule["annotations"].values())
    there = labels(rule["expr"], RECORDED) | set(rule["labels"])
    assert set() == set(re.findall(r"\$labels\.(\w+)", said)) - there


@every_alert
def test_every_alert_has_severity_texts_page_and_board(rule: Rule) -> None:
    """What the person who is told needs to know, and where to go on."""
    name, annotations = rule["alert"], rule["annotations"]
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert {"summary", "description", "runbook_url", "dashboard_url"} == set(annotations)
    assert annotations["runbook_url"].endswith(f"/docs/runbooks/{name}.md")
    assert annotations["dashboard_url"].startswith("/d/")
    assert annotations["dashboard_url"].removeprefix("/d/").partition("?")[0] in BOARDS


def test_boards_are_there_and_take_the_application() -> None:
    """Each address is a board that is shipped, and what is filled in is a variable of it."""
    for rule in ALERTING:
        uid, _, query = rule["annotations"]["dashboard_url"].removeprefix("/d/").partition("?")
        variables = {f"var-{variable['name']}" for variable in BOARDS[uid]["templating"]["list"]}
        assert not query or query.partition("=")[0] in variables


@every_alert
def test_a_quantile_is_compared_at_a_bound_that_can_be_exceeded(rule: Rule) -> None:
    """Between two bounds it is a guess, and it never exceeds the last one."""
    for family, threshold in re.findall(r"histogram_quantile\(.*?(\w+)_bucket.*\)\s*> ([\d.]+)", rule["expr"]):
        bounds = FAMILIES[family].buckets
        assert float(threshold) in bounds[:-1]


@every_rule
def test_a_bucket_is_chosen_however_its_bound_is_written(rule: Rule) -> None:
    """Go writes 4, other clients 4.0; both forms and no other match, and the bound is one of the family's."""
    for selector in selectors(rule["expr"]):
        for matcher in selector.matchers.matchers:
            if matcher.name == "le":
                bounds = FAMILIES[(selector.name or "").removesuffix("_bucket")].buckets
                spelt = {bound: (f"{bound:g}", str(bound)) for bound in bounds}
                chosen = {
                    bound for bound, forms in spelt.items() for form in forms if re.fullmatch(matcher.value, form)
                }
                assert "=~" in str(matcher.op) or "Re" in str(matcher.op)
                assert 1 == len(chosen)
                assert all(re.fullmatch(matcher.value, form) for form in spelt[chosen.pop()])


@pytest.mark.parametrize("rule", [rule for rule in ALERTING if rule["alert"] not in WELL_KNOWN], ids=key)
def test_the_first_step_of_a_counter_is_seen(rule: Rule) -> None:
    """Counters that increase() reads are born at 0, or what is new counts as it stands."""
    for series in re.findall(r"increase\((\w+(?:\{[^}]*\})?)\[", rule["expr"]):
        name = series.partition("{")[0]
        metric = BY_SAMPLE[name]
        if metric.kind == "counter" and metric.labels and name not in BORN_AT_ZERO:
            assert f"{series} unless last_over_time({series}[6h]" in rule["expr"]


@pytest.mark.parametrize("name", sorted(BORN_AT_ZERO))
def test_those_counters_are_said_to_be_born_at_0(name: str) -> None:
    """The catalogue promises it, and the exporter's tests hold it to that."""
    assert "born at 0" in BY_SAMPLE[name].changes


@pytest.mark.parametrize("rule", [rule for rule in ALERTING if rule["alert"] not in WELL_KNOWN], ids=key)
def test_alerts_do_not_carry_labels_of_a_pod(rule: Rule) -> None:
    """A pod that is replaced, or a second replica, must not start an alert anew or double it."""
    kept = labels(rule["expr"], RECORDED) & {"pod", "endpoint", "container", "service"}
    assert set() == kept


@pytest.mark.parametrize("name", sorted(name for name in BY_NAME if name.endswith("BudgetBurn")))
def test_objectives_have_their_four_pairs_of_windows(name: str) -> None:
    """Two pages and two tickets, each guarded against too few events."""
    expected = [("critical", "1h", "5m"), ("critical", "6h", "30m"), ("warning", "1d", "2h"), ("warning", "3d", "6h")]
    pairs = [tuple(rule["labels"][part] for part in ("severity", "long", "short")) for rule in BY_NAME[name]]
    assert expected == pairs
    assert [14.4, 6, 3, 1] == [burn.factor for burn in BURNS]
    for rule in BY_NAME[name]:
        assert re.search(r"\nand sum_over_time\(\S+:rate5m\[\w+\]\) \* 60 >= \d+$", rule["expr"])


@pytest.mark.row(190)
def test_every_application_alert_says_where_it_goes() -> None:
    """Alertmanager compares dest_server with that of a cluster that does not answer."""
    group = next(group for group in load(ALERTS / "lynceus.rules.yaml")["groups"] if group["name"] == "lynceus.apps")
    for rule in [rule for rule in group["rules"] if "alert" in rule]:
        assert "dest_server" in labels(rule["expr"], RECORDED)
