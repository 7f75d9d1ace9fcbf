"""What is wrong with a policy, said in the log and counted, and which lines it has: once for each generation.

Looking through ten thousand lines takes a second, so it is done in a thread of its own and only for the newest
generation. Errors keep their unit out of force; warnings are in force and may not mean what was meant. Nothing is
decided here. Called by controller.governance.
"""

from __future__ import annotations

import logging
import threading
import typing as t

import msgspec

from model.events import Event, PolicyFindings, PolicyRules
from model.project import AppProject
from model.settings import RbacSettings
from policy.findings import Finding, Mode
from policy.rbac.engine import Engine
from policy.rbac.lint import lint
from policy.rbac.listed import listed

log = logging.getLogger(__name__)

PAUSE = 1.0
"""Seconds between two looks: of a policy that changes all the time only what lasts is looked through."""
MOST = 200
"""Lines for one generation; the rest is counted in one more line."""


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """A generation that was put in force, and what it was made from."""

    generation: str
    rbac: RbacSettings
    projects: tuple[AppProject, ...]
    findings: tuple[Finding, ...]
    """What building it found."""
    engine: Engine | None = None
    """Its RBAC; None: there is none that can be used."""


class PolicyLog:
    """Looks through each new generation and logs what it finds."""

    def __init__(self, mode: Mode, publish: t.Callable[[Event], None] | None = None) -> None:
        """Begin with nothing.

        Args:
            mode: how the policy is read.
            publish: takes PolicyRules and PolicyFindings.
        """
        self._mode: Mode = mode
        self._publish = publish or (lambda _: None)
        self._newest: Loaded | None = None
        self._told = ""
        self._wake, self._stopping = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="policy-log", daemon=True)

    def start(self) -> None:
        """Begin to look; what was handed over before is looked through first."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread, after the look that is under way."""
        self._stopping.set()
        self._wake.set()

    def hand_over(self, loaded: Loaded) -> None:
        """Take a generation; one that was not looked through yet and is no longer in force is forgotten."""
        self._newest = loaded
        self._wake.set()

    def tell(self, loaded: Loaded) -> int:
        """Log each finding of a generation, unless that was done; returns the number of findings."""
        if loaded.generation == self._told:
            return 0
        self._told = loaded.generation
        self._list_rules(loaded)
        more = lint(loaded.rbac, projects=loaded.projects, mode=self._mode)
        found = list(dict.fromkeys([*loaded.findings, *more]))
        for finding in found[:MOST]:
            level = logging.ERROR if finding.severity == "error" else logging.WARNING
            log.log(level, "policy finding", extra=_fields(finding, loaded.generation))
        if len(found) > MOST:
            extra = {"generation": loaded.generation, "findings": len(found), "shown": MOST}
            log.warning("more policy findings than are shown, see lynceus rbac validate", extra=extra)
        errors = sum(finding.severity == "error" for finding in found)
        self._publish(PolicyFindings(generation=loaded.generation, errors=errors, warnings=len(found) - errors))
        return len(found)

    def _list_rules(self, loaded: Loaded) -> None:
        rules, more = listed(loaded.engine)
        if more:
            extra = {"generation": loaded.generation, "lines": len(rules) + more, "shown": len(rules)}
            log.warning("more policy lines than metrics are kept of", extra=extra)
        self._publish(PolicyRules(generation=loaded.generation, rules=rules))

    def _run(self) -> None:
        while True:
            self._wake.wait()
            if self._stopping.is_set():
                return
            self._wake.clear()
            loaded = self._newest
            try:
                if loaded is not None:
                    self.tell(loaded)
            except Exception:  # the log must not end because of one policy
                log.exception("a policy could not be looked through")
            if self._stopping.wait(PAUSE):
                return


def _fields(finding: Finding, generation: str) -> dict[str, t.Any]:
    return {
        "generation": generation,
        "code": finding.code,
        "severity": finding.severity,
        "where": finding.where,
        "found": finding.text,
        "expected": finding.fix,
    }
