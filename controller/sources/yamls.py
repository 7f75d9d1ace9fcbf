"""The only YAML reader for manifests: Kubernetes' rules on PyYAML's C events, with limits. No I/O, no Python tags.

The rules are those of sigs.k8s.io/yaml (YAML 1.1 scalars as Go reads them, JSON values out), with one deliberate
difference: a key that stands twice in a mapping is refused, because the permission check and the API server must see
the same object. Errors give position and rule, never a piece of the text: the file may hold secrets.

Callers: every renderer in `controller.sources`, in the loop's process for small texts and in the cage for large ones.
"""

from __future__ import annotations

import base64
import binascii
import typing as t

import msgspec
import yaml
from yaml._yaml import CParser

from controller.sources.scalars import UnrepresentableError, key_text, resolve

MAX_BYTES = 10 * 1024 * 1024
"""Argo CD's default limit for the manifests of one directory (reposerver.max.combined.directory.manifests.size)."""
MAX_DEPTH = 200
"""The deepest CustomResourceDefinitions in use nest about 60 levels."""
MAX_NODES = 2_000_000
"""Scalars and collections of one text, aliases counted as often as they are used."""
MAX_ALIAS_NODES = 100_000
"""Nodes that aliases and merges may add; nine-way bombs pass it at their fifth level."""


class YamlError(ValueError):
    """A text that is not YAML as Kubernetes reads it; the message is ``NAME:LINE:COLUMN: rule`` without content."""

    partial = False
    """True when documents before the broken one are fine."""


class Document(t.NamedTuple):
    """One document of a text."""

    value: t.Any
    """JSON values; aliased parts are shared, so copy before changing."""
    line: int
    """1-based line of the first node."""


class _Frame:
    """One open collection while the events run by."""

    __slots__ = ("anchor", "key", "merges", "nodes_before", "value")

    def __init__(self, value: t.Any, anchor: str | None, nodes_before: int) -> None:
        self.value, self.anchor, self.nodes_before = value, anchor, nodes_before
        self.key: str | None = None
        self.merges: list[t.Any] | None = None


class _Merge(str):
    """The key ``<<``, told apart from the text of the same spelling."""

    __slots__ = ()


def parse(data: bytes, name: str, *, max_bytes: int = MAX_BYTES) -> list[Document]:
    """Read all documents of a text; empty documents are left out.

    Args:
        data: UTF-8, or UTF-16 with a byte order mark.
        name: what to call the text in errors, for example ``apps/shop/deploy.yaml``.
        max_bytes: refuse longer texts.

    Raises:
        YamlError: not readable, too large, too deep, or a value that JSON cannot carry.
    """
    if len(data) > max_bytes:
        raise YamlError(f"{name}: {len(data)} bytes, more than the limit of {max_bytes}")
    builder = _Builder(name)
    text = _decode(data, name)
    try:
        return _read(builder, text, name)
    except YamlError as failure:
        failure.partial = bool(builder.documents)
        raise


def _read(builder: _Builder, text: str, name: str) -> list[Document]:
    """Run the parser and put its errors in our words; libyaml's texts are constants and hold nothing of the input."""
    try:
        return builder.read(CParser(text))
    except yaml.MarkedYAMLError as failure:
        mark = failure.problem_mark or failure.context_mark
        raise YamlError(f"{name}:{_place(mark)}: {failure.problem or failure.context or 'not valid YAML'}") from None
    except yaml.YAMLError:
        raise YamlError(f"{name}: holds a character that YAML does not allow") from None


def parse_one(data: bytes, name: str) -> t.Any:
    """Read a text of exactly one document; an empty text is None."""
    documents = parse(data, name)
    if len(documents) > 1:
        raise YamlError(f"{name}:{documents[1].line}:1: a second document, where only one is allowed")
    return documents[0].value if documents else None


def to_json(argument: dict[str, t.Any]) -> dict[str, t.Any]:
    """Parse in the cage: {"data", "name"} -> {"documents": [(line, JSON bytes)]} or {"error", "partial"}."""
    try:
        documents = parse(argument["data"], argument["name"])
    except YamlError as failure:
        return {"error": str(failure), "partial": failure.partial}
    return {"documents": [(d.line, msgspec.json.encode(d.value)) for d in documents]}


def _decode(data: bytes, name: str) -> str:
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as failure:
        line = data.count(b"\n", 0, failure.start) + 1
        raise YamlError(f"{name}:{line}: byte {failure.start} is not valid {encoding.removesuffix('-sig')}") from None


def _place(mark: t.Any) -> str:
    return f"{mark.line + 1}:{mark.column + 1}" if mark is not None else "1:1"


class _Builder:
    """Builds JSON values from parser events, without recursion."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.nodes = 0
        self.extra = 0
        self.stack: list[_Frame] = []
        self.anchors: dict[str, tuple[t.Any, int]] = {}
        self.documents: list[Document] = []
        self.line = 1
        self.root: t.Any = None
        self.handlers: dict[type, t.Callable[[t.Any], None]] = {
            yaml.ScalarEvent: self.scalar,
            yaml.MappingStartEvent: self.mapping,
            yaml.SequenceStartEvent: self.sequence,
            yaml.MappingEndEvent: self.end_mapping,
            yaml.SequenceEndEvent: self.end,
            yaml.AliasEvent: self.alias,
            yaml.DocumentStartEvent: self.start_document,
            yaml.DocumentEndEvent: self.end_document,
        }

    def read(self, parser: CParser) -> list[Document]:
        """Run through all events."""
        try:
            while True:
                event = parser.get_event()
                if event is None or isinstance(event, yaml.StreamEndEvent):
                    return self.documents
                handler = self.handlers.get(type(event))
                if handler is not None:
                    handler(event)
        finally:
            parser.dispose()

    def fail(self, event: t.Any, rule: str) -> t.NoReturn:
        """Raise with the position of `event`."""
        raise YamlError(f"{self.name}:{_place(event.start_mark)}: {rule}")

    def start_document(self, event: yaml.DocumentStartEvent) -> None:
        """Refuse other versions than 1.1, as Kubernetes does."""
        if event.version and tuple(event.version) != (1, 1):
            self.fail(event, "a %YAML header other than 1.1, which Kubernetes does not read")
        self.anchors.clear()
        self.root, self.line = None, 0

    def end_document(self, event: yaml.DocumentEndEvent) -> None:
        """Keep the document unless it is empty."""
        if self.root is not None:
            self.documents.append(Document(self.root, self.line or 1))

    def count(self, event: t.Any, nodes: int = 1) -> None:
        """Charge nodes against the limit of the text."""
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            self.fail(event, f"more than {MAX_NODES} values")

    def borrow(self, event: t.Any, nodes: int) -> None:
        """Charge nodes that an alias or a merge repeats."""
        self.extra += nodes
        if self.extra > MAX_ALIAS_NODES:
            self.fail(event, f"aliases that stand for more than {MAX_ALIAS_NODES} values")
        self.count(event, nodes)

    def open(self, event: t.Any, value: t.Any) -> None:
        """Start a collection."""
        self.count(event)
        self.line = self.line or event.start_mark.line + 1
        if len(self.stack) >= MAX_DEPTH:
            self.fail(event, f"nested deeper than {MAX_DEPTH} levels")
        if self.stack and isinstance(self.stack[-1].value, dict) and self.stack[-1].key is None:
            self.fail(event, "a list or mapping as a key, where Kubernetes wants text")
        self.stack.append(_Frame(value, event.anchor, self.nodes - 1))
        if event.anchor:
            self.anchors.pop(event.anchor, None)

    def mapping(self, event: yaml.MappingStartEvent) -> None:
        """Start a mapping."""
        if event.tag not in (None, "!", "tag:yaml.org,2002:map"):
            self.fail(event, "a tag that Kubernetes does not know")
        self.open(event, {})

    def sequence(self, event: yaml.SequenceStartEvent) -> None:
        """Start a list."""
        if event.tag not in (None, "!", "tag:yaml.org,2002:seq"):
            self.fail(event, "a tag that Kubernetes does not know")
        self.open(event, [])

    def end_mapping(self, event: t.Any) -> None:
        """Close a mapping: merged keys fill what the mapping itself does not say."""
        frame = self.stack[-1]
        for source in frame.merges or ():
            self.borrow(event, len(source))
            for key, value in source.items():
                frame.value.setdefault(key, value)
        self.end(event)

    def end(self, event: t.Any) -> None:
        """Close a collection and hand it to its parent."""
        frame = self.stack.pop()
        if frame.anchor:
            self.anchors[frame.anchor] = (frame.value, self.nodes - frame.nodes_before)
        self.put(event, frame.value)

    def alias(self, event: yaml.AliasEvent) -> None:
        """Repeat an anchored value; it is shared, and counted as if it were copied."""
        if event.anchor not in self.anchors:
            self.fail(event, "an alias to an anchor that is not defined, or that holds itself")
        value, nodes = self.anchors[event.anchor]
        self.borrow(event, nodes)
        if self._wants_key():
            if isinstance(value, (dict, list)):
                self.fail(event, "a list or mapping as a key, where Kubernetes wants text")
            value = self.as_key(event, value)
        self.put(event, value)

    def scalar(self, event: t.Any) -> None:
        """Resolve one scalar by Kubernetes' rules."""
        self.count(event)
        self.line = self.line or event.start_mark.line + 1
        plain = event.implicit[0]
        wants_key = self._wants_key()
        if wants_key and plain and event.value == "<<" and event.tag in (None, "!"):
            self.stack[-1].key = _Merge("<<")
            return
        value = self.value_of(event, plain)
        if event.anchor:
            self.anchors[event.anchor] = (value, 1)
        self.put(event, self.as_key(event, value) if wants_key else value)

    def value_of(self, event: yaml.ScalarEvent, plain: bool) -> t.Any:
        """Return the value of a scalar, tag included."""
        tag = event.tag.removeprefix("tag:yaml.org,2002:") if event.tag else ""
        try:
            if (plain and tag != "!") or tag in ("null", "bool", "int", "float"):
                value = resolve(event.value)
                return self.check_tag(event, tag, value)
        except UnrepresentableError as failure:
            self.fail(event, str(failure))
        if tag == "binary":
            return self.binary(event)
        if tag not in ("", "!", "str"):
            self.fail(event, "a tag that Kubernetes does not know")
        return event.value

    def check_tag(self, event: t.Any, tag: str, value: t.Any) -> t.Any:
        """Refuse a value that does not fit its explicit tag."""
        kinds: dict[str, t.Any] = {"": object, "null": type(None), "bool": bool, "int": int, "float": (int, float)}
        if tag not in kinds or not isinstance(value, kinds[tag]):
            self.fail(event, "a value that does not fit its tag, or a tag that Kubernetes does not know")
        return value

    def binary(self, event: yaml.ScalarEvent) -> str:
        """Decode !!binary; what is not text has no place in JSON."""
        try:
            return base64.b64decode("".join(event.value.split()), validate=True).decode()
        except (binascii.Error, ValueError):
            self.fail(event, "!!binary that is not the base64 of UTF-8 text")

    def as_key(self, event: t.Any, value: t.Any) -> str:
        """Return a key as the text that JSON carries."""
        try:
            return key_text(value)
        except UnrepresentableError as failure:
            self.fail(event, str(failure))

    def _wants_key(self) -> bool:
        return bool(self.stack) and isinstance(self.stack[-1].value, dict) and self.stack[-1].key is None

    def put(self, event: t.Any, value: t.Any) -> None:
        """Give a finished value to the collection around it."""
        if not self.stack:
            self.root = value
            return
        frame = self.stack[-1]
        if isinstance(frame.value, list):
            frame.value.append(value)
        elif frame.key is None:
            if value in frame.value:
                self.fail(event, "a key that stands twice in one mapping")
            frame.key = value
        elif isinstance(frame.key, _Merge):
            self.merge(event, frame, value)
        else:
            frame.value[frame.key] = value
            frame.key = None

    def merge(self, event: t.Any, frame: _Frame, value: t.Any) -> None:
        """Note the mapping, or list of mappings, that ``<<`` names."""
        sources = value if isinstance(value, list) else [value]
        if not all(isinstance(source, dict) for source in sources):
            self.fail(event, "a merge (<<) of something that is not a mapping")
        frame.merges = (frame.merges or []) + sources
        frame.key = None
