"""The tree of one commit, and a view of it that notes what a render looked at. Reads Git objects, never files.

Symbolic links are resolved inside the tree or refused. What was noted (paths with the ids found there, absences, lists
of names) is the key of the render cache: a commit that changes none of it needs no render.
"""

from __future__ import annotations

import collections
import hashlib
import typing as t

from controller.sources.git.objects import Entry, ObjectReader, TooLargeError
from controller.sources.paths import child, parent
from model.errors import RenderError, SourceError

MAX_LINK_BYTES = 4096
MAX_LINKS = 40
"""As in Linux: more links on one path are a loop."""


class Snapshot:
    """The tree of one commit."""

    def __init__(self, reader: ObjectReader, commit: str, root: str) -> None:
        self.reader, self.commit = reader, commit
        self._root = Entry("40000", root)

    def entry(self, path: str) -> Entry | None:
        """Return what stands at a normalised path; links are not followed."""
        found = self._root
        for name in path.split("/") if path else ():
            if not found.is_tree:
                return None
            below = self.reader.tree(found.id).get(name)
            if below is None:
                return None
            found = below
        return found

    def stamp(self, note: str) -> str:
        """Return what `View.reads` would hold for a note in this commit: see there."""
        entry = self.entry(note.removesuffix("/"))
        if entry is None:
            return ""
        return self.names_stamp(entry) if note.endswith("/") else f"{entry.mode} {entry.id}"

    def names_stamp(self, entry: Entry) -> str:
        """Return a hash of the names and kinds in a folder, whatever the files hold."""
        if not entry.is_tree:
            return ""
        lines = (f"{name}\0{found.mode}\n" for name, found in self.reader.tree(entry.id).items())
        return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


class View:
    """A snapshot as one render sees it."""

    def __init__(self, snapshot: Snapshot, label: str) -> None:
        self.snapshot = snapshot
        self.label = label
        """Repository and revision for messages."""
        self.reads: dict[str, str] = {}
        """Path -> mode and id found there, empty when absent; ``path/`` -> hash of the names in the folder."""

    def locate(self, path: str) -> tuple[str, Entry] | None:
        """Follow links and return the real path with its entry; None when nothing is there.

        Raises:
            SourceError: a link leads out of the repository or in a circle.
        """
        waiting = collections.deque(path.split("/") if path else ())
        at, links = "", 0
        while waiting:
            name = waiting.popleft()
            if name in ("", "."):
                continue
            if name == "..":
                at = parent(at) if at else self._escapes(path)
                continue
            here = child(at, name)
            entry = self.snapshot.entry(here)
            if entry is None or (waiting and not (entry.is_tree or entry.is_link)):
                self.note(here, entry)
                return None
            if entry.is_link:
                links += 1
                self.note(here, entry)
                waiting.extendleft(reversed(self._target(path, entry, links)))
            else:
                at = here
        found = self.snapshot.entry(at)
        return (at, found) if found else None

    def note(self, path: str, entry: Entry | None) -> None:
        """Remember that the render depends on what stands at a path."""
        self.reads[path] = f"{entry.mode} {entry.id}" if entry else ""

    def folder(self, path: str) -> tuple[str, t.Mapping[str, Entry]]:
        """Return the real path and the entries of a folder and depend on the whole of it.

        Raises:
            SourceError: there is no such folder.
        """
        real, entry = self._folder(path)
        self.note(real, entry)
        return real, self.snapshot.reader.tree(entry.id)

    def names(self, path: str) -> tuple[str, t.Mapping[str, Entry]]:
        """Return the real path and the entries of a folder and depend on its list of names only."""
        real, entry = self._folder(path)
        self.reads[f"{real}/"] = self.snapshot.names_stamp(entry)
        return real, self.snapshot.reader.tree(entry.id)

    def check_folder(self, path: str) -> None:
        """Raise the SourceError of `folder` when there is none; what is read in it later is the dependency."""
        self._folder(path)

    def _folder(self, path: str) -> tuple[str, Entry]:
        found = self.locate(path)
        if found is None:
            raise SourceError(f"{self.label}: path {path or '.'} does not exist")
        if not found[1].is_tree:
            kind = "a submodule, which is not followed" if found[1].mode == "160000" else "not a folder"
            raise SourceError(f"{self.label}: path {path} is {kind}")
        return found

    def file(self, path: str) -> tuple[str, Entry] | None:
        """Return the real path and entry of a regular file and depend on it; None when there is none."""
        found = self.locate(path)
        if found is None:
            return None
        self.note(*found)
        return found if found[1].is_file else None

    def read(self, path: str, limit: int) -> bytes | None:
        """Return the content of a regular file, None when there is none; see `file`."""
        found = self.file(path)
        return self.contents({path: found[1]}, limit)[path] if found else None

    def contents(self, entries: t.Mapping[str, Entry], limit: int) -> dict[str, bytes]:
        """Return the contents of files whose sizes together are at most `limit` bytes.

        Raises:
            RenderError: they are larger; nothing was read.
        """
        try:
            data = self.snapshot.reader.blobs([e.id for e in entries.values()], limit)
        except TooLargeError as failure:
            what = next(iter(entries)) if len(entries) == 1 else f"{len(entries)} files"
            raise RenderError(f"{self.label}: {what}: {failure.size} bytes, more than the limit of {limit}") from None
        return dict(zip(entries, data, strict=True))

    def essential_reads(self) -> dict[str, str]:
        """Return the notes without those that a whole folder's note implies."""
        whole = {path for path, stamp in self.reads.items() if stamp.startswith("40000 ")}
        if "" in whole:
            return {"": self.reads[""]}
        return {path: stamp for path, stamp in self.reads.items() if not _covered(path, whole)}

    def _target(self, path: str, link: Entry, links: int) -> list[str]:
        if links > MAX_LINKS:
            raise SourceError(f"{self.label}: {path}: a symbolic link that leads in a circle")
        try:
            target = self.snapshot.reader.blob(link.id, MAX_LINK_BYTES).decode()
        except (TooLargeError, UnicodeDecodeError):
            self._escapes(path)
        if target.startswith("/") or "\0" in target:
            self._escapes(path)
        return target.split("/")

    def _escapes(self, path: str) -> t.NoReturn:
        raise SourceError(f"{self.label}: {path}: a symbolic link that leads out of the repository")


def _covered(path: str, whole: set[str]) -> bool:
    above = parent(path.removesuffix("/")) if not path.endswith("/") else path.removesuffix("/")
    while above:
        if above in whole:
            return True
        above = parent(above)
    return False
