"""All repositories in use: one mirror and one shared list of refs each. Called by `service`.

However many Applications follow a repository, its server is asked once per interval; who must have the newest answer
(`force`) joins a request that started after the question, or starts one.
"""

from __future__ import annotations

import threading
import typing as t
from pathlib import Path

import msgspec

from controller.clock import Clock
from controller.sources.git import door, refs
from controller.sources.git.mirror import Mirror
from controller.sources.git.objects import ReaderError
from controller.sources.paths import shown
from controller.sources.remote import Remote, check_url
from controller.sources.snapshot import Snapshot
from controller.sources.waits import Queue
from controller.turn import with_trace_id
from model.errors import LynceusError, SourceError, SourceUnavailable
from model.events import Event, GitRequestFinished, RepositoryKnown
from model.secrets import Repository
from model.source import Source

Lookup = t.Callable[[str, str], Repository | None]
"""(repository URL, project) -> the Secret that matches, or None."""

FAILURE_SECONDS = 10.0
"""For so long a failed request is the answer for everybody who does not force another one."""
AWAY_SECONDS = 60.0
"""For so long questions about history do not ask a server again that did not answer, or again for what it refused."""
STALE_SECONDS = 5.0
"""A name that is not in a list older than this may be new: the list is asked for again."""


class _Shared:
    """What all Applications of one repository share."""

    def __init__(self, mirror: Mirror, queue: Queue) -> None:
        self.mirror, self.queue = mirror, queue
        self.lock, self.fetching = threading.Lock(), threading.Lock()
        """Held while refs are listed, and while commits are fetched."""
        self.listing: refs.Listing | None = None
        self.failure: tuple[LynceusError, float] | None = None
        self.away: dict[str, tuple[LynceusError, float]] = {}
        """Why a fetch of history failed, and when, by the commit that is refused; by "" for all of them."""
        self.roots: dict[str, str] = {}
        """Commit id -> id of its tree, for commits that are in the mirror."""


class Repositories:
    """Thread-safe registry of mirrors."""

    def __init__(
        self,
        cache_dir: Path,
        lookup: Lookup,
        publish: t.Callable[[Event], None],
        clock: Clock,
        schemes: t.Sequence[str],
        interval_seconds: float,
        on_moved: t.Callable[[str], None] | None,
    ) -> None:
        door.check_version()
        cache_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._root, self._lookup, self._publish, self._clock = cache_dir, lookup, publish, clock
        self._schemes, self._interval, self._on_moved = tuple(schemes), interval_seconds, on_moved
        self._lock = threading.Lock()
        self._shared: dict[tuple[str, str], _Shared] = {}
        self._queues: dict[str, Queue] = {}
        """Who waits for each repository as it is shown: one that several identities read is one."""

    def resolve(self, source: Source, project: str, force: bool, since: float | None = None) -> str:
        """Return the full commit id of a Git source's target revision; see `SourceService.resolve`."""
        asked = self._clock.monotonic()
        remote, repository, shared = self.find(source.repo_url, project)
        revision = source.target_revision.strip()
        refs.check_revision(revision, "source")
        if refs.is_commit_id(revision):
            return revision.lower()
        oldest = asked - self._interval if since is None else max(asked - self._interval, min(since, asked))
        listing = self._list(shared, repository, revision, asked if force else oldest)
        found = refs.resolve(listing, revision)
        if found is None and listing.started < asked - STALE_SECONDS:
            listing = self._list(shared, repository, revision, asked)
            found = refs.resolve(listing, revision)
        if found is None and refs.is_abbreviated(revision):
            found = self._expand(shared, repository, revision)
        if found is None:
            raise SourceError(_unresolved(remote, revision))
        return found

    def find(self, url: str, project: str) -> tuple[Remote, Repository | None, _Shared]:
        """Return what is known of a repository, starting to know it if need be.

        Raises:
            InvalidSpec: the URL may not be spoken to.
        """
        remote = check_url(url, self._schemes)
        repository = self._lookup(url, project)
        identity = f"{repository.url}\0{repository.project}" if repository else ""
        with self._lock:
            shared = self._shared.get((remote.key, identity))
            if shared is not None:
                return remote, repository, shared
            queue = self._queues.setdefault(remote.shown, Queue(remote.shown, self._publish, self._clock))
            shared = _Shared(Mirror(self._root, remote, identity, self._schemes), queue)
            self._shared[(remote.key, identity)] = shared
        self._publish(RepositoryKnown(repo=remote.shown))
        return remote, repository, shared

    def snapshot(self, url: str, project: str, commit: str, revision: str = "") -> Snapshot:
        """Return the tree of a commit, fetched if it is absent.

        Raises:
            SourceError: the remote does not have the commit.
            SourceUnavailable: it cannot be reached.
        """
        remote, repository, shared = self.find(url, project)
        root = shared.roots.get(commit)
        if root is None:
            if not shared.mirror.has(commit):
                self._fetch(shared, repository, commit, revision)
            root = self._root_of(remote, shared, commit)
            if len(shared.roots) > 1000:
                shared.roots.clear()
            shared.roots[commit] = root
        return Snapshot(shared.mirror.reader, commit, root)

    def commit_text(self, url: str, project: str, commit: str) -> bytes:
        """Return the raw commit object."""
        snapshot = self.snapshot(url, project, commit, commit)
        return snapshot.reader.commit(commit)

    def holding(self, url: str, project: str, commits: t.Iterable[str]) -> Mirror:
        """Return the mirror once it has these commits; raises as `snapshot`.

        What is absent is fetched, unless the server did not answer or refused it a moment ago: nobody waits for that.
        """
        _, repository, shared = self.find(url, project)
        for commit in commits:
            if not shared.mirror.has(commit):
                self._fetch_unless_away(shared, repository, commit)
        return shared.mirror

    def _fetch_unless_away(self, shared: _Shared, repository: Repository | None, commit: str) -> None:
        now = self._clock.monotonic()
        shared.away = {what: why for what, why in list(shared.away.items()) if now - why[1] < AWAY_SECONDS}
        known = shared.away.get("") or shared.away.get(commit)
        if known is not None:
            raise known[0].with_traceback(None)
        try:
            self._fetch(shared, repository, commit, commit)
        except (SourceUnavailable, SourceError) as failure:
            what = commit if isinstance(failure, SourceError) else ""
            shared.away[what] = (failure, self._clock.monotonic())
            raise

    def reset(self, url: str, project: str) -> None:
        """Drop a mirror that turned out to be damaged; the next snapshot clones it again."""
        _, _, shared = self.find(url, project)
        shared.roots.clear()
        shared.mirror.reset()

    def set_interval(self, seconds: float) -> None:
        """Change the age at which a list of refs is asked for again."""
        self._interval = seconds

    def close(self) -> None:
        """End all reading processes."""
        with self._lock:
            for shared in self._shared.values():
                shared.mirror.close()

    def _root_of(self, remote: Remote, shared: _Shared, commit: str) -> str:
        found = shared.mirror.reader.info(f"{commit}^{{tree}}")
        if found is None or found.type != "tree":
            raise SourceError(f"repository {remote.shown}: {commit} is not a commit")
        return found.id

    def _list(self, shared: _Shared, repository: Repository | None, revision: str, not_before: float) -> refs.Listing:
        """Return a list of refs whose request started at `not_before` or later."""
        with shared.queue.holding(shared.lock):
            known, failed = shared.listing, shared.failure
            if failed and failed[1] >= max(not_before, self._clock.monotonic() - FAILURE_SECONDS):
                raise failed[0]
            if known and known.started >= not_before:
                return known
            return self._ask(shared, repository, revision)

    def _ask(self, shared: _Shared, repository: Repository | None, revision: str) -> refs.Listing:
        started = self._clock.monotonic()
        before = shared.listing
        try:
            shared.listing = _not_empty(shared.mirror.list_refs(repository, started), shared.mirror.remote)
            shared.failure = None
        except LynceusError as failure:
            shared.failure = (failure, started)
            raise
        finally:
            self._tell("ls-remote", shared, revision, started, ok=shared.failure is None)
        if self._on_moved and before is not None and before.refs != shared.listing.refs:
            self._on_moved(shared.mirror.remote.url)
        return shared.listing

    def _fetch(self, shared: _Shared, repository: Repository | None, commit: str, revision: str) -> None:
        """Fetch, one at a time; what another fetch has brought meanwhile is not asked for again."""
        with shared.queue.holding(shared.fetching):
            if commit and shared.mirror.has(commit):
                return
            started, ok = self._clock.monotonic(), False
            try:
                shared.mirror.fetch(repository, commit)
                ok = True
            finally:
                self._tell("fetch", shared, revision, started, ok=ok)

    def _expand(self, shared: _Shared, repository: Repository | None, revision: str) -> str | None:
        """Look an abbreviated commit id up among all that the remote has."""
        found = shared.mirror.expand(revision.lower())
        if found is None:
            self._fetch(shared, repository, "", revision)
            found = shared.mirror.expand(revision.lower())
        return found

    def _tell(
        self, kind: t.Literal["ls-remote", "fetch"], shared: _Shared, revision: str, started: float, ok: bool
    ) -> None:
        is_id = refs.is_commit_id(revision) or refs.is_abbreviated(revision)
        told = GitRequestFinished(
            repo=shared.mirror.remote.shown,
            request_type=kind,
            result="success" if ok else "error",
            seconds=self._clock.monotonic() - started,
            revision="commit" if is_id else revision or "HEAD",
        )
        with_trace_id(lambda trace_id: self._publish(msgspec.structs.replace(told, trace_id=trace_id)))


def _not_empty(listing: refs.Listing, remote: Remote) -> refs.Listing:
    """Refuse a list without refs: git takes any web page with status 200 for the list of an empty repository."""
    if not listing.refs:
        raise SourceError(f"repository {remote.shown}: no branch and no tag: it is empty, or not a Git repository")
    return listing


def damaged(remote_url: str) -> SourceUnavailable:
    """Return the error for a mirror that is damaged even after it was cloned again."""
    return SourceUnavailable(f"repository {remote_url}: its mirror could not be read, also after cloning it again")


def _unresolved(remote: Remote, revision: str) -> str:
    found = shown(revision or "HEAD")
    return f"repository {remote.shown}: revision {found} cannot be resolved: no branch, tag or commit of that name"


__all__ = ["Lookup", "ReaderError", "Repositories", "damaged"]
