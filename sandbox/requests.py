"""HTTP requests as data: what a path names, what the query asks, who calls, and what the body says.

Parsing only; `sandbox.serving` decides what to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote

import orjson
import yaml

from sandbox import errors, protobuf, selectors
from sandbox.deletion import DeleteOptions
from sandbox.lists import ListOptions
from sandbox.resources import Resource

MAX_BODY = 3 * 1024 * 1024
"""Bytes; the limit of a real API server for a resource request."""
_TRUE = ("true", "1", "True", "t", "T", "TRUE")
_JSON, _YAML = "application/json", "application/yaml"


@dataclass(frozen=True)
class Target:
    """What a resource path names."""

    group: str
    version: str
    plural: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""


@dataclass
class Request:
    """One request, its body read."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes = b""
    user: str = ""
    groups: tuple[str, ...] = ()
    warnings: list[str] = field(default_factory=list)

    def one(self, name: str) -> str:
        """Returns the first value of a query parameter, "" when it is not there."""
        return next(iter(self.query.get(name, ())), "")

    def flag(self, name: str) -> bool:
        """Tells whether a query parameter is set to true."""
        return self.one(name) in _TRUE

    @property
    def accept(self) -> str:
        """Returns the Accept header, anything when it is not there."""
        return self.headers.get("accept") or "*/*"

    @property
    def content_type(self) -> str:
        """Returns the media type of the body without parameters."""
        return (self.headers.get("content-type") or _JSON).partition(";")[0].strip()

    @property
    def manager(self) -> str:
        """Returns the field manager: the query's, else the first word of the user agent."""
        agent = self.headers.get("user-agent", "").partition("/")[0]
        return self.one("fieldManager") or agent or "unknown"


def parse_query(raw: bytes) -> dict[str, list[str]]:
    """Returns the query parameters."""
    return parse_qs(raw.decode("latin-1"), keep_blank_values=True)


def parse_path(path: str) -> Target | None:
    """Returns what a path under /api or /apis names, None when it names no resource."""
    parts = [unquote(part) for part in path.strip("/").split("/")]
    if parts[0] == "api" and len(parts) >= 3:
        group, version, rest = "", parts[1], parts[2:]
    elif parts[0] == "apis" and len(parts) >= 4:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return None
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2 and not (len(rest) == 3 and rest[2] in ("status", "finalize")):
        namespace, rest = rest[1], rest[2:]
    if len(rest) > 3:
        return None
    plural, name, subresource = [*rest, "", ""][:3]
    return Target(group, version, plural, namespace, name, subresource)


def list_options(request: Request, resource: Resource, name: str = "") -> ListOptions:
    """Reads the options of a list or watch.

    Raises:
        StatusError: 400, for a selector or number that does not parse.
    """
    fields = request.one("fieldSelector")
    if name:
        fields = f"metadata.name={name}" + (f",{fields}" if fields else "")
    extra = resource.custom.selectable if resource.custom is not None else None
    initial = request.flag("sendInitialEvents") if "sendInitialEvents" in request.query else None
    timeout = request.one("timeoutSeconds")
    return ListOptions(
        selector=selectors.parse(request.one("labelSelector"), fields, resource.gr, extra),
        resource_version=request.one("resourceVersion"),
        match=request.one("resourceVersionMatch"),
        limit=_number(request.one("limit"), "limit"),
        continue_=request.one("continue"),
        watch=request.flag("watch"),
        bookmarks=request.flag("allowWatchBookmarks"),
        send_initial=initial,
        timeout=float(_number(timeout, "timeoutSeconds")) if timeout else None,
    )


def _number(text: str, name: str) -> int:
    try:
        return int(text or 0)
    except ValueError:
        raise errors.bad_request(f'{name}: Invalid value: "{text}": must be a number') from None


def dry_run(request: Request, kind: str) -> bool:
    """Reads dryRun; 422 for anything but All."""
    given = request.query.get("dryRun", [])
    if not given:
        return False
    if given != ["All"]:
        text = f'Unsupported value: {orjson.dumps(given).decode()}: supported values: "All"'
        raise errors.invalid("meta.k8s.io", kind, "", [("dryRun", "FieldValueNotSupported", text)])
    return True


def field_validation(request: Request, kind: str) -> str:
    """Reads fieldValidation; 422 for an unknown word."""
    given = request.one("fieldValidation") or "Warn"
    if given not in ("Strict", "Warn", "Ignore"):
        text = f'Unsupported value: "{given}": supported values: "", "Ignore", "Strict", "Warn"'
        raise errors.invalid("meta.k8s.io", kind, "", [("fieldValidation", "FieldValueNotSupported", text)])
    return given


def delete_options(request: Request) -> tuple[DeleteOptions, bool]:
    """Reads the options of a delete from body and query; returns them and whether it is a dry run."""
    body = decode(request, "DeleteOptions") if request.body.strip() else {}
    conditions = body.get("preconditions") or {}
    grace = body.get("gracePeriodSeconds")
    if grace is None and request.one("gracePeriodSeconds"):
        grace = _number(request.one("gracePeriodSeconds"), "gracePeriodSeconds")
    policy = body.get("propagationPolicy") or request.one("propagationPolicy")
    orphan = body.get("orphanDependents")
    if not policy and orphan is not None:
        policy = "Orphan" if orphan else "Background"
    options = DeleteOptions(grace, policy, conditions.get("uid") or "", conditions.get("resourceVersion") or "")
    return options, dry_run(request, "DeleteOptions") or body.get("dryRun") == ["All"]


def decode(request: Request, kind: str) -> dict[str, Any]:
    """Reads a JSON or YAML body that must be an object.

    Args:
        request: The request.
        kind: The kind that is expected, for the wording of refusals.

    Raises:
        StatusError: 415 for another media type, 400 for a body that does not parse.
    """
    media = request.content_type
    if media == protobuf.MEDIA_TYPE:
        return _decode_protobuf(request.body, kind)
    if media not in (_JSON, _YAML, "*/*", ""):
        accepted = f"{_JSON}, {_YAML}, application/vnd.kubernetes.protobuf"
        text = f"the body of the request was in an unknown format - accepted media types include: {accepted}"
        raise errors.StatusError(415, "UnsupportedMediaType", text)
    parsed = parse(
        request.body, f"the object provided is unrecognized (must be of type {kind}): couldn't get version/kind"
    )
    if not isinstance(parsed, dict):
        text = (
            f"the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; json parse error"
        )
        raise errors.bad_request(f"{text}: json: cannot unmarshal {_json_type(parsed)} into Go value")
    return parsed


def _decode_protobuf(body: bytes, kind: str) -> dict[str, Any]:
    try:
        return protobuf.decode(body)
    except (protobuf.MalformedError, ValueError) as err:
        raise errors.bad_request(f"the object provided is unrecognized (must be of type {kind}): {err}") from None


def parse(body: bytes, refusal: str) -> Any:
    """Reads JSON, or YAML where it is no JSON; 400 with `refusal` in front when it is neither."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as err:
        if body.lstrip()[:1] in (b"{", b"["):
            raise errors.bad_request(f"{refusal}; json parse error: {err}") from None
    try:
        return yaml.load(body, Loader=_Loader)  # noqa: TID251, S506 - a safe loader of our own
    except (yaml.YAMLError, ValueError) as err:
        raise errors.bad_request(f"{refusal}; yaml parse error: {err}".replace("\n", " ")) from None


class _Loader(yaml.CSafeLoader):
    """Reads YAML as JSON would be read: no dates, no aliases that multiply."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
    for first, found in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def _json_type(parsed: Any) -> str:
    return {list: "array", str: "string", bool: "bool", int: "number", float: "number"}.get(type(parsed), "null")
