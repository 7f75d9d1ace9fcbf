"""Policy CSV -> typed lines with their places, and findings about everything that will not do what it says.

Errors keep the whole text from coming into force; warnings do not. Who asks for decisions wants policy.guard.
Source: Argo CD util/rbac/rbac.go loadPolicyLine; differences between the modes are listed in docs/compatibility.md.
"""

from __future__ import annotations

import difflib
import typing as t

import msgspec

from policy.findings import Finding, Mode, Severity, shown
from policy.patterns import Pattern, PatternError, broken, glob, literal, loose, regex
from policy.rbac.csvline import BLANKS, CsvError, column_of, read_record
from policy.rbac.vocabulary import ACTIONS, GLOB_CHARACTERS, REGEX_CHARACTERS, known_action, known_resource

LARGEST_TEXT = 4 * 1024 * 1024
"""Characters of all keys together; a ConfigMap holds 1 MiB."""

MOST_FINDINGS = 100
"""Errors, and likewise warnings, kept of one text: a binary file has one error a line."""

INERT_KINDS = frozenset({"r", "e", "m"})
"""First fields that upstream accepts with any number of fields behind, without effect."""


class PolicyLine(msgspec.Struct, frozen=True, eq=False):
    """One p line."""

    subject: str
    resource: Pattern
    action: Pattern
    target: Pattern
    effect: str
    """allow or deny; anything else is inert (compat only)."""
    origin: str
    """Place: ``argocd-rbac-cm policy.csv:12``."""
    text: str
    """As written, stripped."""
    brittle: bool = False
    """A pattern is broken and, as in upstream's regex mode, an evaluation that reaches it fails."""
    number: int = 0
    """Its place among the lines of its text; of several that apply the first is named."""


class Binding(msgspec.Struct, frozen=True, eq=False):
    """One g line: the member has the role."""

    member: str
    role: str
    origin: str
    text: str


class Parsed(msgspec.Struct, frozen=True):
    """What stands in a policy text."""

    lines: tuple[PolicyLine, ...] = ()
    bindings: tuple[Binding, ...] = ()
    findings: tuple[Finding, ...] = ()


def parse(csv: t.Iterable[tuple[str, str]], *, mode: Mode, match_mode: str, source: str, first: int = 0) -> Parsed:
    """Parse policy texts.

    Args:
        csv: (key, text) in the order of composition.
        mode: strict refuses mistakes on deny lines, unknown effects and patterns that do not compile.
        match_mode: glob or regex.
        source: what the keys belong to, for places; empty when a key is a place by itself.
        first: the number of the first line; texts that are loaded before others have lower ones.
    """
    parser = _Parser(mode, match_mode, first)
    for key, text in csv:
        parser.read(f"{source} {key}" if source else key, text)
    return Parsed(tuple(parser.lines), tuple(parser.bindings), tuple(parser.findings))


class _Parser:
    """Collects lines, bindings and findings of one policy."""

    def __init__(self, mode: Mode, match_mode: str, first: int) -> None:
        self.mode, self.regex_mode, self.first = mode, match_mode == "regex", first
        self.lines: list[PolicyLine] = []
        self.bindings: list[Binding] = []
        self.findings: list[Finding] = []
        self.known: dict[str, Pattern] = {}
        self.size = 0
        self.counts: dict[Severity, int] = {"error": 0, "warning": 0}
        self.special = REGEX_CHARACTERS if self.regex_mode else GLOB_CHARACTERS

    def read(self, place: str, text: str) -> None:
        self.size += len(text)
        if self.size > LARGEST_TEXT:
            self._find("rbac-size", "error", place, f"{self.size} characters", f"at most {LARGEST_TEXT} in all keys")
            return
        for number, raw in enumerate(text.split("\n"), 1):
            line = raw.strip(BLANKS)
            if line and not line.startswith("#"):
                self._line(line, f"{place}:{number}")

    def _line(self, line: str, origin: str) -> None:
        try:
            fields = read_record(line)
        except CsvError as failure:
            self._find("rbac-csv", "error", f"{origin}:{failure.column}", f"{failure} in {shown(line)}", "a CSV record")
            return
        kind = fields[0]
        if kind == "p" and len(fields) == 6:
            self._policy(line, fields, origin)
        elif kind == "g" and len(fields) == 3:
            self._binding(line, fields, origin)
        elif kind in INERT_KINDS:
            self._find("rbac-inert", "warning", origin, f"{shown(line)} has no effect", "a p or g line")
        else:
            self._wrong_shape(line, fields, origin)

    def _wrong_shape(self, line: str, fields: list[str], origin: str) -> None:
        wanted = "p with 6 fields (p, subject, resource, action, object, allow) or g with 3 (g, member, role)"
        if fields[0] in ("p", "g"):
            found = f"{fields[0]} with {len(fields)} fields"
            self._find("rbac-fields", "error", f"{origin}:1", f"{found} in {shown(line)}", wanted)
        else:
            self._find("rbac-kind", "error", f"{origin}:1", f"first field {shown(fields[0])}", wanted)

    def _policy(self, line: str, fields: list[str], origin: str) -> None:
        _, subject, resource, action, target, effect = fields
        severity: Severity = "warning" if effect == "allow" or self.mode == "compat" else "error"
        if effect not in ("allow", "deny"):
            self._unknown_effect(line, effect, origin)
        patterns = [self._pattern(text, line, origin, n + 2) for n, text in enumerate((resource, action, target))]
        brittle = self.regex_mode and self.mode == "compat" and any(pattern.broken for pattern in patterns)
        self._check_words(line, fields, origin, severity)
        number = self.first + len(self.lines)
        self.lines.append(
            PolicyLine(subject, patterns[0], patterns[1], patterns[2], effect, origin, line, brittle, number)
        )

    def _unknown_effect(self, line: str, effect: str, origin: str) -> None:
        severity: Severity = "error" if self.mode == "strict" else "warning"
        hint = "; a comment needs a line of its own" if "#" in effect else ""
        where = f"{origin}:{column_of(line, 5)}"
        self._find(
            "rbac-effect", severity, where, f"effect {shown(effect)}, which does nothing", f"allow or deny{hint}"
        )

    def _check_words(self, line: str, fields: list[str], origin: str, severity: Severity) -> None:
        """Report words that no request has: on a deny line a mistake opens a door, so there it is an error."""
        _, subject, resource, action, target, _ = fields
        for number, text in enumerate((subject, resource, action, target), 1):
            if text and text[-1] in BLANKS:
                self._field(
                    "rbac-blank", severity, line, origin, number, f"{shown(text)} ends with a blank", "no blank"
                )
        if not subject:
            self._field("rbac-subject", severity, line, origin, 1, "no subject", "a user, group or role")
        if not known_resource(resource) and self.special.isdisjoint(resource):
            text = f"resource {shown(resource)} is unknown"
            self._field("rbac-resource", severity, line, origin, 2, text, self._near(resource, tuple(ACTIONS)))
        elif self.special.isdisjoint(action) and not known_action(resource, action):
            text = f"{resource} have no action {shown(action)}"
            severity = "warning" if known_action("", action) else severity
            fix = "action/* or action/GROUP/KIND/NAME"
            if action != "action":
                fix = self._near(action, tuple(sorted(ACTIONS.get(resource, ("get", "sync")))))
            self._field("rbac-action", severity, line, origin, 3, text, fix)

    def _near(self, word: str, known: tuple[str, ...]) -> str:
        """Return what was probably meant, or else all that there is; not looked for once enough was found."""
        if max(self.counts.values()) >= MOST_FINDINGS:
            return known[0]
        found = difflib.get_close_matches(word[:40].lower(), known, 1)
        return found[0] if found else ", ".join(known)

    def _binding(self, line: str, fields: list[str], origin: str) -> None:
        _, member, role = fields
        if not member or not role:
            self._field("rbac-subject", "warning", line, origin, 1 if not member else 2, "an empty name", "a name")
        if member and member[-1] in BLANKS:
            self._field("rbac-blank", "warning", line, origin, 1, f"{shown(member)} ends with a blank", "no blank")
        if "#" in role and " " in role:
            self._field("rbac-comment", "warning", line, origin, 2, f"role {shown(role)}", "a comment on its own line")
        elif ": " in role or ": " in member:
            at = 2 if ": " in role else 1
            self._field("rbac-blank", "warning", line, origin, at, f"{shown(fields[at])} has a blank", "no blank")
        self.bindings.append(Binding(member, role, origin, line))

    def _pattern(self, text: str, line: str, origin: str, field: int) -> Pattern:
        known = self.known.get(text)
        if known is None:
            known = self.known[text] = self._compile(text)
        if known.broken:
            severity: Severity = "error" if self.mode == "strict" else "warning"
            found = f"{shown(text)}: {known.broken}"
            self._field("rbac-pattern", severity, line, origin, field, found, self._good_pattern(text))
        return known

    def _good_pattern(self, text: str) -> str:
        if not self.regex_mode:
            return "a glob such as shop/* or [a-c]*"
        return text.replace("*", ".*") if set(text) <= {"*", "/"} else "an RE2 expression such as shop/.*"

    def _compile(self, text: str) -> Pattern:
        try:
            if not self.regex_mode:
                return glob(text) if self.mode == "strict" else loose(glob(text))
            strict = self.mode == "strict"
            return literal(text) if strict and self.special.isdisjoint(text) else regex(text, anchored=strict)
        except PatternError as failure:
            return broken(text, str(failure))

    def _field(self, code: str, severity: Severity, line: str, origin: str, field: int, text: str, fix: str) -> None:
        self._find(code, severity, f"{origin}:{column_of(line, field)}", text, fix)

    def _find(self, code: str, severity: Severity, where: str, text: str, fix: str) -> None:
        self.counts[severity] += 1
        if self.counts[severity] <= MOST_FINDINGS:
            self.findings.append(Finding(code=code, severity=severity, where=where, text=text, fix=fix))
