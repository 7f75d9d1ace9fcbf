"""Schedules: the dialect, and starts against a walk over every minute and against croniter."""
# ruff: noqa: E501 - tables of cases, one case to a place

import datetime as dt
import zoneinfo

import pytest
from croniter import croniter
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.windows.schedule import latest_start, next_start, parse_schedule
from policy.windows.zones import find_zone

UTC = dt.UTC
MINUTE = dt.timedelta(minutes=1)
YEARS = dt.timedelta(days=366 * 41)


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["0 9 * * 1-5", "? ? ? ? ?", "*/15 0-6/2,8 1,15 jan-MAR Mon,fri", "5/20 * * * *", "00 09 * * 01", "0 0 ,1 * *", "+5 * * * *",
     "0\t9  * * *", "TZ=Europe/Paris 0 0 * * *", "CRON_TZ=UTC 0 0 * * *", "*/99 * * * *", "0 0 30 2 *", ", * * * *", "*-5 * * * *"],
)  # fmt: skip
def test_what_upstream_takes_is_taken(text: str) -> None:
    """Names, lists, steps, leading zeros, stray commas, blanks and zone prefixes parse."""
    assert parse_schedule(text).times is not None


@pytest.mark.parametrize(
    "text",
    ["", "* * * *", "* * * * * *", "@daily", "@every 1h", "0 0 * * 7", "0 0 * * 0-7", "0 0 L * *", "0 0 15W * *", "0 0 * * 1#1",
     "R * * * *", "0 0 * * fri-mon", "50-10 * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "*/0 * * * *",
     "1-2-3 * * * *", "1/2/3 * * * *", "* * * january *", "0 0 * * monday", "TZ=UTC", "TZ=UTC ", "0 9 * * 1 # x", "a * * * *",
     "-5 * * * *", "5- * * * *", "٣ * * * *", "1_0 * * * *", "*" * 2000],
)  # fmt: skip
def test_what_upstream_refuses_is_refused(text: str) -> None:
    """Descriptors, seconds, Sunday as 7, Quartz letters, wrapped ranges and long names are errors with one line."""
    with pytest.raises(ValueError, match="expected") as failure:
        parse_schedule(text)
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize(
    ("text", "day", "expected"),
    [
        ("0 0 13 * 5", "2026-03-13", True),
        ("0 0 13 * 5", "2026-03-20", True),
        ("0 0 13 * 5", "2026-03-14", False),
        ("0 0 */1 * 1", "2026-03-02", True),
        ("0 0 */1 * 1", "2026-03-03", False),
        ("0 0 */2 * 1", "2026-03-03", True),
        ("0 0 1-31 * 1", "2026-03-03", True),
        ("0 0 1,* * 1", "2026-03-03", False),
        ("0 0 13 * 0-6", "2026-03-03", True),
    ],
)
def test_the_star_mark_joins_days(text: str, day: str, expected: bool) -> None:
    """With a star mark on either day field both must match; else one suffices. */2 and 1-31 carry no mark."""
    assert expected == parse_schedule(text).on(dt.date.fromisoformat(day))


@pytest.mark.parametrize(
    ("text", "never"),
    [
        ("0 0 30 2 *", True),
        ("0 0 31 4,6,9,11 *", True),
        (", * * * *", True),
        ("0 0 29 2 *", False),
        ("0 0 30 2 1", False),
        ("0 0 , * *", True),
    ],
)
def test_schedules_that_never_fire_are_known(text: str, never: bool) -> None:
    """30 February has no start; with a weekday beside it, it has."""
    schedule = parse_schedule(text)
    assert (never, never) == (schedule.never_fires, next_start(schedule, at("2026-01-01"), None, YEARS) is None)


def test_a_leap_day_across_a_century_is_found() -> None:
    """After 29 February 2096 the next is in 2104, on which upstream gives up."""
    schedule = parse_schedule("0 0 29 2 *")
    assert at("2104-02-29") == next_start(schedule, at("2096-03-01"), None, YEARS)
    assert at("2096-02-29") == latest_start(schedule, at("2104-02-28"), None, YEARS)


AMSTERDAM = find_zone("Europe/Amsterdam")


def test_a_skipped_minute_starts_after_the_jump() -> None:
    """02:30 does not exist on 29 March 2026 in Amsterdam: the start is 03:00 there, 01:00 UTC."""
    assert at("2026-03-29T01:00") == next_start(parse_schedule("30 2 * * *"), at("2026-03-29T00:00"), AMSTERDAM, YEARS)


def test_a_repeated_minute_starts_in_both_passes() -> None:
    """02:30 is twice on 25 October 2026 in Amsterdam."""
    schedule = parse_schedule("30 2 * * *")
    first = next_start(schedule, at("2026-10-24T12:00"), AMSTERDAM, YEARS)
    assert (at("2026-10-25T00:30"), at("2026-10-25T01:30")) == (first, next_start(schedule, first, AMSTERDAM, YEARS))


@pytest.mark.parametrize(
    "name",
    [
        "Mars/Base",
        "../../etc/localtime",
        "/etc/localtime",
        "America",
        "europe/amsterdam",
        "Local",
        "posixrules/x",
        "UTC\n",
        "\x00",
        "tzdata.zi",
        "a" * 500,
    ],
)
def test_odd_zones_are_refused(name: str) -> None:
    """Paths, folders, other spellings and files that are no zones raise one clear line."""
    with pytest.raises(ValueError, match="expected"):
        find_zone(name)


def test_utc_is_the_empty_zone() -> None:
    """Empty text means UTC; real zones with digits and signs exist."""
    assert (None, "Etc/GMT+5") == (find_zone(""), str(find_zone("Etc/GMT+5")))


def _matches(schedule, local: dt.datetime) -> bool:
    return (local.hour, local.minute) in schedule.times and local.month in schedule.months and schedule.on(local.date())


def _walk(schedule, zone: zoneinfo.ZoneInfo | None, low: dt.datetime, high: dt.datetime) -> list[dt.datetime]:
    """All starts in (low, high] by looking at every minute, jumps included."""
    starts, now = [], low + MINUTE
    while now <= high:
        here, before = (moment.astimezone(zone or UTC).replace(tzinfo=None) for moment in (now, now - MINUTE))
        skipped = int((here - before) / MINUTE) - 1
        if _matches(schedule, here) or any(
            _matches(schedule, before + MINUTE * (n + 1)) for n in range(max(skipped, 0))
        ):
            starts.append(now)
        now += MINUTE
    return starts


FIELDS = st.tuples(
    st.sampled_from(["0", "30", "*/20", "15,45", "*", "59"]),
    st.sampled_from(["*", "2", "1-3", "0", "23", "*/6", "3"]),
    st.sampled_from(["*", "29", "25-31", "*/2", "1"]),
    st.sampled_from(["*", "3", "oct", "3,4,10,11"]),
    st.sampled_from(["*", "0", "sun", "1-5", "6"]),
).map(" ".join)
ZONES = st.sampled_from(
    [
        "",
        "Europe/Amsterdam",
        "America/New_York",
        "Australia/Lord_Howe",
        "America/Sao_Paulo",
        "Asia/Kathmandu",
        "Pacific/Apia",
    ]
)
EDGES = st.sampled_from(["2026-03-29T01:00", "2026-10-25T01:00", "2026-03-08T07:00", "2026-11-01T06:00", "2026-04-04T15:00",
                         "2026-10-03T15:30", "2018-11-04T03:00", "2011-12-30T10:00", "2026-02-28T23:00"])  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(FIELDS, ZONES, EDGES, st.integers(-1500, 1500))
def test_starts_equal_a_walk_over_every_minute(text: str, name: str, edge: str, shift: int) -> None:
    """Around clock changes of any size, the latest and the next start are those that a walk finds."""
    schedule, zone, now = parse_schedule(text), find_zone(name), at(edge) + shift * MINUTE
    span = dt.timedelta(days=2)
    walked = _walk(schedule, zone, now - span, now + span)
    past, future = [s for s in walked if s <= now], [s for s in walked if s > now]
    latest, following = latest_start(schedule, now, zone, span), next_start(schedule, now, zone, span)
    assert (past[-1] if past else None) == (latest if latest and latest > now - span else None)
    assert (future[0] if future else None) == (following if following and following <= now + span else None)


@settings(max_examples=100, deadline=None)
@given(FIELDS, st.datetimes(dt.datetime(2000, 1, 1), dt.datetime(2090, 1, 1)))
def test_starts_in_utc_equal_croniter(text: str, moment: dt.datetime) -> None:
    """Where both dialects agree, so do the dates."""
    if "*/2" in text.split()[2] and text.split()[4] != "*":
        return
    now = moment.replace(microsecond=0, tzinfo=UTC)
    assert croniter(text, now).get_next(dt.datetime) == next_start(parse_schedule(text), now, None, YEARS)


@given(st.text(max_size=40))
def test_no_text_raises_anything_but_value_error(text: str) -> None:
    """Any text parses or raises ValueError, as a schedule and as a zone."""
    for read in (parse_schedule, find_zone):
        try:
            read(text)
        except ValueError as failure:
            assert str(failure)
