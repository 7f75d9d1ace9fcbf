"""The last step of every render: lists flattened, shapes checked, limits held, JSON bytes out. Pure.

What leaves here is what is checked against the project and what is applied; nothing is unwrapped later.
"""

from __future__ import annotations

import typing as t

import msgspec

from controller.sources.paths import shown
from model.errors import RenderError

MAX_OBJECTS = 10_000
"""Per Application: its status could not name more within etcd's limit for one object."""
MAX_OBJECT_BYTES = 3 * 1024 * 1024
"""The API server refuses larger request bodies."""
MAX_TOTAL_BYTES = 64 * 1024 * 1024

_HOOKS = ("argocd.argoproj.io/hook", "helm.sh/hook")
_NAMES: dict[type, str] = {dict: "a mapping", list: "a list", str: "text", bool: "a boolean", int: "a number",
                           float: "a number", type(None): "nothing"}  # fmt: skip


def finish(documents: t.Iterable[tuple[str, int, t.Any]]) -> tuple[bytes, ...]:
    """Return one JSON text per object, in order.

    Args:
        documents: (file, line, value).

    Raises:
        RenderError: naming file, line and path of what is wrong.
    """
    objects: list[bytes] = []
    total = 0
    for where, value in _flatten(documents):
        _check(where, value)
        encoded = _encode(where, value)
        total += len(encoded)
        objects.append(encoded)
        if len(objects) > MAX_OBJECTS:
            raise RenderError(f"{where}: more than {MAX_OBJECTS} objects in one Application")
        if total > MAX_TOTAL_BYTES:
            raise RenderError(f"{where}: the objects of the Application are larger than {MAX_TOTAL_BYTES} bytes")
    return tuple(objects)


def _flatten(documents: t.Iterable[tuple[str, int, t.Any]]) -> t.Iterator[tuple[str, dict[str, t.Any]]]:
    """Yield (place, object) with the members of lists in their list's place; null documents are dropped."""
    for file, line, value in documents:
        where = f"{file}:{line}"
        if value is None:
            continue
        if not isinstance(value, dict):
            raise RenderError(f"{where}: found {_name(value)}, expected a Kubernetes object")
        if not _is_list(value):
            yield where, value
            continue
        for index, item in enumerate(value.get("items") or ()):
            yield _member(f"{where}: items[{index}]", item, value)


def _is_list(value: dict[str, t.Any]) -> bool:
    kind = value.get("kind")
    named = isinstance(kind, str) and kind.endswith("List")
    return isinstance(value.get("items"), list) or (named and "items" in value and value["items"] is None)


def _member(where: str, item: t.Any, parent: dict[str, t.Any]) -> tuple[str, dict[str, t.Any]]:
    """Return a member of a list; one of a typed list (ConfigMapList) inherits what it does not say."""
    if not isinstance(item, dict):
        raise RenderError(f"{where}: found {_name(item)}, expected a Kubernetes object")
    if _is_list(item):
        raise RenderError(f"{where}: found a list inside a list, expected a Kubernetes object")
    kind = parent.get("kind")
    if isinstance(kind, str) and kind.endswith("List") and kind != "List":
        item = {"apiVersion": parent.get("apiVersion"), "kind": kind.removesuffix("List"), **item}
    return where, item


def _check(where: str, value: dict[str, t.Any]) -> None:
    """Refuse what is not a Kubernetes object."""
    for field in ("apiVersion", "kind"):
        _text(where, field, value.get(field))
    where = f"{where}: {shown(value['kind'], 60)}"
    metadata = value.get("metadata")
    if not isinstance(metadata, dict):
        raise RenderError(f"{where}: metadata: found {_name(metadata)}, expected a mapping")
    for field in ("labels", "annotations"):
        _check_texts(where, metadata, field)
    namespace = metadata.get("namespace")
    if namespace is not None and namespace != "":
        _segment(where, "metadata.namespace", namespace)
    _check_name(where, metadata)


def _check_name(where: str, metadata: dict[str, t.Any]) -> None:
    if metadata.get("name") is None and metadata.get("generateName") is not None:
        _text(where, "metadata.generateName", metadata["generateName"])
        if not any(hook in (metadata.get("annotations") or {}) for hook in _HOOKS):
            raise RenderError(
                f"{where}: metadata.generateName: found on an object that is no hook, expected metadata.name"
            )
        return
    _segment(where, "metadata.name", metadata.get("name"))


def _check_texts(where: str, metadata: dict[str, t.Any], field: str) -> None:
    """Labels and annotations map text to text; a null is read as empty text, as the API server does."""
    texts = metadata.get(field)
    if texts is None:
        return
    if not isinstance(texts, dict):
        raise RenderError(f"{where}: metadata.{field}: found {_name(texts)}, expected a mapping")
    for key, text in texts.items():
        if text is not None and not isinstance(text, str):
            path = f"metadata.{field}[{shown(key)}]"
            raise RenderError(f"{where}: {path}: found {_name(text)}, expected text (put it in quotes)")
    if None in texts.values():
        metadata[field] = {key: text or "" for key, text in texts.items()}


def _text(where: str, path: str, value: t.Any) -> None:
    if not isinstance(value, str) or not value:
        found = "empty text" if value == "" else _name(value)
        raise RenderError(f"{where}: {path}: found {found}, expected text")


def _segment(where: str, path: str, value: t.Any) -> None:
    """Names become segments of API paths (Kubernetes: ValidatePathSegmentName)."""
    _text(where, path, value)
    if value in (".", "..") or "/" in value or "%" in value or len(value) > 253 or not value.isprintable():
        raise RenderError(f"{where}: {path}: found {shown(value)}, expected a name without / and %")


def _encode(where: str, value: dict[str, t.Any]) -> bytes:
    try:
        encoded = msgspec.json.encode(value)
    except (UnicodeEncodeError, TypeError, OverflowError, RecursionError):
        raise RenderError(f"{where}: a value that JSON cannot carry") from None
    if len(encoded) > MAX_OBJECT_BYTES:
        raise RenderError(f"{where}: {len(encoded)} bytes, more than the limit of {MAX_OBJECT_BYTES} for one object")
    return encoded


def _name(value: t.Any) -> str:
    return _NAMES.get(type(value), "an unknown value")
