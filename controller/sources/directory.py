"""Plain manifests: the files of a folder, as Argo CD's Directory source reads them. Called by `rendering`."""

from __future__ import annotations

import typing as t

from controller.cage import Cage
from controller.sources.documents import Documents, read_json, read_yaml
from controller.sources.git.objects import Entry
from controller.sources.globs import compile_glob
from controller.sources.inputs import Inputs, Product
from controller.sources.paths import child
from controller.sources.yamls import YamlError
from model.errors import RenderError
from model.source import DirectorySource
from model.states import SourceType

MAX_COMBINED_BYTES = 10 * 1024 * 1024
"""Argo CD's default of reposerver.max.combined.directory.manifests.size."""
MAX_FILES = 20_000
SKIP_MARKER = b"+argocd:skip-file-rendering"
_EXTENSIONS = (".yaml", ".yml", ".json", ".jsonnet")
_MANIFEST_WORDS = (b"apiVersion", b"kind", b"metadata")
"""A file with all three is meant as a manifest, however broken."""


def render_directory(inputs: Inputs, cage: Cage) -> Product:
    """Read every manifest of the folder.

    Raises:
        SourceError: the folder does not exist, or a link leads out of the repository.
        RenderError: a file cannot be read, or all together are too large.
        InvalidSpec: include or exclude is not a glob.
    """
    options = inputs.source.directory or DirectorySource()
    files = _candidates(inputs, options)
    contents = inputs.tree.contents({path: entry for path, (_, entry) in files.items()}, MAX_COMBINED_BYTES)
    documents: Documents = []
    for path, data in contents.items():
        if SKIP_MARKER not in data:
            documents += _read(inputs, path, data, cage)
    return Product(tuple(documents), SourceType.DIRECTORY)


def _candidates(inputs: Inputs, options: DirectorySource) -> dict[str, tuple[str, Entry]]:
    """Return path -> (real path, entry) of the files to read, in lexical order."""
    wanted = _filter(options)
    found: dict[str, tuple[str, Entry]] = {}
    base, _ = inputs.tree.folder(inputs.path)
    for path, entry in _walk(inputs, base, options.recurse):
        relative = path[len(base) :].lstrip("/")
        if not wanted(relative):
            continue
        if relative.endswith(".jsonnet"):
            raise RenderError(
                f"{inputs.tree.label}: {path}: Jsonnet is not supported yet; exclude the file with directory.exclude"
            )
        real = inputs.tree.file(path) if entry.is_link else (path, entry)
        if real is None:
            raise RenderError(f"{inputs.tree.label}: {path}: a symbolic link that does not end at a regular file")
        found[path] = real
        if len(found) > MAX_FILES:
            raise RenderError(f"{inputs.tree.label}: more than {MAX_FILES} files below {inputs.path or '.'}")
    return found


def _walk(inputs: Inputs, path: str, recurse: bool) -> t.Iterator[tuple[str, Entry]]:
    """Yield files and links below a folder; links to folders are not walked into, as in Argo CD."""
    real, entries = inputs.tree.folder(path)
    for name in sorted(entries):
        entry, here = entries[name], child(real, name)
        if entry.mode == "160000":
            inputs.warnings.append(f"{here}: a submodule, which is not followed")
        elif entry.is_tree:
            if recurse:
                yield from _walk(inputs, here, recurse)
        elif entry.is_file or entry.is_link:
            yield here, entry


def _filter(options: DirectorySource) -> t.Callable[[str], bool]:
    exclude = compile_glob(options.exclude, "source", "directory.exclude") if options.exclude else None
    include = compile_glob(options.include, "source", "directory.include") if options.include else None

    def wanted(relative: str) -> bool:
        if not options.disable_extension_filter and not relative.endswith(_EXTENSIONS):
            return False
        if exclude and exclude(relative):
            return False
        return include is None or include(relative)

    return wanted


def _read(inputs: Inputs, path: str, data: bytes, cage: Cage) -> Documents:
    """Read one file; YAML that is no manifest at all (values of a chart) is left out with a warning."""
    try:
        if path.endswith(".json"):
            return read_json(path, data)
        documents = read_yaml(path, data, cage)
    except YamlError as failure:
        if path.endswith(".json") or failure.partial or _has_words(data):
            raise RenderError(f"{inputs.tree.label}: {failure}") from None
        inputs.warnings.append(f"{failure}; the file does not look like a manifest and is left out")
        return []
    if documents and not _has_words(data) and not any(_has_kind(value) for _, _, value in documents):
        inputs.warnings.append(f"{path}: no document has a kind; the file is left out")
        return []
    return documents


def _has_words(data: bytes) -> bool:
    return all(word in data for word in _MANIFEST_WORDS)


def _has_kind(value: t.Any) -> bool:
    return isinstance(value, dict) and "kind" in value
