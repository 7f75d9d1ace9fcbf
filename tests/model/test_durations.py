"""Go durations and RFC 3339 times."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.durations import LIMIT, UNITS, format_duration, format_time, parse_duration, parse_time


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("-0", 0),
        ("+5s", 5),
        ("8h", 28800),
        ("336h", 1209600),
        ("1h30m", 5400),
        ("1.5h", 5400),
        (".5m", 30),
        ("1.h", 3600),
        ("1m1h", 3660),
        ("-1h", -3600),
        ("100ms", 0.1),
        ("3us", 0.000003),
        ("3µs", 0.000003),
        ("3μs", 0.000003),
        ("1500ns", 0.000001),
    ],
)
def test_go_durations_are_read(text: str, seconds: float) -> None:
    """Everything that Go's time.ParseDuration takes is read with the same meaning."""
    assert dt.timedelta(seconds=seconds) == parse_duration(text)


@pytest.mark.parametrize(
    "text",
    ["", "-", "+", "3600", "1d", "1w", "1h ", " 1h", "1 h", "1H", "1e3h", ".h", "h", "--1h", "1h-1m", "1,5h",
     "¼h", "٣h",     "999999999999h", "2562047h47m16.854775808s", "1h\n", "9" * 5000 + "h"],
)  # fmt: skip
def test_what_go_refuses_is_refused(text: str) -> None:
    """Days, blanks, exponents, foreign digits and numbers beyond an int64 of nanoseconds are errors."""
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)


def test_the_least_duration_is_one_below_the_greatest() -> None:
    """Go's range is that of an int64: the negative side reaches one nanosecond further."""
    assert -LIMIT == parse_duration("-2562047h47m16.854775808s")
    assert LIMIT == parse_duration("2562047h47m16.854775807s")


@given(st.lists(st.tuples(st.integers(0, 400_000), st.sampled_from(sorted(UNITS))), min_size=1, max_size=5))
def test_a_duration_is_the_sum_of_its_parts(parts: list[tuple[int, str]]) -> None:
    """Parts add up in any order, nanoseconds rounded towards zero."""
    total = sum(number * UNITS[unit] for number, unit in parts)
    assert dt.timedelta(microseconds=int(total)) == parse_duration("".join(f"{n}{u}" for n, u in parts))


@given(st.timedeltas(min_value=-LIMIT, max_value=LIMIT))
def test_writing_and_reading_are_inverse(value: dt.timedelta) -> None:
    """What is written is read back unchanged."""
    assert value == parse_duration(format_duration(value))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (dt.timedelta(0), "0s"),
        (dt.timedelta(hours=8), "8h0m0s"),
        (dt.timedelta(minutes=1, seconds=1.5), "1m1.5s"),
        (dt.timedelta(milliseconds=1.5), "1.5ms"),
        (dt.timedelta(microseconds=7), "7µs"),
        (-dt.timedelta(seconds=90), "-1m30s"),
    ],
)
def test_durations_are_written_as_go_writes_them(value: dt.timedelta, expected: str) -> None:
    """Hours, minutes and seconds without zero tails; smaller units below one second."""
    assert expected == format_duration(value)


@given(st.text())
def test_no_text_raises_anything_but_value_error(text: str) -> None:
    """Any text is read or refused with ValueError."""
    for read in (parse_duration, parse_time):
        try:
            read(text)
        except ValueError as failure:
            assert str(failure)


def test_times_are_read_in_utc_and_written_as_kubernetes_does() -> None:
    """Offsets are resolved; fractions are dropped on writing."""
    assert "2026-03-29T00:30:00Z" == format_time(parse_time("2026-03-29T01:30:00.123456789+01:00"))


@pytest.mark.parametrize(
    "text", ["2026-01-01", "2026-01-01T00:00:00", "2026-W01-1T00:00:00Z", "0001-01-01T00:00:00+23:00"]
)
def test_other_times_are_refused(text: str) -> None:
    """Dates, times without a zone, week dates and times outside Python's range are errors."""
    with pytest.raises(ValueError, match="time"):
        parse_time(text)
