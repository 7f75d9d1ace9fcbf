"""Label and field selectors of list and watch requests.

Grammar and wording of refusals as in k8s.io/apimachinery's labels and fields packages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox import errors
from sandbox.resources import GroupResource

_OPERATORS = "in, notin, =, ==, !=, gt, lt"
_TOKEN = re.compile(r"\s*(==|!=|=|!|<|>|\(|\)|,|[^\s=!<>(),]+)")

# The fields beside metadata.name and metadata.namespace that a kind can be selected by.
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "pods": (
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.nominatedNodeName",
    ),
    "events": (
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.name",
        "involvedObject.uid",
        "involvedObject.apiVersion",
        "involvedObject.resourceVersion",
        "involvedObject.fieldPath",
        "reason",
        "reportingComponent",
        "source",
        "type",
    ),
    "nodes": ("spec.unschedulable",),
    "namespaces": ("status.phase", "name"),
    "secrets": ("type",),
    "services": ("spec.clusterIP", "spec.type"),
    "replicationcontrollers": ("status.replicas",),
    "replicasets.apps": ("status.replicas",),
    "jobs.batch": ("status.successful",),
}


@dataclass(frozen=True)
class Requirement:
    """One condition on one key."""

    key: str
    operator: str
    """One of in, notin, exists, absent, gt, lt."""
    values: tuple[str, ...] = ()

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Tells whether the labels meet the condition."""
        value = labels.get(self.key)
        if self.operator == "notin":
            return value not in self.values
        if self.operator == "absent":
            return value is None
        if value is None:
            return False
        return self._compare(value)

    def _compare(self, value: str) -> bool:
        if self.operator == "in":
            return value in self.values
        if self.operator == "exists":
            return True
        try:
            number, bound = int(value), int(self.values[0])
        except ValueError:
            return False
        return number > bound if self.operator == "gt" else number < bound


class _Parser:
    """Reads a label selector word by word."""

    def __init__(self, text: str) -> None:
        self._tokens = _TOKEN.findall(text)
        self._at = 0

    def peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def take(self) -> str:
        word = self.peek()
        self._at += 1
        return word

    def requirements(self) -> list[Requirement]:
        found = []
        while self.peek():
            found.append(self._requirement())
            if self.peek() and self.take() != ",":
                self._at -= 1
                raise _refused(self.peek(), "',' or 'end of string'")
        return found

    def _requirement(self) -> Requirement:
        if self.peek() == "!":
            self.take()
            return Requirement(self._key(), "absent")
        key = self._key()
        if self.peek() in ("", ","):
            return Requirement(key, "exists")
        operator = self.take()
        if operator in ("=", "=="):
            return Requirement(key, "in", (self._value(),))
        if operator == "!=":
            return Requirement(key, "notin", (self._value(),))
        if operator in ("in", "notin"):
            return Requirement(key, operator, self._values())
        if operator in ("<", ">"):
            return Requirement(key, "lt" if operator == "<" else "gt", (self._value(),))
        raise _refused(operator, _OPERATORS)

    def _key(self) -> str:
        word = self.take()
        if not word or word in "=!<>(),==!=":
            raise _refused(word, "!, identifier, or 'end of string'")
        return word

    def _value(self) -> str:
        return "" if self.peek() in ("", ",") else self.take()

    def _values(self) -> tuple[str, ...]:
        if self.take() != "(":
            self._at -= 1
            raise _refused(self.peek(), "'('")
        values, word = [], self.take()
        while word and word != ")":
            if word != ",":
                values.append(word)
            word = self.take()
        if word != ")":
            raise _refused("", "',' or ')'")
        return tuple(values)


def _refused(found: str, expected: str) -> errors.StatusError:
    return errors.bad_request(f"unable to parse requirement: found '{found}', expected: {expected}")


def _field_requirements(text: str) -> list[Requirement]:
    found = []
    for part in filter(None, text.split(",")):
        match = re.fullmatch(r"([^=!]+)(==|!=|=)(.*)", part)
        if match is None:
            raise errors.bad_request(f"invalid selector: '{text}'; can't understand '{part}'")
        key, operator, value = match.groups()
        found.append(Requirement(key.strip(), "notin" if operator == "!=" else "in", (value.strip(),)))
    return found


def _field(obj: Mapping[str, Any], path: str) -> str:
    value: Any = obj
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


_SPECIAL: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "spec.unschedulable": lambda obj: _field(obj, "spec.unschedulable") or "false",
    "spec.hostNetwork": lambda obj: _field(obj, "spec.hostNetwork") or "false",
    "status.successful": lambda obj: _field(obj, "status.succeeded") or "0",
    "status.replicas": lambda obj: _field(obj, "status.replicas") or "0",
    "source": lambda obj: _field(obj, "source.component") or _field(obj, "reportingComponent"),
    "name": lambda obj: _field(obj, "metadata.name"),
}


@dataclass(frozen=True)
class Selector:
    """What a list or watch asks for."""

    labels: tuple[Requirement, ...] = ()
    fields: tuple[Requirement, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.labels or self.fields)

    def matches(self, obj: Mapping[str, Any]) -> bool:
        """Tells whether an object is asked for."""
        labels = obj["metadata"].get("labels") or {}
        return all(each.holds(labels) for each in self.labels) and all(_holds(each, obj) for each in self.fields)


def _holds(requirement: Requirement, obj: Mapping[str, Any]) -> bool:
    special = _SPECIAL.get(requirement.key)
    value = special(obj) if special else _field(obj, requirement.key)
    return requirement.holds({requirement.key: value})


def parse(
    label_selector: str, field_selector: str, gr: GroupResource, extra_fields: tuple[str, ...] | None = None
) -> Selector:
    """Reads both selectors of a request.

    Args:
        label_selector: For example "app=web,tier in (a,b),!old".
        field_selector: For example "metadata.name=web".
        gr: The kind of object; it decides which fields may be named.
        extra_fields: Selectable fields that a CRD declares; None for a built-in kind.

    Raises:
        StatusError: 400, when one does not parse or names a field that this kind cannot be selected by.
    """
    fields = _field_requirements(field_selector)
    own = _FIELDS.get(errors.qualified(gr.group, gr.resource), ())
    known = ("metadata.name", "metadata.namespace", *own, *(extra_fields or ()))
    for each in fields:
        if each.key not in known:
            raise errors.bad_request(_unknown_field(each.key, gr, custom=extra_fields is not None))
    return Selector(tuple(_Parser(label_selector).requirements()), tuple(fields))


def _unknown_field(key: str, gr: GroupResource, *, custom: bool) -> str:
    if custom or errors.qualified(gr.group, gr.resource) in _FIELDS:
        return f"field label not supported: {key}"
    return f'"{key}" is not a known field selector: only "metadata.name", "metadata.namespace"'
