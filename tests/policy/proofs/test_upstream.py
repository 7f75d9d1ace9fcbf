"""compat: windows as Argo CD reckons, against a naive form of its arithmetic; and schedules against croniter."""

import datetime as dt

import pytest
from croniter import croniter
from hypothesis import assume, example, given
from hypothesis import strategies as st

from policy.windows import judge
from policy.windows.moment import from_micros, to_micros
from policy.windows.schedule import latest_start, next_start, parse_schedule
from tests.policy.proofs import walk
from tests.policy.proofs.strategies import MONTHS, NEVER, PLACES, WEEKDAYS, at, durations, examples, schedules, zone
from tests.policy.proofs.test_walk import DAY, KINDS, SECOND, SHIFT, TARGET, window

LEAP_DAY = ("0 0 29 2 *", NEVER[1]._replace(days=frozenset([29])))


@st.composite
def upstream_durations(draw: st.DrawFn) -> tuple[str, int]:
    """Draw a duration, sometimes zero or negative, which Argo CD takes."""
    text, micros = draw(durations())
    return draw(st.sampled_from([(text, micros)] * 6 + [(f"-{text}", -micros), ("0", 0)]))


def _around(meaning: walk.Meaning, micros: int, place: tuple[str, str], asked: int) -> list[dt.datetime]:
    """Return the instant asked about, and those around the next opening and its end on upstream's clock."""
    now = from_micros(asked)
    here = zone(place[0])
    ahead = now.astimezone(here).utcoffset() if here else dt.timedelta(0)
    start = walk.upstream_next(meaning, now.replace(tzinfo=None) + ahead)
    if start is None:
        return [now]
    opening = (start - ahead).replace(tzinfo=dt.UTC)
    edges = [opening, opening + dt.timedelta(microseconds=micros)]
    return [now, *(edge + dt.timedelta(microseconds=step) for edge in edges for step in (-1, 0, 1))]


@examples(250)
@given(
    st.one_of(schedules(), st.sampled_from([NEVER, LEAP_DAY])),
    upstream_durations(),
    st.sampled_from(PLACES),
    st.integers(-SHIFT * SECOND, SHIFT * SECOND),
)
@example(NEVER, ("1h", 3600 * SECOND), PLACES[0], 0)
@example(LEAP_DAY, ("1h", 3600 * SECOND), ("", "2097-06-01T00:00"), 0)
@example(LEAP_DAY, ("1h", 3600 * SECOND), ("", "2098-12-31T23:59"), 0)
@example(LEAP_DAY, ("1h", 3600 * SECOND), ("", "2099-01-01T00:30"), 0)
@example(LEAP_DAY, ("1h", 3600 * SECOND), ("", "2099-01-01T01:00"), 0)
def test_upstream_openings_equal_its_own_arithmetic(
    drawn: tuple[str, walk.Meaning], duration: tuple[str, int], place: tuple[str, str], shift: int
) -> None:
    """The opening instant is closed, the offset of now counts, no start within five years is open for ever."""
    (text, meaning), (length, micros) = drawn, duration
    found = window("deny", text, length, place[0], "compat")
    for now in _around(meaning, micros, place, to_micros(at(place[1])) + shift):
        assert walk.upstream_open(meaning, micros, zone(place[0]), now, now) == found.is_open(now)


@examples(60)
@given(
    st.lists(st.tuples(KINDS, schedules(), upstream_durations()), min_size=1, max_size=3),
    st.sampled_from(PLACES),
    st.integers(-SHIFT, SHIFT),
    st.booleans(),
    st.one_of(st.none(), st.integers(0, 3 * DAY)),
)
def test_upstream_decisions_equal_the_rules(
    drawn: list[tuple[tuple[str, bool, bool], tuple[str, walk.Meaning], tuple[str, int]]],
    place: tuple[str, str],
    shift: int,
    manual: bool,
    running: int | None,
) -> None:
    """Several windows; the start of a running sync is judged with the offset of now."""
    now = at(place[1]) + dt.timedelta(seconds=shift)
    started = now - dt.timedelta(seconds=running) if running is not None else None
    here = zone(place[0])

    def seen(moment: dt.datetime) -> list[walk.Seen]:
        return [
            walk.Seen(kind, walk.upstream_open(meaning, micros, here, moment, now), by_hand, overrun)
            for (kind, by_hand, overrun), (_, meaning), (_, micros) in drawn
        ]

    windows = [
        window(kind, text, length, place[0], "compat", manual_sync=by_hand, sync_overrun=overrun)
        for (kind, by_hand, overrun), (text, _), (length, _) in drawn
    ]
    expected = walk.may_sync(seen(now), manual, seen(started) if started else None)
    assert expected == judge(windows, TARGET, now, manual=manual, started=started).allowed


@examples(150)
@given(
    schedules(),
    upstream_durations(),
    st.sampled_from(PLACES),
    st.integers(-SHIFT * SECOND, SHIFT * SECOND),
)
def test_the_end_that_upstream_spans_have_is_where_they_change(
    drawn: tuple[str, walk.Meaning], duration: tuple[str, int], place: tuple[str, str], shift: int
) -> None:
    """Up to the end of a span the state stays, as long as the clock keeps its offset."""
    (text, meaning), (length, micros), here = drawn, duration, zone(place[0])
    found = window("deny", text, length, place[0], "compat")
    now = at(place[1]) + dt.timedelta(microseconds=shift)
    span = found.compute_span(now)
    if span.end is None:
        assert span.open or micros <= 0 or walk.upstream_next(meaning, now.replace(tzinfo=None)) is None
        return
    assert now < span.end
    middle = now + (span.end - now) / 2
    steady = len({walk.offset_at(here, to_micros(moment) // SECOND) for moment in (now, middle, span.end)}) == 1
    assume(steady)
    for moment in (middle, span.end - dt.timedelta(microseconds=1)):
        if moment >= now and not _starts_at(meaning, here, moment):
            assert span.open == walk.upstream_open(meaning, micros, here, moment, moment)
    if not span.open:
        assert walk.upstream_open(meaning, micros, here, span.end, span.end)


def _starts_at(meaning: walk.Meaning, here: dt.tzinfo | None, moment: dt.datetime) -> bool:
    """True at an opening instant, which upstream takes for closed even inside a longer time."""
    local = moment.astimezone(here or dt.UTC).replace(tzinfo=None)
    return local.second == local.microsecond == 0 and meaning.names(local)


def _position(word: str) -> int:
    """Return the number that a number or a name stands for, as far as it matters to tell two apart."""
    names = {name: number for names, first in ((MONTHS, 1), (WEEKDAYS, 0)) for number, name in enumerate(names, first)}
    return names[word.lower()] if word.lower() in names else int(word)


def _same_in_croniter(text: str, meaning: walk.Meaning) -> bool:
    """True where both mean the same: no plus signs, stray commas and ranges of one number, and croniter's star mark."""
    fields = text.split()
    if "+" in text or "/" in text or "?" in text or any("" in field.split(",") for field in fields):
        return False
    restricted = len(meaning.days) < 31 and len(meaning.weekdays) < 7
    full = fields[2] == "*" or fields[4] == "*"
    ranges = [part for field in fields for part in field.split(",") if "-" in part]
    alike = any(_position(first) == _position(last) for first, _, last in (part.partition("-") for part in ranges))
    return not alike and (full or (restricted and not meaning.star))


@examples(30)
@given(schedules(), st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2080, 1, 1)))
def test_starts_in_utc_equal_croniter(drawn: tuple[str, walk.Meaning], moment: dt.datetime) -> None:
    """Where the dialects agree, the next and the latest start are croniter's."""
    text, meaning = drawn
    assume(_same_in_croniter(text, meaning))
    schedule = parse_schedule(text)
    assume(len(schedule.months) > 3 and not schedule.never_fires)  # croniter takes seconds for rare dates
    now = moment.replace(microsecond=0, tzinfo=dt.UTC)
    long = dt.timedelta(days=366 * 41)
    assert croniter(text, now).get_next(dt.datetime) == next_start(schedule, now, None, long)
    assert croniter(text, now).get_prev(dt.datetime) == latest_start(
        schedule, now - dt.timedelta(microseconds=1), None, long
    )


@examples(400)
@given(schedules())
def test_a_schedule_parses_to_what_it_means(drawn: tuple[str, walk.Meaning]) -> None:
    """Stars, steps, names, leading zeros, plus signs, stray commas and the star mark."""
    text, meaning = drawn
    schedule = parse_schedule(text)
    assert (
        {(hour, minute) for hour in meaning.hours for minute in meaning.minutes},
        (meaning.days, meaning.months, meaning.weekdays, meaning.star),
    ) == (set(schedule.times), (schedule.days, schedule.months, schedule.weekdays, schedule.both_days))


@pytest.mark.parametrize(
    ("text", "croniter_says"),
    [("0 0 * * 7", True), ("0 0 L * *", True), ("0 0 * * fri-mon", True), ("0 0 ,1 * *", False), ("+5 * * * *", False)],
)
def test_where_croniter_is_no_oracle(text: str, croniter_says: bool) -> None:
    """Texts of which one dialect has a meaning and the other has none: why the parser is our own."""
    try:
        parse_schedule(text)
        ours = True
    except ValueError:
        ours = False
    assert (croniter_says, not croniter_says) == (croniter.is_valid(text), ours)
