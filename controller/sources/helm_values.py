"""The values of a Helm source: value files, inline values, parameters, in Argo CD's order of precedence.

Every file is located before any is opened, and a place outside the repository is refused with one text, whether or not
something stands there. Called by `helm`.
"""

from __future__ import annotations

import contextlib
import re
import typing as t

from controller.cage import Cage
from controller.sources import strvals
from controller.sources.documents import read_yaml
from controller.sources.inputs import Inputs
from controller.sources.paths import shown
from controller.sources.snapshot import View
from controller.sources.yamls import YamlError
from model.errors import InvalidSpec, RenderError
from model.source import HelmSource

MAX_FILE_BYTES = 10 * 1024 * 1024
_REFERENCE = re.compile(r"\$([A-Za-z0-9_-]+)(?:/|$)")
_COMMA = re.compile(r"(?<!\\),")


def collect(inputs: Inputs, helm: HelmSource, cage: Cage) -> dict[str, t.Any]:
    """Return the values that override the chart's own.

    Order, later wins: valueFiles, values or valuesObject, parameters, fileParameters.

    Raises:
        InvalidSpec: a file outside the repository, an unknown ``$ref``, a parameter that is no --set expression.
        RenderError: a file that does not exist or is not a YAML mapping.
    """
    files = _located(inputs, "valueFiles", list(helm.value_files or ()))
    parameter_files = _located(inputs, "fileParameters", [p.path for p in helm.file_parameters or ()])
    values: dict[str, t.Any] = {}
    for field, view, path in files:
        values = merge(values, _value_file(inputs, helm, field, view, path, cage))
    values = merge(values, _inline(helm, cage))
    for index, parameter in enumerate(helm.parameters or ()):
        text = f"{parameter.name}={_escaped(inputs.substitute(parameter.value))}"
        with _naming(f"helm.parameters[{index}]"):
            strvals.parse_into(values, text, as_text=parameter.force_string)
    for parameter_file, (field, view, path) in zip(helm.file_parameters or (), parameter_files, strict=True):
        content = _text(field, view, path)
        with _naming(field):
            strvals.set_text(values, parameter_file.name, content)
    return values


def merge(below: dict[str, t.Any], above: dict[str, t.Any]) -> dict[str, t.Any]:
    """Merge two values trees: mappings key by key, everything else is replaced; a null stays, it removes a default."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = merge(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _located(inputs: Inputs, field: str, texts: list[str]) -> list[tuple[str, View, str]]:
    found: dict[tuple[int, str], tuple[str, View, str]] = {}
    for index, text in enumerate(texts):
        name = f"helm.{field}[{index}]" + (".path" if field == "fileParameters" else "")
        unknown = _unknown_reference(inputs, text)
        if unknown:
            known = ", ".join(f"${r}" for r in inputs.views if r) or "none"
            raise InvalidSpec("source", name, shown(unknown), f"the ref of another source (known: {known})")
        written = text if _reference(text) in inputs.views else inputs.substitute(text)
        place = inputs.place(written)
        if place is None or not place[1]:
            raise InvalidSpec("source", name, shown(written), "a file inside the repository")
        key = (id(place[0]), place[1]) if field == "valueFiles" else (index, "")
        found[key] = (name, *place)
    return list(found.values())


def _reference(text: str) -> str:
    """Return the name in ``$name/…``; a text that starts with no dollar names nothing."""
    return text[1:].partition("/")[0] if text.startswith("$") else "/"


def _unknown_reference(inputs: Inputs, text: str) -> str:
    """Return ``$name`` when it is neither a ref nor of the build environment, else empty text."""
    found = _REFERENCE.match(text)
    if not found or found[1] in inputs.views or found[1].startswith("ARGOCD_"):
        return ""
    return f"${found[1]}"


def _value_file(inputs: Inputs, helm: HelmSource, field: str, view: View, path: str, cage: Cage) -> dict[str, t.Any]:
    data = view.read(path, MAX_FILE_BYTES)
    if data is None:
        if helm.ignore_missing_value_files:
            return {}
        raise RenderError(f"{view.label}: {field}: {path} does not exist")
    return _mapping(f"{view.label}: {path}", data, cage)


def _text(field: str, view: View, path: str) -> str:
    data = view.read(path, MAX_FILE_BYTES)
    if data is None:
        raise RenderError(f"{view.label}: {field}: {path} does not exist")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise RenderError(f"{view.label}: {field}: {path} is not UTF-8 text") from None


def _inline(helm: HelmSource, cage: Cage) -> dict[str, t.Any]:
    if helm.values_object is not None:
        return dict(helm.values_object)
    return _mapping("source.helm.values", helm.values.encode(), cage) if helm.values else {}


def _mapping(where: str, data: bytes, cage: Cage) -> dict[str, t.Any]:
    try:
        documents = read_yaml(where, data, cage)
    except YamlError as failure:
        raise RenderError(str(failure)) from None
    value = documents[0][2] if documents else {}
    if not isinstance(value, dict):
        raise RenderError(f"{where}: found a list or a scalar, expected a mapping of values")
    return value


def _escaped(value: str) -> str:
    """Escape commas as Argo CD does: not in ``{lists}``, not twice."""
    return value if value.startswith("{") and value.endswith("}") else _COMMA.sub(r"\\,", value)


@contextlib.contextmanager
def _naming(field: str) -> t.Iterator[None]:
    """Name the field in an error of the --set grammar."""
    try:
        yield
    except strvals.SetError as failure:
        raise InvalidSpec("source", field, str(failure), "name and value as helm --set reads them") from None
