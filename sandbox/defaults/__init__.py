"""Defaults of the built-in kinds, and the form in which the server stores what a client wrote.

``apply_defaults`` does what decoding into the Go types, their SetDefaults functions and encoding again do. What needs
other objects or an allocator (cluster IPs, service accounts, tolerations by admission) is not here.
"""

from __future__ import annotations

import base64
from typing import Any

from sandbox.defaults.form import shape
from sandbox.defaults.jobs import generate_selector
from sandbox.schema import schema_for


def apply_defaults(gr: tuple[str, str], version: str, obj: dict[str, Any]) -> None:
    """Bring a built-in object into its stored form, in place; an object of an unknown kind is left alone.

    Args:
        gr: group and resource, ``("apps", "deployments")``.
        version: the apiVersion of the object, ``apps/v1`` or ``v1``.
        obj: the object; its ``kind`` says which schema holds.
    """
    node = schema_for(gr[0], version, obj.get("kind", ""))
    if node is None:
        return
    if gr == ("", "secrets"):
        _merge_string_data(obj)
    if gr == ("batch", "jobs"):
        generate_selector(obj)
    if gr == ("", "namespaces"):
        _label_namespace(obj)
    shape(node, obj)


def _merge_string_data(obj: dict[str, Any]) -> None:
    """The write-only ``stringData`` of a Secret becomes ``data``."""
    plain = obj.pop("stringData", None)
    if isinstance(plain, dict) and plain:
        written = {key: base64.b64encode(str(text or "").encode()).decode() for key, text in plain.items()}
        obj["data"] = {**(obj.get("data") or {}), **written}


def _label_namespace(obj: dict[str, Any]) -> None:
    metadata = obj.get("metadata") or {}
    if metadata.get("name"):
        metadata["labels"] = {**(metadata.get("labels") or {}), "kubernetes.io/metadata.name": metadata["name"]}
