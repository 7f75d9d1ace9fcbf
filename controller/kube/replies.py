"""What an API server answered -> bytes or the error that says what it means. No network, no state.

Called by `controller.kube.client`. An answer of 200 with the wrong content is an error, never an empty result. Texts of
the server are cut at a limit, and for Secrets they are not relayed at all: a refusal may quote the value.
"""

from __future__ import annotations

import typing as t

import msgspec

from model.errors import (
    AlreadyExists,
    ApiUnavailable,
    Conflict,
    Forbidden,
    Gone,
    LynceusError,
    NotFound,
    Rejected,
    TooManyRequests,
    Unauthenticated,
)

LONGEST_MESSAGE = 1000
"""Characters of the server's text that are relayed: a condition must stay readable and an Application small."""
LONGEST_CAUSES = 10
DEFAULT_RETRY_AFTER = 1.0
LONGEST_RETRY_AFTER = 300.0


class NoAnswer(ApiUnavailable):
    """The server could not be reached at all, or ended the connection before it answered."""


class Cause(msgspec.Struct, frozen=True):
    """One entry of Status.details.causes."""

    reason: str = ""
    message: str = ""
    field: str = ""


class Details(msgspec.Struct, frozen=True, rename="camel"):
    """Status.details."""

    causes: list[Cause] | None = None
    retry_after_seconds: float = 0


class Status(msgspec.Struct, frozen=True, rename="camel"):
    """meta/v1 Status: how an API server words a failure."""

    kind: str = ""
    message: str = ""
    reason: str = ""
    code: int = 0
    details: Details | None = None

    @property
    def causes(self) -> list[Cause]:
        """The causes, empty when absent."""
        return (self.details.causes if self.details else None) or []


class Envelope(msgspec.Struct, frozen=True, rename="camel"):
    """What every answer must have."""

    kind: str = ""
    api_version: str = ""


_statuses = msgspec.json.Decoder(Status)
_envelopes = msgspec.json.Decoder(Envelope)


def check(body: bytes, what: str, kind: str = "") -> bytes:
    """Return the body if it is one complete JSON object, and of `kind` when that is given.

    Raises:
        ApiUnavailable: otherwise; a page of a proxy or a cut answer proves nothing about the object.
    """
    try:
        envelope = _envelopes.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ApiUnavailable(f"{what}: answer with status 200 is not a JSON object ({len(body)} bytes)") from None
    if kind and envelope.kind != kind:
        found = f"kind {envelope.kind[:60]}" if envelope.kind else "an object without a kind"
        raise ApiUnavailable(f"{what}: answer with status 200 holds {found}, expected {kind}")
    return body


def failure(code: int, headers: t.Mapping[str, str], body: bytes, what: str, *, secret: bool) -> LynceusError:
    """Return the error that an answer with this HTTP status means.

    Args:
        code: HTTP status, 300 or above.
        headers: of the answer; Retry-After is read.
        body: the answer, a Status if all is well.
        what: the request in words, for example ``patch Deployment shop/web``.
        secret: True when the request was about Secrets.
    """
    status = _read_status(body)
    text = f"{what}: {_words(code, status, secret=secret)}"
    wait = _retry_after(headers, status)
    if code == 429 or (code in (500, 503) and wait is not None):
        return TooManyRequests(text, wait or DEFAULT_RETRY_AFTER)
    if code == 409 and status.reason == "AlreadyExists":
        return AlreadyExists(text)
    return _BY_CODE.get(code, ApiUnavailable if code >= 500 or code < 400 else Rejected)(text)


_BY_CODE: dict[int, type[LynceusError]] = {
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    408: ApiUnavailable,
    409: Conflict,
    410: Gone,
}


def event_failure(raw: bytes, what: str) -> LynceusError:
    """Return the error that an ERROR event of a watch means."""
    status = _read_status(raw)
    return failure(status.code if status.code >= 400 else 500, {}, raw, what, secret="/secrets" in what)


def _read_status(body: bytes) -> Status:
    try:
        status = _statuses.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Status()
    return status if status.kind == "Status" else Status()


def _words(code: int, status: Status, *, secret: bool) -> str:
    """Say what the server said: reason, message and causes; only reason and fields for Secrets."""
    label = f"{status.reason or 'HTTP'} ({code})"
    fields = [cause.field for cause in status.causes[:LONGEST_CAUSES] if cause.field]
    if secret:
        return f"{label}: {', '.join(fields)}" if fields else label
    if not status.message:
        return label
    extra = [f"{c.field}: {c.message}" for c in status.causes[:LONGEST_CAUSES] if c.message not in status.message]
    return _one_line(f"{label}: {'; '.join([status.message, *extra])}")


def _one_line(text: str) -> str:
    """Replace control characters and cut."""
    clean = "".join(c if c.isprintable() else " " for c in text)
    return clean if len(clean) <= LONGEST_MESSAGE else clean[: LONGEST_MESSAGE - 1] + "…"


def _retry_after(headers: t.Mapping[str, str], status: Status) -> float | None:
    """Return the seconds to wait that the server asked for, bounded, or None."""
    text = headers.get("Retry-After") or ""
    asked = float(text) if text.isascii() and text.isdigit() else 0.0
    asked = asked or (status.details.retry_after_seconds if status.details else 0.0)
    return min(max(asked, DEFAULT_RETRY_AFTER), LONGEST_RETRY_AFTER) if asked else None
