"""Asks Git in threads of its own: nobody who tells of an Application waits for a repository.

What was answered is remembered by its question, so that it is asked again only when the question changes. A question
that failed is left alone for a while; its answer is None, which means: not known. Called by `shell`.
"""

from __future__ import annotations

import collections
import logging
import threading
import typing as t

import msgspec

from controller.clock import Clock
from model.errors import LynceusError

log = logging.getLogger(__name__)

MOST_JOBS = 20_000
"""Jobs that wait; one more is answered with None at once."""
MOST_ANSWERS = 20_000
FAILURE_SECONDS = 60.0
"""For so long a question that failed is not asked again."""
THREADS = 2


class CommitTime(msgspec.Struct, frozen=True):
    """When was the change made that `commit` brought?"""

    url: str
    project: str
    commit: str
    before: str
    paths: tuple[str, ...]


class HowFarBehind(msgspec.Struct, frozen=True):
    """How many commits are not deployed, and since when the oldest waits?"""

    url: str
    project: str
    deployed: str
    tip: str
    paths: tuple[str, ...]


Question = CommitTime | HowFarBehind
Answer = float | tuple[int, float | None] | None
"""Unix seconds, or number and Unix seconds of the oldest; None: not known."""
Then = t.Callable[[list[Answer]], None]


class Sources(t.Protocol):
    """Whoever has the repositories: `controller.sources.service.SourceService`."""

    def commit_time(self, repo_url: str, project: str, commit: str, before: str, paths: t.Sequence[str]) -> float:
        """Return the Unix time of the change; raises LynceusError."""
        ...

    def behind(
        self, repo_url: str, project: str, deployed: str, tip: str, paths: t.Sequence[str]
    ) -> tuple[int, float | None]:
        """Return number and time of the oldest; raises LynceusError."""
        ...


class _Job(t.NamedTuple):
    questions: tuple[Question, ...]
    then: Then
    patient: bool
    due: float


class Historian:
    """A bounded queue of questions and the threads that answer them."""

    def __init__(self, sources: Sources, clock: Clock) -> None:
        self._sources, self._clock = sources, clock
        self._wake = threading.Condition()
        self._jobs: collections.OrderedDict[t.Hashable, _Job] = collections.OrderedDict()
        self._taken: dict[int, _Job] = {}
        """What each thread is at."""
        self._answers: collections.OrderedDict[Question, Answer] = collections.OrderedDict()
        self._failed: dict[Question, float] = {}
        """Oldest first."""
        self._told: dict[tuple[str, str], float] = {}
        """URL and project of the repositories that the log has, by when."""
        self._stopping = False
        self._threads = [threading.Thread(target=self._run, name=f"history-{n}", daemon=True) for n in range(THREADS)]

    def start(self) -> None:
        """Begin to answer."""
        for thread in self._threads:
            thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        """End the threads after the questions under way; answer what waits, or takes too long, with None."""
        with self._wake:
            self._stopping = True
            left = list(self._jobs.values())
            self._jobs.clear()
            self._wake.notify_all()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout / THREADS)
        with self._wake:
            left += self._taken.values()
            self._taken.clear()
        for job in left:
            job.then([None] * len(job.questions))

    def ask(self, name: t.Hashable, questions: t.Sequence[Question], then: Then, *, patient: bool = False) -> None:
        """Answer the questions: at once where all answers are known, else from another thread.

        Args:
            name: a job of the same name that still waits is replaced.
            questions: in the order of the answers.
            then: takes the answers; must be quick and must not raise.
            patient: ask again later where the repository failed, after a first answer of None.
        """
        with self._wake:
            known = [self._answers[q] for q in questions if q in self._answers]
            full = self._stopping or (len(self._jobs) >= MOST_JOBS and name not in self._jobs)
            if len(known) < len(questions) and not full:
                self._jobs[name] = _Job(tuple(questions), then, patient, 0.0)
                self._wake.notify()
                return
        then(known if len(known) == len(questions) else [None] * len(questions))

    def drop(self, name: t.Hashable) -> None:
        """Forget a job that waits; nobody wants its answers any more."""
        with self._wake:
            self._jobs.pop(name, None)

    def _run(self) -> None:
        while (taken := self._take()) is not None:
            name, job = taken
            answers = [self._answer(question) for question in job.questions]
            with self._wake:
                late = self._taken.pop(threading.get_ident(), None) is None
            if late:
                return
            try:
                job.then(answers)
            except Exception:
                log.exception("an answer about commits could not be used")
            if job.patient and None in answers:
                self._later(name, job)

    def _take(self) -> tuple[t.Hashable, _Job] | None:
        """Wait for a job that is due; None: the end."""
        with self._wake:
            while not self._stopping:
                now = self._clock.monotonic()
                name = next((name for name, job in self._jobs.items() if job.due <= now), None)
                if name is not None:
                    job = self._taken[threading.get_ident()] = self._jobs.pop(name)
                    return name, job
                due = min((job.due for job in self._jobs.values()), default=None)
                self._wake.wait(None if due is None else max(0.01, due - now))
        return None

    def _later(self, name: t.Hashable, job: _Job) -> None:
        """Put a job back, unless a newer one of its name waits."""
        with self._wake:
            if not self._stopping and name not in self._jobs and len(self._jobs) < MOST_JOBS:
                self._jobs[name] = job._replace(due=self._clock.monotonic() + FAILURE_SECONDS)
                self._wake.notify()

    def _answer(self, question: Question) -> Answer:
        with self._wake:
            if question in self._answers:
                return self._answers[question]
            failed = self._failed.get(question)
            if failed is not None and self._clock.monotonic() - failed < FAILURE_SECONDS:
                return None
        try:
            answer = self._put(question)
        except Exception as failure:  # noqa: BLE001 - whatever goes wrong here, the answer is that it is not known
            self._fail(question, failure)
            return None
        with self._wake:
            self._failed.pop(question, None)
            self._answers[question] = answer
            while len(self._answers) > MOST_ANSWERS:
                self._answers.popitem(last=False)
        return answer

    def _fail(self, question: Question, failure: Exception) -> None:
        """Note that a question failed, and forget those that did so long ago; the log has each repository once."""
        why = str(failure) if isinstance(failure, LynceusError) else type(failure).__name__
        where = (question.url, question.project)
        with self._wake:
            now = self._clock.monotonic()
            _forget(self._failed, now)
            _forget(self._told, now)
            self._failed.pop(question, None)
            if len(self._failed) < MOST_ANSWERS:
                self._failed[question] = now
            known = self._told.pop(where, None) is not None
            self._told[where] = now
        if not known:
            log.info("commits cannot be read", extra={"error": why, "seconds": FAILURE_SECONDS})

    def _put(self, question: Question) -> Answer:
        if isinstance(question, CommitTime):
            return self._sources.commit_time(
                question.url, question.project, question.commit, question.before, question.paths
            )
        return self._sources.behind(question.url, question.project, question.deployed, question.tip, question.paths)


def _forget(times: dict[t.Any, float], now: float) -> None:
    """Take out what is FAILURE_SECONDS old, from the front, where the oldest stand."""
    while times and now - times[oldest := next(iter(times))] >= FAILURE_SECONDS:
        del times[oldest]
