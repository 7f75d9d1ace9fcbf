"""Private copies of parts of a tree for tools that need files. Regular files only; links are resolved on the way.

Nothing of the target folder's name comes from the repository, and nothing is ever written outside it. Called by `helm`
and `kustomize`.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import typing as t
from pathlib import Path

from controller.sources.git.objects import Entry
from controller.sources.paths import child
from controller.sources.snapshot import View
from model.errors import RenderError, SourceError

MAX_FILES = 20_000
MAX_BYTES = 64 * 1024**2
"""Of one export; the largest public charts with their vendored dependencies are below 10 MB."""
MAX_DEPTH = 64


@contextlib.contextmanager
def private_folder() -> t.Iterator[Path]:
    """Yield a new folder that only this user can enter, and remove it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="lynceus-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def export_folder(view: View, path: str, target: Path, warnings: list[str]) -> dict[str, bytes]:
    """Copy a folder with all below it and depend on the whole of it.

    Args:
        view: where to read.
        path: the folder in the repository.
        target: an existing folder, filled with what `path` holds.
        warnings: submodules are named here.

    Returns:
        The contents by path relative to `path`.

    Raises:
        SourceError: no such folder, or a link leads out of the repository.
        RenderError: too many or too large files.
    """
    entries = dict(_files(view, path, "", warnings, 0))
    if len(entries) > MAX_FILES:
        raise RenderError(f"{view.label}: {path or '.'}: more than {MAX_FILES} files")
    contents = view.contents(entries, MAX_BYTES)
    for relative, data in contents.items():
        write(target, relative, data, executable=entries[relative].mode == "100755")
    return contents


def write(target: Path, relative: str, data: bytes, *, executable: bool = False) -> None:
    """Write one file below the private folder; `relative` is a normalised repository path."""
    place = target / relative
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data)
    if executable:
        place.chmod(0o700)


def _files(view: View, path: str, prefix: str, warnings: list[str], depth: int) -> t.Iterator[tuple[str, Entry]]:
    """Yield (path below the start, entry) of every file."""
    if depth > MAX_DEPTH:
        raise SourceError(f"{view.label}: {path}: folders nested deeper than {MAX_DEPTH} levels")
    real, entries = view.folder(path)
    for name, entry in entries.items():
        here, relative = child(real, name), child(prefix, name)
        found = view.locate(here) if entry.is_link else (here, entry)
        if found is None:
            continue
        if found[1].is_tree:
            yield from _files(view, found[0], relative, warnings, depth + 1)
        elif found[1].is_file:
            view.note(*found)
            yield relative, found[1]
        else:
            warnings.append(f"{here}: a submodule, which is not followed")
