"""The door to `controller.sources` for the loop: resolve a revision, render manifests, name a commit. Thread-safe.

Every failure is a SourceError, SourceUnavailable, RenderError or InvalidSpec with one clear line: repository without
credentials, revision, path, file and line; never a piece of a file.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import re
import typing as t
from pathlib import Path

import msgspec

from controller.cage import Cage
from controller.clock import Clock
from controller.sources.cache import Notes, Part, RenderCache
from controller.sources.git import history
from controller.sources.git.mirror import Mirror
from controller.sources.git.objects import ReaderError
from controller.sources.inputs import Inputs, facts
from controller.sources.kustomize_tool import find_tool
from controller.sources.objects import finish
from controller.sources.paths import parse_path, shown
from controller.sources.rendering import Renderer
from controller.sources.repositories import Lookup, Repositories, damaged
from controller.sources.requests import CommitInfo, Rendered, RenderRequest
from controller.sources.snapshot import Snapshot, View
from model.errors import InvalidSpec, RenderError, SourceError
from model.events import Event, RenderFinished
from model.source import Source
from model.urls import display_url

__all__ = ["CommitInfo", "RenderRequest", "Rendered", "SourceService"]

RENDERER_VERSION = "1"
"""Part of every key: raise it when the same inputs render differently."""
_REF = re.compile(r"[A-Za-z0-9_-]+")
_COMMIT = re.compile(r"[0-9a-f]{40}")


class SourceService:
    """Git mirrors, renderers and the cache behind one door."""

    def __init__(
        self,
        *,
        cache_dir: Path,
        repositories: Lookup,
        cage: Cage,
        publish: t.Callable[[Event], None],
        clock: Clock,
        allow_schemes: t.Sequence[str] = ("https", "ssh"),
        interval_seconds: float = 110.0,
        on_moved: t.Callable[[str], None] | None = None,
    ) -> None:
        """Prepare; nothing is fetched yet.

        Args:
            cache_dir: for bare mirrors; may be deleted between runs, never during one.
            repositories: (URL, project) -> the repository Secret that matches, or None.
            cage: where tools and large texts run.
            publish: takes GitRequestFinished, RepositoryKnown and RenderFinished.
            clock: for ages of lists and durations.
            allow_schemes: transports; ``http`` and ``file`` only where an operator asked for them.
            interval_seconds: age at which a list of refs is asked for again; below the reconciliation timeout.
            on_moved: called with the repository URL when a new list of refs differs from the last one.
        """
        self._repositories = Repositories(
            cache_dir, repositories, publish, clock, allow_schemes, interval_seconds, on_moved
        )
        self._publish, self._clock = publish, clock
        self._kustomize = find_tool()
        self._renderer = Renderer(cage, self._kustomize)
        self._cache = RenderCache()

    def resolve(self, source: Source, project: str, *, force: bool = False, since: float | None = None) -> str:
        """Return the full commit id of a source's target revision.

        Args:
            source: repoURL and targetRevision count; empty or HEAD is the remote's default branch.
            project: chooses among credentials.
            force: do not answer from a list of refs that was asked for before this call.
            since: nor from one that was asked for before this monotonic time.

        Raises:
            InvalidSpec: the URL or the revision can never be right.
            SourceError: repository or revision do not exist, or may not be read.
            SourceUnavailable: the server cannot be reached.
        """
        _refuse_unsupported(source)
        return self._repositories.resolve(source, project, force, since)

    def render(self, request: RenderRequest) -> Rendered:
        """Return the manifests of all sources, in order; see `RenderRequest`.

        Raises:
            InvalidSpec, SourceError, SourceUnavailable, RenderError: with one clear line; nothing is returned in part.
        """
        if not request.sources or len(request.sources) != len(request.revisions):
            raise InvalidSpec("source", "", f"{len(request.sources)} sources", "at least one, each with its revision")
        references = _references(request)
        parts = [
            self._part(request, source, revision, references)
            for source, revision in zip(request.sources, request.revisions, strict=True)
        ]
        keys = [part.key for part in parts]
        return Rendered(
            objects=tuple(o for part in parts for o in part.objects),
            source_types=tuple(part.source_type for part in parts),
            key=keys[0] if len(keys) == 1 else hashlib.sha256("\n".join(keys).encode()).hexdigest(),
            warnings=tuple(w for part in parts for w in part.warnings),
        )

    def commit_info(self, repo_url: str, revision: str, project: str) -> CommitInfo:
        """Return author, date and message of a commit.

        Raises:
            SourceError: no such commit.
            SourceUnavailable: the server cannot be reached.
        """
        _check_commit(repo_url, revision)
        try:
            return _read_commit(self._repositories.commit_text(repo_url, project, revision))
        except ReaderError:
            self._repositories.reset(repo_url, project)
            raise damaged(display_url(repo_url)) from None

    def commit_time(self, repo_url: str, project: str, commit: str, before: str, paths: t.Sequence[str]) -> float:
        """Return the Unix time of the change that a commit brought; see `controller.sources.git.history.commit_time`.

        The commits are fetched if they are absent; without `before`, for history was rewritten, it is the commit's own.

        Raises:
            InvalidSpec: the URL may not be spoken to, or something is no commit id or path.
            SourceError: the remote does not have the commit, or does not let us in.
            SourceUnavailable: it cannot be reached.
        """
        mirror = self._holding(repo_url, project, (commit,))
        if before:
            try:
                self._holding(repo_url, project, (before,))
            except SourceError:
                before = ""
        return history.commit_time(mirror, commit, before, paths)

    def behind(self, repo_url: str, project: str, deployed: str, tip: str, paths: t.Sequence[str]) -> history.Behind:
        """Count the commits of a branch that are not deployed; see `controller.sources.git.history.behind`.

        Raises:
            InvalidSpec, SourceError, SourceUnavailable: as `commit_time`.
        """
        mirror = self._holding(repo_url, project, (tip, deployed))
        return history.behind(mirror, deployed, tip, paths)

    def set_interval(self, seconds: float) -> None:
        """Change the age in seconds at which a list of refs is asked for again (timeout.reconciliation changed)."""
        self._repositories.set_interval(seconds)

    def close(self) -> None:
        """End the reading processes of all mirrors."""
        self._repositories.close()

    def _holding(self, repo_url: str, project: str, commits: t.Sequence[str]) -> Mirror:
        """Return the mirror once it has the commits, which are no text of anybody's choice."""
        for commit in commits:
            _check_commit(repo_url, commit)
        return self._repositories.holding(repo_url, project, commits)

    def _part(
        self, request: RenderRequest, source: Source, revision: str, references: dict[str, tuple[Source, str]]
    ) -> Part:
        _refuse_unsupported(source)
        if source.ref and not source.path:
            return Part((), "", (), f"ref {source.ref}")
        started = self._clock.monotonic()
        try:
            part, hit = self._read(request, source, revision, references)
        except ReaderError:
            for used, _ in ((source, revision), *references.values()):
                self._repositories.reset(used.repo_url, request.project)
            try:
                part, hit = self._read(request, source, revision, references)
            except ReaderError:
                raise damaged(display_url(source.repo_url)) from None
        seconds = self._clock.monotonic() - started
        self._publish(RenderFinished(tool=part.source_type.lower(), result="hit" if hit else "miss", seconds=seconds))
        return part

    def _read(
        self, request: RenderRequest, source: Source, revision: str, references: dict[str, tuple[Source, str]]
    ) -> tuple[Part, bool]:
        """Return the part, and whether it was in the cache."""
        path = parse_path(source.path, "source") if source.path not in (".", "./") else ""
        snapshots = self._snapshots(request, source, revision, references if source.helm else {})
        tool = self._kustomize.stamp if self._kustomize else ""
        question = _question(request, source, snapshots, tool)
        if not request.no_cache:
            known = self._cache.find(question, snapshots, facts(request, source, revision))
            if known is not None:
                return known, True
        views = {
            name: View(snapshot, _label(name, source, references, snapshot)) for name, snapshot in snapshots.items()
        }
        inputs = Inputs(request, source, path, views)
        product = self._renderer.render(inputs)
        with _labelled(inputs):
            objects = finish(product.documents)
        notes = Notes({name: view.essential_reads() for name, view in views.items()}, inputs.used)
        part = Part(objects, product.source_type, (*inputs.warnings, *product.warnings), notes.key(question))
        self._cache.put(question, notes, part)
        return part, False

    def _snapshots(
        self, request: RenderRequest, source: Source, revision: str, references: dict[str, tuple[Source, str]]
    ) -> dict[str, Snapshot]:
        wanted = {"": (source, revision), **references}
        return {
            name: self._repositories.snapshot(used.repo_url, request.project, commit, used.target_revision)
            for name, (used, commit) in wanted.items()
        }


def _check_commit(repo_url: str, revision: str) -> None:
    if not _COMMIT.fullmatch(revision):
        raise SourceError(f"repository {display_url(repo_url)}: {shown(revision)} is not a full commit id")


def _refuse_unsupported(source: Source) -> None:
    """Say clearly what Lynceus cannot render."""
    if not source.repo_url:
        raise InvalidSpec("source", "repoURL", "nothing", "the URL of a Git repository")
    if source.repo_url.lower().startswith("oci://"):
        raise RenderError("source.repoURL: OCI registries are not supported yet")
    if source.chart:
        raise RenderError("source.chart: chart repositories are not supported yet; use a chart in Git with source.path")
    if source.plugin is not None:
        raise RenderError("source.plugin: config management plugins are not supported yet")
    if not source.path and not source.ref:
        raise InvalidSpec("source", "path", "nothing", "a folder of the repository ('.' is its root)")


def _references(request: RenderRequest) -> dict[str, tuple[Source, str]]:
    """Return ref name -> (source, revision) of the sources that others may refer to."""
    found: dict[str, tuple[Source, str]] = {}
    for source, revision in zip(request.sources, request.revisions, strict=True):
        if not source.ref:
            continue
        if not _REF.fullmatch(source.ref) or source.ref in found:
            raise InvalidSpec(
                "sources", "ref", shown(source.ref), "a name of letters, digits, - and _ that stands once"
            )
        found[source.ref] = (source, revision)
    return found


def _question(request: RenderRequest, source: Source, snapshots: t.Mapping[str, Snapshot], tool: str) -> str:
    """Return the part of the key that is known before rendering; repositories and project keep strangers apart."""
    plain = msgspec.structs.replace(source, target_revision="", name="", ref="")
    readers = sorted((name, s.reader.name) for name, s in snapshots.items())
    question = [RENDERER_VERSION, tool, request.project, readers, msgspec.json.encode(plain).decode()]
    return hashlib.sha256(msgspec.json.encode(question)).hexdigest()


def _label(name: str, source: Source, references: t.Mapping[str, tuple[Source, str]], snapshot: Snapshot) -> str:
    used = references[name][0] if name else source
    return f"repository {display_url(used.repo_url)} at {snapshot.commit[:8]}"


@contextlib.contextmanager
def _labelled(inputs: Inputs) -> t.Iterator[None]:
    """Put the repository in front of errors of the final checks."""
    try:
        yield
    except RenderError as failure:
        raise RenderError(f"{inputs.tree.label}: {failure}") from None


def _read_commit(text: bytes) -> CommitInfo:
    head, _, message = text.decode("utf-8", "replace").partition("\n\n")
    author = next((line.removeprefix("author ") for line in head.split("\n") if line.startswith("author ")), "")
    who, _, when = author.rpartition("> ")
    seconds = when.split(" ")[0]
    date = dt.datetime.fromtimestamp(int(seconds), dt.UTC) if seconds.isdigit() and len(seconds) < 12 else None
    return CommitInfo(
        author=f"{who}>" if who else "",
        date=date.strftime("%Y-%m-%dT%H:%M:%SZ") if date else "",
        message=message.strip()[:4096],
    )
