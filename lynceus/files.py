"""Read policy, project and application files for the command line: YAML, JSON or policy CSV, within limits.

Plain dates stay text and duplicate keys are refused, as Kubernetes has it. Every failure is one clear line that gives
the position and never the content. Only commands call this.
"""

from __future__ import annotations

import typing as t
from pathlib import Path

import msgspec
import yaml

from model.application import Application, read_application
from model.errors import InvalidInput, InvalidPolicy, InvalidSettings
from model.project import AppProject, read_project
from model.settings import RbacSettings, read_rbac_settings

LARGEST_FILE = 8 * 1024 * 1024
"""Bytes. A ConfigMap holds 1 MiB; a file may bring several objects."""
DEEPEST = 64
"""Levels of nesting."""
MOST_ALIASES = 20
"""Aliases of one file: nested ones multiply."""

_Base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc, valid-type]
    """Safe YAML without timestamps and with unique keys."""

    yaml_implicit_resolvers: t.ClassVar = {
        first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[t.Any, t.Any]:
        """Refuse a key that stands twice."""
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(None, None, "a key stands twice", key.start_mark)
                seen.add(key.value)
        return t.cast("dict[t.Any, t.Any]", super().construct_mapping(node, deep))


def read_text(path: str) -> str:
    """Return a file's text.

    Raises:
        InvalidInput: it cannot be read, is too large, or is no UTF-8.
    """
    try:
        with Path(path).open("rb") as stream:
            data = stream.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as failure:
        why = failure.strerror if isinstance(failure, OSError) and failure.strerror else "no usable path"
        raise InvalidSettings(path, "", why.lower(), "a readable file") from None
    if len(data) > LARGEST_FILE:
        raise InvalidSettings(path, "", "a larger file", f"at most {LARGEST_FILE} bytes")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as failure:
        raise InvalidSettings(path, "", f"no UTF-8 at byte {failure.start}", "UTF-8 text") from None


def read_documents(path: str) -> list[dict[str, t.Any]]:
    """Return the objects in a YAML or JSON file, Lists taken apart, empty documents left out."""
    text = read_text(path)
    try:
        _check_limits(text, path)
        documents = list(yaml.load_all(text, Loader=_Loader))
    except yaml.YAMLError as failure:
        raise _unreadable(path, failure) from None
    except (RecursionError, ValueError, TypeError):
        raise InvalidSettings(path, "", "text that is no YAML", "YAML or JSON") from None
    return [obj for document in documents if document is not None for obj in _objects(document, path)]


def _check_limits(text: str, path: str) -> None:
    depth = aliases = 0
    for event in yaml.parse(text, Loader=_Base):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        aliases += isinstance(event, yaml.AliasEvent)
        if depth > DEEPEST or aliases > MOST_ALIASES:
            raise InvalidSettings(path, "", "deep nesting or many aliases", f"{DEEPEST} levels, {MOST_ALIASES} aliases")


def _unreadable(path: str, failure: yaml.YAMLError) -> InvalidInput:
    mark = getattr(failure, "problem_mark", None)
    place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    problem = getattr(failure, "problem", None) or "text that is no YAML"
    return InvalidSettings(path, place, str(problem)[:120], "YAML or JSON")


def _objects(document: t.Any, path: str) -> t.Iterator[dict[str, t.Any]]:
    if not isinstance(document, dict):
        raise InvalidSettings(path, "", f"a {type(document).__name__}", "an object with kind and metadata")
    items = document.get("items")
    if str(document.get("kind", "")).endswith("List") and isinstance(items, list):
        for item in items:
            yield from _objects(item, path)
    else:
        yield document


def read_policy(path: str) -> tuple[RbacSettings, str]:
    """Read policy CSV, or the ConfigMap argocd-rbac-cm.

    Returns:
        The settings, and what their text belongs to (empty for a CSV file, whose path is the place).
    """
    text = read_text(path)
    if path.endswith((".yaml", ".yml", ".json")) or "\nkind:" in f"\n{text}":
        for obj in read_documents(path):
            if obj.get("kind") == "ConfigMap":
                return read_rbac_settings(_data(obj, path), path), "argocd-rbac-cm"
        raise InvalidPolicy(path, "", "no ConfigMap", "the ConfigMap argocd-rbac-cm, or policy CSV")
    return RbacSettings(csv=((path, text),), generation=path), ""


def _data(config_map: dict[str, t.Any], path: str) -> dict[str, str]:
    data = config_map.get("data") or {}
    if not isinstance(data, dict) or not all(isinstance(v, str) for pair in data.items() for v in pair):
        raise InvalidPolicy(path, "data", "values that are not text", "text, quoted where YAML needs it")
    return data


def read_projects(paths: t.Iterable[str]) -> list[AppProject]:
    """Return all AppProjects in the files."""
    return [_typed(read_project, obj, path) for path in paths for obj in read_documents(path) if _is(obj, "AppProject")]


def read_applications(paths: t.Iterable[str]) -> list[Application]:
    """Return all Applications in the files."""
    found = [(obj, path) for path in paths for obj in read_documents(path) if _is(obj, "Application")]
    return [_typed(read_application, obj, path) for obj, path in found]


def _is(obj: dict[str, t.Any], kind: str) -> bool:
    return obj.get("kind") == kind


T = t.TypeVar("T")


def _typed(read: t.Callable[[bytes, str], T], obj: dict[str, t.Any], path: str) -> T:
    metadata = obj.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    try:
        data = msgspec.json.encode(obj)
    except (TypeError, ValueError, RecursionError, msgspec.MsgspecError):
        raise InvalidSettings(path, "", "values that JSON does not have", "plain YAML") from None
    return read(data, f"{path}: {obj.get('kind')} {name or 'without a name'}")
