"""The newest version of each Application, from the watch and from our own writes."""

from __future__ import annotations

import typing as t

import msgspec
import pytest

from controller.applications import Applications, is_newer
from controller.kube.store import Change, ObjectStore, StoredObject, read_stored
from model.application import Application
from model.meta import NamespacedName
from tests.controller.builders import application

KEY = NamespacedName("argocd", "shop")


def raw(version: int, **body: t.Any) -> bytes:
    found = msgspec.json.decode(application().raw)
    found["metadata"]["resourceVersion"] = str(version)
    return msgspec.json.encode({**found, **body})


def stored(data: bytes) -> StoredObject:
    return read_stored(data, "argoproj.io", "v1alpha1", "Application")


class Heard:
    """Keeps what the listener was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, bool]] = []
        self.applications = Applications(self)
        self.store = ObjectStore()
        self.store.subscribe(self.applications.take)

    def __call__(self, key: NamespacedName, old: Application | None, new: Application | None, *, own: bool) -> None:
        versions = [app.metadata.resource_version if app else "" for app in (old, new)]
        self.told.append((versions[0], versions[1], own))

    def watch(self, data: bytes) -> None:
        found = stored(data)
        self.store.apply({found.header.key: found})


def test_our_own_write_is_seen_at_once_and_its_echo_is_passed_over() -> None:
    """The watch brings it a moment later; that is no news, and neither is an older version that was under way."""
    heard = Heard()
    heard.watch(raw(5))
    heard.applications.wrote(raw(9))
    heard.watch(raw(7))
    heard.watch(raw(9))
    heard.watch(raw(10))
    assert [("", "5", False), ("5", "9", True), ("9", "10", False)] == heard.told


def test_an_unreadable_application_is_kept_apart_until_it_can_be_read() -> None:
    """It says which path is wrong, is not among the readable ones, and comes back when corrected."""
    heard = Heard()
    heard.watch(raw(5))
    heard.watch(raw(6, spec="nonsense"))
    broken = heard.applications.broken(KEY)
    assert broken is not None
    assert "spec" in broken.problem
    assert [] == heard.applications.all()
    heard.watch(raw(7))
    assert heard.applications.broken(KEY) is None
    assert "7" == heard.applications.all()[0].metadata.resource_version


def test_a_deleted_application_is_forgotten() -> None:
    """The listener hears of it once."""
    heard = Heard()
    heard.watch(raw(5))
    heard.applications.take(Change("DELETED", stored(raw(5)), None))
    assert heard.applications.get(KEY) is None
    assert ("5", "", False) == heard.told[-1]


@pytest.mark.parametrize(
    ("version", "than", "expected"),
    [("10", "9", True), ("9", "10", False), ("9", "9", False), ("b", "a", True), ("a", "a", False)],
)
def test_which_version_is_newer(version: str, than: str, expected: bool) -> None:
    """Numbers grow; of others only equality is known."""
    assert expected is is_newer(version, than)
