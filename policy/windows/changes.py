"""What is different between two calendars: windows that open at other times, and Applications that gain or lose time.

Only compares what policy.windows.calendar has computed.
"""

from __future__ import annotations

import datetime as dt
import typing as t

import msgspec

from policy.windows.added import Added
from policy.windows.calendar import Answers, Interval, Row
from policy.windows.window import Window

NEAREST = dt.timedelta(days=1)
"""An opening that vanished and one that appeared within a day of it are one that was moved."""

Span = tuple[dt.datetime, dt.datetime]
"""Start and end (excluded), UTC."""


class Move(msgspec.Struct, frozen=True):
    """An interval that now lies elsewhere or has another length."""

    before: Interval
    after: Interval


class RowChange(msgspec.Struct, frozen=True, kw_only=True):
    """What is different about one window; not both sides are None."""

    before: Window | None
    """None: the window is new."""
    after: Window | None
    """None: the window is gone."""
    fields: tuple[str, ...] = ()
    """Fields of a window on both sides that differ, as ``name: before -> after``."""
    removed: tuple[Interval, ...] = ()
    added: tuple[Interval, ...] = ()
    moved: tuple[Move, ...] = ()


class TimeChange(msgspec.Struct, frozen=True, kw_only=True):
    """What is different about the time in which a sync may run."""

    gained: tuple[Span, ...]
    """Permitted now and not before."""
    lost: tuple[Span, ...]

    @property
    def any(self) -> bool:
        """Whether anything is different at all."""
        return bool(self.gained or self.lost)


def compare_rows(before: t.Sequence[Row], after: t.Sequence[Row]) -> tuple[RowChange, ...]:
    """Return what is different, windows that are the same left out.

    Windows are paired when all they say is equal, wherever they stand in their list; what remains is paired by its
    place, such as the position in an AppProject or the name of an added window.
    """
    pairs, olds, news = _equal(before, after)
    places = {row.window.where: row for row in olds}
    for row in news:
        pairs.append((places.pop(row.window.where, None), row))
    pairs += [(row, None) for row in places.values()]
    found = (_change(old, new) for old, new in pairs)
    return tuple(change for change in found if change is not None)


_Pair = tuple[Row | None, Row | None]


def _equal(before: t.Sequence[Row], after: t.Sequence[Row]) -> tuple[list[_Pair], list[Row], list[Row]]:
    """Return pairs of windows that say the same in the same object, and what remains on either side."""
    waiting: dict[tuple[str, str], list[Row]] = {}
    for row in before:
        waiting.setdefault(_identity(row.window), []).append(row)
    pairs: list[_Pair] = []
    news: list[Row] = []
    for row in after:
        same = waiting.get(_identity(row.window))
        if same:
            pairs.append((same.pop(0), row))
        else:
            news.append(row)
    return pairs, [row for rows in waiting.values() for row in rows], news


def _identity(window: Window) -> tuple[str, str]:
    return window.where.partition("[")[0], repr(_said(window))


def _said(window: Window) -> msgspec.Struct:
    """Return what was written: the entry of an added window has more fields than Argo CD's."""
    return window.entry if isinstance(window, Added) else window.spec


def _change(old: Row | None, new: Row | None) -> RowChange | None:
    gone = _without(old.intervals if old else (), new.intervals if new else ())
    come = _without(new.intervals if new else (), old.intervals if old else ())
    moved, gone, come = _moves(gone, come) if old and new else ((), gone, come)
    fields = _fields(old.window, new.window) if old and new else ()
    if old and new and not (fields or gone or come or moved):
        return None
    return RowChange(
        before=old.window if old else None,
        after=new.window if new else None,
        fields=fields,
        removed=gone,
        added=come,
        moved=moved,
    )


def _without(intervals: tuple[Interval, ...], others: tuple[Interval, ...]) -> tuple[Interval, ...]:
    known = set(others)
    return tuple(interval for interval in intervals if interval not in known)


def _moves(
    gone: tuple[Interval, ...], come: tuple[Interval, ...]
) -> tuple[tuple[Move, ...], tuple[Interval, ...], tuple[Interval, ...]]:
    """Pair what vanished with what appeared nearby, in order of time."""
    moved: list[Move] = []
    left: list[Interval] = []
    waiting = list(come)
    for interval in gone:
        near = next((other for other in waiting if _near(interval, other)), None)
        if near is None:
            left.append(interval)
        else:
            waiting.remove(near)
            moved.append(Move(interval, near))
    return tuple(moved), tuple(left), tuple(waiting)


def _near(one: Interval, other: Interval) -> bool:
    """Return whether the two begin within a day of each other, or begin or end together."""
    if one.start == other.start or (one.end is not None and one.end == other.end):
        return True
    return one.start is not None and other.start is not None and abs(one.start - other.start) < NEAREST


def _fields(old: Window, new: Window) -> tuple[str, ...]:
    """Name the fields that differ, with both values."""
    before, after = _values(old), _values(new)
    names = dict.fromkeys((*before, *after))
    return tuple(
        f"{name}: {_shown(before.get(name))} -> {_shown(after.get(name))}"
        for name in names
        if before.get(name) != after.get(name)
    )


def _values(window: Window) -> dict[str, t.Any]:
    return t.cast("dict[str, t.Any]", msgspec.to_builtins(_said(window)))


def _shown(value: t.Any) -> str:
    return "not set" if value is None else msgspec.json.encode(value).decode()


def compare_answers(before: Answers, after: Answers) -> TimeChange:
    """Return the time gained and lost by one Application; only as far as both answers are known."""
    ends = [known for known in (before.known_until, after.known_until) if known is not None]
    limit = min(ends, default=None)
    olds, news = (_cut(answers.spans(allowed=True), limit) for answers in (before, after))
    return TimeChange(gained=_minus(news, olds), lost=_minus(olds, news))


def _cut(spans: tuple[Span, ...], limit: dt.datetime | None) -> tuple[Span, ...]:
    if limit is None:
        return spans
    return tuple((start, min(end, limit)) for start, end in spans if start < limit)


def _minus(spans: tuple[Span, ...], others: tuple[Span, ...]) -> tuple[Span, ...]:
    """Return the time in `spans` that is not in `others`; both rising and without overlaps."""
    found: list[Span] = []
    number = 0
    for start, end in spans:
        while number < len(others) and others[number][1] <= start:
            number += 1
        at, look = start, number
        while look < len(others) and others[look][0] < end:
            if others[look][0] > at:
                found.append((at, others[look][0]))
            at = max(at, others[look][1])
            look += 1
        if at < end:
            found.append((at, end))
    return tuple(found)
