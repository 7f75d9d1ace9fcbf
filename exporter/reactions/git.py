"""Repositories: requests to Git servers, who waits for them, pushes and renders."""

from __future__ import annotations

import re
import threading
import typing as t

from exporter.choice import MOST_LABEL_SETS
from exporter.instruments import Instruments
from exporter.labels import clean
from exporter.reactions import On
from exporter.readings import repository
from model import events

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_REQUEST_TYPES = ("ls-remote", "fetch")
_RESULTS = ("success", "error")
_FAILURES = {"ls-remote": "argocd_git_lsremote_fail_total", "fetch": "argocd_git_fetch_fail_total"}

MOST_FORMER = 1_000
"""Repositories that nobody names any more and that are remembered, for what was under way when the last one left."""

MOST_REVISIONS = 200
"""Branches and tags of one repository that are told apart; those not asked for the longest go first."""


class Git:
    """Moves what belongs to repositories."""

    def __init__(self, instruments: Instruments, now: t.Callable[[], float]) -> None:
        """Start without a repository.

        Args:
            instruments: what is moved.
            now: the clock, in Unix seconds.
        """
        self._instruments, self._now = instruments, now
        self._known: set[str] = set()
        self._former: dict[str, bool] = {}
        self._revisions: dict[str, dict[str, None]] = {}
        self._lock = threading.Lock()
        self.on: On = {
            events.RepositoryKnown: self._repository,
            events.GitRequestFinished: self._request,
            events.GitWait: self._wait,
            events.RenderFinished: self._render,
        }

    def came(self, repo: str) -> None:
        """Take that an Application names a repository that none named before."""
        with self._lock:
            if not self._former.pop(repo, False):
                return
            self._known.add(repo)
        self._bear(repo)

    def went(self, repo: str) -> None:
        """Take that no Application names it any more: its series go, so that nothing waits for it for ever."""
        with self._lock:
            self._former[repo] = repo in self._known
            self._known.discard(repo)
            self._revisions.pop(repo, None)
            if len(self._former) > MOST_FORMER:
                del self._former[next(iter(self._former))]
        self._instruments.forget(repo=repo)

    def _repository(self, event: events.RepositoryKnown) -> None:
        repo = repository(event.repo)
        with self._lock:
            if repo in self._former:
                self._former[repo] = True
                return
            if len(self._known) < MOST_LABEL_SETS:
                self._known.add(repo)
        self._bear(repo)

    def _bear(self, repo: str) -> None:
        """Give birth to the series at 0, so that the first failure is a step that increase() can see."""
        self._instruments.bear("argocd_repo_pending_request_total", repo)
        for request_type in _REQUEST_TYPES:
            self._instruments.bear("argocd_git_request_duration_seconds", repo, request_type)
            for result in _RESULTS:
                self._instruments.bear("argocd_git_request_total", repo, request_type, result)

    def _request(self, event: events.GitRequestFinished) -> None:
        repo = repository(event.repo)
        if repo in self._former:
            return
        self._instruments.count("argocd_git_request_total", repo, event.request_type, event.result)
        if (event.request_type, event.result) == ("ls-remote", "error"):
            # With the server down no fetch gets as far as being tried; the well-known alert asks for fetches only.
            self._instruments.count("argocd_git_request_total", repo, "fetch", "error")
        name, trace = "argocd_git_request_duration_seconds", event.trace_id
        self._instruments.observe(name, event.seconds, repo, event.request_type, trace_id=trace)
        revision = "commit" if _COMMIT.fullmatch(event.revision) else clean(event.revision)
        self._bear_revision(repo, revision)
        if event.result == "success":
            self._instruments.set("lynceus_git_last_success_timestamp_seconds", self._now(), repo)
        else:
            self._instruments.count(_FAILURES[event.request_type], repo, revision)

    def _bear_revision(self, repo: str, revision: str) -> None:
        """Give birth to the counters of failures, and forget those of a branch that was not asked for for long."""
        oldest = None
        with self._lock:
            if repo in self._revisions or len(self._revisions) < MOST_LABEL_SETS:
                revisions = self._revisions.setdefault(repo, {})
                revisions.pop(revision, None)
                revisions[revision] = None
                if len(revisions) > MOST_REVISIONS:
                    oldest = next(iter(revisions))
                    del revisions[oldest]
        if oldest is not None:
            self._instruments.forget(repo=repo, revision=oldest)
        for failures in _FAILURES.values():
            self._instruments.bear(failures, repo, revision)

    def _wait(self, event: events.GitWait) -> None:
        repo = repository(event.repo)
        if repo not in self._former:
            self._instruments.set("argocd_repo_pending_request_total", event.pending, repo)
        if event.waited is not None:
            self._instruments.observe("argocd_repo_parallelism_wait_duration_seconds", event.waited)

    def _render(self, event: events.RenderFinished) -> None:
        self._instruments.count("lynceus_render_cache_requests_total", event.tool, event.result)
        if event.result == "miss":
            self._instruments.observe("lynceus_render_duration_seconds", event.seconds, event.tool)
