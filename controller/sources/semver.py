"""Semantic versions and the constraints of Masterminds/semver, which Argo CD uses for tags and charts. Pure."""

from __future__ import annotations

import functools
import re
import typing as t

_NUMBER = r"(?:0|[1-9][0-9]*)"
_VERSION = re.compile(rf"v?({_NUMBER})(?:\.({_NUMBER}))?(?:\.({_NUMBER}))?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?")
_PART = rf"(?:{_NUMBER}|[xX*])"
_CLAUSE = re.compile(
    rf"\s*(=|!=|>=|=>|<=|=<|>|<|~>|~|\^)?\s*v?({_PART})(?:\.({_PART}))?(?:\.({_PART}))?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?"
)
_HYPHEN = re.compile(r"(\S+)\s+-\s+(\S+)")
_LONGEST = 255


class Version(t.NamedTuple):
    """A version, whose fields are in the order of semver.org section 11, so that tuples compare as versions do."""

    major: int
    minor: int
    patch: int
    released: bool
    """False for a pre-release, which comes before its release."""
    pre: tuple[tuple[int, int, str], ...]
    """The identifiers of the pre-release: numbers before texts."""


def _version(numbers: t.Sequence[int], pre: str = "") -> Version:
    parts = tuple((0, int(p), "") if p.isdigit() else (1, 0, p) for p in pre.split(".")) if pre else ()
    return Version(numbers[0], numbers[1], numbers[2], not pre, parts)


class _Clause(t.NamedTuple):
    """One comparison: the range [low, high) that it allows, or the version that it excludes."""

    low: Version
    high: Version | None
    negative: bool
    pre: bool
    """Whether it names a pre-release, without which pre-releases never match."""

    def allows(self, version: Version) -> bool:
        """Say whether a version satisfies the comparison."""
        if not version.released and not self.pre:
            return False
        inside = self.low <= version and (self.high is None or version < self.high)
        return inside != self.negative


_LOWEST = Version(0, 0, 0, False, ())
_UNREACHABLE = Version(2**63, 0, 0, True, ())


def parse_version(text: str) -> Version | None:
    """Read 1.2.3, v1.2 or 1.2.3-rc.1; None for anything else."""
    found = _VERSION.fullmatch(text) if len(text) <= _LONGEST else None
    return _version([int(p or 0) for p in found.group(1, 2, 3)], found[4] or "") if found else None


def is_version(text: str) -> bool:
    """Say whether a text is one version, complete or not."""
    return parse_version(text) is not None


def is_constraint(text: str) -> bool:
    """Say whether a text can be read as a version constraint, such as ``1.*``, ``^2`` or ``>=1 <3``."""
    return _parse(text) is not None


def best(constraint: str, names: t.Iterable[str]) -> str | None:
    """Return the name with the highest version that satisfies the constraint; names that are no version are ignored."""
    alternatives = _parse(constraint)
    if alternatives is None:
        return None
    found = [
        (v, n) for n in names if (v := parse_version(n)) and any(all(c.allows(v) for c in a) for a in alternatives)
    ]
    return max(found)[1] if found else None


@functools.lru_cache(maxsize=1024)
def _parse(text: str) -> tuple[tuple[_Clause, ...], ...] | None:
    if not text.strip() or len(text) > _LONGEST:
        return None
    alternatives = [_conjunction(part) for part in text.split("||")]
    return None if any(a is None for a in alternatives) else tuple(a for a in alternatives if a is not None)


def _conjunction(text: str) -> tuple[_Clause, ...] | None:
    text = _HYPHEN.sub(r">=\1 <=\2", text.strip())
    clauses: list[_Clause] = []
    position = 0
    while position < len(text):
        found = _CLAUSE.match(text, position)
        if not found or found.end() == position:
            return None
        position = found.end()
        rest = text[position:]
        if rest and not re.match(r"\s*,\s*|\s+", rest):
            return None
        position += len(rest) - len(re.sub(r"^(\s*,\s*|\s+)", "", rest))
        clauses.append(_clause(found))
    return tuple(clauses) or None


def _clause(found: re.Match[str]) -> _Clause:
    operator, pre = found[1] or "=", found[5] or ""
    numbers = [int(p) for p in _known(found.group(2, 3, 4))]
    low = _version([*numbers, 0, 0, 0], pre)
    exact = len(numbers) == 3
    after = _next(low, pre) if exact else _bump(numbers, max(len(numbers) - 1, 0))
    if operator in (">=", "=>"):
        return _Clause(low, None, False, bool(pre))
    if operator == ">":
        return _Clause(after or _UNREACHABLE, None, False, bool(pre))
    if operator == "<":
        return _Clause(_LOWEST, low, False, bool(pre))
    if operator in ("<=", "=<"):
        return _Clause(_LOWEST, after, False, bool(pre))
    if operator == "^":
        place = next((i for i, n in enumerate(numbers) if n), max(len(numbers) - 1, 0))
        return _Clause(low, _bump(numbers, place), False, bool(pre))
    if operator in ("~", "~>"):
        return _Clause(low, _bump(numbers, min(1, max(len(numbers) - 1, 0))), False, bool(pre))
    return _Clause(low, after, operator == "!=", bool(pre) or operator == "!=")


def _known(parts: t.Iterable[str | None]) -> t.Iterator[str]:
    """Yield the numbers before the first wildcard."""
    for part in parts:
        if part is None or part in "xX*":
            return
        yield part


def _bump(numbers: list[int], place: int) -> Version | None:
    """Return the first version after those that share the numbers up to `place`; None when all versions share them."""
    if not numbers:
        return None
    return _version([*numbers[:place], numbers[place] + 1, 0, 0, 0])


def _next(version: Version, pre: str) -> Version:
    """Return the very next version after a complete one."""
    if pre:
        return _version(version[:3], pre + ".0")
    return _version((version.major, version.minor, version.patch + 1), "0")
