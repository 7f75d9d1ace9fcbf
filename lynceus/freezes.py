"""Freezes in the ConfigMap `lynceus-cm`: made, stopped, kept and forgotten.

One key each, so that nobody overwrites anybody. The record is the interface: whoever may write the ConfigMap may
freeze, with this or with `kubectl edit`. What a freeze means is up to policy.windows, its shape to model.additions.
"""

from __future__ import annotations

import datetime as dt
import re
import secrets
import typing as t

import msgspec

from model.additions import CONFIG_MAP, FREEZE_PREFIX, Freeze, read_additions, write_freeze
from model.durations import format_time
from model.errors import AlreadyExists, Conflict, InvalidSettings, LynceusError, NotFound
from policy.findings import errors_of
from policy.windows.added import compile_freeze
from policy.windows.opening import Once

if t.TYPE_CHECKING:
    from controller.kube.client import KubeClient

KEPT = dt.timedelta(days=30)
"""How long the record of a freeze stays behind its end."""
FIELD_MANAGER = "lynceus-freeze"
TRIES = 4
"""Attempts at one write: the ConfigMap may appear, vanish or be written by others in between."""
IDENT = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
"""What an id may be: it becomes part of a ConfigMap key."""
LONGEST_TEXT = 500
"""Characters of a reason: it stands in every refusal."""

Phase = t.Literal["active", "coming", "past"]


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """The ConfigMap as it was read."""

    data: dict[str, str] = {}
    version: str = ""
    """resourceVersion; empty: there is no such ConfigMap."""

    @property
    def freezes(self) -> tuple[Freeze, ...]:
        """All records, also those that cannot be read."""
        return read_additions(self.data, self.version).freezes

    @property
    def unread(self) -> tuple[str, ...]:
        """One line for each key that is not read: a freeze under such a key does not freeze."""
        problems = read_additions(self.data, self.version).problems
        return tuple(f"{one.where}: {one.text}; expected {one.fix}" for one in problems if one.code == "additions-key")


class _Metadata(msgspec.Struct, frozen=True):
    resource_version: str = msgspec.field(name="resourceVersion", default="")


class _ConfigMap(msgspec.Struct, frozen=True):
    metadata: _Metadata = _Metadata()
    data: dict[str, str] | None = None


class _User(msgspec.Struct, frozen=True):
    username: str = ""


class _ReviewStatus(msgspec.Struct, frozen=True):
    user: _User = msgspec.field(name="userInfo", default=_User())


class _Review(msgspec.Struct, frozen=True):
    status: _ReviewStatus = _ReviewStatus()


class FreezeBook:
    """The freezes of one cluster."""

    def __init__(self, client: KubeClient, namespace: str) -> None:
        self._client, self.namespace = client, namespace
        self.where = f"ConfigMap {namespace}/{CONFIG_MAP}"

    def read(self) -> Stored:
        """Return the ConfigMap; one that does not exist is empty."""
        from controller.governance import CONFIG_MAP as RESOURCE

        try:
            raw = self._client.get(RESOURCE, self.namespace, CONFIG_MAP)
        except NotFound:
            return Stored()
        found = msgspec.json.decode(raw, type=_ConfigMap)
        return Stored(data=found.data or {}, version=found.metadata.resource_version)

    def start(self, freeze: Freeze, now: dt.datetime) -> None:
        """Write a new record; InvalidSettings when there is one of that id."""
        key = FREEZE_PREFIX + freeze.id
        for _ in range(TRIES):
            stored = self.read()
            if key in stored.data:
                raise InvalidSettings("--id", "", f"{freeze.id!r}, which {self.where} has already", "another id")
            if self._write(stored, {key: write_freeze(freeze)}, now):
                return
        raise self._contended()

    def stop(
        self, chosen: t.Callable[[Stored], list[Freeze]], end: t.Callable[[Freeze], Freeze], now: dt.datetime
    ) -> list[Freeze]:
        """End freezes.

        Args:
            chosen: picks those to end out of what is stored; may raise.
            end: makes the record of one ended.
            now: aware, UTC.

        Returns:
            The records as they are now.
        """
        for _ in range(TRIES):
            stored = self.read()
            ended = [end(freeze) for freeze in chosen(stored)]
            if not ended or self._write(stored, {FREEZE_PREFIX + each.id: write_freeze(each) for each in ended}, now):
                return ended
        raise self._contended()

    def _write(self, stored: Stored, keys: dict[str, str], now: dt.datetime) -> bool:
        """Write these keys and drop what is long past; False when somebody else wrote in between."""
        from controller.governance import CONFIG_MAP as RESOURCE
        from controller.kube.client import MERGE

        dropped: dict[str, str | None] = {
            FREEZE_PREFIX + each.id: None for each in stored.freezes if forgotten(each, now)
        }
        body: dict[str, t.Any] = {"data": dropped | keys}
        try:
            if stored.version:
                body["metadata"] = {"resourceVersion": stored.version}
                self._client.patch(
                    RESOURCE, self.namespace, CONFIG_MAP, msgspec.json.encode(body), MERGE, field_manager=FIELD_MANAGER
                )
            else:
                self._client.create(
                    RESOURCE, self.namespace, msgspec.json.encode(_new(keys)), field_manager=FIELD_MANAGER
                )
        except (Conflict, AlreadyExists):
            return False
        except NotFound:
            if not stored.version:
                raise InvalidSettings("--namespace", "", f"{self.namespace!r}, which does not exist",
                                      "the control namespace") from None  # fmt: skip
            return False
        return True

    def _contended(self) -> LynceusError:
        return Conflict(f"{self.where}: others write it all the time; nothing was written, try again")

    def person(self) -> str:
        """Return whom the API server takes us for; empty when it does not say."""
        body = b'{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}'
        path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
        try:
            found = msgspec.json.decode(self._client.request("POST", path, body=body), type=_Review)
        except (LynceusError, msgspec.MsgspecError):
            return ""
        return found.status.user.username


def _new(keys: dict[str, str]) -> dict[str, t.Any]:
    labels = {"app.kubernetes.io/name": CONFIG_MAP, "app.kubernetes.io/part-of": "lynceus"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": CONFIG_MAP, "labels": labels}, "data": keys}


def new_id(now: dt.datetime) -> str:
    """Return an id that sorts by time and can be read out over the telephone."""
    return f"{now:%Y%m%d-%H%M}-{secrets.token_hex(2)}"


def fault(freeze: Freeze) -> str:
    """Return why the record cannot be evaluated, so that it blocks; empty for a good one."""
    return "; ".join(f"{each.where}: {each.text}" for each in errors_of(compile_freeze(freeze, 0).findings))


def period(freeze: Freeze) -> tuple[dt.datetime, dt.datetime] | None:
    """Return [start, end) as it is in force, ended early or not; None when the record cannot be evaluated."""
    compiled = compile_freeze(freeze, 0)
    if compiled.invalid or not isinstance(compiled.opening, Once):
        return None
    return compiled.opening.start, compiled.opening.end


def phase(freeze: Freeze, now: dt.datetime) -> Phase:
    """Return whether a freeze is in force; a record that cannot be evaluated is."""
    found = period(freeze)
    if found is None:
        return "active"
    start, end = found
    if end <= max(now, start):
        return "past"
    return "active" if start <= now else "coming"


def forgotten(freeze: Freeze, now: dt.datetime) -> bool:
    """Return whether the record may go; one that cannot be evaluated never may."""
    found = period(freeze)
    return found is not None and phase(freeze, now) == "past" and now - found[1] > KEPT


def stopped(freeze: Freeze, *, now: dt.datetime, person: str, reason: str) -> Freeze:
    """Return the record of a freeze that is ended at `now`.

    One that cannot be evaluated becomes one that can, and says so; its text is lost, so show it before.
    """
    ended = {"stopped": format_time(now), "stopped_by": person, "stop_reason": reason}
    why = fault(freeze)
    if why:
        before = format_time(now - dt.timedelta(seconds=1))
        told = f"a record that could not be evaluated: {why}"
        freeze = Freeze(id=freeze.id, reason=told, person="unknown", start=before, end=format_time(now))
    return msgspec.structs.replace(freeze, **ended)
