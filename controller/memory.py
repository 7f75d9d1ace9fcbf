"""What the loop remembers of one Application between turns. Losing it costs one comparison, never a wrong step.

Whatever must survive a restart stands in the Application itself. Called by the turns, each holding the Application's
lock.
"""

from __future__ import annotations

import datetime as dt
import threading

import msgspec

from controller.evaluation import Checked, Evaluation
from controller.refresh import Request
from controller.witness import Witness
from model.meta import NamespacedName, ResourceKey


class Basis(msgspec.Struct, frozen=True):
    """Everything but the live objects that a comparison depends on; equal bases, equal verdicts."""

    render_key: str
    settings: int
    """Generation of the settings."""
    server: str
    spec: bytes
    """The parts of the spec that a verdict belongs to, encoded."""


class Memory:
    """What is remembered of one Application."""

    def __init__(self, key: NamespacedName) -> None:
        self.key = key
        self.lock = threading.Lock()
        """Held during a turn; the two queues never work on one Application at once."""
        self.missed: set[str] = set()
        """Queues whose turn came while another turn held the lock; they get another one when it ends."""
        self.requested: Request | None = None
        self._later: tuple[Request, float] | None = None
        self.checked_at: dt.datetime | None = None
        """End of the last refresh of level 2 or more."""
        self.evaluation: Evaluation | None = None
        self.basis: Basis | None = None
        self.checked: dict[ResourceKey, Checked] = {}
        """Verdict of each object, good while the basis and the object's resourceVersion stay."""
        self.seen: dict[ResourceKey, str] = {}
        """resourceVersion with which each declared or tracked object was compared; empty text: it was missing."""
        self.dirty = True
        """A live object changed since the last comparison began."""
        self.compared_monotonic = 0.0
        """When the last comparison was made, to keep those that watch events cause apart."""
        self.behind = False
        """The write of a moved revision waits behind real work."""
        self.render_keys: dict[tuple[str, ...], str] = {}
        """Render key by revisions, of the last few: tells whether another commit means another content."""
        self.source_failed_at: dt.datetime | None = None
        """Since when the source cannot be read; None while it can."""
        self.kept_wish = 0
        """Refreshes in a row after which the refresh annotation was kept, since a newer wish may hide in it."""
        self.retry_due: float | None = None
        """The monotonic time of the next retry: what is recorded has whole seconds and obeys whoever sets the clock."""
        self.witness = Witness()
        """What this process saw itself, where policy must not believe the status."""
        self.listed = float("-inf")
        """The monotonic time that the list of refs is at least as new as from which the last commits came."""
        self.fresh_from: float | None = None
        """How new that list must be before a change that waits for a window may start; None = not known yet."""
        self.turn_due: float | None = None
        """The monotonic time at which a change that waited for a window has its turn to start."""
        self.heal_looked = False
        """Drift from what was synced last was looked for when the last comparison was made."""
        self.arrived: tuple[str, ...] | None = None
        """The commits at which it was Synced and Healthy last; empty while it is on its way to others, None = unknown.
        """
        self.orphans: int | None = None
        """How many orphans were told of last; None = of none yet."""
        self.permission_asked: dt.datetime | None = None
        """When it was asked last whether a sync would be let through; None = never."""
        self.permission_until: dt.datetime | None = None
        """When the answer of the sync windows changes by itself; None = never."""

    def ask(self, request: Request) -> None:
        """Remember that a refresh is wanted."""
        self.requested = request.merged(self.requested)

    def later(self, request: Request, due: float) -> None:
        """Remember that a refresh is wanted at a monotonic time; of several the deepest and the earliest count."""
        known = self._later
        self._later = (request, due) if known is None else (request.merged(known[0]), min(due, known[1]))

    def due(self, now: float) -> None:
        """Make a remembered refresh wanted when its time has come."""
        if self._later is not None and self._later[1] <= now + 0.01:
            self.ask(self._later[0])
            self._later = None

    def later_seconds(self, now: float) -> float | None:
        """Return in how many seconds a remembered refresh is due; None when there is none."""
        return None if self._later is None else max(0.0, self._later[1] - now)

    def remember_render(self, revisions: tuple[str, ...], key: str) -> None:
        """Remember which content a commit means."""
        self.render_keys.pop(revisions, None)
        self.render_keys[revisions] = key
        while len(self.render_keys) > 4:
            del self.render_keys[next(iter(self.render_keys))]

    def forget_comparison(self) -> None:
        """Let the next turn compare everything anew."""
        self.basis, self.evaluation = None, None
        self.checked, self.seen, self.dirty = {}, {}, True
