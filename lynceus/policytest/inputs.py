"""Reads what a test file judges: policy, projects, Applications, clusters, settings, additions, relative to its folder.

The same rules as the other commands' (lynceus.bundle sorts and types the objects). What a pattern names and is not
there is an error, so that a renamed file never makes a test pass.
"""

from __future__ import annotations

import glob
import typing as t
from pathlib import Path

import msgspec

from lynceus.bundle import ADDITIONS_NAME, RBAC_NAME, SETTINGS_NAME, Found, Live, assemble
from lynceus.files import read_text
from lynceus.policytest.fields import Fields, describe
from lynceus.policytest.marked import Table, parse, plain
from model.errors import InvalidInput
from model.secrets import Cluster

KEYS = ("policy", "projects", "applications", "clusters", "settings", "additions", "replace")
"""Keys of a test file that are read here."""

_OBJECTS = {"projects": "AppProject", "applications": "Application", "clusters": "Secret"}
_MAPS = {"settings": SETTINGS_NAME, "additions": ADDITIONS_NAME}
_CLUSTER = ("name", "server", "project", "namespaces", "clusterResources")
_MAGIC = frozenset("*?[")
_YAML = (".yaml", ".yml", ".json")


def read_inputs(fields: Fields) -> Live:
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
        self._csv: list[tuple[str, str]] = []

    def read(self) -> Live:
        """Read every key."""
        for key in _OBJECTS:
            self._objects(key)
        for key, name in _MAPS.items():
            self._config_map(key, name)
        self._policy()
        live = assemble(self._found, where=self._fields.file, refuse=_refuse)
        if self._csv:
            rbac = msgspec.structs.replace(live.rbac, csv=tuple(self._csv), generation=self._fields.file)
            live = msgspec.structs.replace(live, rbac=rbac, rbac_source="", has_rbac=True)
        live = msgspec.structs.replace(live, clusters=[*live.clusters, *self._clusters])
        if "clusters" in self._fields and not live.clusters:
            raise self._fields.wrong("clusters", "no cluster in these files", "Secrets of clusters, or {name, server}")
        return live

    # --- objects ---

    def _objects(self, key: str) -> None:
        kind, before = _OBJECTS[key], len(self._found)
        for index, entry in enumerate(self._entries(key)):
            if isinstance(entry, Table):
                self._inline(key, index, entry)
            elif isinstance(entry, str):
                self._of_kind(key, index, entry, kind)
            else:
                raise self._fields.wrong(key, describe(entry), f"a file, or a {kind}", index)
        if key in self._fields and key != "clusters" and len(self._found) == before:
            raise self._fields.wrong(key, f"no {kind} in these files", "at least one")

    def _entries(self, key: str) -> list[t.Any]:
        value = self._fields.table.get(key, [])
        return value if isinstance(value, list) else [value]

    def _of_kind(self, key: str, index: int, name: str, kind: str) -> None:
        single = _MAGIC.isdisjoint(name)
        found = [each for path in self._paths(key, name) for each in self._documents(path, not single)]
        wanted = [each for each in found if each.obj.get("kind") == kind]
        if single and not wanted:
            raise self._fields.wrong(key, f"no {kind} in {name}", "at least one", index)
        self._found += wanted

    def _inline(self, key: str, index: int, entry: Table) -> None:
        line, path = entry.line, f"{key}[{index}]"
        if key == "clusters":
            self._clusters.append(_cluster(Fields(entry, self._fields.file, line, path, _CLUSTER)))
            return
        obj = {"apiVersion": "argoproj.io/v1alpha1", "kind": _OBJECTS[key], **plain(entry)}
        if obj["kind"] != _OBJECTS[key]:
            raise self._fields.wrong(key, "an object of another kind", _OBJECTS[key], index)
        Fields(entry, self._fields.file, line, path, ("apiVersion", "kind", "metadata", "spec", "status"))
        self._found.append(Found(obj, f"{self._fields.file}:{line}"))

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
        named = [each for each in maps if (each.obj.get("metadata") or {}).get("name") == name]
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
        for name in names:
            self._csv += [(shown, self._text(path)) for path, shown in self._paths(key, name)]

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
            raise self._fields.wrong("", f"a document that is no object in {path[1]}", "objects with kind and metadata")
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


def _cluster(fields: Fields) -> Cluster:
    return Cluster(
        name=fields.name("name"),
        server=fields.name("server"),
        project=fields.text("project", ""),
        namespaces=fields.texts("namespaces"),
        cluster_resources=fields.flag("clusterResources"),
    )


def _refuse(failure: InvalidInput) -> None:
    raise failure
