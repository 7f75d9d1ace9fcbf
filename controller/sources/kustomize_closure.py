"""What a kustomization reads: its files, components and bases, followed through the tree without running anything.

Only what is found here is copied out for the tool, so the tool cannot see anything else, and what was found is the key
of the render cache. Remote bases are refused: nothing that a repository says makes Lynceus open a connection.
"""

from __future__ import annotations

import typing as t

from controller.sources.detect import KUSTOMIZATION_NAMES
from controller.sources.git.objects import Entry
from controller.sources.paths import child, join_inside, shown
from controller.sources.snapshot import View
from controller.sources.yamls import YamlError, parse
from model.errors import RenderError

MAX_FILES = 5_000
MAX_KUSTOMIZATION_BYTES = 1024 * 1024

_EITHER = ("resources", "bases", "components", "generators", "transformers", "validators")
"""Each entry a file or a folder with a kustomization; the last three also inline YAML."""
_PLUGINS = ("generators", "transformers", "validators")
_FILES = ("crds", "configurations", "patchesStrategicMerge")
_PATHS = ("patches", "patchesJson6902", "replacements")
"""Lists of mappings whose `path` names a file."""
_GENERATORS = ("configMapGenerator", "secretGenerator")
_NESTED = ("path", "files", "envs", "env")
_HELM = ("helmCharts", "helmChartInflationGenerator", "helmGlobals")
_READING = {name.casefold(): name for name in (*_EITHER, *_FILES, *_PATHS, *_GENERATORS, *_HELM, "openapi")}
_READING_NESTED = {name.casefold(): name for name in _NESTED}


class Closure:
    """Collects the files of one kustomization and all that it refers to."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.files: dict[str, Entry] = {}
        """Path as the kustomizations name it -> entry."""
        self.kustomizations: dict[str, str] = {}
        """Folder -> path of its kustomization."""
        self._open: list[str] = []

    def add_folder(self, folder: str, origin: str) -> None:
        """Add a folder that must hold a kustomization.

        Raises:
            RenderError: it does not, refers to something outside the repository, or the bases form a circle.
            SourceError: a link leads out of the repository.
        """
        if folder in self._open:
            raise self._refusal(origin, f"{folder or '.'} refers to itself through its bases")
        if folder in self.kustomizations:
            return
        path = self._kustomization(folder, origin)
        self.kustomizations[folder] = path
        content = self._load(path)
        self._open.append(folder)
        for field, value in content.items():
            self._check_spelling(path, field, value)
            self._field(folder, path, field, value)
        self._open.pop()

    def add_file(self, path: str, origin: str, field: str) -> None:
        """Add one file."""
        found = self.view.file(path)
        if found is None:
            raise self._refusal(origin, f"{field}: {shown(path)} is not a file of the repository")
        self.files[path] = found[1]
        if len(self.files) > MAX_FILES:
            raise self._refusal(origin, f"more than {MAX_FILES} files")

    def _kustomization(self, folder: str, origin: str) -> str:
        """Find the one kustomization file of a folder; its absence under the other names is noted too."""
        names = [name for name in KUSTOMIZATION_NAMES if self.view.file(child(folder, name))]
        if len(names) != 1:
            found = " and ".join(names) or "none"
            raise self._refusal(
                origin, f"{folder or '.'}: found {found}, expected one of {', '.join(KUSTOMIZATION_NAMES)}"
            )
        path = child(folder, names[0])
        self.add_file(path, origin, "kustomization")
        return path

    def _load(self, path: str) -> dict[str, t.Any]:
        data = self.view.read(path, MAX_KUSTOMIZATION_BYTES) or b""
        try:
            documents = parse(data, path)
        except YamlError as failure:
            raise RenderError(f"{self.view.label}: {failure}") from None
        content = documents[0].value if len(documents) == 1 else None
        if not isinstance(content, dict):
            raise self._refusal(path, f"found {len(documents)} documents, expected one mapping")
        return content

    def _check_spelling(self, path: str, field: str, value: t.Any) -> None:
        """Refuse ``Resources`` for ``resources``: Go reads both, so another spelling would not be followed here."""
        known = _READING.get(field.casefold())
        if known and known != field:
            raise self._refusal(path, f"found {shown(field)}, expected {known}")
        for item in value if known and isinstance(value, list) else [value] if known else ():
            for name in item if isinstance(item, dict) else ():
                wanted = _READING_NESTED.get(name.casefold())
                if wanted and wanted != name:
                    raise self._refusal(path, f"{field}: found {shown(name)}, expected {wanted}")

    def _field(self, folder: str, path: str, field: str, value: t.Any) -> None:
        if field in _HELM:
            raise self._refusal(path, f"{field}: charts inside a kustomization are not supported yet")
        if field == "openapi":
            value = [value]
            self._paths(folder, path, field, value)
        elif not isinstance(value, list):
            return
        elif field in _EITHER:
            self._either(folder, path, field, value)
        elif field in _FILES:
            for index, text in enumerate(value):
                if not (field == "patchesStrategicMerge" and _is_inline(text)):
                    self.add_file(self._inside(folder, path, f"{field}[{index}]", text), path, f"{field}[{index}]")
        elif field in _PATHS:
            self._paths(folder, path, field, value)
        elif field in _GENERATORS:
            self._generators(folder, path, field, value)

    def _either(self, folder: str, path: str, field: str, value: list[t.Any]) -> None:
        for index, text in enumerate(value):
            name = f"{field}[{index}]"
            if field in _PLUGINS and _is_inline(text):
                self._plugin(folder, path, name, text.encode())
                continue
            inside = self._inside(folder, path, name, text)
            found = self.view.locate(inside)
            if found is not None and found[1].is_tree:
                self.add_folder(inside, f"{path}: {name}")
                continue
            if found is None:
                raise self._refusal(
                    path, f"{name}: {shown(text)} does not exist in the repository; remote bases are not fetched"
                )
            self.add_file(inside, path, name)
            if field in _PLUGINS:
                self._plugin(folder, path, name, self.view.read(inside, MAX_KUSTOMIZATION_BYTES) or b"")

    def _plugin(self, folder: str, path: str, field: str, data: bytes) -> None:
        """Follow the files of a built-in plugin's configuration; their folder is the kustomization's."""
        try:
            documents = parse(data, f"{path}: {field}")
        except YamlError as failure:
            raise RenderError(f"{self.view.label}: {failure}") from None
        for document in documents:
            if isinstance(document.value, dict):
                if str(document.value.get("kind", "")).startswith("HelmChart"):
                    raise self._refusal(path, f"{field}: charts inside a kustomization are not supported yet")
                self._generators(folder, path, field, [document.value])
                self._paths(folder, path, field, [document.value])
                self._paths(folder, path, field, document.value.get("replacements"))

    def _paths(self, folder: str, path: str, field: str, value: t.Any) -> None:
        for index, item in enumerate(value if isinstance(value, list) else ()):
            if isinstance(item, dict) and item.get("path"):
                text = item["path"]
                if isinstance(text, str) and text.startswith("/") and "patch" not in field and field != "openapi":
                    continue  # a JSON pointer of a transformer's configuration, not a file
                name = f"{field}[{index}].path"
                self.add_file(self._inside(folder, path, name, text), path, name)

    def _generators(self, folder: str, path: str, field: str, value: list[t.Any]) -> None:
        for index, item in enumerate(value):
            if not isinstance(item, dict):
                continue
            listed = [(kind, text) for kind in ("files", "envs") for text in _texts(item.get(kind))]
            listed += [("env", item["env"])] if item.get("env") else []
            for kind, text in listed:
                name = f"{field}[{index}].{kind}"
                file = text.partition("=")[2] if kind == "files" and isinstance(text, str) and "=" in text else text
                self.add_file(self._inside(folder, path, name, file), path, name)

    def _inside(self, folder: str, path: str, field: str, text: t.Any) -> str:
        """Return the repository path that a kustomization names, or refuse it before anything is opened."""
        if not isinstance(text, str) or not text:
            raise self._refusal(path, f"{field}: expected a path")
        if "://" in text or text.startswith("git@"):
            raise self._refusal(path, f"{field}: {shown(text)} is remote; remote bases are not fetched")
        inside = None if text.startswith("/") or "\n" in text else join_inside(folder, text.rstrip("/") or text)
        if inside is None:
            raise self._refusal(path, f"{field}: {shown(text)} does not stay inside the repository")
        return inside

    def _refusal(self, origin: str, text: str) -> RenderError:
        return RenderError(f"{self.view.label}: {origin}: {text}" if origin else f"{self.view.label}: {text}")


def _is_inline(text: t.Any) -> bool:
    return isinstance(text, str) and ("\n" in text or text.lstrip().startswith("{"))


def _texts(value: t.Any) -> list[t.Any]:
    return value if isinstance(value, list) else []
