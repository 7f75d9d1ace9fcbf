"""Added windows beside Argo CD's: times, selection, expiry, mistakes in every field, and last good forms."""

# ruff: noqa: E501 - tables of cases, one case to a place

import json
import typing as t

import pytest

from model.additions import read_additions
from model.settings import RbacSettings
from policy.generation import Generation, build
from policy.guard import Guard
from policy.windows.added import findings_at
from tests.policy.added_support import FREEZE, NOON, application, ask, at, entry, generation, once, project

# --- times ---


@pytest.mark.parametrize(
    ("fields", "blocked", "free"),
    [
        ({"from": "2026-06-15T12:00:00Z", "until": "2026-06-15T14:00:00Z"}, ["2026-06-15T12:00", "2026-06-15T13:59:59.999999"], ["2026-06-15T11:59:59.999999", "2026-06-15T14:00"]),
        ({"from": "2026-06-15T12:00", "until": "2026-06-15T14:00", "timeZone": "Europe/Amsterdam"}, ["2026-06-15T10:00", "2026-06-15T11:59"], ["2026-06-15T09:59", "2026-06-15T12:00"]),
        ({"from": "2026-06-15T12:00+02:00", "until": "2026-06-15T12:00:00Z"}, ["2026-06-15T10:00"], ["2026-06-15T12:00"]),
        ({"from": "2026-03-29T02:30", "until": "2026-03-29T04:00", "timeZone": "Europe/Amsterdam"}, ["2026-03-29T01:00", "2026-03-29T01:59"], ["2026-03-29T00:59:59", "2026-03-29T02:00"]),
        ({"from": "2026-10-25T02:30", "until": "2026-10-25T03:00", "timeZone": "Europe/Amsterdam"}, ["2026-10-25T00:30", "2026-10-25T01:59"], ["2026-10-25T00:29", "2026-10-25T02:00"]),
        ({"from": "2026-12-20T00:00", "until": "2027-01-03T00:00"}, ["2026-12-31T23:59:59", "2027-01-01T00:00"], ["2027-01-03T00:00"]),
    ],
)  # fmt: skip
def test_one_off_windows(fields: dict[str, str], blocked: list[str], free: list[str]) -> None:
    """Start in, end out, in the zone of the entry; a skipped local time is the jump, a repeated one its first pass."""
    data = {"windows": once(fields.pop("from").replace("+02:00", ":00+02:00"), fields.pop("until"), **fields)}
    assert [False] * len(blocked) == [ask(data, when).allowed for when in blocked]
    assert [True] * len(free) == [ask(data, when).allowed for when in free]


def test_a_one_off_window_says_until_when() -> None:
    """The end of the window is when the answer changes, and the entry is named with its place and text."""
    found = ask({"windows": once("2026-06-15T11:00:00Z", "2026-06-16T00:00:00Z")})
    assert (at("2026-06-16T00:00"), "window", "lynceus-cm windows[0]") == (
        found.until,
        found.rule.kind,
        found.rule.origin,
    )
    assert "'w': deny from 2026-06-15T11:00:00Z until 2026-06-16T00:00:00Z" == found.rule.text
    assert "wait, or change the window" == found.remedy


def test_a_recurring_window_is_as_argo_cds() -> None:
    """Schedule, duration and zone mean the same."""
    data = {"windows": entry(timeZone="Europe/Amsterdam")}
    assert [True, False, False, True] == [
        ask(data, f"2026-06-15T{clock}").allowed for clock in ("09:59", "10:00", "10:59", "11:00")
    ]


def test_an_entry_that_expired_counts_no_more() -> None:
    """A deny no longer denies, an allow no longer closes the rest, and the answer says when that comes."""
    deny = {"windows": entry(schedule="* * * * *", expires="2026-06-15T13:00:00Z")}
    found = ask(deny)
    assert (False, at("2026-06-15T13:00"), True) == (found.allowed, found.until, ask(deny, "2026-06-15T13:00").allowed)
    allow = {"windows": entry(kind="allow", schedule="0 0 1 1 *", expires="2026-06-15T13:00")}
    found = ask(allow)
    assert (False, at("2026-06-15T13:00"), True) == (found.allowed, found.until, ask(allow, "2026-06-15T13:00").allowed)
    broken = {"windows": entry(kind="Deny", expires="2026-06-15T13:00")}
    assert [False, True] == [ask(broken, when).allowed for when in (NOON, "2026-06-15T13:00")]


def test_entries_that_are_over_are_told() -> None:
    """Expired entries and one-off ones in the past: findings at an instant."""
    data = {"windows": json.dumps([
        json.loads(entry(expires="2026-01-01T00:00:00Z"))[0],
        json.loads(once("2026-01-01T00:00", "2026-01-02T00:00", kind="allow"))[0],
        json.loads(once("2026-07-01T00:00", "2026-07-02T00:00", name="x"))[0]])}  # fmt: skip
    found = findings_at(generation(data).windows["shop"], at(NOON))
    assert ["window-expired", "window-over"] == [finding.code for finding in found]
    assert "over since 2026-01-02T00:00:00Z, so that what it concerns waits for other allow windows" == found[1].text


# --- selection ---


@pytest.mark.parametrize(
    ("fields", "name", "labels", "concerned"),
    [
        ({}, "web", {}, True),
        ({"projects": ["s*"]}, "web", {}, True),
        ({"projects": ["{a,b}"]}, "web", {}, False),
        ({"projects": ["!shop"]}, "web", {}, False),
        ({"applications": ["api"]}, "web", {}, False),
        ({"applications": ["api"], "namespaces": ["ns"]}, "web", {}, True),
        ({"applications": ["api"], "namespaces": ["ns"], "andOperator": True}, "web", {}, False),
        ({"clusters": ["https://kubernetes.default.svc"]}, "web", {}, True),
        ({"labelSelector": {"matchLabels": {"tier": "db"}}}, "web", {"tier": "db"}, True),
        ({"labelSelector": {"matchLabels": {"tier": "db"}}}, "web", {}, False),
        ({"labelSelector": {"matchLabels": {"tier": "db"}}, "applications": ["web"]}, "web", {"tier": "web"}, False),
        ({"labelSelector": {"matchExpressions": [{"key": "env", "operator": "NotIn", "values": ["dev"]}]}}, "web", {}, True),
        ({"labelSelector": {"matchExpressions": [{"key": "env", "operator": "In", "values": ["dev"]}]}}, "web", {"env": "prod"}, False),
        ({"labelSelector": {"matchExpressions": [{"key": "env", "operator": "Exists"}]}}, "web", {"env": ""}, True),
        ({"labelSelector": {"matchExpressions": [{"key": "env", "operator": "DoesNotExist"}]}}, "web", {"env": ""}, False),
        ({"labelSelector": {}}, "web", {}, True),
        ({"exclude": {"applications": ["status-*"]}}, "status-page", {}, False),
        ({"exclude": {"applications": ["status-*"]}}, "web", {}, True),
        ({"applications": ["*"], "exclude": {"namespaces": ["ns"]}}, "web", {}, False),
        ({"exclude": {"clusters": ["in-cluster"]}}, "web", {}, False),
        ({"exclude": {"labelSelector": {"matchLabels": {"frozen": "no"}}}}, "web", {"frozen": "no"}, False),
        ({"exclude": {"labelSelector": {"matchLabels": {"frozen": "no"}}}}, "web", {}, True),
        ({"exclude": {}}, "web", {}, True),
    ],
)  # fmt: skip
def test_whom_an_added_window_concerns(
    fields: dict[str, t.Any], name: str, labels: dict[str, str], concerned: bool
) -> None:
    """Projects, then the selectors (none means all), then labels, and whatever is excluded is out."""
    found = ask({"windows": entry(**fields)}, app=application(name, **labels))
    assert concerned is not found.allowed


def test_the_annotation_is_for_its_own_project() -> None:
    """Another project is not concerned; without selectors every Application of the project is."""
    own = project(annotation='[{"name": "a", "kind": "deny", "schedule": "* * * * *", "duration": "1h"}]')
    guard = Guard(generation(None, own, project("other")))
    found = [guard.may_sync(application(project=name), now=at(NOON), manual=False) for name in ("shop", "other")]
    assert [False, True] == [decision.allowed for decision in found]
    assert "AppProject shop: lynceus.io/sync-windows[0]" == found[0].rule.origin


# --- mistakes ---


@pytest.mark.parametrize(
    ("fields", "code", "place"),
    [
        ({"kind": "Deny"}, "window-kind", "kind"),
        ({"kind": None}, "window-kind", "kind"),
        ({"schedule": "@daily"}, "window-schedule", "schedule"),
        ({"duration": "1d"}, "window-duration", "duration"),
        ({"duration": None}, "window-duration", "duration"),
        ({"duration": "0s"}, "window-duration", "duration"),
        ({"timeZone": "Mars/Base"}, "window-zone", "timeZone"),
        ({"applications": ["[a"]}, "window-glob", "applications[0]"),
        ({"projects": ["x", "[a"]}, "window-glob", "projects[1]"),
        ({"exclude": {"namespaces": ["[a"]}}, "window-glob", "exclude.namespaces[0]"),
        ({"from": "2026-01-01T00:00:00Z"}, "window-form", ""),
        ({"schedule": None, "duration": None}, "window-form", ""),
        ({"schedule": None, "duration": None, "from": "2026-01-01T00:00:00Z"}, "window-time", "until"),
        ({"schedule": None, "duration": None, "from": "2026-01-02", "until": "2026-01-03T00:00"}, "window-time", "from"),
        ({"schedule": None, "duration": None, "from": "2026-01-02T00:00", "until": "2026-01-01T00:00"}, "window-until", "until"),
        ({"schedule": None, "duration": None, "from": "2026-01-02T00:00", "until": "2026-01-02T00:00"}, "window-until", "until"),
        ({"schedule": None, "duration": None, "from": "2026-01-02T00:00", "until": "2026-01-03T00:00", "timeZone": "local"}, "window-zone", "timeZone"),
        ({"expires": "soon"}, "window-time", "expires"),
        ({"labelSelector": {"matchExpressions": [{"key": "a", "operator": "in", "values": ["b"]}]}}, "window-labels", "labelSelector.matchExpressions[0].operator"),
        ({"labelSelector": {"matchExpressions": [{"key": "a", "operator": "In"}]}}, "window-labels", "labelSelector.matchExpressions[0].values"),
        ({"labelSelector": {"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]}}, "window-labels", "labelSelector.matchExpressions[0].values"),
        ({"labelSelector": {"matchLabels": {"a b": "c"}}}, "window-labels", "labelSelector.matchLabels"),
        ({"exclude": {"labelSelector": {"matchLabels": {"a": "b c"}}}}, "window-labels", "exclude.labelSelector.matchLabels['a']"),
    ],
)  # fmt: skip
def test_a_mistake_in_any_field_blocks_and_is_told(fields: dict[str, t.Any], code: str, place: str) -> None:
    """The finding names the field; what the entry may concern is blocked, manual syncs with it."""
    data = {"windows": entry(**({"manualSync": True} | fields))}
    findings = build(RbacSettings(), [project()], additions=read_additions(data, "1"))[1]
    where = f"lynceus-cm windows[0].{place}" if place else "lynceus-cm windows[0]"
    assert (code, where) in [(finding.code, finding.where) for finding in findings if finding.severity == "error"]
    found = ask(data, "2026-06-15T03:00", manual=True, app=application(env="prod"))
    assert (False, "correct the window") == (found.allowed, found.remedy)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"name": None}, "window-name"),
        ({"schedule": "0 0 30 2 *"}, "window-never"),
        ({"description": "é" * 128}, "window-description"),
        ({"applications": ["*"], "clusters": ["x"]}, "window-or"),
        ({"applications": [""]}, "window-glob"),
        ({"exclude": {}}, "window-exclude"),
    ],
)  # fmt: skip
def test_remarks_do_not_block(fields: dict[str, t.Any], code: str) -> None:
    """Pointless entries are told and evaluated as written."""
    data = {"windows": entry(**fields)}
    findings = build(RbacSettings(), [project()], additions=read_additions(data, "1"))[1]
    assert [(code, "warning")] == [(finding.code, finding.severity) for finding in findings]
    assert ask(data, "2026-06-15T03:00").allowed


def test_two_entries_of_one_name_are_told() -> None:
    """The second one is named with the first."""
    data = {"windows": json.dumps(json.loads(entry()) * 2)}
    findings = build(RbacSettings(), [project()], additions=read_additions(data, "1"))[1]
    assert [("window-duplicate", "lynceus-cm windows[1].name")] == [
        (finding.code, finding.where) for finding in findings
    ]


def test_a_misspelled_field_blocks_only_the_projects_of_the_entry() -> None:
    """An entry with an unknown field may mean anything: all Applications of its projects wait, no others."""
    guard = Guard(
        generation({"windows": '[{"name": "w", "projects": ["shop"], "kindd": "deny"}]'}, project(), project("other"))
    )
    found = [guard.may_sync(application(project=name), now=at(NOON), manual=True) for name in ("shop", "other")]
    assert [False, True] == [decision.allowed for decision in found]
    assert "unknown field 'kindd'" in found[0].reasons[0]


# --- last good ---


@pytest.mark.row(102)
def test_an_unreadable_key_keeps_its_last_good_form() -> None:
    """The windows of before stay in force and the finding says so; also over several bad generations."""
    good = generation({"windows": entry()})
    bad = generation({"windows": "["}, previous=good)
    worse = generation({"windows": "x: y"}, previous=bad)
    assert ["lynceus-cm windows[0]"] == [window.where for window in worse.windows["shop"]]
    assert [False, True] == [
        Guard(worse).may_sync(application(), now=at(when), manual=False).allowed
        for when in ("2026-06-15T12:30", "2026-06-15T13:00")
    ]
    assert worse.additions.findings[0].text.endswith("its last good form stays in force")
    assert generation({}, previous=worse).windows["shop"] == ()


@pytest.mark.parametrize("previous", [None, generation({}), generation(None)])
def test_an_unreadable_key_without_a_good_form_blocks_everything(previous: Generation | None) -> None:
    """Nobody knows what the operator wanted to block: every sync waits, by hand too."""
    bad = generation({"windows": "["}, previous=previous)
    found = Guard(bad).may_sync(application(), now=at(NOON), manual=True)
    assert (False, None) == (found.allowed, found.until)
    assert bad.additions.findings[0].text.endswith("until it is corrected nothing that it may concern is synced")
    again = generation({"windows": "]"}, previous=bad)
    assert not Guard(again).may_sync(application(), now=at(NOON), manual=True).allowed


def test_an_unreadable_freeze_freezes() -> None:
    """A record that was good stays as it was; a new one blocks everything."""
    bad = {"freeze.f1": "{"}
    kept = generation(bad, previous=generation(FREEZE))
    assert [False, True] == [
        Guard(kept).may_sync(application(), now=at(when), manual=False).allowed for when in (NOON, "2026-06-15T14:00")
    ]
    fresh = Guard(generation(bad, previous=generation({}))).may_sync(
        application(), now=at("2030-01-01T00:00"), manual=True
    )
    assert (False, "freeze") == (fresh.allowed, fresh.rule.kind)


def test_an_unreadable_annotation_concerns_its_project() -> None:
    """Last good there as well; without one all of the project waits and nothing of others."""
    text = '[{"name": "a", "kind": "deny", "schedule": "0 12 * * *", "duration": "1h"}]'
    good = generation(None, project(annotation=text))
    kept = generation(None, project(annotation="["), previous=good)
    assert [False, True] == [
        Guard(kept).may_sync(application(), now=at(when), manual=False).allowed for when in (NOON, "2026-06-15T13:00")
    ]
    fresh = Guard(generation(None, project(annotation="["), project("other")))
    assert [False, True] == [
        fresh.may_sync(application(project=name), now=at(NOON), manual=True).allowed for name in ("shop", "other")
    ]


def test_each_change_is_another_generation() -> None:
    """What lynceus-cm says is part of the identity of a generation."""
    assert generation({"windows": entry()}).id != generation({"windows": entry(kind="allow")}).id != generation({}).id


def test_what_did_not_change_is_not_compiled_again() -> None:
    """A generation takes the windows of the one before when project and lynceus-cm are the same."""
    shop, data = (
        project(windows=[{"kind": "deny", "schedule": "0 0 * * *", "duration": "1h", "applications": ["*"]}]),
        {"windows": entry()},
    )
    first = generation(data, shop)
    second = generation(data, shop, previous=first)
    third = generation({"windows": entry(kind="allow")}, shop, previous=second)
    assert [True, False] == [later.windows["shop"] is first.windows["shop"] for later in (second, third)]
