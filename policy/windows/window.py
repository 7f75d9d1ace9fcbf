"""One sync window, compiled: which Applications it matches, when it is open, and whom it lets through."""

from __future__ import annotations

import typing as t

import msgspec

from model.project import SyncWindow
from policy.findings import Mode, errors_of, shown
from policy.patterns import Pattern
from policy.windows.checks import Checked, check_window
from policy.windows.opening import Span as Span
from policy.windows.opening import State as State


class Target(msgspec.Struct, frozen=True):
    """What windows select by."""

    application: str
    namespace: str
    """spec.destination.namespace."""
    clusters: tuple[str, ...]
    """Name and server of the destination, as far as they are known."""
    unresolved: bool = False
    """The destination is not among the known clusters: every cluster selector counts as a hit."""
    labels: tuple[tuple[str, str], ...] = ()
    """metadata.labels of the Application, sorted."""

    def values(self, selector: str) -> tuple[str, ...]:
        """Return what a selector of this name is compared with: applications, namespaces or clusters."""
        if selector == "clusters":
            return self.clusters
        return (self.application if selector == "applications" else self.namespace,)


class Window:
    """A compiled window: one of Argo CD's, or (policy.windows.added) one of Lynceus' own. Immutable for its users."""

    added: bool = False
    """Not one of Argo CD's: it only takes away, so whom it lets through gets the answer that there is without it."""
    rule_kind: t.Literal["window", "freeze"] = "window"
    heal: bool = False
    """Lets automated syncs to the revision that was synced last through."""
    override: tuple[str, ...] = ()
    """Who may pass over it by break-glass."""
    expires: int | None = None
    """Microseconds since 1970 from which on it counts no more; None = it does not expire."""

    def __init__(self, spec: SyncWindow, where: str, index: int, mode: Mode, checked: Checked | None = None) -> None:
        """Compile a window.

        Args:
            spec: as written.
            where: object and place, for messages.
            index: in its list.
            mode: strict or compat.
            checked: the parsed fields, when they are not those of Argo CD.
        """
        self.spec, self.where, self.index, self.mode = spec, where, index, mode
        self.opening, self.selectors, self.findings = checked or check_window(spec, where, mode)
        self.denies, self.allows = spec.kind == "deny", spec.kind == "allow"
        self.invalid = bool(errors_of(self.findings))
        """True when the window cannot be evaluated as written: what it matches is blocked."""
        self.starts = self._plain_starts()
        self.state, self.later_state = self.opening.state, self.opening.later_state
        self.is_open = self.opening.is_open
        self.span, self.compute_span = self.opening.span, self.opening.compute_span
        self.schedule, self.duration, self.zone = self.opening.schedule, self.opening.duration, self.opening.zone

    def _plain_starts(self) -> tuple[str, ...]:
        """Return with what names of Applications begin that match, when nothing else decides; else nothing."""
        patterns = self.selectors.get("applications", ())
        plain = all(pattern.literal is None and pattern.text == f"{pattern.prefix}*" for pattern in patterns)
        return tuple(pattern.prefix for pattern in patterns) if plain and len(self.selectors) == 1 else ()

    @property
    def text(self) -> str:
        """The window in one line."""
        spec = self.spec
        zone = f" {spec.time_zone}" if spec.time_zone else ""
        return f"{spec.kind or 'no kind'} {shown(spec.schedule)} for {spec.duration or 'no duration'}{zone}"

    @property
    def note(self) -> str:
        """What messages say about the window beside its text; empty for none."""
        return shown(self.spec.description) if self.spec.description else ""

    def matches(self, target: Target) -> bool:
        """Return whether the window concerns the Application (OR over the selectors, AND with andOperator)."""
        if self.starts:
            return target.application.startswith(self.starts)
        return self._selected(target)

    def _selected(self, target: Target) -> bool:
        hits = [self._hit(name, patterns, target) for name, patterns in self.selectors.items()]
        return bool(hits) and (all(hits) if self.spec.and_operator else any(hits))

    def _hit(self, name: str, patterns: tuple[Pattern, ...], target: Target) -> bool:
        if self.mode == "strict" and (any(p.broken for p in patterns) or (name == "clusters" and target.unresolved)):
            return True
        values = target.values(name)
        return any(pattern.matches(value) for pattern in patterns for value in values)

    def gone(self, micros: int) -> bool:
        """Return whether the entry has expired."""
        return self.expires is not None and micros >= self.expires
