"""Lists: consistency, paging and selection, over the store's present and its recent past.

Rules of resourceVersion, resourceVersionMatch, limit and continue as in k8s.io/apiserver.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import orjson

from sandbox import errors
from sandbox.resources import GroupResource
from sandbox.selectors import Selector
from sandbox.store import Store

_TOKEN_VERSION = "meta.k8s.io/v1"  # noqa: S105 - names the format of the continue parameter


@dataclass(frozen=True)
class ListOptions:
    """What a list or watch request asks for."""

    selector: Selector
    resource_version: str = ""
    match: str = ""
    """resourceVersionMatch: Exact, NotOlderThan or ""."""
    limit: int = 0
    continue_: str = ""
    watch: bool = False
    bookmarks: bool = False
    send_initial: bool | None = None
    timeout: float | None = None
    """Seconds."""


@dataclass(frozen=True)
class Page:
    """What a list found."""

    items: list[dict[str, Any]]
    revision: int
    continue_: str = ""
    remaining: int = 0


def page(store: Store, gr: GroupResource, namespace: str | None, options: ListOptions) -> Page:
    """Reads one page of a list.

    Raises:
        StatusError: The options contradict each other, or ask for a past that is gone or a future that is not there.
    """
    check(options)
    with store.lock:
        objects, revision, start = _snapshot(store, gr, namespace, options)
    if options.selector:
        objects = [each for each in objects if options.selector.matches(each)]
    if start:
        objects = [each for each in objects if _position(each) > start]
    if not options.limit or len(objects) <= options.limit:
        return Page(objects, revision)
    shown = objects[: options.limit]
    left = 0 if options.selector else len(objects) - len(shown)
    return Page(shown, revision, _token(revision, shown[-1]), left)


def check(options: ListOptions) -> None:
    """Raises for options that contradict each other."""
    causes = []
    if options.resource_version and not options.watch:
        revision_of(options.resource_version)
    if options.match and not options.watch:
        causes = _check_match(options)
    if options.watch and options.send_initial is not None and options.match != "NotOlderThan":
        text = "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        causes.append(("resourceVersionMatch", "FieldValueForbidden", text))
    if options.watch and options.send_initial is None and options.match:
        text = "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
        causes.append(("resourceVersionMatch", "FieldValueForbidden", text))
    if options.send_initial is not None and not options.watch:
        text = "Forbidden: sendInitialEvents is forbidden for list"
        causes.append(("sendInitialEvents", "FieldValueForbidden", text))
    if causes:
        raise errors.invalid("meta.k8s.io", "ListOptions", "", causes)


def _check_match(options: ListOptions) -> list[tuple[str, str, str]]:
    field = "resourceVersionMatch"
    if options.continue_:
        return [(field, "FieldValueForbidden", f"Forbidden: {field} is forbidden when continue is provided")]
    if not options.resource_version:
        return [(field, "FieldValueForbidden", f"Forbidden: {field} is forbidden unless resourceVersion is provided")]
    if options.match not in ("Exact", "NotOlderThan"):
        text = f'Unsupported value: "{options.match}": supported values: "Exact", "NotOlderThan", ""'
        return [(field, "FieldValueNotSupported", text)]
    if options.match == "Exact" and options.resource_version == "0":
        text = f'Forbidden: {field} "exact" is forbidden for resourceVersion "0"'
        return [(field, "FieldValueForbidden", text)]
    return []


def revision_of(text: str) -> int:
    """Returns a resourceVersion as a number; 400 when it is none."""
    if not text.isascii() or not text.isdigit():
        why = f'Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax'
        raise errors.bad_request(f"invalid resource version: resourceVersion: {why}")
    return int(text)


def refuse_future(wanted: int, present: int) -> None:
    """Raises 504 for a revision that has not been reached."""
    if wanted > present:
        cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
        message = f"Timeout: Too large resource version: {wanted}, current: {present}"
        raise errors.StatusError(504, "Timeout", message, {"causes": [cause], "retryAfterSeconds": 1})


def _snapshot(
    store: Store, gr: GroupResource, namespace: str | None, options: ListOptions
) -> tuple[list[dict[str, Any]], int, tuple[str, str] | None]:
    if options.continue_:
        revision, start = _read_token(options.continue_)
        past = store.list_at(gr, namespace, revision)
        if past is None:
            raise errors.continue_expired()
        return past, revision, start
    wanted = revision_of(options.resource_version) if options.resource_version else 0
    refuse_future(wanted, store.revision)
    exact = options.match == "Exact" or (options.limit and wanted and not options.match)
    if exact and wanted:
        past = store.list_at(gr, namespace, wanted)
        if past is None:
            raise errors.expired(wanted, store.revision)
        return past, wanted, None
    objects, revision = store.list(gr, namespace)
    return objects, revision, None


def _position(obj: dict[str, Any]) -> tuple[str, str]:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def _token(revision: int, last: dict[str, Any]) -> str:
    start = "/".join(_position(last))
    raw = orjson.dumps({"v": _TOKEN_VERSION, "rv": revision, "start": f"{start}\0"})
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _read_token(text: str) -> tuple[int, tuple[str, str]]:
    try:
        raw = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        namespace, _, name = raw["start"].rstrip("\0").partition("/")
        return int(raw["rv"]), (namespace, name)
    except (ValueError, KeyError, TypeError, AttributeError) as err:
        raise errors.bad_request("invalid continue token: continue key is not valid") from err
