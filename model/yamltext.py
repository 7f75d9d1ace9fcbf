"""YAML text of settings -> plain JSON values: one document, no aliases, unique keys, times stay text, within limits.

For small texts that people write into ConfigMaps and annotations; manifests of repositories are read elsewhere.
"""

from __future__ import annotations

import typing as t

import yaml

LONGEST = 1024 * 1024
"""Characters; a ConfigMap holds no more."""
DEEPEST = 20
"""Levels of nesting."""
MISREAD = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
"""What PyYAML raises beside its own errors, mostly over scalars that are not what their tag says: ``!!bool maybe``."""

_Base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class PlainLoader(_Base):  # type: ignore[misc, valid-type]
    """Safe YAML in which times stay text, as in JSON."""

    yaml_implicit_resolvers: t.ClassVar = {
        first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


class _Loader(PlainLoader):
    """With unique keys of text."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[t.Any, t.Any]:
        """Refuse a key that stands twice, and one that is no text."""
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag != "tag:yaml.org,2002:str":
                raise yaml.constructor.ConstructorError(None, None, "a key that is no text", key.start_mark)
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, "a key stands twice", key.start_mark)
            seen.add(key.value)
        return t.cast("dict[t.Any, t.Any]", super().construct_mapping(node, deep))


def load(text: str) -> t.Any:
    """Return the value of a YAML text; None for an empty one.

    Raises:
        ValueError: one line with the position; nothing of the text is quoted.
    """
    if len(text) > LONGEST:
        raise ValueError(f"{len(text)} characters, expected at most {LONGEST}")
    try:
        _check_events(text)
        return yaml.load(text, Loader=_Loader)  # noqa: S506, TID251 - a subclass of the safe loader
    except yaml.YAMLError as failure:
        raise ValueError(_told(failure)) from None
    except MISREAD as failure:
        raise ValueError(f"no YAML ({type(failure).__name__})") from None


def _check_events(text: str) -> None:
    """Refuse aliases and deep nesting before anything is built."""
    depth = 0
    for event in yaml.parse(text, Loader=_Base):
        if isinstance(event, yaml.AliasEvent):
            raise _refusal("an alias, which is not taken here", event)
        if isinstance(event, (yaml.SequenceStartEvent, yaml.MappingStartEvent)):
            depth += 1
            if depth > DEEPEST:
                raise _refusal(f"more than {DEEPEST} levels", event)
        elif isinstance(event, (yaml.SequenceEndEvent, yaml.MappingEndEvent)):
            depth -= 1


def _refusal(problem: str, event: yaml.Event) -> yaml.MarkedYAMLError:
    mark: t.Any = event.start_mark
    return yaml.MarkedYAMLError(None, None, problem, mark)


def _told(failure: yaml.YAMLError) -> str:
    """Return what is wrong and where."""
    if not isinstance(failure, yaml.MarkedYAMLError):
        return "characters that YAML does not take"
    mark = failure.problem_mark
    place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    problem = (failure.problem or "no YAML").split("'")[0].strip()
    return f"{place}{problem or 'no YAML'}"
