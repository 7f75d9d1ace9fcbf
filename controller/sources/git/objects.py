"""Reads objects of one bare repository through one kept-open `git cat-file --batch-command`. Called by `mirror`.

Only hexadecimal ids go in. The size stands in the header that is asked for first, so that an object beyond the limit is
never inflated. A process that does not answer in time is killed with its group, and the next question starts a new one.
"""

from __future__ import annotations

import collections
import os
import re
import selectors
import subprocess
import threading
import typing as t

from controller.clock import SystemClock
from controller.sources.git import door

_NAME = re.compile(r"[0-9a-f]{4,40}(\^\{(commit|tree)\})?")
MAX_TREES = 20_000
"""Parsed trees kept per repository: that of a thousand folders is 100 kB, most are below 1 kB."""
TIMEOUT_SECONDS = 20.0


class ReaderError(Exception):
    """The reader ended or stalled: the mirror may be damaged. The text is for logs of ours."""


class TooLargeError(Exception):
    """An object is larger than the caller wants to read."""

    def __init__(self, size: int) -> None:
        super().__init__(f"{size} bytes")
        self.size = size


class Entry(t.NamedTuple):
    """One line of a tree."""

    mode: str
    """040000 tree, 100644 or 100755 file, 120000 symbolic link, 160000 submodule."""
    id: str

    @property
    def is_tree(self) -> bool:
        """True for a folder."""
        return self.mode == "40000"

    @property
    def is_link(self) -> bool:
        """True for a symbolic link."""
        return self.mode == "120000"

    @property
    def is_file(self) -> bool:
        """True for a regular file."""
        return self.mode.startswith("100")


Tree = t.Mapping[str, Entry]
T = t.TypeVar("T")


class Info(t.NamedTuple):
    """What the header of an object says."""

    id: str
    type: str
    size: int


class ObjectReader:
    """Thread-safe reader of one repository; `close` ends its process, the next read starts another."""

    def __init__(self, git_dir: str, env: t.Mapping[str, str], timeout: float = TIMEOUT_SECONDS) -> None:
        self._git_dir, self._env, self._timeout = git_dir, env, timeout
        self.name = git_dir.rpartition("/")[2]
        """Names the repository and who reads it, the same after a restart."""
        self._lock = threading.Lock()
        self._process: t.Any = None
        self._buffer = bytearray()
        self._trees: collections.OrderedDict[str, Tree] = collections.OrderedDict()

    def info(self, name: str) -> Info | None:
        """Return the header of an object, None when it is missing or an abbreviation is ambiguous."""
        return self.infos([name])[0]

    def infos(self, names: t.Sequence[str]) -> list[Info | None]:
        """Return the headers of several objects in one round."""
        with self._lock:
            return self._guarded(lambda: self._infos(names))

    def blob(self, identity: str, limit: int) -> bytes:
        """Return a blob of at most `limit` bytes."""
        return self.blobs([identity], limit)[0]

    def blobs(self, identities: t.Sequence[str], limit: int) -> list[bytes]:
        """Return several blobs whose sizes together are at most `limit` bytes.

        Raises:
            TooLargeError: from the headers, before anything is read.
            ReaderError: one is missing or not a blob.
        """
        with self._lock:
            return self._guarded(lambda: self._blobs(identities, limit))

    def tree(self, identity: str) -> Tree:
        """Return a parsed tree; kept, since a tree never changes."""
        with self._lock:
            known = self._trees.get(identity)
            if known is not None:
                self._trees.move_to_end(identity)
                return known
            tree = _parse_tree(self._guarded(lambda: self._contents(identity, "tree")))
            self._trees[identity] = tree
            if len(self._trees) > MAX_TREES:
                self._trees.popitem(last=False)
            return tree

    def commit(self, identity: str) -> bytes:
        """Return the text of a commit."""
        with self._lock:
            return self._guarded(lambda: self._contents(identity, "commit"))

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._drop()

    def forget(self) -> None:
        """End the process and drop the parsed trees: the repository is made anew."""
        with self._lock:
            self._drop()
            self._trees.clear()

    def _guarded(self, read: t.Callable[[], T]) -> T:
        """Run one exchange; a process that failed in it is not used again."""
        try:
            return read()
        except BaseException as failure:
            if not isinstance(failure, TooLargeError):
                self._drop()
            raise

    def _infos(self, names: t.Sequence[str]) -> list[Info | None]:
        found: list[Info | None] = []
        for start in range(0, len(names), 200):  # below the pipe's 64 kB in both directions
            part = names[start : start + 200]
            self._send([f"info {_checked(name)}" for name in part])
            found += [_header(self._line()) for _ in part]
        return found

    def _blobs(self, identities: t.Sequence[str], limit: int) -> list[bytes]:
        headers = self._infos(identities)
        if any(h is None or h.type != "blob" for h in headers):
            raise ReaderError("an object that the tree names is missing or not a blob")
        total = sum(h.size for h in headers if h is not None)
        if total > limit:
            raise TooLargeError(total)
        return [self._contents(identity, "blob") for identity in identities]

    def _contents(self, identity: str, kind: str) -> bytes:
        self._send([f"contents {_checked(identity)}"])
        header = _header(self._line())
        if header is None or header.type != kind:
            raise ReaderError(f"a {kind} is missing")
        return self._read(header.size + 1)[:-1]

    def _send(self, lines: t.Iterable[str]) -> None:
        if self._process is None or self._process.proc.poll() is not None:
            self._drop()
            arguments = [f"--git-dir={self._git_dir}", "cat-file", "--batch-command"]
            self._process = door.start(arguments, self._env, stdin=subprocess.PIPE)
        try:
            stdin = self._process.proc.stdin
            stdin.write("".join(f"{line}\n" for line in lines).encode())
            stdin.flush()
        except OSError as failure:
            raise ReaderError("git cat-file ended") from failure

    def _line(self) -> str:
        while (end := self._buffer.find(b"\n")) < 0:
            self._fill()
        line = bytes(self._buffer[:end]).decode("utf-8", "replace")
        del self._buffer[: end + 1]
        return line

    def _read(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._fill()
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def _fill(self) -> None:
        stdout = self._process.proc.stdout
        deadline = SystemClock().monotonic() + self._timeout
        with selectors.PollSelector() as selector:
            selector.register(stdout, selectors.EVENT_READ)
            if not selector.select(max(0.0, deadline - SystemClock().monotonic())):
                raise ReaderError("git cat-file did not answer in time")
        chunk = os.read(stdout.fileno(), 1 << 20)
        if not chunk:
            raise ReaderError("git cat-file ended")
        self._buffer += chunk

    def _drop(self) -> None:
        process, self._process = self._process, None
        self._buffer.clear()
        if process is not None:
            door.kill(process)


def _checked(name: str) -> str:
    """Let only hexadecimal ids through; anything else is a mistake of ours."""
    if not _NAME.fullmatch(name):
        raise ValueError("only object ids are read")
    return name


def _header(line: str) -> Info | None:
    """Read ``<id> <type> <size>``; ``… missing`` and ``… ambiguous`` are None."""
    identity, _, rest = line.partition(" ")
    kind, _, size = rest.partition(" ")
    return Info(identity, kind, int(size)) if size.isdigit() else None


def _parse_tree(data: bytes) -> dict[str, Entry]:
    """Read Git's binary tree format: mode, blank, name, NUL, 20 bytes of id."""
    entries: dict[str, Entry] = {}
    position = 0
    while position < len(data):
        blank = data.index(b" ", position)
        end = data.index(b"\0", blank)
        name = data[blank + 1 : end].decode("utf-8", "surrogateescape")
        entries[name] = Entry(data[position:blank].decode("ascii"), data[end + 1 : end + 21].hex())
        position = end + 21
    return entries
