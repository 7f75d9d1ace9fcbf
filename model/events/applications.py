"""What happens to Applications and ApplicationSets as objects of the API server."""

from __future__ import annotations

import msgspec

from model.application import Application
from model.events.base import Event
from model.meta import NamespacedName


class ApplicationChanged(Event, frozen=True, kw_only=True):
    """The store has a new version of an Application (also its first)."""

    application: Application
    dest_server: str
    """The resolved API server URL of the destination; empty when it cannot be resolved."""


class ApplicationDeleted(Event, frozen=True, kw_only=True):
    """An Application is gone from the API server."""

    key: NamespacedName


class OrphansCounted(Event, frozen=True, kw_only=True):
    """A comparison counted the objects that nobody tracks in the Application's namespace."""

    key: NamespacedName
    project: str
    number: int


class ApplicationSetChanged(Event, frozen=True, kw_only=True):
    """An ApplicationSet is new, changed or (`deleted`) gone."""

    key: NamespacedName
    update_status: str = "Unknown"
    """Reason of its condition ResourcesUpToDate, else Unknown."""
    owned: int = 0
    """Applications in its status.resources."""
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    deleted: bool = False
