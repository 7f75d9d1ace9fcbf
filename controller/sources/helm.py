"""Helm charts in Git: the chart is copied out and rendered in the cage with the cluster's versions; never installed.

Called by `rendering`; what runs in the cage is `helm_worker`.
"""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import msgspec

from controller.cage import Cage, CageError
from controller.sources import helm_values
from controller.sources.export import export_folder, private_folder
from controller.sources.inputs import Inputs, Product
from controller.sources.paths import child, shown
from model.errors import InvalidSpec, RenderError
from model.source import HelmSource
from model.states import SourceType

_VERSION = re.compile(r"v?[0-9]+\.[0-9]+(\.[0-9]+)?")
_RELEASE = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
LONGEST_RELEASE = 53
"""Helm's limit for release names."""


def render_helm(inputs: Inputs, cage: Cage) -> Product:
    """Render a chart.

    Raises:
        SourceError: the path does not exist, or a link leads out of the repository.
        InvalidSpec: a setting that cannot be used.
        RenderError: the chart does not render; the message is Helm's, on one line.
    """
    helm = inputs.source.helm or HelmSource()
    if helm.version not in ("", "3", "v3"):
        raise InvalidSpec("source", "helm.version", shown(helm.version), "3 or nothing")
    values = helm_values.collect(inputs, helm, cage)
    with private_folder() as folder:
        contents = export_folder(inputs.tree, inputs.path, folder, inputs.warnings)
        if "Chart.yaml" not in contents:
            path = child(inputs.path, "Chart.yaml")
            raise RenderError(f"{inputs.tree.label}: {path} does not exist, so this is no Helm chart")
        argument = {
            "chart": str(folder),
            "values": msgspec.json.encode(values).decode(),
            "options": _options(inputs, helm, _asks_cluster(contents, values)),
            "crds": not helm.skip_crds,
            "tests": not helm.skip_tests,
            "schema": not helm.skip_schema_validation,
        }
        return Product(tuple(_render(inputs, cage, folder, argument)), SourceType.HELM)


def _render(inputs: Inputs, cage: Cage, folder: Path, argument: dict[str, t.Any]) -> t.Iterator[tuple[str, int, t.Any]]:
    try:
        found = cage.call("controller.sources.helm_worker:render", argument)
    except CageError as failure:
        text = failure.message.replace(str(folder), inputs.path or ".")
        what = text if failure.kind == "failed" else f"rendering {text}"
        raise RenderError(f"{inputs.tree.label}: chart {inputs.path or '.'}: {what}") from None
    for name, line, value in found:
        yield child(inputs.path, name.partition("/")[2]), line, msgspec.json.decode(value)


def _options(inputs: Inputs, helm: HelmSource, asks_cluster: bool) -> dict[str, t.Any]:
    """Return Helm's options and depend on what the chart can see of them."""
    release = inputs.substitute(helm.release_name) if helm.release_name else inputs.fact("app name")
    if len(release) > LONGEST_RELEASE or not _RELEASE.fullmatch(release):
        wanted = f"at most {LONGEST_RELEASE} lower-case letters, digits, - and . (set helm.releaseName)"
        raise InvalidSpec("source", "helm.releaseName", shown(release), wanted)
    options: dict[str, t.Any] = {"name": release, "namespace": helm.namespace or inputs.fact("ARGOCD_APP_NAMESPACE")}
    if not options["namespace"]:
        options["namespace"] = "default"
    if not asks_cluster:
        return options
    version = helm.kube_version or inputs.fact("KUBE_VERSION")
    if version:
        found = _VERSION.match(version)
        if not found:
            raise InvalidSpec("source", "helm.kubeVersion", shown(version), "a version such as 1.36.1")
        options["kube_version"] = found[0]
    if helm.api_versions is None:
        inputs.fact("KUBE_API_VERSIONS")
    versions = inputs.request.api_versions if helm.api_versions is None else helm.api_versions
    if versions:
        options["api_versions"] = list(versions)
    return options


def _asks_cluster(contents: t.Mapping[str, bytes], values: t.Any) -> bool:
    """Say whether a chart may look at the cluster's versions: then they belong to the key of the cache.

    Chart.yaml's kubeVersion and packed subcharts count; most charts see none of it, and a new CRD in the cluster must
    not render them all again.
    """
    if any(name.endswith((".tgz", ".tar.gz")) for name in contents):
        return True
    if any(b"kubeVersion" in data for name, data in contents.items() if name.endswith("Chart.yaml")):
        return True
    return any(b"Capabilities" in data for data in contents.values()) or b"Capabilities" in msgspec.json.encode(values)
