"""What the write path must know about a kind: its schema, pruning, defaults, rules, and its habits as a resource.

One `Kind` per served resource version, built on first use and cached, so that a cold start reads no schema at all.
Built-in kinds delegate to `sandbox.schema`, `sandbox.defaults` and `sandbox.validate`, custom ones to
`sandbox.structural`. Called by `sandbox.writes`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from sandbox import errors
from sandbox.crds import CRDS, complete, validate
from sandbox.resources import Resource

Causes = list[tuple[str, str, str]]

# Habits of the built-in resources, observed on a Kubernetes 1.36 API server.
GENERATION = frozenset(
    {
        "pods",
        "podtemplates",
        "replicationcontrollers",
        "daemonsets",
        "deployments",
        "replicasets",
        "statefulsets",
        "jobs",
        "cronjobs",
        "ingresses",
        "ingressclasses",
        "networkpolicies",
        "poddisruptionbudgets",
        "priorityclasses",
        "endpointslices",
        "customresourcedefinitions",
        "validatingwebhookconfigurations",
        "mutatingwebhookconfigurations",
        "validatingadmissionpolicies",
        "validatingadmissionpolicybindings",
    }
)
CREATE_ON_UPDATE = frozenset(
    {
        "endpoints",
        "limitranges",
        "services",
        "events",
        "clusterroles",
        "roles",
        "rolebindings",
        "clusterrolebindings",
        "leases",
        "runtimeclasses",
    }
)
NEEDS_REVISION = frozenset(
    {
        "poddisruptionbudgets",
        "csidrivers",
        "csinodes",
        "leases",
        "runtimeclasses",
        "validatingwebhookconfigurations",
        "mutatingwebhookconfigurations",
        "validatingadmissionpolicies",
        "validatingadmissionpolicybindings",
        "customresourcedefinitions",
    }
)
"""A replace without resourceVersion is refused."""
RETURNS_DELETED = frozenset(
    {
        "persistentvolumeclaims",
        "persistentvolumes",
        "pods",
        "podtemplates",
        "serviceaccounts",
        "services",
        "resourcequotas",
        "storageclasses",
        "csidrivers",
        "csinodes",
    }
)
"""A delete answers with the object instead of a Status."""
ORPHANS_BY_DEFAULT = frozenset(("replicationcontrollers", "jobs"))
SPEC_ANNOTATIONS = frozenset(("deployments",))
"""A change of annotations counts as a change of the specification."""


class Kind:
    """The rules of one kind in one version.

    Args:
        resource: The served resource.
        schema: The schema node that patches and managed fields need; None when the kind has none.
    """

    def __init__(self, resource: Resource, schema: Any) -> None:
        self.resource = resource
        self.schema = schema

    @property
    def has_status(self) -> bool:
        """Tells whether status is written through its own subresource only."""
        return "status" in self.resource.subresources

    @property
    def counts_generation(self) -> bool:
        """Tells whether metadata.generation is kept."""
        return self.resource.custom is not None or self.resource.plural in GENERATION

    @property
    def needs_revision(self) -> bool:
        """Tells whether a replace must carry a resourceVersion."""
        return self.resource.custom is not None or self.resource.plural in NEEDS_REVISION

    @property
    def tracked_apart(self) -> tuple[str, ...] | None:
        """Returns what managed fields leave out, as `sandbox.managed` takes it."""
        return None if self.has_status or self.resource.custom is None else ()

    def prune(self, obj: dict[str, Any]) -> list[str]:
        """Drops fields that the kind does not have and returns their paths."""
        raise NotImplementedError

    def type_errors(self, obj: dict[str, Any]) -> list[str]:
        """Returns why the object cannot be read as this kind at all."""
        raise NotImplementedError

    def default(self, obj: dict[str, Any]) -> None:
        """Fills in what the kind fills in."""
        raise NotImplementedError

    def validate(self, obj: dict[str, Any], old: dict[str, Any] | None) -> Causes:
        """Returns what is wrong: (field, reason, message)."""
        raise NotImplementedError


class BuiltinKind(Kind):
    """A kind of Kubernetes itself."""

    def prune(self, obj: dict[str, Any]) -> list[str]:
        """Drops fields that the Go type does not have."""
        if self.schema is None:
            return []
        return list(_module("schema").unknown_fields(self.schema, obj, drop=True))

    def type_errors(self, obj: dict[str, Any]) -> list[str]:
        """Says where the Go decoder would give up."""
        if self.schema is None:
            return []
        return list(_module("schema").type_errors(self.schema, obj))

    def default(self, obj: dict[str, Any]) -> None:
        """Fills in the defaults of the built-in types."""
        if self.resource.gr == CRDS:
            complete(obj)
        _module("defaults").apply_defaults(self.resource.gr, self.resource.api_version, obj)

    def validate(self, obj: dict[str, Any], old: dict[str, Any] | None) -> Causes:
        """Checks the rules of the built-in types."""
        found = _module("validate").validate(self.resource.gr, self.resource.api_version, obj, old)
        causes = [(each.field, each.reason, each.message) for each in found]
        return validate(obj) + causes if self.resource.gr == CRDS else causes


class CustomKind(Kind):
    """A kind that a CRD defines."""

    def prune(self, obj: dict[str, Any]) -> list[str]:
        """Drops fields that the CRD's schema does not have."""
        return list(self.resource.custom.structural.prune(obj))

    def type_errors(self, obj: dict[str, Any]) -> list[str]:
        """Finds none: a custom object is read as it comes, its schema refuses wrong types later."""
        return []

    def default(self, obj: dict[str, Any]) -> None:
        """Fills in the schema's defaults."""
        self.resource.custom.structural.default(obj)

    def validate(self, obj: dict[str, Any], old: dict[str, Any] | None) -> Causes:
        """Checks the object against the CRD's schema."""
        found = self.resource.custom.structural.validate(obj)
        return [(path, reason, message) for path, message, reason in found]


class Kinds:
    """Hands out the Kind of a resource."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, str], Kind] = {}

    def of(self, resource: Resource) -> Kind:
        """Returns the rules of a resource version; built once."""
        key = (resource.group, resource.version, resource.plural)
        known = self._known.get(key)
        if known is None or known.resource is not resource:
            known = self._known[key] = _build(resource)
        return known


def _build(resource: Resource) -> Kind:
    if resource.custom is not None:
        return CustomKind(resource, resource.custom.structural.node)
    schema = _module("schema").schema_for(resource.group, resource.version, resource.kind)
    return BuiltinKind(resource, schema)


def _module(name: str) -> Any:
    return importlib.import_module(f"sandbox.{name}")


def refuse_if_any(resource: Resource, name: str, causes: Causes) -> None:
    """Raises the 422 that lists the causes, if there are any."""
    if causes:
        raise errors.invalid(resource.group, resource.kind, name, causes)


Warn = Callable[[str], None]
"""Takes one line for the response's Warning header."""
