"""A naive reference of the RBAC rules for both modes: each question reads every line and matches every pattern anew.

Written from the rules, not from the engine, and sharing no code with it: own CSV (the standard library's), own globs
(braces written out, then character by character), own closure. RE2 itself is the only thing in common.
"""

from __future__ import annotations

import csv
import dataclasses
import itertools

import re2

BUILT_IN = """
p, role:readonly, applications, get, */*, allow
p, role:readonly, applicationsets, get, */*, allow
p, role:readonly, certificates, get, *, allow
p, role:readonly, clusters, get, *, allow
p, role:readonly, repositories, get, *, allow
p, role:readonly, write-repositories, get, *, allow
p, role:readonly, projects, get, *, allow
p, role:readonly, accounts, get, *, allow
p, role:readonly, gpgkeys, get, *, allow
p, role:readonly, logs, get, */*, allow
p, role:admin, applications, create, */*, allow
p, role:admin, applications, update, */*, allow
p, role:admin, applications, update/*, */*, allow
p, role:admin, applications, delete, */*, allow
p, role:admin, applications, delete/*, */*, allow
p, role:admin, applications, sync, */*, allow
p, role:admin, applications, rollback, */*, allow
p, role:admin, applications, override, */*, allow
p, role:admin, applications, action/*, */*, allow
p, role:admin, applicationsets, get, */*, allow
p, role:admin, applicationsets, create, */*, allow
p, role:admin, applicationsets, update, */*, allow
p, role:admin, applicationsets, delete, */*, allow
p, role:admin, certificates, create, *, allow
p, role:admin, certificates, update, *, allow
p, role:admin, certificates, delete, *, allow
p, role:admin, clusters, create, *, allow
p, role:admin, clusters, update, *, allow
p, role:admin, clusters, delete, *, allow
p, role:admin, repositories, create, *, allow
p, role:admin, repositories, update, *, allow
p, role:admin, repositories, delete, *, allow
p, role:admin, write-repositories, create, *, allow
p, role:admin, write-repositories, update, *, allow
p, role:admin, write-repositories, delete, *, allow
p, role:admin, projects, create, *, allow
p, role:admin, projects, update, *, allow
p, role:admin, projects, delete, *, allow
p, role:admin, accounts, update, *, allow
p, role:admin, gpgkeys, create, *, allow
p, role:admin, gpgkeys, delete, *, allow
p, role:admin, exec, create, */*, allow
p, role:admin, exec, debug, */*, allow
g, role:admin, role:readonly
g, admin, role:admin
"""

HAS_PROJECT = {"applications", "applicationsets", "repositories", "clusters", "logs", "exec"}


class Invalid(Exception):
    """The text would not come into force."""


class Broken(Exception):
    """A pattern does not compile."""


@dataclasses.dataclass(frozen=True)
class Role:
    """A role of a project."""

    name: str
    policies: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Asker:
    """Who asks: kind is user, role or token."""

    name: str
    groups: tuple[str, ...] = ()
    kind: str = "user"


@dataclasses.dataclass(frozen=True)
class Reference:
    """A policy text, projects with roles, default role and modes."""

    text: str
    projects: dict[str, tuple[Role, ...]]
    default: str = ""
    regex: bool = False
    strict: bool = True

    # --- text ---

    def lines(self, text: str) -> list[list[str]]:
        """Return the p and g lines; Invalid when one of them is wrong."""
        found = []
        for raw in text.split("\n"):
            line = raw.strip()
            if not line or line.startswith("#"):
                continue
            try:
                [fields] = csv.reader([line], skipinitialspace=True, strict=True)
            except csv.Error:
                raise Invalid from None
            if fields[0] in ("r", "e", "m"):
                continue
            if (fields[0], len(fields)) not in (("p", 6), ("g", 3)):
                raise Invalid
            if self.strict and fields[0] == "p":
                self.check(fields)
            found.append(fields)
        return found

    def check(self, fields: list[str]) -> None:
        """Refuse, in strict, unknown effects, patterns that do not compile and deny lines about nobody."""
        if fields[5] not in ("allow", "deny") or (fields[5] == "deny" and not fields[1]):
            raise Invalid
        for pattern in fields[2:5]:
            try:
                self.matches(pattern, "x", built_in=False)
            except Broken:
                raise Invalid from None

    def matches(self, pattern: str, value: str, *, built_in: bool) -> bool:
        """Does the pattern match? Broken when it does not compile."""
        if self.regex and not (built_in and self.strict):
            try:
                compiled = re2.compile(pattern, _quiet())
            except re2.error:
                raise Broken from None
            return (compiled.fullmatch(value) if self.strict else compiled.search(value)) is not None
        return glob(pattern, value, loose=not self.strict)

    # --- layers ---

    def base(self) -> list[tuple[list[str], bool]]:
        """Return built-in and user lines, and whether they are built in."""
        own = self.lines(self.text)
        return [*((line, True) for line in self.lines_built_in()), *((line, False) for line in own)]

    def lines_built_in(self) -> list[list[str]]:
        """Return the built-in lines."""
        return [next(csv.reader([line], skipinitialspace=True)) for line in BUILT_IN.strip().split("\n")]

    def layer(self, project: str) -> list[tuple[list[str], bool]]:
        """Return the lines of a project's roles; a broken one loses all (compat) or denies all members (strict)."""
        roles = self.projects.get(project, ())
        found: list[list[str]] = []
        try:
            for role in roles:
                own = f"proj:{project}:{role.name}"
                found.append(["p", own, "projects", "get", project, "allow", "exact"])
                for policy in role.policies:
                    found += self.foreign(self.lines(policy), own, project)
                for group in role.groups:
                    found += self.lines(f"g, {group}, {own}")
        except Invalid:
            found = []
            for role in roles if self.strict else ():
                own = f"proj:{project}:{role.name}"
                found.append(["p", own, "*", "*", "*", "deny", "glob"])
                found += [["g", next(csv.reader([group]))[0], own] for group in role.groups]
        return [(line, False) for line in found]

    def foreign(self, lines: list[list[str]], own: str, project: str) -> list[list[str]]:
        """Refuse, in strict, role lines about anything but the role itself, six resources and its own project."""
        for line in lines if self.strict else ():
            good = line[0] == "p" and line[1] == own and line[2] in HAS_PROJECT
            if not (good and line[4].startswith(f"{project}/") and line[4] != f"{project}/"):
                raise Invalid
        return lines

    # --- decision ---

    def verdict(self, name: str, asked: tuple[str, str, str], lines: list[tuple[list[str], bool]]) -> set[str]:
        """Return the effects of the lines that apply to a name, and "broken" when a pattern broke the evaluation."""
        closure = {name}
        for _ in range(10):
            closure |= {line[2] for line, _ in lines if line[0] == "g" and line[1] in closure}
        found = set()
        for line, built_in in lines:
            if line[0] != "p" or line[1] not in closure:
                continue
            try:
                if all(self.field(line, number, value, built_in) for number, value in enumerate(asked, 2)):
                    found.add(line[5])
            except Broken:
                found |= {"broken"} if self.regex else set()
        return found

    def field(self, line: list[str], number: int, value: str, built_in: bool) -> bool:
        """Match one field; lines that the layer adds by itself are no patterns of the user."""
        how = line[6] if len(line) > 6 else ""
        if how == "exact" and self.strict:
            return line[number] == value
        if how == "glob":
            return glob(line[number], value, loose=False)
        return self.matches(line[number], value, built_in=built_in)

    def allowed(self, name: str, asked: tuple[str, str, str], lines: list[tuple[list[str], bool]]) -> bool:
        """One evaluation of upstream: some allow, no deny, no pattern that broke; other effects are nothing."""
        found = self.verdict(name, asked, lines)
        return "allow" in found and not found & {"deny", "broken"}

    def decide(self, asker: Asker, resource: str, action: str, target: str) -> bool:
        """May the asker do it? Invalid policies deny."""
        asked = (resource, action, target)
        try:
            base = self.base()
        except Invalid:
            return False
        project = ""
        if resource in HAS_PROJECT and "/" in target:
            project = target.split("/")[0]
        elif resource == "projects":
            project = target
        layered = [*base, *self.layer(project)] if project in self.projects else base
        if self.strict:
            return self.decide_strict(asker, asked, project, layered)
        return self.decide_compat(asker, asked, project, base, layered)

    def decide_strict(
        self, asker: Asker, asked: tuple[str, str, str], project: str, lines: list[tuple[list[str], bool]]
    ) -> bool:
        """A deny through any of the asker's names is final; some name that counts must allow."""
        parts = asker.name.split(":")
        url = project.endswith(":") and asked[0] in ("clusters", "repositories")
        stranger = asker.kind == "token" and project and not url and (len(parts) != 3 or parts[1] != project)
        members = {line[1] for line, _ in lines if line[0] == "g"}
        names = [(self.default, True)] if self.default else []
        if asker.name and (asker.kind != "user" or not asker.name.startswith(("role:", "proj:"))):
            names.append((asker.name, not stranger))
        if asker.kind != "token":
            groups = [g for g in asker.groups if g and not g.startswith(("role:", "proj:"))]
            names += [(group, group in members) for group in groups]
        verdicts = [(self.verdict(name, asked, lines), counts) for name, counts in names]
        return not any("deny" in v for v, _ in verdicts) and any("allow" in v for v, counts in verdicts if counts)

    def decide_compat(
        self,
        asker: Asker,
        asked: tuple[str, str, str],
        project: str,
        base: list[tuple[list[str], bool]],
        layered: list[tuple[list[str], bool]],
    ) -> bool:
        """Follow upstream's order of evaluations; the first that allows wins."""
        if self.default and self.allowed(self.default, asked, base):
            return True
        if not asker.groups and (asker.kind == "role" or not asker.name):
            return self.allowed(asker.name, asked, base)
        names = [asker.name]
        parts = asker.name.split(":")
        if len(parts) == 3 and parts[0] == "proj" and project in self.projects:
            names = names if parts[1] == project else []
        else:
            members = {line[1] for line, _ in layered if line[0] == "g"}
            names += [group for group in asker.groups if group in members]
        for name in names:
            if self.default and self.allowed(self.default, asked, layered):
                return True
            if self.allowed(name, asked, layered):
                return True
        return self.allowed("", asked, base)


def _quiet() -> re2.Options:
    options = re2.Options()
    options.log_errors = False
    return options


def glob(pattern: str, value: str, *, loose: bool) -> bool:
    """Match a glob without separator, braces written out first; loose: with two mistakes of upstream's library."""
    if not _compiles(pattern):
        raise Broken
    plain = not set(pattern) & set("?[{\\")
    if loose and plain and len(stars := pattern.split("*")) >= 2 and not any(stars[1:-1]) and stars[0] and stars[-1]:
        return value.startswith(stars[0]) and value.endswith(stars[-1])
    if (
        loose
        and not value
        and (pattern == "?" or (pattern.startswith("[!") and pattern.index("]") == len(pattern) - 1))
    ):
        return True
    return any(_glob(flat, value) for flat in _flat(pattern))


def _flat(pattern: str) -> list[str]:
    """Return the pattern once for each choice of its outermost braces (no escapes, no classes with braces in them)."""
    start = pattern.find("{")
    if start < 0:
        return [pattern]
    depth, choices, at = 0, [""], start
    for at in range(start, len(pattern)):
        char = pattern[at]
        depth += (char == "{") - (char == "}")
        if depth == 0:
            break
        if char == "," and depth == 1:
            choices.append("")
        elif not (char == "{" and depth == 1):
            choices[-1] += char
    inner = itertools.chain.from_iterable(_flat(choice) for choice in choices)
    return [pattern[:start] + choice + rest for choice in inner for rest in _flat(pattern[at + 1 :])]


def _compiles(pattern: str) -> bool:
    """Every class is closed, not empty, and a list of letters or one range upwards."""
    at = pattern.find("[")
    while at >= 0:
        end = pattern.find("]", at + 1)
        letters = pattern[at + 1 : end].removeprefix("!")
        if end < 0 or not letters or (letters[1:2] == "-" and (len(letters) != 3 or letters[2] < letters[0])):
            return False
        at = pattern.find("[", end)
    return True


def _glob(pattern: str, value: str) -> bool:
    if not pattern:
        return not value
    if pattern[0] == "*":
        return any(_glob(pattern[1:], value[at:]) for at in range(len(value) + 1))
    if pattern[0] == "[":
        letters, _, rest = pattern[1:].partition("]")
        negated, letters = letters.startswith("!"), letters.removeprefix("!")
        if letters[1:2] == "-":
            hit = bool(value) and letters[0] <= value[0] <= letters[2]
        else:
            hit = bool(value) and value[0] in letters
        return bool(value) and hit != negated and _glob(rest, value[1:])
    if not value:
        return False
    return (pattern[0] in ("?", value[0])) and _glob(pattern[1:], value[1:])
