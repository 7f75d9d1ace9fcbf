"""The forms in which boards are handed to Grafana: ConfigMaps for its sidecar, and its own file provisioning. Pure."""

from __future__ import annotations

import re
import typing as t

import yaml

from model.errors import InvalidSettings

PROVIDER = "lynceus.yaml"
FOLDER = "lynceus"
"""Beside the provider's file: where the boards lie."""
NAME = "lynceus-dashboard-"
_PREFIX, _WORD = r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?", r"[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?"
_LABEL_KEY = re.compile(rf"(?:{_PREFIX}/)?{_WORD}", re.ASCII)
_LABEL_VALUE = re.compile(rf"(?:{_WORD})?", re.ASCII)
_NAMESPACE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)


class Sidecar(t.NamedTuple):
    """What the sidecar of Grafana's Helm chart looks for."""

    label: str = "grafana_dashboard=1"
    """KEY=VALUE of the ConfigMaps that it takes."""
    namespace: str = ""
    """Of the ConfigMaps; empty: that of whoever applies them."""
    folder: str = ""
    """The folder in Grafana; empty: the sidecar's default."""
    folder_annotation: str = "grafana_folder"
    """The annotation that names the folder (the chart's sidecar.dashboards.folderAnnotation)."""


def config_maps(boards: t.Mapping[str, str], sidecar: Sidecar) -> dict[str, str]:
    """Return a ConfigMap per board: file name -> YAML.

    Args:
        boards: file name -> JSON.
        sidecar: what it looks for.

    Raises:
        InvalidSettings: a label, namespace, annotation or folder that Kubernetes would refuse.
    """
    metadata = _metadata(sidecar)
    made = {}
    for name, text in boards.items():
        stem = name.removesuffix(".json")
        manifest = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": NAME + stem, **metadata},
            "data": {f"lynceus-{name}": text},
        }
        made[f"{stem}.configmap.yaml"] = yaml.dump(manifest, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
    return made


def _metadata(sidecar: Sidecar) -> dict[str, t.Any]:
    key, separator, value = sidecar.label.partition("=")
    if not separator or not _LABEL_KEY.fullmatch(key) or not _LABEL_VALUE.fullmatch(value):
        raise InvalidSettings("--label", "", repr(sidecar.label), "KEY=VALUE as Kubernetes takes labels")
    metadata: dict[str, t.Any] = {}
    if sidecar.namespace:
        if not _NAMESPACE.fullmatch(sidecar.namespace):
            raise InvalidSettings("--namespace", "", repr(sidecar.namespace), "the name of a namespace")
        metadata["namespace"] = sidecar.namespace
    metadata["labels"] = {"app.kubernetes.io/name": "lynceus", key: value}
    if sidecar.folder:
        if not _LABEL_KEY.fullmatch(sidecar.folder_annotation):
            raise InvalidSettings("--folder-annotation", "", repr(sidecar.folder_annotation), "an annotation's name")
        metadata["annotations"] = {sidecar.folder_annotation: checked_folder(sidecar.folder)}
    return metadata


def checked_folder(folder: str) -> str:
    """Return the name of a folder of Grafana.

    Raises:
        InvalidSettings: it has more than one line or other characters that cannot be seen.
    """
    if not folder.strip() or not folder.isprintable():
        raise InvalidSettings("--folder", "", repr(folder), "the name of a folder, in one line")
    return folder


def provider(folder: str, path: str) -> str:
    """Return the file that tells Grafana where the boards lie.

    Args:
        folder: in Grafana; empty for its General folder.
        path: of the boards, as Grafana sees it.
    """
    described = {
        "name": "lynceus",
        "type": "file",
        "folder": checked_folder(folder) if folder else "",
        "disableDeletion": False,
        "allowUiUpdates": False,
        "updateIntervalSeconds": 60,
        "options": {"path": path, "foldersFromFilesStructure": False},
    }
    return yaml.dump({"apiVersion": 1, "providers": [described]}, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, so that a board in a ConfigMap reads like the file."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)
