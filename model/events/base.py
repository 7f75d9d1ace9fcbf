"""The base of all events, and the event that tells of others that were lost."""

from __future__ import annotations

import typing as t

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all events."""


class Lost(Event, frozen=True, kw_only=True):
    """Something that should have left the process was given up so that the loop need not wait."""

    what: t.Literal["span", "log record", "audit record"]
    number: int = 1


Listener = t.Callable[[Event], None]
