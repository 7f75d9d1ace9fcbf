"""Structural schemas of custom resources: pruning, defaulting and validation, as the API server does them.

Rules written in CEL (``x-kubernetes-validations``) are accepted and not evaluated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.schema import SchemaNode, from_structural
from sandbox.structural.shaping import fill_defaults, prune
from sandbox.structural.values import Fault, faults_of

__all__ = ["Fault", "Structural"]


class Structural:
    """One version's ``openAPIV3Schema``; objects are changed in place."""

    def __init__(self, schema: Mapping[str, Any] | None) -> None:
        self.schema: Mapping[str, Any] = schema or {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        """The schema as the CustomResourceDefinition states it; without one everything is kept."""
        self.node: SchemaNode = from_structural(self.schema)
        """The same for patches and field ownership, with apiVersion, kind and metadata."""

    def prune(self, obj: dict[str, Any]) -> list[str]:
        """Drop undeclared fields; returns their paths (``spec.foo``), in the order of the document."""
        return prune(self.schema, obj)

    def default(self, obj: dict[str, Any]) -> None:
        """Fill in defaults, also below objects that exist only by default; null is replaced unless nullable."""
        fill_defaults(self.schema, obj)

    def validate(self, obj: dict[str, Any]) -> list[Fault]:
        """All faults of an object: (path, message, reason), worded as the server words them; empty when it is fine."""
        return faults_of(self.schema, obj)
