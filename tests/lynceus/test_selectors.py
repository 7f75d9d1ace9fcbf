"""Label selectors and spans of time as people write them."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lynceus.commands.times import lasting, parse_span, said
from lynceus.selectors import format_selector, parse_selector
from model.additions import LabelSelector, Requirement
from model.errors import InvalidSettings
from policy.windows.zones import find_zone


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tier=web", [("tier", "In", ("web",))]),
        ("tier==web,x!=y", [("tier", "In", ("web",)), ("x", "NotIn", ("y",))]),
        ("env in (a, b) , !old,new", [("env", "In", ("a", "b")), ("old", "DoesNotExist", ()), ("new", "Exists", ())]),
        ("example.com/env notin (a)", [("example.com/env", "NotIn", ("a",))]),
        ("empty=", [("empty", "In", ("",))]),
    ],
)
def test_selectors(text: str, expected: list[tuple[str, str, tuple[str, ...]]]) -> None:
    """The forms that kubectl takes, and they come back when they are written."""
    found = parse_selector(text)
    assert found is not None
    assert expected == [(item.key, item.operator, item.values) for item in found.match_expressions]
    assert found == parse_selector(format_selector(found))


@pytest.mark.parametrize(
    "text", ["a in b", "a=b=c", "a b", ",", "a,,b", "a in (", "a)", "=b", "!", "-a", "a=b c", "a>1"]
)
def test_no_selectors(text: str) -> None:
    """Anything else is refused in one line."""
    with pytest.raises(InvalidSettings, match="expected a label selector such as"):
        parse_selector(text)


def test_nothing_and_plain_labels() -> None:
    """Empty text is no selector; matchLabels are written as equality."""
    assert parse_selector(" ") is None
    selector = LabelSelector(match_labels={"a": "b"}, match_expressions=(Requirement(key="c", operator="Exists"),))
    assert "a=b,c" == format_selector(selector)


@pytest.mark.parametrize(
    ("text", "hours"), [("4h", 4.0), ("90m", 1.5), ("2d", 48.0), ("1d12h", 36.0), ("0d1h", 1.0), ("1h30m", 1.5)]
)
def test_spans(text: str, hours: float) -> None:
    """Go durations, with days in front."""
    assert dt.timedelta(hours=hours) == parse_span(text, "--for")


@pytest.mark.parametrize("text", ["", "d", "1w", "-1h", "0h", "1d-1h", "1d+1h", "4", "1h2d", "\u0661h"])
def test_no_spans(text: str) -> None:
    """Anything else, and nothing at all, is refused."""
    with pytest.raises(InvalidSettings, match="expected a duration such as 4h, 90m or 2d"):
        parse_span(text, "--for")


@given(st.integers(1, 400), st.integers(0, 23), st.integers(0, 59))
def test_what_is_written_is_read(days: int, hours: int, minutes: int) -> None:
    """A span in words is the span."""
    span = dt.timedelta(days=days, hours=hours, minutes=minutes)
    assert span == parse_span(lasting(span).replace(" ", ""), "--for")


def test_times_in_words() -> None:
    """Zones without letters are written as their offset, seconds only when there are any."""
    moment = dt.datetime(2026, 6, 15, 12, 0, 5, tzinfo=dt.UTC)
    assert "Mon 2026-06-15 12:00:05 UTC" == said(moment)
    assert "Mon 2026-06-15 17:45 UTC+05:45" == said(moment.replace(second=0), find_zone("Asia/Kathmandu"))
