"""What is noted during one turn: its stages with their times, for the trace, the log line and the metrics.

Called by the turns; nothing is decided here. The turn that a thread works on can be asked for anywhere below it, so
that log lines and requests to Git carry the trace's id without being handed it.
"""

from __future__ import annotations

import contextlib
import contextvars
import logging
import secrets
import typing as t

from controller.clock import Clock
from model.application import Application
from model.events import Stage, TurnFinished
from model.meta import NamespacedName
from model.traces import TRACE_ID_DIGITS, deployment_trace_id
from model.urls import display_url

log = logging.getLogger(__name__)

NOTES_LIMIT = 100
"""Notes kept of one stage; a sync of thousands of objects must not make a span of megabytes."""


class StageNotes:
    """What happens inside one stage."""

    def __init__(self, name: str, clock: Clock) -> None:
        self.name = name
        self.attributes: dict[str, str | int | bool | float] = {}
        self._clock = clock
        self._notes: list[tuple[float, str, dict[str, str]]] = []
        self._start = clock.now().timestamp()

    def note(self, what: str, **attributes: str) -> None:
        """Keep one happening with its time."""
        if len(self._notes) < NOTES_LIMIT:
            self._notes.append((self._clock.now().timestamp(), what, attributes))

    def finished(self, error: str = "") -> Stage:
        """Return the stage as it ended now."""
        return Stage(
            name=self.name,
            start=self._start,
            end=self._clock.now().timestamp(),
            attributes=self.attributes,
            notes=tuple(self._notes),
            error=error,
        )


class Turn:
    """One turn over one Application."""

    def __init__(self, key: NamespacedName, queue: t.Literal["refresh", "operation"], clock: Clock) -> None:
        self.key, self.queue = key, queue
        self.project = self.dest_server = self.reason = self.error = ""
        self.level = 0
        self.compared = False
        self.quiet = False
        """True when the turn found nothing to do; such a turn makes no log line above debug."""
        self.outcome: dict[str, str] = {}
        self.trace_id = secrets.token_hex(TRACE_ID_DIGITS // 2)
        """The turn's own, until it is found to be part of a deployment."""
        self.deploys = ""
        """The revision that is deployed, once the turn is found to be part of that."""
        self.pushed_at: float | None = None
        """When the push that asked for this turn was received, Unix seconds."""
        self._about: dict[str, str] = {}
        self._held: list[t.Callable[[str], None]] | None = []
        self._clock = clock
        self._start = clock.now().timestamp()
        self._stages: list[Stage] = []

    @contextlib.contextmanager
    def stage(self, name: str, **attributes: str | int | bool | float) -> t.Iterator[StageNotes]:
        """Time a stage; an exception that leaves it is noted and goes on."""
        notes = StageNotes(name, self._clock)
        notes.attributes.update(attributes)
        error = ""
        try:
            yield notes
        except Exception as failure:
            error = str(failure)
            raise
        finally:
            self._stages.append(notes.finished(error))

    @contextlib.contextmanager
    def current(self) -> t.Iterator[None]:
        """Be the turn that `trace_id` and `with_trace_id` mean, in this thread."""
        token = _CURRENT.set(self)
        try:
            yield
        finally:
            self.settle()
            _CURRENT.reset(token)

    def about(self, app: Application) -> None:
        """Note which sources it is about, for the trace."""
        sources = app.spec.all_sources
        self._about["repository"] = ",".join(dict.fromkeys(display_url(source.repo_url) for source in sources))
        self._about["target"] = ",".join(source.target_revision or "HEAD" for source in sources)

    def rendered(self, source_types: t.Iterable[str]) -> None:
        """Note of which types the sources are."""
        self._about["source_type"] = ",".join(dict.fromkeys(filter(None, source_types)))

    def deploy(self, revision: str) -> None:
        """Become part of the trace of the deployment of a revision."""
        self.deploys, self.trace_id = revision, deployment_trace_id(self.key, revision)
        self.settle()

    def settle(self) -> None:
        """Let the trace's id be final, and tell it to whom it was promised."""
        held, self._held = self._held, None
        for tell in held or ():
            try:
                tell(self.trace_id)
            except Exception:  # what others want to know of a turn must not fail it
                log.exception("somebody could not be told the trace of a turn", extra={"application": str(self.key)})

    def tell(self, tell: t.Callable[[str], None]) -> None:
        """Call with the trace's id: now when it is final, else when it becomes so."""
        if self._held is None:
            tell(self.trace_id)
        else:
            self._held.append(tell)

    def finished(self) -> TurnFinished:
        """Return the event that tells of the turn, which ends now."""
        return TurnFinished(
            key=self.key,
            project=self.project,
            dest_server=self.dest_server,
            queue=self.queue,
            reason=self.reason,
            level=self.level,
            start=self._start,
            end=self._clock.now().timestamp(),
            stages=tuple(self._stages),
            outcome=dict(self.outcome),
            compared=self.compared,
            error=self.error,
            trace_id=self.trace_id,
            deploys=self.deploys,
            pushed_at=self.pushed_at,
            about=dict(self._about),
        )


_CURRENT: contextvars.ContextVar[Turn | None] = contextvars.ContextVar("turn", default=None)


def trace_id() -> str:
    """Return the id of the trace of the turn that this thread works on; empty when it works on none."""
    turn = _CURRENT.get()
    return turn.trace_id if turn is not None else ""


def with_trace_id(tell: t.Callable[[str], None]) -> None:
    """Call with the final id of the trace of the turn that this thread works on, later if need be.

    A turn learns only from Git which deployment it is part of, so what it asks of Git is told when it knows.
    Outside of a turn the id is empty.
    """
    turn = _CURRENT.get()
    if turn is None:
        tell("")
    else:
        turn.tell(tell)
