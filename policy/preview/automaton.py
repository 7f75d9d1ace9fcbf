"""Patterns as automata, to find a text that some patterns match and others do not, or to know that there is none.

Matching requests is for policy.patterns, which is far faster; this is for questions about all requests at once.
Source of the syntax: policy.globs (gobwas, without a separator).
"""

from __future__ import annotations

import collections
import typing as t

from policy.globs import ANY, CLASS, SINGLE, SUPER, translate_gobwas

LAST = 0x10FFFF
PREFERRED = tuple(ord(char) for char in "xan1-y")
"""Tried first where any character will do, so that examples look like names."""

MOST_STEPS = 4096
"""Steps remembered for one automaton; on overflow all are forgotten, which costs microseconds each."""

Span = tuple[int, int]


class Chars(t.NamedTuple):
    """A set of characters: some spans of code points, or all but them."""

    spans: tuple[Span, ...]
    negated: bool = False

    def has(self, code: int) -> bool:
        """True when the character is in the set."""
        return any(low <= code <= high for low, high in self.spans) != self.negated


EVERY = Chars((), negated=True)

States = frozenset[int]
Edge = tuple[Chars, States]
Piece = tuple[str, str]


class Machine:
    """A non-deterministic automaton without empty moves; it matches whole texts."""

    __slots__ = ("_bounds", "_steps", "edges", "final", "start")

    def __init__(self, start: States, edges: tuple[tuple[Edge, ...], ...], final: int) -> None:
        self.start, self.edges, self.final = start, edges, final
        self._steps: dict[tuple[States, int], States] = {}
        self._bounds: dict[States, frozenset[int]] = {}

    def step(self, states: States, code: int) -> States:
        """Return where one character leads; remembered."""
        known = self._steps.get((states, code))
        if known is None:
            found: set[int] = set()
            for state in states:
                for chars, targets in self.edges[state]:
                    if chars.has(code):
                        found |= targets
            if len(self._steps) >= MOST_STEPS:
                self._steps.clear()
            known = self._steps[states, code] = frozenset(found)
        return known

    def walk(self, text: str) -> States:
        """Return where a text leads from the start."""
        states = self.start
        for char in text:
            states = self.step(states, ord(char))
        return states

    def bounds(self, states: States) -> frozenset[int]:
        """Return the characters at which the way on may change, remembered."""
        known = self._bounds.get(states)
        if known is None:
            spans = [span for state in states for chars, _ in self.edges[state] for span in chars.spans]
            known = frozenset(bound for low, high in spans for bound in (low, _after(high)))
            if len(self._bounds) >= MOST_STEPS:
                self._bounds.clear()
            self._bounds[states] = known
        return known

    def accepts(self, states: States) -> bool:
        """True when the text that led here is matched."""
        return self.final in states


def _after(code: int) -> int:
    """Return the next character; halves of characters are none."""
    return 0xE000 if 0xD800 <= code + 1 < 0xE000 else min(code + 1, LAST)


def literal_machine(text: str) -> Machine:
    """Return the automaton of exactly this text."""
    return pieces_machine([("", text)])


def glob_machine(text: str) -> Machine:
    """Return the automaton of a glob; GlobError when it does not compile."""
    return pieces_machine(translate_gobwas(text).pieces)


def pieces_machine(pieces: t.Iterable[Piece]) -> Machine:
    """Return the automaton of the pieces of a translated glob."""
    builder = Builder()
    for kind, text in pieces:
        _add(builder, kind, text)
    while builder.open:
        builder.close()
    return builder.done()


def _add(builder: Builder, kind: str, text: str) -> None:
    if not kind:
        for char in text:
            builder.char(Chars(((ord(char), ord(char)),)))
    elif kind in (ANY, SUPER):
        builder.star(EVERY)
    elif kind == SINGLE:
        builder.char(EVERY)
    elif kind == CLASS:
        builder.char(_class(text))
    elif text == "{":
        builder.open_choice()
    elif text == ",":
        builder.next_choice()
    else:
        builder.close()


def _class(text: str) -> Chars:
    """Read [abc], [!abc], [a-c] or [!a-c], which translate_gobwas has found good."""
    body = text[1:-1]
    negated = body.startswith("!")
    body = body[negated:]
    if body[1:2] == "-" and len(body) == 3:
        return Chars(((ord(body[0]), ord(body[2])),), negated)
    letters: list[str] = []
    escaped = False
    for char in body:
        if char == "\\" and not escaped:
            escaped = True
        else:
            letters.append(char)
            escaped = False
    return Chars(tuple((ord(char), ord(char)) for char in letters), negated)


class Builder:
    """Builds an automaton from left to right, with empty moves that `done` takes out."""

    def __init__(self) -> None:
        self.moves: list[list[tuple[Chars | None, int]]] = [[]]
        self.at = 0
        self.open: list[tuple[int, int]] = []
        """(where the choice starts, where it ends) of each open choice."""

    def char(self, chars: Chars) -> None:
        """Go on over one character."""
        target = self._new()
        self.moves[self.at].append((chars, target))
        self.at = target

    def star(self, chars: Chars) -> None:
        """Go on over any number of characters."""
        loop, after = self._new(), self._new()
        self.moves[self.at].append((None, loop))
        self.moves[loop] += [(chars, loop), (None, after)]
        self.at = after

    def open_choice(self) -> None:
        """Begin alternatives."""
        end = self._new()
        self.open.append((self.at, end))
        self._branch()

    def next_choice(self) -> None:
        """Begin the next alternative."""
        self.moves[self.at].append((None, self.open[-1][1]))
        self._branch()

    def close(self) -> None:
        """End the alternatives."""
        _, end = self.open.pop()
        self.moves[self.at].append((None, end))
        self.at = end

    def _branch(self) -> None:
        start = self._new()
        self.moves[self.open[-1][0]].append((None, start))
        self.at = start

    def _new(self) -> int:
        self.moves.append([])
        return len(self.moves) - 1

    def done(self) -> Machine:
        """Return the automaton."""
        closures = [self._closure(state) for state in range(len(self.moves))]
        edges = tuple(
            tuple((chars, closures[target]) for chars, target in moves if chars is not None) for moves in self.moves
        )
        return Machine(closures[0], edges, self.at)

    def _closure(self, state: int) -> States:
        found, edge = {state}, [state]
        while edge:
            for chars, target in self.moves[edge.pop()]:
                if chars is None and target not in found:
                    found.add(target)
                    edge.append(target)
        return frozenset(found)


class Word(t.NamedTuple):
    """A text, and which of the automata match it."""

    text: str
    matched: frozenset[int]


class Exploration:
    """Walks through all texts at once, shortest first, and yields one for each set of automata that match.

    Args:
        machines: the automata.
        required: how many of them, from the first, every text must be matched by.
        most: combined states looked at; beyond that `complete` turns False.
        prefix: what every text begins with.
    """

    def __init__(self, machines: t.Sequence[Machine], *, required: int, most: int, prefix: str = "") -> None:
        self.machines, self.required, self.most, self.prefix = machines, required, most, prefix
        self.complete = True

    def words(self) -> t.Iterator[Word]:
        """Yield a text for each set of automata that can match together with the required ones."""
        start = tuple(machine.walk(self.prefix) for machine in self.machines)
        seen: set[tuple[States, ...]] = {start}
        given: set[frozenset[int]] = set()
        queue: collections.deque[tuple[tuple[States, ...], str]] = collections.deque([(start, self.prefix)])
        while queue:
            states, text = queue.popleft()
            matched = frozenset(n for n, s in enumerate(states) if self.machines[n].accepts(s))
            if matched.issuperset(range(self.required)) and matched not in given:
                given.add(matched)
                yield Word(text, matched)
            for code, following in self._next(states):
                if following not in seen:
                    if len(seen) >= self.most:
                        self.complete = False
                        return
                    seen.add(following)
                    queue.append((following, text + chr(code)))

    def _next(self, states: tuple[States, ...]) -> t.Iterator[tuple[int, tuple[States, ...]]]:
        """Yield one character for each different way on."""
        found: set[tuple[States, ...]] = set()
        for code in self._codes(states):
            following = []
            for number, (machine, current) in enumerate(zip(self.machines, states, strict=True)):
                after = machine.step(current, code) if current else current
                if not after and number < self.required:
                    break
                following.append(after)
            else:
                key = tuple(following)
                if key not in found:
                    found.add(key)
                    yield code, key

    def _codes(self, states: tuple[States, ...]) -> t.Iterator[int]:
        """Yield characters of which at least one stands for each way that any character could go."""
        bounds: set[int] = set()
        for machine, current in zip(self.machines, states, strict=True):
            if current:
                bounds |= machine.bounds(current)
        yield from PREFERRED
        yield from sorted(bounds)
