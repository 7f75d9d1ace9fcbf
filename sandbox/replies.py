"""From objects to response bodies: whole objects, metadata only, or tables, as JSON or YAML, gzip where it pays.

Content negotiation as in k8s.io/apiserver, without protobuf: clients fall back to JSON.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
import yaml

from sandbox import conversion, errors, tables
from sandbox.lists import Page
from sandbox.requests import Request
from sandbox.resources import Resource
from sandbox.watches import Event

GZIP_FROM = 128 * 1024
"""Bytes from which a body is compressed, as a real API server does."""
_JSON, _YAML = "application/json", "application/yaml"


@dataclass
class Reply:
    """A finished response."""

    code: int
    body: bytes
    content_type: str = _JSON
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Form:
    """How a client wants its answer."""

    media: str = _JSON
    view: str = ""
    """"", Table or PartialObjectMetadata (also for lists)."""


def negotiate(request: Request, *, streams: bool = False) -> Form:
    """Chooses the form of the answer.

    Args:
        request: The request.
        streams: Whether the path can also be watched, for the wording of the refusal.

    Raises:
        StatusError: 406, when the client accepts nothing that can be sent.
    """
    for clause in request.accept.split(","):
        media, _, rest = clause.strip().partition(";")
        parameters = dict(part.strip().partition("=")[::2] for part in rest.split(";") if "=" in part)
        view = parameters.get("as", "")
        if media not in (_JSON, _YAML, "*/*", "application/*", "application/json"):
            continue
        if not view:
            return Form(_YAML if media == _YAML else _JSON)
        served = parameters.get("g") == "meta.k8s.io" and parameters.get("v") == "v1"
        if served and view in ("Table", "PartialObjectMetadata", "PartialObjectMetadataList"):
            return Form(_YAML if media == _YAML else _JSON, view.removesuffix("List"))
    available = f"{_JSON}, {_YAML}, application/vnd.kubernetes.protobuf"
    if streams:
        available += f", {_JSON};stream=watch, application/vnd.kubernetes.protobuf;stream=watch"
    raise errors.StatusError(406, "NotAcceptable", f"406: Not Acceptable\n\nAvailable representations: {available}", {})


def reply(request: Request, code: int, body: Any, form: Form | None = None) -> Reply:
    """Encodes an answer."""
    form = form or Form()
    raw = yaml.safe_dump(body).encode() if form.media == _YAML else orjson.dumps(body)
    return packed(request, Reply(code, raw, form.media))


def packed(request: Request, answer: Reply) -> Reply:
    """Compresses a large body for a client that accepts it."""
    answer.headers["Vary"] = "Accept"
    if len(answer.body) > GZIP_FROM and "gzip" in request.headers.get("accept-encoding", ""):
        answer.body = gzip.compress(answer.body, 1)
        answer.headers["Content-Encoding"] = "gzip"
        answer.headers["Vary"] = "Accept, Accept-Encoding"
    return answer


def refusal(err: errors.StatusError) -> Reply:
    """Encodes an error."""
    answer = Reply(err.code, orjson.dumps(err.status()))
    seconds = (err.details or {}).get("retryAfterSeconds")
    if seconds:
        answer.headers["Retry-After"] = str(seconds)
    return answer


class View:
    """Turns the objects of one resource into what a request wants to see.

    Args:
        request: The request.
        resource: In the version of the request.
        now: Returns the present time as RFC 3339 text.
        streams: Whether the path can also be watched.
    """

    def __init__(self, request: Request, resource: Resource, now: Callable[[], str], *, streams: bool = False) -> None:
        self.form = negotiate(request, streams=streams)
        self._request = request
        self._resource = resource
        self._now = now
        self._include = request.one("includeObject") or "Metadata"
        self._head_sent = False

    def one(self, code: int, obj: dict[str, Any]) -> Reply:
        """Encodes one object, already in the version of the request."""
        return reply(self._request, code, self._shown(obj), self.form)

    def _shown(self, obj: dict[str, Any], *, head: bool = True) -> dict[str, Any]:
        if obj.get("kind") == "Status" or not self.form.view:
            return obj
        if self.form.view == "Table":
            meta = {"resourceVersion": obj["metadata"].get("resourceVersion", "")}
            return tables.table(self._resource, [obj], meta, self._now(), include=self._include, head=head)
        return tables.partial(obj)

    def many(self, page: Page) -> Reply:
        """Encodes a page of stored objects."""
        objects = [conversion.from_storage(self._resource, each) for each in page.items]
        meta: dict[str, Any] = {"resourceVersion": str(page.revision)}
        if page.continue_:
            meta["continue"] = page.continue_
        elif self._resource.custom is not None and not self.form.view:
            meta["continue"] = ""
        if page.remaining:
            meta["remainingItemCount"] = page.remaining
        return reply(self._request, 200, self._listed(objects, meta), self.form)

    def _listed(self, objects: list[dict[str, Any]], meta: dict[str, Any]) -> dict[str, Any]:
        if self.form.view == "Table":
            return tables.table(self._resource, objects, meta, self._now(), include=self._include)
        if self.form.view:
            kind = {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1"}
            return {**kind, "metadata": meta, "items": [tables.partial(each) for each in objects]}
        kind = {
            "kind": self._resource.list_kind or f"{self._resource.kind}List",
            "apiVersion": self._resource.api_version,
        }
        if self._resource.custom is None:
            objects = [_untyped(each) for each in objects]
        return {**kind, "metadata": meta, "items": objects}

    def event(self, event: Event) -> bytes:
        """Encodes one event of a watch as a line."""
        if event.type == "ERROR":
            obj = event.object
        else:
            obj = {"kind": self._resource.kind, "apiVersion": self._resource.api_version, **event.object}
            obj = conversion.from_storage(self._resource, obj) if event.type != "BOOKMARK" else obj
            head, self._head_sent = not self._head_sent and event.type != "BOOKMARK", True
            obj = self._shown(obj, head=head)
        return orjson.dumps({"type": event.type, "object": obj}) + b"\n"


def _untyped(obj: dict[str, Any]) -> dict[str, Any]:
    """Returns an item of a built-in list: such items carry no kind and apiVersion of their own."""
    return {name: value for name, value in obj.items() if name not in ("kind", "apiVersion")}
