"""May this subject do this action on this object? Strict and compatible evaluation over compiled rules.

strict: a deny that applies to the caller, to a group of the caller or to the default role is final.
compat: Argo CD's order of separate evaluations, where an allow through the default role or one group beats a deny
through another. Source: Argo CD util/rbac/rbac.go, server/rbacpolicy/rbacpolicy.go (EnforceClaims).
"""

from __future__ import annotations

import typing as t

from policy.findings import Mode
from policy.rbac.index import Reach, RoleLines, Rules, Slot, closure
from policy.rbac.text import PolicyLine
from policy.rbac.vocabulary import project_of
from policy.subjects import RESERVED, Subject, project_of_token

REMEMBERED = 16_384
"""Closures kept in memory; on overflow all are forgotten, which costs microseconds each."""


class Request(t.NamedTuple):
    """What is asked."""

    resource: str
    action: str
    target: str


class Hit(t.NamedTuple):
    """A line that applies, and how the subject reached it."""

    line: PolicyLine
    path: tuple[str, ...]


class Outcome(t.NamedTuple):
    """The answer of an engine; policy.rbac.explain turns it into a Decision."""

    allowed: bool
    line: PolicyLine | None = None
    """The line that decided; None when no line allows."""
    path: tuple[str, ...] = ()
    """How `via` reaches the line."""
    via: str = ""
    """The subject, group or default role whose evaluation decided."""
    note: str = ""
    """A reason that is no line."""


class Evaluation(t.NamedTuple):
    """One evaluation over one closure."""

    allow: Hit | None = None
    deny: Hit | None = None
    failed: Hit | None = None
    """A line whose pattern is broken was reached: nothing is allowed (regex mode of upstream)."""

    @property
    def allowed(self) -> bool:
        """An allow line applies, and nothing speaks against it."""
        return self.allow is not None and self.deny is None and self.failed is None


NOTHING = Evaluation()
REFUSED = Outcome(False)


class Way(t.NamedTuple):
    """Lines that a caller has, under which of the caller's names, and how that name reaches them."""

    lines: Slot
    via: str
    path: tuple[str, ...]


class View(t.NamedTuple):
    """What a caller has for one action on one resource; of the request only the object is left to look at."""

    denies: tuple[Way, ...] = ()
    allows: tuple[Way, ...] = ()


class Engine:
    """One generation of the RBAC policy with the role layers of the projects."""

    def __init__(
        self,
        rules: Rules,
        layers: t.Mapping[str, Rules],
        default_role: str,
        mode: Mode,
        projects: t.Container[str] | None = None,
    ) -> None:
        """Take what is asked.

        Args:
            rules: built-in and user policy.
            layers: role lines of projects; a project without any may be left out.
            default_role: policy.default, may be empty.
            mode: strict or compat.
            projects: the names of all AppProjects there are; None: those of `layers`.
        """
        self.rules, self.layers, self.default_role, self.mode = rules, dict(layers), default_role, mode
        self.projects = self.layers if projects is None else projects
        self._closures: dict[tuple[str, str], tuple[Reach, ...]] = {}
        self._spellings: dict[str, str] | None = None
        self._lines: dict[tuple[str, str], tuple[tuple[RoleLines, tuple[str, ...]], ...]] = {}

    def layer_of(self, resource: str, target: str) -> str:
        """Return the project whose role layer counts for a request, or empty text."""
        if not self.layers:
            return ""
        project = project_of(resource, target)
        return project if project in self.layers else ""

    def view(self, subject: Subject, resource: str, action: str, project: str) -> View:
        """Return what the caller has for an action on a resource, inside one project's layer; strict only."""
        denies: list[Way] = []
        allows: list[Way] = []
        for name, counts in self.names(subject, project):
            for table, path in self._tables(name, project):
                verb = table.verb(resource, action)
                denies += [Way(slot, name, path) for slot in verb.denies]
                if counts:
                    allows += [Way(slot, name, path) for slot in verb.allows]
        return View(tuple(denies), tuple(allows))

    def evaluate(self, name: str, request: Request, project: str) -> Evaluation:
        """Evaluate one name: its lines and those of every role it reaches, in the policy and one project's layer."""
        allow: Hit | None = None
        resource, action, target = request
        segment = target.partition("/")[0]
        for table, path in self._tables(name, project):
            for line in table.candidates(resource, target, segment):
                if line.brittle:
                    if _brittle_hits(line, request) is None:
                        return Evaluation(failed=Hit(line, path))
                    continue
                if not (line.action.matches(action) and line.target.matches(target)):
                    continue
                if not line.resource.matches(resource):
                    continue
                if line.effect == "deny":
                    return Evaluation(deny=Hit(line, path))
                if allow is None and line.effect == "allow":
                    allow = Hit(line, path)
        return Evaluation(allow) if allow else NOTHING

    def _tables(self, name: str, project: str) -> tuple[tuple[RoleLines, tuple[str, ...]], ...]:
        """Return the lines that a name has, role by role, and how it has them; remembered."""
        found = self._lines.get((name, project))
        if found is None:
            if len(self._lines) >= REMEMBERED:
                self._lines.clear()
            layers = self.layers_of(project)
            pairs = ((rules.lines_of(role), path) for role, path in self.reach(name, project) for rules in layers)
            found = self._lines[name, project] = tuple((table, path) for table, path in pairs if table.lines)
        return found

    def layers_of(self, project: str) -> tuple[Rules, ...]:
        """Return the policy, and the project's layer behind it when there is one."""
        layer = self.layers.get(project)
        return (self.rules, layer) if layer else (self.rules,)

    def reach(self, name: str, project: str) -> tuple[Reach, ...]:
        """Return the closure of a name, remembered."""
        found = self._closures.get((name, project))
        if found is None:
            if len(self._closures) >= REMEMBERED:
                self._closures.clear()
            found = self._closures[name, project] = closure(name, self.layers_of(project))
        return found

    def bound(self, name: str, project: str) -> bool:
        """True when the name is the member of some g line: only then do a group's allow lines count, as upstream."""
        return any(name in rules.by_member for rules in self.layers_of(project))

    def has_lines(self, name: str, project: str) -> bool:
        """True when p lines are about exactly this name."""
        return any(name in rules.by_subject for rules in self.layers_of(project))

    def spelled(self, name: str) -> str:
        """Return a name of the policy that differs only in case or blanks; empty when there is none."""
        if self._spellings is None:
            names = (*self.rules.by_subject, *self.rules.by_member)
            self._spellings = {"".join(other.split()).casefold(): other for other in names}
        found = self._spellings.get("".join(name.split()).casefold(), "")
        return found if found != name else ""

    # --- strict ---

    def names(self, subject: Subject, project: str) -> t.Iterator[tuple[str, bool]]:
        """Yield (name, whether its allow lines count) of everything the caller is."""
        if self.default_role:
            yield self.default_role, True
        if subject.name and (subject.kind != "user" or not subject.name.startswith(RESERVED)):
            yield subject.name, True
        if subject.kind == "token":
            return
        for group in subject.groups:
            if group and not group.startswith(RESERVED):
                yield group, self.bound(group, project)

    # --- compat ---

    def decide_compat(self, subject: Subject, request: Request, project: str) -> Outcome:
        """Answer one question as Argo CD does; pure, the same for the same generation.

        Args:
            subject: who asks.
            request: what is asked.
            project: whose role layer counts, as `layer_of` says.
        """
        denied = REFUSED
        for name, layer in self.evaluations(subject, request, project):
            found = self.evaluate(name, request, layer)
            if found.allowed:
                return _outcome(found.allow, name, allowed=True)
            if not denied.line:
                denied = _outcome(found.deny or found.failed, name, allowed=False)
        return denied

    def evaluations(self, subject: Subject, request: Request, layer: str) -> t.Iterator[tuple[str, str]]:
        """Yield (name, project layer) in upstream's order; the first that allows wins."""
        if self.default_role:
            yield self.default_role, ""
        if not subject.groups and (subject.kind == "role" or not subject.name):
            yield subject.name, ""
            return
        project = project_of(request.resource, request.target)
        token_of = project_of_token(subject.name)
        if token_of is None or project not in self.projects:
            yield from self._of_caller(subject, layer)
        elif token_of == project:
            yield from self._with_default(subject.name, layer)
        yield "", ""

    def _of_caller(self, subject: Subject, layer: str) -> t.Iterator[tuple[str, str]]:
        """Yield the caller, and each group that stands first in some g line."""
        yield from self._with_default(subject.name, layer)
        for group in subject.groups:
            if self.bound(group, layer):
                yield from self._with_default(group, layer)

    def _with_default(self, name: str, project: str) -> t.Iterator[tuple[str, str]]:
        if self.default_role:
            yield self.default_role, project
        yield name, project


def decide_strict(view: View, subject: Subject, resource: str, target: str, default_role: str) -> Outcome:
    """Let the first deny line decide, whichever name of the caller has it, and else the first allow line.

    Outside its own project a project token has what the default role allows, and nothing by its own name.
    """
    segment = target.partition("/")[0]
    for slot, name, path in view.denies:
        line = slot.first(target, segment)
        if line is not None:
            return Outcome(False, line, path, name)
    if subject.kind == "token":
        asked = project_of(resource, target)
        if asked and project_of_token(subject.name) != asked:
            common = View(allows=tuple(way for way in view.allows if way.via == default_role))
            found = first_allow(common, target)
            return found if found.allowed else Outcome(False, note=f"{subject.name} counts only inside its own project")
    return first_allow(view, target)


def first_allow(view: View, target: str) -> Outcome:
    """Return what the first allow line says, whatever the deny lines say."""
    segment = target.partition("/")[0]
    for slot, name, path in view.allows:
        line = slot.first(target, segment)
        if line is not None:
            return Outcome(True, line, path, name)
    return REFUSED


def _outcome(hit: Hit | None, via: str, *, allowed: bool) -> Outcome:
    return Outcome(allowed, hit.line, hit.path, via) if hit else REFUSED


def _brittle_hits(line: PolicyLine, request: Request) -> bool | None:
    """False when an earlier field differs; None when a broken pattern was reached and upstream's evaluation fails."""
    for pattern, value in zip((line.resource, line.action, line.target), request, strict=True):
        if pattern.broken:
            return None
        if not pattern.matches(value):
            return False
    return True
