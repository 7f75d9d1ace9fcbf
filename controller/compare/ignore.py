"""Which differences do not count: spec.ignoreDifferences and resource.customizations.ignoreDifferences. Pure.

JSON pointers and managers are honoured; jq expressions are not evaluated and each is reported in `problems`, because a
rule that silently does nothing makes an application flap. Source: Argo CD util/argo/normalizers/diff_normalizer.go.
"""

from __future__ import annotations

import fnmatch
import typing as t

import msgspec

from model import yamltext
from model.application import IgnoreDifference
from model.meta import JSON, ResourceKey
from model.settings import Settings

SETTINGS_PREFIX = "ignoreDifferences."

Pointer = tuple[str, ...]


class _Rule(msgspec.Struct, frozen=True):
    spec: IgnoreDifference
    pointers: tuple[Pointer, ...]
    managers: frozenset[str]

    def applies(self, key: ResourceKey) -> bool:
        spec = self.spec
        if not fnmatch.fnmatchcase(key.group, spec.group) or not fnmatch.fnmatchcase(key.kind, spec.kind):
            return False
        return spec.name in ("", key.name) and spec.namespace in ("", key.namespace)


class IgnoreRules(msgspec.Struct, frozen=True):
    """All rules in force for one application."""

    rules: tuple[_Rule, ...] = ()
    problems: tuple[str, ...] = ()
    """One line per part of a rule that is not honoured; to be shown as a condition."""

    @classmethod
    def build(cls, differences: t.Iterable[IgnoreDifference] | None, settings: Settings | None = None) -> IgnoreRules:
        """Read the rules of an application and of the settings."""
        problems: list[str] = []
        named = [(f"spec.ignoreDifferences[{i}]", rule) for i, rule in enumerate(differences or ())]
        named += _from_settings(settings.customizations if settings else {}, problems)
        rules = tuple(_compile(where, rule, problems) for where, rule in named)
        return cls(rules, tuple(problems))

    def pointers(self, key: ResourceKey) -> list[Pointer]:
        """Return the paths to be left out of both sides."""
        return [pointer for rule in self.rules if rule.applies(key) for pointer in rule.pointers]

    def managers(self, key: ResourceKey) -> frozenset[str]:
        """Return the field managers whose fields do not count."""
        return frozenset().union(*(rule.managers for rule in self.rules if rule.applies(key)))


def _compile(where: str, rule: IgnoreDifference, problems: list[str]) -> _Rule:
    pointers: list[Pointer] = []
    for text in rule.json_pointers or ():
        if not text.startswith("/"):
            problems.append(f"{where}.jsonPointers: found {text[:100]!r}, expected a path that begins with a slash")
            continue
        pointers.append(tuple(part.replace("~1", "/").replace("~0", "~") for part in text[1:].split("/")))
    problems.extend(
        f"{where}.jqPathExpressions: {text[:100]!r} is not evaluated by this version, the difference counts; "
        "use jsonPointers or managedFieldsManagers"
        for text in rule.jq_path_expressions or ()
    )
    return _Rule(rule, tuple(pointers), frozenset(rule.managed_fields_managers or ()))


def _from_settings(customizations: t.Mapping[str, str], problems: list[str]) -> list[tuple[str, IgnoreDifference]]:
    """Read ``ignoreDifferences.all`` and ``ignoreDifferences.GROUP_KIND`` of argocd-cm."""
    found: list[tuple[str, IgnoreDifference]] = []
    for key in sorted(customizations):
        if not key.startswith(SETTINGS_PREFIX):
            continue
        where = f"argocd-cm: resource.customizations.{key}"
        name = key.removeprefix(SETTINGS_PREFIX)
        group, _, kind = name.rpartition("_")
        group, kind = ("*", "*") if name == "all" else (group, kind)
        try:
            rule = msgspec.convert(yamltext.load(customizations[key]) or {}, IgnoreDifference)
        except (ValueError, msgspec.MsgspecError):
            problems.append(f"{where}: found unreadable text, expected jsonPointers or managedFieldsManagers")
            continue
        found.append((where, msgspec.structs.replace(rule, group=group, kind=kind, name="", namespace="")))
    return found


def remove(obj: JSON, pointers: t.Iterable[Pointer]) -> JSON:
    """Return the object without what the pointers name; the input is left as it was, missing paths are no error."""
    result: t.Any = obj
    for pointer in pointers:
        result = _without(result, pointer)
    return t.cast("JSON", result)


def _without(value: t.Any, pointer: Pointer) -> t.Any:
    if not pointer:
        return value
    head, rest = pointer[0], pointer[1:]
    if isinstance(value, dict) and head in value:
        if not rest:
            return {k: v for k, v in value.items() if k != head}
        return {**value, head: _without(value[head], rest)}
    if isinstance(value, list) and head.isascii() and head.isdigit() and int(head) < len(value):
        index = int(head)
        middle = [_without(value[index], rest)] if rest else []
        return [*value[:index], *middle, *value[index + 1 :]]
    return value
