"""Runs in the cage: one chart folder, values and options to documents, with the bundled Helm library. Imports Helm."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import msgspec
from helm_python import HelmError, _native
from helm_python.chart import Chart, dependency_list

from controller.cageworker import WorkerError
from controller.sources import yamls

_TEST_HOOKS = {"test", "test-success", "test-failure"}


def render(argument: dict[str, t.Any]) -> list[tuple[str, int, bytes]]:
    """Render a chart: [(template, line, JSON)], CRDs first.

    Args:
        argument: chart (folder), values (JSON text), options (name, namespace, kube_version, api_versions), crds, tests
            and schema (whether to include CRDs, to keep test hooks, to check values.schema.json).

    Raises:
        WorkerError: Helm's message on one line.
    """
    if not argument["schema"]:
        _drop_schemas(argument["chart"])
    try:
        _check_dependencies(argument["chart"])
        with Chart.load(argument["chart"]) as chart:
            texts = _crds(chart, argument["values"]) if argument["crds"] else []
            options = json.dumps(argument["options"])
            made = json.loads(_native.call_string("helm_render", chart._raw(), argument["values"], options))
    except HelmError as failure:
        raise WorkerError(" ".join(str(failure).split())) from None
    texts += sorted((name, text) for name, text in made.items() if not name.endswith("NOTES.txt"))
    return [document for name, text in texts for document in _documents(name, text, argument["tests"])]


def _documents(name: str, text: str, keep_tests: bool) -> t.Iterator[tuple[str, int, bytes]]:
    if not text.strip():
        return
    for document in yamls.parse(text.encode(), name):
        if keep_tests or not _is_test(document.value):
            yield name, document.line, msgspec.json.encode(document.value)


def _is_test(value: t.Any) -> bool:
    metadata = value.get("metadata") if isinstance(value, dict) else None
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    hooks = annotations.get("helm.sh/hook") if isinstance(annotations, dict) else None
    return isinstance(hooks, str) and any(h.strip() in _TEST_HOOKS for h in hooks.split(","))


def _check_dependencies(folder: str) -> None:
    """Refuse a chart whose declared dependencies are not in charts/, as helm does; the library would leave them out."""
    for dependency in dependency_list(folder):
        if dependency.get("status") == "missing":
            where = f" from {dependency['repository']}" if dependency.get("repository") else ""
            raise WorkerError(
                f"its dependency {dependency['name']} {dependency.get('version', '')}{where} is not in charts/: "
                "run helm dependency build and commit the result"
            )


def _crds(chart: Chart, values: str) -> list[tuple[str, str]]:
    """Return (name, text) of the files under crds/, without those of subcharts that the values switch off."""
    off = _disabled(chart, json.loads(values))
    found = []
    for crd in chart.crds:
        parts = crd["filename"].split("/")
        subchart = parts[parts.index("charts") + 1] if "charts" in parts[:-1] else ""
        if subchart not in off:
            found.append((crd["filename"], crd["data"]))
    return sorted(found)


def _disabled(chart: Chart, values: dict[str, t.Any]) -> set[str]:
    """Return the names of dependencies that their condition or tags switch off (Helm: processDependencyEnabled)."""
    dependencies = chart.metadata.get("dependencies") or []
    if not any(d.get("condition") or d.get("tags") for d in dependencies):
        return set()
    merged = chart.merge_values(values)
    kept = {d["name"] for d in dependencies if _enabled(d, merged)}
    return {d["name"] for d in dependencies} - kept


def _enabled(dependency: dict[str, t.Any], values: dict[str, t.Any]) -> bool:
    for path in str(dependency.get("condition") or "").split(","):
        found: t.Any = values
        for key in path.strip().split("."):
            found = found.get(key) if isinstance(found, dict) else None
        if isinstance(found, bool):
            return found
    tags = values.get("tags") if isinstance(values.get("tags"), dict) else {}
    assert isinstance(tags, dict)
    stated = [tags[tag] for tag in dependency.get("tags") or () if isinstance(tags.get(tag), bool)]
    return any(stated) or not stated


def _drop_schemas(folder: str) -> None:
    """Remove values.schema.json files from the private copy: that is how the check is switched off."""
    for path in Path(folder).rglob("values.schema.json"):
        path.unlink()
