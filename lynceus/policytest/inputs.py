"""Reads what a test file judges: policy, projects, Applications, clusters, settings, additions, relative to its folder.

The same rules as the other commands' (lynceus.bundle sorts and types the objects). What a pattern names and is not
there is an error, so that a renamed file never makes a test pass.
"""

from __future__ import annotations

import base64
import glob
import typing as t
from pathlib import Path

import msgspec

from lynceus.bundle import ADDITIONS_NAME, RBAC_NAME, SETTINGS_NAME, Found, Live, assemble
from lynceus.files import read_text
from lynceus.policytest.fields import Fields, describe
from lynceus.policytest.marked import Table, parse, plain
from model.errors import InvalidInput, InvalidSettings
from model.secrets import SECRET_TYPE_LABEL, Cluster, Repository

KEYS = ("policy", "projects", "applications", "clusters", "repositories", "settings", "additions", "replace")
"""Keys of a test file that are read here."""

_OBJECTS = {"projects": "AppProject", "applications": "Application"}
_SECRETS = {"clusters": "cluster", "repositories": "repository"}
_MAPS = {"settings": SETTINGS_NAME, "additions": ADDITIONS_NAME}
_CLUSTER = ("name", "server", "project", "namespaces", "clusterResources")
_MAGIC = frozenset("*?[")
_YAML = (".yaml", ".yml", ".json")


class Inputs(msgspec.Struct, frozen=True, kw_only=True):
    """What is judged."""

    live: Live
    repositories: tuple[Repository, ...]
    """Without their credentials."""


def read_inputs(fields: Fields) -> Inputs:
    """Read all files that the test file names; InvalidInput names the line that names them."""
    return _Reader(fields).read()


class _Reader:
    """Collects the objects of one test file."""

    def __init__(self, fields: Fields) -> None:
        self._fields = fields
        self._folder = Path(fields.file).parent
        self._replace = fields.pairs("replace")
        self._found: list[Found] = []
        self._clusters: list[Cluster] = []
        self._repositories: list[Repository] = []
        self._csv: list[tuple[str, str]] = []

    def read(self) -> Inputs:
        """Read every key."""
        for key, kind in _OBJECTS.items():
            self._objects(key, kind, lambda obj, kind=kind: obj.get("kind") == kind)  # type: ignore[misc]
        for key, kind in _SECRETS.items():
            self._objects(key, f"Secret of a {kind}", lambda obj, kind=kind: _secret_type(obj) == kind)  # type: ignore[misc]
        for key, name in _MAPS.items():
            self._config_map(key, name)
        self._policy()
        live = assemble(self._found, where=self._fields.file, refuse=_refuse)
        if self._csv:
            rbac = msgspec.structs.replace(live.rbac, csv=tuple(self._csv), generation=self._fields.file)
            live = msgspec.structs.replace(live, rbac=rbac, rbac_source="", has_rbac=True)
        live = msgspec.structs.replace(live, clusters=[*live.clusters, *self._clusters])
        return Inputs(live=live, repositories=tuple(self._repositories))

    # --- objects ---

    def _objects(self, key: str, kind: str, is_meant: t.Callable[[dict[str, t.Any]], bool]) -> None:
        for index, entry in enumerate(self._entries(key)):
            if isinstance(entry, Table):
                self._inline(key, index, entry)
            elif isinstance(entry, str):
                self._in_file(key, index, entry, kind, is_meant)
            else:
                raise self._fields.wrong(key, describe(entry), f"a file, or a mapping that is a {kind}", index)

    def _entries(self, key: str) -> list[t.Any]:
        value = self._fields.table.get(key, [])
        return value if isinstance(value, list) else [value]

    def _in_file(
        self, key: str, index: int, name: str, kind: str, is_meant: t.Callable[[dict[str, t.Any]], bool]
    ) -> None:
        single = _MAGIC.isdisjoint(name)
        documents = [each for path in self._paths(key, name) for each in self._documents(path, not single)]
        found = [each for each in documents if is_meant(each.obj)]
        if not found:
            raise self._fields.wrong(key, f"no {kind} in {name}", "at least one", index)
        if key == "repositories":
            self._repositories += [_repository_of(each) for each in found]
        else:
            self._found += found

    def _inline(self, key: str, index: int, entry: Table) -> None:
        file, path = self._fields.file, f"{key}[{index}]"
        if key == "clusters":
            self._clusters.append(_cluster(Fields(entry, file, entry.line, path, _CLUSTER)))
        elif key == "repositories":
            repository = Fields(entry, file, entry.line, path, ("url", "project"))
            self._repositories.append(Repository(url=repository.name("url"), project=repository.text("project", "")))
        else:
            Fields(entry, file, entry.line, path, ("apiVersion", "kind", "metadata", "spec", "status"))
            obj = {"apiVersion": "argoproj.io/v1alpha1", "kind": _OBJECTS[key], **plain(entry)}
            if obj["kind"] != _OBJECTS[key]:
                raise self._fields.wrong(key, "an object of another kind", _OBJECTS[key], index)
            self._found.append(Found(obj, f"{file}:{entry.line}"))

    # --- ConfigMaps ---

    def _config_map(self, key: str, name: str) -> None:
        value = self._fields.table.get(key)
        if key not in self._fields:
            return
        if isinstance(value, str):
            self._found.append(self._map_in(key, value, name))
        else:
            self._found.append(_map(name, self._fields.pairs(key), f"{self._fields.file}:{self._fields.line_of(key)}"))

    def _map_in(self, key: str, file: str, name: str) -> Found:
        found = [each for path in self._paths(key, file) for each in self._documents(path)]
        maps = [each for each in found if each.obj.get("kind") == "ConfigMap"]
        named = [each for each in maps if _metadata(each.obj).get("name") == name]
        if not named:
            raise self._fields.wrong(key, f"no ConfigMap {name} in {file}", f"the ConfigMap {name}")
        return named[0]

    # --- policy ---

    def _policy(self) -> None:
        value = self._fields.table.get("policy")
        if "policy" not in self._fields:
            return
        if isinstance(value, Table):
            self._inline_policy()
        elif isinstance(value, str) and "\n" in value:
            self._csv.append((f"{self._fields.file} policy", value))
        elif isinstance(value, str) and self._is_map(value):
            self._found.append(self._map_in("policy", value, RBAC_NAME))
        else:
            self._csv_files("policy", self._fields.texts("policy"))

    def _inline_policy(self) -> None:
        """Take the data of argocd-rbac-cm as it would stand in the ConfigMap; `files` names CSV files beside it."""
        table = self._fields.table["policy"]
        keys = [key for key in table if key.startswith("policy.") and key.endswith(".csv")]
        known = ("files", "policy.csv", "policy.default", "policy.matchMode", "scopes", *keys)
        fields = Fields(table, self._fields.file, table.line, "policy", known)
        if "files" in fields and keys:
            raise fields.wrong("files", "CSV files and policy.csv", "one of them")
        data = {key: fields.text(key) for key in table if key != "files"}
        self._found.append(_map(RBAC_NAME, data, f"{self._fields.file}:{table.line}"))
        self._csv_files("policy", fields.texts("files"))

    def _is_map(self, name: str) -> bool:
        return any(path.endswith(_YAML) for path, _ in self._paths("policy", name))

    def _csv_files(self, key: str, names: tuple[str, ...]) -> None:
        for path, shown in [pair for name in names for pair in self._paths(key, name)]:
            if path.endswith(_YAML):
                raise self._fields.wrong(key, f"{shown} among CSV files", "CSV files, or one ConfigMap alone")
            self._csv.append((shown, self._text(path)))

    # --- files ---

    def _paths(self, key: str, name: str) -> list[tuple[str, str]]:
        """Return (path, name as it is shown) of the files that a name or glob means, sorted."""
        if not name.strip() or "\0" in name:
            raise self._fields.wrong(key, "an empty name", "a file")
        if _MAGIC.isdisjoint(name):
            path = self._folder / name
            if not path.is_file():
                raise self._fields.wrong(key, f"no file {name!r}", f"a file, relative to {self._folder}")
            return [(str(path), name)]
        names = sorted(glob.glob(name, root_dir=self._folder, recursive=True))
        files = [(str(self._folder / each), each) for each in names if (self._folder / each).is_file()]
        if not files:
            raise self._fields.wrong(key, f"no file that {name!r} matches", f"a glob, relative to {self._folder}")
        return files

    def _text(self, path: str) -> str:
        text = read_text(path)
        for old, new in self._replace.items():
            text = text.replace(old, new)
        return text

    def _documents(self, path: tuple[str, str], loose: bool = False) -> list[Found]:
        documents = [plain(each) for each in parse(self._text(path[0]), path[1])]
        if not loose and not all(isinstance(each, dict) for each in documents):
            raise InvalidSettings(path[1], "", "a document that is no object", "objects with kind and metadata")
        objects = [each for document in documents if isinstance(document, dict) for each in _flat(document)]
        return [Found(each, path[1]) for each in objects]


def _flat(document: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    """Take a List apart."""
    items = document.get("items")
    if str(document.get("kind", "")).endswith("List") and isinstance(items, list):
        return [each for item in items if isinstance(item, dict) for each in _flat(item)]
    return [document]


def _map(name: str, data: dict[str, str], place: str) -> Found:
    return Found({"kind": "ConfigMap", "metadata": {"name": name}, "data": data}, place)


def _secret_type(obj: dict[str, t.Any]) -> str:
    labels = _metadata(obj).get("labels")
    return str(labels.get(SECRET_TYPE_LABEL, "")) if obj.get("kind") == "Secret" and isinstance(labels, dict) else ""


def _metadata(obj: dict[str, t.Any]) -> dict[str, t.Any]:
    metadata = obj.get("metadata")
    return metadata if isinstance(metadata, dict) else {}


def _repository_of(found: Found) -> Repository:
    """Return what a repository Secret says to projects: its URL and project, no credentials."""
    coded = found.obj.get("data") or {}
    plain_text = found.obj.get("stringData") or {}
    values = {}
    for key in ("url", "project"):
        try:
            values[key] = str(plain_text.get(key) or base64.b64decode(coded.get(key, ""), validate=True).decode())
        except (AttributeError, TypeError, ValueError):
            raise InvalidSettings(found.place, f"data.{key}", "something else", "text in base64") from None
    if not values["url"]:
        raise InvalidSettings(found.place, "url", "nothing", "the URL of the repository")
    return Repository(url=values["url"], project=values["project"])


def _cluster(fields: Fields) -> Cluster:
    return Cluster(
        name=fields.name("name"),
        server=fields.name("server").rstrip("/"),
        project=fields.text("project", ""),
        namespaces=fields.texts("namespaces"),
        cluster_resources=fields.flag("clusterResources"),
    )


def _refuse(failure: InvalidInput) -> None:
    raise failure
