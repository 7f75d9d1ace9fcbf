"""All of Lynceus' own windows, freezes and break-glass entries that are in force, and which project they concern.

A key that cannot be read keeps its last good form; without one it blocks everything that it could have spoken of.
"""

from __future__ import annotations

import typing as t

import msgspec

from model.additions import (
    ANNOTATION,
    BREAK_GLASS_KEY,
    CONFIG_MAP,
    EVERY,
    FREEZE_PREFIX,
    WINDOWS_KEY,
    AddedWindow,
    Additions,
    BreakGlass,
    Freeze,
    Problem,
    read_project_windows,
)
from model.project import AppProject
from policy.findings import Finding, shown
from policy.patterns import Pattern, glob, tolerant
from policy.windows.added import Added, compile_freeze, compile_window, named_twice

KEPT = "; its last good form stays in force"
CLOSED = "; until it is corrected nothing that it may concern is synced"
_REPORTED = ("window-unreadable", "freeze-unreadable")
"""Codes of what the reader has told already."""


class Holders(t.NamedTuple):
    """An entry of breakGlass, compiled."""

    entry: BreakGlass
    projects: tuple[Pattern, ...]
    findings: tuple[Finding, ...]

    def counts(self, project: str) -> bool:
        """Return whether the entry is for a project; one that cannot be evaluated is for none."""
        return not self.findings and any(pattern.matches(project) for pattern in self.projects)


class Collection:
    """What lynceus-cm says, compiled. Immutable for its users."""

    def __init__(
        self,
        additions: Additions,
        good: frozenset[str],
        findings: tuple[Finding, ...],
        previous: Collection | None = None,
    ) -> None:
        """Compile the additions in force; what is the same in `previous` is taken from there."""
        self.additions, self.good = additions, good
        """The additions in force, and the keys that had a good form once."""
        self.windows: tuple[Added, ...]
        self.freezes: tuple[Added, ...]
        where = f"{CONFIG_MAP} {WINDOWS_KEY}"
        if previous is not None and previous.additions.windows == additions.windows:
            self.windows = previous.windows
        else:
            self.windows = tuple(compile_window(item, f"{where}[{n}]", n) for n, item in enumerate(additions.windows))
        if previous is not None and previous.additions.freezes == additions.freezes:
            self.freezes = previous.freezes
        else:
            self.freezes = tuple(compile_freeze(item, n) for n, item in enumerate(additions.freezes))
        where = f"{CONFIG_MAP} {BREAK_GLASS_KEY}"
        self.holders = tuple(_holders(item, f"{where}[{n}]") for n, item in enumerate(additions.break_glass))
        own = [finding for window in (*self.windows, *self.freezes) for finding in window.findings]
        own += [finding for holders in self.holders for finding in holders.findings]
        told = (finding for finding in own if finding.code not in _REPORTED)
        self.findings = (*findings, *told, *named_twice(self.windows))

    def concerning(self, project: str) -> tuple[tuple[Added, ...], tuple[Added, ...]]:
        """Return the freezes and the windows that concern a project."""
        freezes = tuple(window for window in self.freezes if window.concerns(project))
        return freezes, tuple(window for window in self.windows if window.concerns(project))

    def holders_of(self, project: str) -> tuple[str, ...]:
        """Return who may pass over any window and freeze of a project by break-glass."""
        return tuple(
            name for holders in self.holders if holders.counts(project) for name in holders.entry.roles if name
        )


def _holders(entry: BreakGlass, where: str) -> Holders:
    found = []
    projects = tuple(tolerant(glob, text) for text in entry.projects)
    for number, pattern in enumerate(projects):
        if pattern.broken:
            said, fix = f"{shown(pattern.text)}: {pattern.broken}", "a glob; until then the entry gives nobody anything"
            place = f"{where}.projects[{number}]"
            found.append(Finding(code="breakglass-glob", severity="error", where=place, text=said, fix=fix))
    return Holders(entry, projects, tuple(found))


def collect(additions: Additions | None, previous: Collection | None) -> Collection:
    """Compile lynceus-cm, with the last good form of what cannot be read.

    Args:
        additions: as read; None: the ConfigMap was not looked at.
        previous: of the last generation.
    """
    if additions is None:
        return Collection(Additions(), frozenset(), ())
    known = previous.good if previous else frozenset()
    old = previous.additions if previous else Additions()
    unreadable = set(additions.unreadable)
    windows, allowed = additions.windows, additions.break_glass
    if WINDOWS_KEY in unreadable:
        windows = old.windows if WINDOWS_KEY in known else (_blocker(EVERY),)
    if BREAK_GLASS_KEY in unreadable:
        allowed = old.break_glass if BREAK_GLASS_KEY in known else ()
    before = {FREEZE_PREFIX + freeze.id: freeze for freeze in old.freezes}
    freezes = tuple(_freeze(freeze, before, unreadable, known) for freeze in additions.freezes)
    effective = msgspec.structs.replace(additions, windows=windows, break_glass=allowed, freezes=freezes)
    good = {key for key in additions.keys if key not in unreadable} | (unreadable & known)
    told = tuple(_told(problem, known) for problem in additions.problems)
    return Collection(effective, frozenset(good), told, previous)


def _freeze(
    freeze: Freeze, before: dict[str, Freeze], unreadable: t.Collection[str], known: t.Collection[str]
) -> Freeze:
    key = FREEZE_PREFIX + freeze.id
    return before[key] if key in unreadable and key in known and key in before else freeze


def _blocker(projects: tuple[str, ...]) -> AddedWindow:
    return AddedWindow(projects=projects, broken="cannot be read, and no earlier good form is known")


def _told(problem: Problem, known: t.Collection[str]) -> Finding:
    """Return a problem of the reader as a finding that says what counts instead."""
    tail = ""
    if problem.code == "additions-unreadable":
        key = problem.where.removeprefix(f"{CONFIG_MAP} ")
        tail = KEPT if key in known else "; nobody may break glass by it" if key == BREAK_GLASS_KEY else CLOSED
    return Finding(code=problem.code, severity="error", where=problem.where, text=problem.text + tail, fix=problem.fix)


class OfProject(t.NamedTuple):
    """The windows in the annotation of one AppProject."""

    windows: tuple[Added, ...] = ()
    good: bool = False
    """The annotation was there and could be read, now or at some time before."""
    findings: tuple[Finding, ...] = ()


def collect_annotation(project: AppProject, previous: OfProject | None) -> OfProject:
    """Compile the annotation of an AppProject, or keep its last good form."""
    entries, problems = read_project_windows(project)
    kept = entries is None and previous is not None and previous.good
    tail = KEPT if kept else CLOSED if entries is None else ""
    findings = [
        Finding(code=one.code, severity="error", where=one.where, text=one.text + tail, fix=one.fix) for one in problems
    ]
    if kept and previous is not None:
        return OfProject(previous.windows, True, tuple(findings))
    where = f"AppProject {project.metadata.name}: {ANNOTATION}"
    listed = (_blocker(()),) if entries is None else entries
    windows = tuple(compile_window(item, f"{where}[{number}]", number) for number, item in enumerate(listed))
    findings += [finding for window in windows for finding in window.findings if finding.code not in _REPORTED]
    return OfProject(windows, bool(entries), (*findings, *named_twice(windows)))
