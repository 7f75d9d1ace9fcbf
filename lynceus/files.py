"""Read policy, project and application files for the command line: YAML, JSON or policy CSV, within limits.

Plain dates stay text and duplicate keys are refused, as Kubernetes has it. Every failure is one clear line that gives
the position and never the content. Only commands call this.
"""

from __future__ import annotations

import typing as t
from pathlib import Path

import msgspec
import yaml

from lynceus.bundle import RBAC_NAME, Found, Live, assemble, config_data, read_typed
from model.application import Application, read_application
from model.errors import InvalidInput, InvalidPolicy, InvalidSettings
from model.project import AppProject, read_project
from model.settings import RbacSettings, read_rbac_settings
from model.yamltext import MISREAD, PlainLoader

LARGEST_FILE = 8 * 1024 * 1024
"""Bytes. A ConfigMap holds 1 MiB; a file may bring several objects."""
DEEPEST = 64
"""Levels of nesting."""
MOST_ALIASES = 20
"""Aliases of one file: nested ones multiply."""

OBJECT_SUFFIXES = (".yaml", ".yml", ".json")


class _Loader(PlainLoader):
    """With unique keys."""

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


def read_documents(path: str, *, loose: bool = False) -> list[dict[str, t.Any]]:
    """Return the objects in a YAML or JSON file, Lists taken apart, empty documents left out.

    Args:
        path: the file.
        loose: pass over documents that are no object at all, such as a list of patches beside the objects.
    """
    return _read_objects(read_text(path), path, loose=loose)


def _read_objects(text: str, path: str, *, loose: bool) -> list[dict[str, t.Any]]:
    try:
        _check_limits(text, path)
        documents = list(yaml.load_all(text, Loader=_Loader))
    except yaml.YAMLError as failure:
        raise _unreadable(path, failure) from None
    except MISREAD:
        raise InvalidSettings(path, "", "text that is no YAML", "YAML or JSON") from None
    kept = [each for each in documents if each is not None and (isinstance(each, dict) or not loose)]
    return [obj for document in kept for obj in _objects(document, path)]


def _check_limits(text: str, path: str) -> None:
    depth = aliases = 0
    for event in yaml.parse(text, Loader=PlainLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        aliases += isinstance(event, yaml.AliasEvent)
        if depth > DEEPEST or aliases > MOST_ALIASES:
            raise InvalidSettings(path, "", "deep nesting or many aliases", f"{DEEPEST} levels, {MOST_ALIASES} aliases")


def _unreadable(path: str, failure: yaml.YAMLError) -> InvalidInput:
    mark = getattr(failure, "problem_mark", None)
    place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    problem = getattr(failure, "problem", None)
    found = f"text that is no YAML ({problem})"[:140] if problem else "text that is no YAML"
    return InvalidSettings(path, place, found, "YAML or JSON")


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
    """Read policy CSV, or the ConfigMap argocd-rbac-cm, which may stand among other objects.

    Returns:
        The settings, and what their text belongs to (empty for a CSV file, whose path is the place).
    """
    text = read_text(path)
    if not _is_yaml(path, text):
        return RbacSettings(csv=((path, text),), generation=path), ""
    maps = [obj for obj in _read_objects(text, path, loose=False) if obj.get("kind") == "ConfigMap"]
    named = [obj for obj in maps if (obj.get("metadata") or {}).get("name") == RBAC_NAME]
    if not named and len(maps) != 1:
        found = "several ConfigMaps, none of them argocd-rbac-cm" if maps else "no ConfigMap"
        raise InvalidPolicy(path, "", found, "the ConfigMap argocd-rbac-cm, or policy CSV")
    return read_rbac_settings(config_data(Found((named or maps)[0], path)), path), RBAC_NAME


def _is_yaml(path: str, text: str) -> bool:
    return path.endswith(OBJECT_SUFFIXES) or "\nkind:" in f"\n{text}"


def read_bundle(paths: t.Iterable[str]) -> Live:
    """Read files and folders with everything that governs: the three ConfigMaps, AppProjects, Applications, clusters.

    A folder means all YAML, JSON and CSV files in it and below it, hidden ones left out. Files that end neither in
    .yaml, .yml nor .json and hold no object are policy CSV.

    Raises:
        InvalidInput: something cannot be read, an object stands twice, or there is nothing that governs.
    """
    named = tuple(paths)
    found: list[Found] = []
    csv: list[tuple[str, str]] = []
    for path, listed in ((path, listed) for name in named for path, listed in _files(name)):
        text = read_text(path)
        if _is_yaml(path, text):
            found += [Found(obj, path) for obj in _read_objects(text, path, loose=listed)]
        else:
            csv.append((path, text))
    live = assemble(found, where=", ".join(named))
    if csv and live.has_rbac:
        raise InvalidPolicy(csv[0][0], "", "policy CSV beside the ConfigMap argocd-rbac-cm", "one of them")
    if csv:
        rbac = RbacSettings(csv=tuple(csv), generation=live.where)
        live = msgspec.structs.replace(live, rbac=rbac, rbac_source="", has_rbac=True)
    if not (live.has_rbac or live.projects or live.applications or live.clusters or live.additions_data):
        wanted = "policy CSV, argocd-rbac-cm, lynceus-cm, AppProjects, Applications or cluster Secrets"
        raise InvalidSettings(live.where, "", "nothing that governs", wanted)
    return live


def _files(name: str) -> t.Iterator[tuple[str, bool]]:
    """Yield (file, whether a folder brought it) in a stable order."""
    root = Path(name)
    try:
        is_folder = root.is_dir()
    except (OSError, ValueError):
        is_folder = False
    if not is_folder:
        yield name, False
        return
    for path in sorted(root.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
        if not hidden and path.suffix in (*OBJECT_SUFFIXES, ".csv") and path.is_file():
            yield str(path), True


def read_projects(paths: t.Iterable[str]) -> list[AppProject]:
    """Return all AppProjects in the files and folders."""
    return [read_typed(read_project, found) for found in _of_kind(paths, "AppProject")]


def read_applications(paths: t.Iterable[str]) -> list[Application]:
    """Return all Applications in the files and folders."""
    return [read_typed(read_application, found) for found in _of_kind(paths, "Application")]


def _of_kind(paths: t.Iterable[str], kind: str) -> t.Iterator[Found]:
    return (found for found in read_objects(paths) if found.obj.get("kind") == kind)


def read_objects(paths: t.Iterable[str]) -> t.Iterator[Found]:
    """Yield all objects in the files, and in the YAML and JSON files of the folders."""
    for path, listed in ((path, listed) for name in paths for path, listed in _files(name)):
        if not listed or path.endswith(OBJECT_SUFFIXES):
            yield from (Found(obj, path) for obj in read_documents(path, loose=listed))
