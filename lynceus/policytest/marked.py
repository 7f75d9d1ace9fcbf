"""YAML whose mappings and lists remember their lines, so that a mistake in a test file is named by its line.

The limits and rules are those of lynceus.files: plain dates stay text, a key stands once, nothing is built but plain
values. Anchors and merge keys work; what they multiply to is bounded.
"""

from __future__ import annotations

import typing as t

import yaml

from model.errors import InvalidSettings
from model.yamltext import MISREAD

DEEPEST = 64
"""Levels of nesting, aliases followed."""
MOST_VALUES = 200_000
"""Values of one file, aliases followed."""

_Base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MERGE = "tag:yaml.org,2002:merge"
_MAPPING, _LIST = "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"
_DATE = "tag:yaml.org,2002:timestamp"
_SCALARS = frozenset(f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "timestamp"))


class Table(dict[str, t.Any]):
    """A mapping; `line` is where it begins, `lines` where each key stands."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}


class Listing(list[t.Any]):
    """A list; `line` is where it begins, `lines` where each item begins."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: list[int] = []


def parse(text: str, place: str) -> list[t.Any]:
    """Return the documents of a YAML or JSON text, empty ones left out.

    Args:
        text: the text.
        place: the file, for messages.

    Raises:
        InvalidSettings: it is no YAML, too deep, too large, a key stands twice or is no text; names the line.
    """
    try:
        _check_depth(text, place)
        nodes = [node for node in yaml.compose_all(text, Loader=_Base) if node is not None]
    except yaml.YAMLError as failure:
        raise _unreadable(failure, place) from None
    except MISREAD:
        raise InvalidSettings(place, "", "text that is no YAML", "YAML") from None
    builder = _Builder(place)
    documents = [builder.build(node, 0) for node in nodes]
    return [document for document in documents if document is not None]


def plain(value: t.Any) -> t.Any:
    """Return the value with ordinary dicts and lists."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def _check_depth(text: str, place: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_Base):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise InvalidSettings(place, "", "deep nesting", f"at most {DEEPEST} levels")


def _unreadable(failure: yaml.YAMLError, place: str) -> InvalidSettings:
    mark = getattr(failure, "problem_mark", None)
    where = f"{place}:{mark.line + 1}" if mark else place
    problem = getattr(failure, "problem", None)
    found = f"text that is no YAML ({problem})"[:140] if problem else "text that is no YAML"
    return InvalidSettings(where, "", found, "YAML")


class _Builder:
    """Turns the nodes of one file into values."""

    def __init__(self, place: str) -> None:
        self._place, self._count = place, 0
        self._scalars = yaml.constructor.SafeConstructor()

    def build(self, node: yaml.Node, depth: int) -> t.Any:
        """Return the node's value."""
        self._count += 1
        if self._count > MOST_VALUES or depth > DEEPEST:
            raise self._refuse(node, "aliases that multiply, or one that holds itself", f"{MOST_VALUES} values at most")
        if isinstance(node, yaml.MappingNode) and node.tag == _MAPPING:
            return self._table(node, depth)
        if isinstance(node, yaml.SequenceNode) and node.tag == _LIST:
            return self._listing(node, depth)
        if isinstance(node, yaml.ScalarNode) and node.tag in _SCALARS:
            return self._scalar(node)
        raise self._refuse(node, f"a value of the type {node.tag[:60]!r}", "a mapping, a list, text, a number")

    def _scalar(self, node: yaml.Node) -> t.Any:
        if node.tag == _DATE:
            return node.value
        try:
            return self._scalars.construct_object(node)
        except (yaml.YAMLError, *MISREAD):
            raise self._refuse(node, "a value that cannot be read", "plain text, a number or true and false") from None

    def _listing(self, node: yaml.SequenceNode, depth: int) -> Listing:
        listing = Listing(_line(node))
        for item in node.value:
            listing.append(self.build(item, depth + 1))
            listing.lines.append(_line(item))
        return listing

    def _table(self, node: yaml.MappingNode, depth: int) -> Table:
        table = Table(_line(node))
        merged: list[yaml.Node] = []
        for key, value in node.value:
            if key.tag == _MERGE:
                merged.append(value)
                continue
            name = self._key(key)
            if name in table:
                raise self._refuse(key, f"the key {name[:40]!r} twice", "each key once")
            table[name], table.lines[name] = self.build(value, depth + 1), _line(key)
        for value in merged:
            self._merge(table, value, depth)
        return table

    def _key(self, node: yaml.Node) -> str:
        """Return a key as text: what looks like a date or a number is meant as written."""
        if not isinstance(node, yaml.ScalarNode):
            raise self._refuse(node, "a key that is no text", "text")
        return str(node.value)

    def _merge(self, table: Table, node: yaml.Node, depth: int) -> None:
        """Add what `<<` names; what the mapping says itself stands."""
        found = self.build(node, depth + 1)
        for other in found if isinstance(found, Listing) else [found]:
            if not isinstance(other, Table):
                raise self._refuse(node, "something else behind <<", "a mapping, or a list of mappings")
            for key, value in other.items():
                if key not in table:
                    table[key], table.lines[key] = value, other.lines[key]

    def _refuse(self, node: yaml.Node, found: str, wanted: str) -> InvalidSettings:
        return InvalidSettings(f"{self._place}:{_line(node)}", "", found, wanted)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
