"""Random schedules together with what they mean, random zones, instants around clock changes, durations."""

from __future__ import annotations

import datetime as dt
import typing as t
import zoneinfo

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tests.policy.proofs import THOROUGH
from tests.policy.proofs.walk import Meaning

MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]


def examples(count: int) -> settings:
    """Return Hypothesis' settings for so many cases."""
    return settings(max_examples=count * THOROUGH, deadline=None, suppress_health_check=list(HealthCheck))


class Field(t.NamedTuple):
    """One field of a schedule: as written, what it names, and whether it carries the star mark."""

    text: str
    values: frozenset[int]
    star: bool


def _word(number: int, names: list[str], first: int) -> st.SearchStrategy[str]:
    """Write a number: plain, with leading zeros, with a plus sign, or as its name in any case."""
    forms = [str(number), f"0{number}", f"+{number}"]
    if names:
        name = names[number - first]
        forms += [name, name.upper(), name.title()]
    return st.sampled_from(forms)


@st.composite
def _part(draw: st.DrawFn, low: int, high: int, names: list[str]) -> Field:
    """Draw one item of a comma list."""
    shape = draw(st.sampled_from(["star", "star-step", "number", "number-step", "range", "range-step"]))
    step = draw(st.one_of(st.integers(1, 7), st.integers(1, high + 30)))
    if shape.startswith("star"):
        mark = draw(st.sampled_from(["*", "?"]))
        if shape == "star":
            return Field(mark, frozenset(range(low, high + 1)), True)
        return Field(f"{mark}/{step}", frozenset(range(low, high + 1, step)), step == 1)
    start = draw(st.integers(low, high))
    end = draw(st.integers(start, high))
    first, last = draw(_word(start, names, low)), draw(_word(end, names, low))
    return {
        "number": Field(first, frozenset([start]), False),
        "number-step": Field(f"{first}/{step}", frozenset(range(start, high + 1, step)), False),
        "range": Field(f"{first}-{last}", frozenset(range(start, end + 1)), False),
        "range-step": Field(f"{first}-{last}/{step}", frozenset(range(start, end + 1, step)), False),
    }[shape]


@st.composite
def _field(draw: st.DrawFn, low: int, high: int, names: list[str]) -> Field:
    """Draw a field: a star as often as not, else a list of items with stray commas now and then."""
    if draw(st.booleans()):
        return Field("*", frozenset(range(low, high + 1)), True)
    parts = draw(st.lists(_part(low, high, names), min_size=1, max_size=3))
    texts = [part.text for part in parts]
    if draw(st.integers(0, 9)) == 0:
        texts.insert(draw(st.integers(0, len(texts))), "")
    return Field(",".join(texts), frozenset().union(*(part.values for part in parts)), any(p.star for p in parts))


BLANKS = st.sampled_from([" ", " ", " ", "  ", "\t"])


@st.composite
def schedules(draw: st.DrawFn) -> tuple[str, Meaning]:
    """Draw a schedule of Argo CD's dialect and what it means."""
    minute = draw(st.one_of(_field(0, 59, []), _part(0, 59, [])))
    hour = draw(st.one_of(_field(0, 23, []), _part(0, 23, [])))
    day, month, weekday = draw(_field(1, 31, [])), draw(_field(1, 12, MONTHS)), draw(_field(0, 6, WEEKDAYS))
    fields = (minute, hour, day, month, weekday)
    text = draw(BLANKS).join(field.text for field in fields)
    sets = [field.values for field in fields]
    return text, Meaning(*sets, star=day.star or weekday.star)


NEVER = (
    "0 0 30 2 *",
    Meaning(frozenset([0]), frozenset([0]), frozenset([30]), frozenset([2]), frozenset(range(7)), star=True),
)
"""A schedule that never fires, and what it means."""


UNITS = {"s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "ms": 1_000}


@st.composite
def durations(draw: st.DrawFn) -> tuple[str, int]:
    """Draw a Go duration of up to five weeks, and its microseconds."""
    unit, most = draw(st.sampled_from([("m", 300), ("h", 48), ("h", 840), ("s", 5_000), ("ms", 90_000)]))
    number = draw(st.integers(1, most))
    text, micros = f"{number}{unit}", number * UNITS[unit]
    if unit == "h" and draw(st.booleans()):
        minutes = draw(st.integers(0, 90))
        text, micros = f"{text}{minutes}m", micros + minutes * UNITS["m"]
    return text, micros


PLACES = (
    ("", "2026-12-31T23:00"),
    ("", "2028-02-29T12:00"),
    ("Europe/Amsterdam", "2026-03-29T01:00"),
    ("Europe/Amsterdam", "2026-10-25T01:00"),
    ("Europe/Amsterdam", "2026-06-15T12:00"),
    ("America/New_York", "2026-03-08T07:00"),
    ("America/New_York", "2026-11-01T06:00"),
    ("Australia/Lord_Howe", "2026-04-04T15:00"),  # half an hour of summer time
    ("Australia/Lord_Howe", "2026-10-03T15:30"),
    ("Africa/Casablanca", "2026-02-15T02:00"),  # the clock goes back for Ramadan
    ("Africa/Casablanca", "2026-03-22T02:00"),
    ("Pacific/Kiritimati", "1994-12-31T10:00"),  # a day left out
    ("Pacific/Kiritimati", "2026-12-31T10:00"),
    ("Pacific/Apia", "2011-12-30T10:00"),  # a day left out
    ("Pacific/Kwajalein", "1993-08-20T12:00"),  # a day left out
    ("Pacific/Kwajalein", "1969-09-30T13:00"),  # a day repeated
    ("Europe/Dublin", "2026-03-29T01:00"),  # standard time in summer
    ("Europe/Dublin", "2026-10-25T01:00"),
    ("America/Sao_Paulo", "2018-11-04T03:00"),  # midnight is skipped
    ("America/Sao_Paulo", "2018-02-18T02:00"),  # the hour before midnight is repeated
    ("Antarctica/Troll", "2026-03-29T01:00"),  # two hours of summer time
    ("Antarctica/Troll", "2026-10-25T01:00"),
    ("America/St_Johns", "2011-03-13T03:31"),  # at one minute past midnight
    ("America/St_Johns", "2010-11-07T02:31"),
    ("Africa/Monrovia", "1972-01-07T00:44"),  # 44 minutes and 30 seconds behind until then
    ("Asia/Pyongyang", "2018-05-04T15:00"),  # half an hour, for good
    ("Asia/Kathmandu", "1985-12-31T18:30"),  # a quarter of an hour, for good
    ("America/Caracas", "2016-05-01T07:00"),
    ("Antarctica/Casey", "2020-10-03T16:00"),  # three hours, for good
    ("Asia/Tehran", "2022-03-21T20:30"),
    ("Europe/Amsterdam", "1940-05-15T22:40"),  # 20 minutes ahead until the occupation moved it by 1:40
    ("Africa/Cairo", "2010-08-10T21:00"),  # summer time interrupted
    ("America/Juneau", "1983-10-30T10:00"),
    ("Asia/Manila", "1844-12-31T15:56"),  # a day left out, offsets with seconds
)
"""Zones with something odd about their clock, and an instant (UTC) at which it happens; and some quiet ones."""


def at(text: str) -> dt.datetime:
    """Return an instant written without its zone, UTC."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def zone(name: str) -> zoneinfo.ZoneInfo | None:
    """Return the zone, None for UTC."""
    return zoneinfo.ZoneInfo(name) if name else None
