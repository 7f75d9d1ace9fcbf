"""One bare mirror per remote under the cache folder: list, fetch, read, and heal itself. Never a checkout.

Whatever is wrong with a mirror (a truncated pack, a stale lock, a killed fetch), the answer is the same: drop it and
clone again; the remote is the truth. Called by `controller.sources.repositories`.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import threading
import typing as t
from pathlib import Path

from controller.sources.git import credentials, door
from controller.sources.git.failures import classify, looks_corrupt
from controller.sources.git.objects import ObjectReader, ReaderError
from controller.sources.git.refs import Listing, parse_listing
from controller.sources.remote import Remote
from model.errors import SourceUnavailable
from model.secrets import Repository

LIST_SECONDS = 30.0
"""Deadline of an ls-remote."""
FETCH_SECONDS = 300.0
"""Deadline of a fetch; the first one of a large repository is the longest."""
REPACK_EVERY = 100
"""Fetches after which the mirror is packed anew, so that reads stay fast and the disk flat."""

_REFSPECS = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")


class Mirror:
    """The bare repository of one remote, for one identity that may read it."""

    def __init__(self, root: Path, remote: Remote, identity: str, protocols: t.Sequence[str]) -> None:
        name = hashlib.sha256(f"{remote.key}\0{identity}".encode()).hexdigest()[:40]
        self.remote = remote
        self._folder = root / "git" / name
        self._private = root / "private"
        self._private.mkdir(parents=True, exist_ok=True, mode=0o700)
        home = root / "home"
        home.mkdir(exist_ok=True, mode=0o700)
        self._env = door.environment(str(home), protocols)
        self._lock = threading.Lock()
        self._fetches = 0
        self._ready = False
        self.reader = ObjectReader(str(self._folder), self._env)

    def list_refs(self, repository: Repository | None, started: float) -> Listing:
        """Ask the remote for all its refs.

        Raises:
            SourceError: the repository does not exist or does not let us in.
            SourceUnavailable: it cannot be reached.
        """
        return parse_listing(self._remote_command(repository, ["ls-remote", "--quiet"], [], LIST_SECONDS), started)

    def has(self, commit: str) -> bool:
        """Say whether a commit is here, without asking the remote."""
        if not (self._folder / "HEAD").exists():
            return False
        try:
            return self.reader.info(f"{commit}^{{commit}}") is not None
        except ReaderError:
            return False

    def expand(self, abbreviated: str) -> str | None:
        """Return the full id of an abbreviated commit id that is here and unambiguous."""
        with contextlib.suppress(ReaderError):
            found = self.reader.info(f"{abbreviated}^{{commit}}")
            return found.id if found else None
        return None

    def fetch(self, repository: Repository | None, commit: str = "") -> None:
        """Fetch branches and tags, and the commit itself when it is still absent then.

        Raises:
            SourceError: the remote does not have, or does not give out, the commit.
            SourceUnavailable: it cannot be reached.
        """
        with self._lock:
            if commit and self.has(commit):
                return
            try:
                self._fetch(repository, commit)
            except door.GitError as failure:
                if not looks_corrupt(failure):
                    raise classify(failure, self.remote.shown) from None
                self._remove()
                self._retry(repository, commit)

    def reset(self) -> None:
        """Drop the mirror; the next fetch clones it again."""
        with self._lock:
            self._remove()

    def close(self) -> None:
        """End the reading process."""
        self.reader.close()

    def _retry(self, repository: Repository | None, commit: str) -> None:
        try:
            self._fetch(repository, commit)
        except door.GitError as failure:
            raise classify(failure, self.remote.shown) from None

    def _fetch(self, repository: Repository | None, commit: str) -> None:
        self._prepare()
        options = ["fetch", "--quiet", "--force", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"]
        self._remote(repository, [*options, "--prune"], _REFSPECS, FETCH_SECONDS)
        if commit and not self.has(commit):
            self._remote(repository, options, [f"+{commit}:refs/lynceus/{commit}"], FETCH_SECONDS)
        self._fetches += 1
        if self._fetches % REPACK_EVERY == 0:
            with contextlib.suppress(door.GitError):
                self.local(["gc", "--quiet", "--prune=2.weeks.ago"], FETCH_SECONDS)

    def _prepare(self) -> None:
        """Make the bare repository, or clear what a killed process left in it."""
        if self._ready and (self._folder / "HEAD").exists():
            return
        self._folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not (self._folder / "HEAD").exists():
            self._remove()
            door.run(
                ["init", "--quiet", "--bare", "--template=", "--", str(self._folder)], self._env, timeout=LIST_SECONDS
            )
        self._sweep()
        self._ready = True

    def _sweep(self) -> None:
        """Remove locks and half-written packs; at this moment no process of ours works in the folder."""
        for pattern in ("**/*.lock", "objects/pack/tmp_*", "objects/incoming-*", "objects/??/tmp_obj_*"):
            for path in self._folder.glob(pattern):
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    def _remove(self) -> None:
        self.reader.forget()
        self._ready = False
        shutil.rmtree(self._folder, ignore_errors=True)
        if self._folder.exists():
            raise SourceUnavailable(
                f"repository {self.remote.shown}: its damaged mirror in the cache folder cannot be removed"
            )

    def _remote_command(
        self, repository: Repository | None, options: list[str], refs: t.Sequence[str], timeout: float
    ) -> bytes:
        try:
            return self._remote(repository, options, refs, timeout)
        except door.GitError as failure:
            raise classify(failure, self.remote.shown) from None

    def _remote(
        self, repository: Repository | None, options: list[str], refs: t.Sequence[str], timeout: float
    ) -> bytes:
        """Run a command that talks to the remote, with its credentials for that long."""
        directory = [f"--git-dir={self._folder}"] if options[0] == "fetch" else []
        with credentials.prepared(repository, self.remote.url, self._private) as extra:
            arguments = [*directory, *options, "--end-of-options", self.remote.url, *refs]
            try:
                return door.run(arguments, {**self._env, **extra}, timeout=timeout)
            except door.GitError:
                self._ready = False  # the next fetch sweeps up what this one left
                raise

    def local(self, options: list[str], timeout: float) -> bytes:
        """Run a git command on the mirror alone; its arguments are checked by the caller. Raises door.GitError."""
        return door.run([f"--git-dir={self._folder}", *options], self._env, timeout=timeout)
