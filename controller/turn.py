"""What is noted during one turn: its stages with their times, for the trace, the log line and the metrics.

Called by the turns; nothing is decided here.
"""

from __future__ import annotations

import contextlib
import typing as t

from controller.clock import Clock
from model.events import Stage, TurnFinished
from model.meta import NamespacedName

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
        )
