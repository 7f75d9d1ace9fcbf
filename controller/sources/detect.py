"""Which tool renders a source, and the overrides that lie beside the manifests. Called by `rendering`.

Source: Argo CD user guide "Tool Detection" and "Parameter Overrides" (.argocd-source.yaml).
"""

from __future__ import annotations

import typing as t

import msgspec

from controller.sources.inputs import Inputs
from controller.sources.paths import child
from controller.sources.yamls import YamlError, parse_one
from model.decode import convert
from model.errors import InvalidSpec, RenderError
from model.source import Source
from model.states import SourceType

MAX_OVERRIDE_BYTES = 1024 * 1024
KUSTOMIZATION_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_LOCKED = ("repoURL", "path", "chart", "targetRevision", "ref")
_TOOLS = ("helm", "kustomize", "directory", "plugin")


def with_overrides(inputs: Inputs) -> Source:
    """Return the source with .argocd-source.yaml and .argocd-source-APPNAME.yaml merged into it.

    Raises:
        RenderError: one of the files is not a mapping that fits a source.
    """
    inputs.tree.check_folder(inputs.path)
    source = inputs.source
    for name in (".argocd-source.yaml", f".argocd-source-{inputs.fact('ARGOCD_APP_NAME')}.yaml"):
        path = child(inputs.path, name)
        data = inputs.tree.read(path, MAX_OVERRIDE_BYTES) if "/" not in name else None
        if data is not None:
            source = _merged(source, data, f"{inputs.tree.label}: {path}")
    return source


def _merged(source: Source, data: bytes, where: str) -> Source:
    try:
        patch = parse_one(data, where)
    except YamlError as failure:
        raise RenderError(str(failure)) from None
    if patch is None:
        return source
    if not isinstance(patch, dict):
        raise RenderError(f"{where}: found a list or a scalar, expected a mapping of source fields")
    for field in _LOCKED:
        patch.pop(field, None)
    try:
        return convert(Source, merge_patch(msgspec.to_builtins(source), patch), where)
    except InvalidSpec as failure:
        raise RenderError(str(failure)) from None


def merge_patch(target: t.Any, patch: t.Any) -> t.Any:
    """Apply a JSON merge patch (RFC 7386); the arguments stay as they are."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def tool_of(inputs: Inputs, source: Source) -> SourceType:
    """Return the tool that a source names, or that the names of its files ask for.

    Raises:
        InvalidSpec: several tools are named.
        SourceError: the path does not exist.
    """
    named = [tool for tool in _TOOLS if getattr(source, tool) is not None]
    if len(named) > 1:
        raise InvalidSpec("source", "", " and ".join(named), "settings of one tool only")
    found = SourceType(named[0].capitalize()) if named else _by_names(inputs)
    inputs.fact("tools")
    enabled = {
        SourceType.HELM: inputs.request.settings.helm_enabled,
        SourceType.KUSTOMIZE: inputs.request.settings.kustomize_enabled,
    }
    return found if enabled.get(found, True) else SourceType.DIRECTORY


def _by_names(inputs: Inputs) -> SourceType:
    """Look at the files directly in the path; a kustomization beats a chart, as in Argo CD."""
    if any(inputs.tree.file(child(inputs.path, name)) for name in KUSTOMIZATION_NAMES):
        return SourceType.KUSTOMIZE
    _, entries = inputs.tree.names(inputs.path)
    is_chart = any(name.endswith("Chart.yaml") and not entry.is_tree for name, entry in entries.items())
    return SourceType.HELM if is_chart else SourceType.DIRECTORY
