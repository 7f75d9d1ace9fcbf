"""`lynceus windows calendar`: text, values, iCalendar that parses back, and what a change of policy does."""
# ruff: noqa: E501 - objects and tables of cases

import datetime as dt
import json
import typing as t
from collections.abc import Callable
from pathlib import Path

import icalendar
import pytest

from tests.lynceus.calling import Answer, invoke

PROJECT = """
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: shop}
spec:
  sourceRepos: ["*"]
  destinations: [{server: "*", namespace: "*"}]
  syncWindows:
  - {kind: allow, schedule: "0 9 * * 1-5", duration: 8h, timeZone: Europe/Amsterdam, applications: ["*"],
     description: "office; hours, \\\\ and\\nmore: Büro", manualSync: true}
  - {kind: deny, schedule: "0 0 20 12 *", duration: 336h, applications: ["*"], clusters: [production], andOperator: true}
"""
APPS = """---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: web, namespace: argocd}
spec: {project: shop, source: {repoURL: https://git.example/a, path: .}, destination: {name: production, namespace: web}}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: test, namespace: argocd}
spec: {project: shop, source: {repoURL: https://git.example/a, path: .}, destination: {name: staging, namespace: web}}
"""
FROM = ("--from", "2026-12-17T00:00:00Z")
Run = Callable[..., Answer]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Call `lynceus windows calendar …` beside new.yaml."""
    (tmp_path / "new.yaml").write_text(PROJECT + APPS)
    monkeypatch.chdir(tmp_path)
    return lambda *words: invoke(monkeypatch, capsys, "windows", "calendar", *words)


@pytest.mark.row(102, 103, 104)
def test_the_text_is_readable_at_night(run: Run) -> None:
    """Weekday, local time with its zone, UTC, length, and what it means; Applications by themselves."""
    code, out, _ = run("new.yaml", *FROM, "--days", "20")
    assert 0 == code
    assert "  Thu 2026-12-17 09:00 CET - 17:00 CET (08:00 - 16:00 UTC), 8h\n" in out
    assert "  Sun 2026-12-20 00:00 UTC - Sun 2027-01-03 00:00 UTC, 14d\n" in out
    assert "while open, syncs may run; while every allow window is closed, none may, except manual syncs" in out
    web = out[out.index("argocd/web") :]
    assert "    Fri 2026-12-18 08:00 UTC - 16:00 UTC, 8h\n    Mon 2027-01-04 08:00 UTC - 16:00 UTC, 8h\n" in web


def test_a_zone_can_be_asked_for(run: Run) -> None:
    """--zone shows all local times in it, those of Applications too."""
    out = run("new.yaml", *FROM, "--days", "1", "--zone", "America/New_York")[1]
    assert 3 == out.count("Thu 2026-12-17 03:00 EST - 11:00 EST (08:00 - 16:00 UTC), 8h\n")


@pytest.mark.parametrize(
    ("begin", "line"),
    [
        ("2026-03-28T12:00:00Z", "Sat 2026-03-28 22:00 CET - Sun 2026-03-29 07:00 CEST"),
        ("2026-10-24T12:00:00Z", "Sat 2026-10-24 22:00 CEST - Sun 2026-10-25 05:00 CET"),
    ],
)
def test_clock_changes_show_both_zones_names(run: Run, begin: str, line: str) -> None:
    """The name of the zone in force stands at either end; eight hours stay eight hours."""
    text = PROJECT.replace("0 9 * * 1-5", "0 22 * * *")
    Path("new.yaml").write_text(text)
    out = run("new.yaml", "--from", begin, "--days", "1")[1]
    assert f"  {line}" in out
    assert "UTC), 8h\n" in out


def test_values_say_the_same(run: Run) -> None:
    """JSON has every interval in UTC and local time, and for each Application every stretch with its reason."""
    record = json.loads(run("new.yaml", *FROM, "--days", "2", "-o", "json")[1])
    first = record["windows"][0]["intervals"][0]
    assert ("2026-12-17T08:00:00Z", "2026-12-17T09:00:00+01:00", 28800) == (
        first["start"], first["startLocal"], first["seconds"]
    )  # fmt: skip
    web = next(each for each in record["applications"] if each["application"] == "argocd/web")
    assert [("2026-12-17T00:00:00Z", False, "closed"), ("2026-12-17T08:00:00Z", True, "open")] == [
        (each["start"], each["allowed"], each["state"]) for each in web["automated"]["stretches"][:2]
    ]
    assert ["AppProject shop: spec.syncWindows[0]"] == web["automated"]["stretches"][0]["because"]
    assert [True] == [each["allowed"] for each in web["manual"]["stretches"]]


def parsed(text: str) -> list[icalendar.Event]:
    return list(icalendar.Calendar.from_ical(text).walk("VEVENT"))


def moments(event: icalendar.Event) -> tuple[dt.datetime, dt.datetime]:
    return event.decoded("dtstart"), event.decoded("dtend")


def test_icalendar_parses_back(run: Run) -> None:
    """RFC 5545: CRLF, no line above 75 octets, escaped text, UTC times, a stamp and an id for each event."""
    code, out, _ = run("new.yaml", *FROM, "--days", "20", "-o", "ics")
    lines = out.split("\r\n")
    assert 0 == code
    assert "\n" not in out.replace("\r\n", "")
    assert all(len(line.encode()) <= 75 for line in lines)
    assert ["BEGIN:VCALENDAR", "END:VCALENDAR", ""] == [lines[0], *lines[-2:]]
    events = parsed(out)
    windows = json.loads(run("new.yaml", *FROM, "--days", "20", "-o", "json")[1])["windows"]
    expected = [
        tuple(dt.datetime.fromisoformat(each[side]) for side in ("start", "end"))
        for window in windows
        for each in window["intervals"]
    ]
    assert expected == [moments(event) for event in events]
    assert all(event.decoded("dtstamp").tzinfo is not None for event in events)
    assert len(events) == len({str(event["uid"]) for event in events})
    assert "office; hours, \\ and\nmore: Büro" in str(events[0]["description"])


def test_the_same_opening_keeps_its_id(run: Run) -> None:
    """Written on another day for another period, an opening has the same UID, so that calendars do not double it."""
    first = {moments(each): str(each["uid"]) for each in parsed(run("new.yaml", *FROM, "--days", "20", "-o", "ics")[1])}
    later = ("--from", "2026-12-25T00:00:00Z", "--days", "20", "-o", "ics")
    second = {moments(each): str(each["uid"]) for each in parsed(run("new.yaml", *later)[1])}
    both = first.keys() & second.keys()
    assert len(both) > 5
    assert [first[key] for key in both] == [second[key] for key in both]


def test_an_application_has_its_own_events(run: Run) -> None:
    """With --app the calendar also says when its automated syncs may run."""
    out = run("new.yaml", *FROM, "--days", "20", "--app", "web", "-o", "ics")[1]
    own = [moments(each) for each in parsed(out) if str(each["summary"]) == "argocd/web: syncs may run"]
    assert [17, 18, 4, 5] == [start.day for start, _ in own]


def test_an_application_narrows_the_windows(run: Run) -> None:
    """--app shows only what concerns it: staging knows no freeze."""
    out = run("new.yaml", *FROM, "--app", "argocd/test", "--days", "20")[1]
    assert ("deny" in out, "argocd/web" in out, "argocd/test, project shop" in out) == (False, False, True)


def old(change: t.Callable[[str], str], apps: bool = True) -> None:
    Path("old.yaml").write_text(change(PROJECT) + (APPS if apps else ""))


def test_no_difference_is_exit_code_zero(run: Run) -> None:
    """The same policy, also with its windows in another order, makes no difference."""
    old(lambda text: text, apps=False)
    assert (0, True) == ((found := run("new.yaml", "--before", "old.yaml", *FROM))[0], "no difference" in found[1])
    lines = PROJECT.splitlines(keepends=True)
    start = next(number for number, line in enumerate(lines) if "- {kind: allow" in line)
    Path("old.yaml").write_text("".join([*lines[:start], lines[start + 2], *lines[start : start + 2]]))
    assert 0 == run("new.yaml", "--before", "old.yaml", *FROM)[0]


def test_a_moved_window_is_told_with_what_applications_gain(run: Run) -> None:
    """An hour earlier: each opening moved, each Application gains and loses an hour a day; exit code 1."""
    old(lambda text: text.replace("0 9 * * 1-5", "0 10 * * 1-5"))
    code, out, _ = run("new.yaml", "--before", "old.yaml", *FROM, "--days", "2")
    record = json.loads(run("new.yaml", "--before", "old.yaml", *FROM, "--days", "2", "-o", "json")[1])
    assert 1 == code
    assert 'schedule: "0 10 * * 1-5" -> "0 9 * * 1-5"' in out
    assert (
        "  ~ Thu 2026-12-17 10:00 CET - 18:00 CET (09:00 - 17:00 UTC), 8h"
        " -> Thu 2026-12-17 09:00 CET - 17:00 CET (08:00 - 16:00 UTC), 8h\n" in out
    )
    assert "argocd/web: automated syncs gain 2h and lose 2h\n  + Thu 2026-12-17 08:00 UTC - 09:00 UTC, 1h\n" in out
    assert [(7200, 7200)] * 4 == [(each["gainedSeconds"], each["lostSeconds"]) for each in record["applications"]]
    assert {"automated", "healing"} == {each["trigger"] for each in record["applications"]}


def test_a_new_freeze_takes_time_only_from_whom_it_concerns(run: Run) -> None:
    """Adding the Christmas freeze takes office hours from production and nothing from staging."""
    old(lambda text: "\n".join(line for line in text.splitlines() if "kind: deny" not in line) + "\n")
    code, out, _ = run("new.yaml", "--before", "old.yaml", "--from", "2026-12-21T00:00:00Z", "--days", "7")
    assert 1 == code
    assert "new: deny '0 0 20 12 *' for 336h\n" in out
    assert "  + Sun 2026-12-20 00:00 UTC - Sun 2027-01-03 00:00 UTC, 14d\n" in out
    assert "argocd/web: automated syncs lose 1d 16h\n" in out
    assert "argocd/web: manual syncs lose 7d\n" in out
    assert "argocd/test" not in out


def test_a_project_that_was_not_there_is_said(run: Run) -> None:
    """What cannot be compared is a note and no difference of time."""
    Path("old.yaml").write_text(PROJECT.replace("name: shop", "name: other"))
    code, _, err = run("new.yaml", "--before", "old.yaml", *FROM)
    assert (1, 2) == (code, err.count("there is no AppProject shop before, so nothing is compared"))


def test_the_period_may_end_at_an_instant(run: Run) -> None:
    """`--to` says the same as so many days."""
    assert run("new.yaml", *FROM, "--days", "3") == run("new.yaml", *FROM, "--to", "2026-12-20T00:00:00Z")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("new.yaml", "--days", "0"), "lynceus: windows calendar: Invalid value for '--days'"),
        (("new.yaml", *FROM, "--to", FROM[1]), "lynceus: --to: found '2026-12-17T00:00:00Z', expected a time behind --from"),
        (("new.yaml", *FROM, "--to", "2036-01-01T00:00:00Z"), "lynceus: --to: found '2036-01-01T00:00:00Z', expected a time"),
        (("new.yaml", *FROM, "--to", "2026-12-20T00:00:00Z", "--days", "3"), "lynceus: --days, --to: found both"),
        (("new.yaml", "--from", "soon"), "lynceus: --from: found 'soon', expected an RFC 3339 time"),
        (("new.yaml", "--zone", "Mars/Base"), "lynceus: --zone: found 'Mars/Base', expected an IANA zone"),
        (("new.yaml", "--from", "9999-12-31T00:00:00Z"), "lynceus: --from: found the year 9999, expected an earlier one"),
        (("new.yaml", "--before", "gone.yaml"), "lynceus: gone.yaml: found no such file or directory"),
        (("new.yaml", "--before", "new.yaml", "-o", "ics"), "lynceus: -o: found ics with --before"),
        ((), "lynceus: FILES, --live: found neither"),
    ],
)  # fmt: skip
def test_wrong_use(run: Run, words: tuple[str, ...], line: str) -> None:
    """Exit code 2 and what would be right."""
    code, out, err = run(*words)
    assert (2, "") == (code, out)
    assert err.startswith(line)
