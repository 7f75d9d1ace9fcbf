"""Discovery: which groups, versions and resources are served, in the legacy and the aggregated form; the version."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.resources import Catalogue, Resource, Subresource

VERSION = {
    "major": "1",
    "minor": "36",
    "emulationMajor": "1",
    "emulationMinor": "36",
    "minCompatibilityMajor": "1",
    "minCompatibilityMinor": "35",
    "gitVersion": "v1.36.1",
    "gitCommit": "",
    "gitTreeState": "",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "",
    "compiler": "gc",
    "platform": "linux/amd64",
}


def api_versions(address: str) -> dict[str, Any]:
    """Returns the answer to /api."""
    clients = [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": clients}


def group_list(catalogue: Catalogue) -> dict[str, Any]:
    """Returns the answer to /apis."""
    groups = [_group(name, versions) for name, versions in catalogue.groups().items() if name]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def group(catalogue: Catalogue, name: str) -> dict[str, Any] | None:
    """Returns the answer to /apis/GROUP, None when it is not served."""
    versions = catalogue.groups().get(name)
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(name, versions)} if versions else None


def _group(name: str, versions: Iterable[str]) -> dict[str, Any]:
    found = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": found, "preferredVersion": found[0]}


def resource_list(catalogue: Catalogue, group_name: str, version: str) -> dict[str, Any] | None:
    """Returns the answer to /api/v1 or /apis/GROUP/VERSION, None when it is not served."""
    resources = catalogue.in_version(group_name, version)
    if not resources:
        return None
    entries = [entry for each in resources for entry in _entries(each)]
    name = f"{group_name}/{version}" if group_name else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": name, "resources": entries}


def _entries(resource: Resource) -> list[dict[str, Any]]:
    entry: dict[str, Any] = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    return [entry, *(_sub_entry(resource, each) for each in resource.subresources.values())]


def _sub_entry(resource: Resource, sub: Subresource) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": f"{resource.plural}/{sub.name}",
        "singularName": "",
        "namespaced": resource.namespaced,
    }
    if sub.group:
        entry.update(group=sub.group, version=sub.version)
    return {**entry, "kind": sub.kind, "verbs": list(sub.verbs)}


def aggregated(catalogue: Catalogue, *, core: bool) -> dict[str, Any]:
    """Returns the aggregated discovery document of /api (core) or /apis."""
    groups = {name: versions for name, versions in catalogue.groups().items() if (name == "") == core}
    items = [_aggregated_group(name, versions) for name, versions in groups.items()]
    return {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items}


def _aggregated_group(name: str, versions: Mapping[str, list[Resource]]) -> dict[str, Any]:
    found = [
        {"version": version, "resources": [_aggregated(each) for each in resources], "freshness": "Current"}
        for version, resources in versions.items()
    ]
    return {"metadata": {"name": name} if name else {}, "versions": found}


def _aggregated(resource: Resource) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "resource": resource.plural,
        "responseKind": _response_kind(resource, resource.group, resource.version, resource.kind),
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.singular,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    if resource.subresources:
        entry["subresources"] = [
            {
                "subresource": sub.name,
                "responseKind": _response_kind(resource, sub.group, sub.version, sub.kind),
                "verbs": list(sub.verbs),
            }
            for sub in resource.subresources.values()
        ]
    return entry


def _response_kind(resource: Resource, group_name: str, version: str, kind: str) -> dict[str, str]:
    """The real server leaves group and version empty where they are the enclosing ones, except for custom resources."""
    own = (group_name, version) in (("", ""), (resource.group, resource.version))
    if not own:
        return {"group": group_name, "version": version, "kind": kind}
    if resource.custom is not None:
        return {"group": resource.group, "version": resource.version, "kind": kind}
    return {"group": "", "version": "", "kind": kind}


def etag(body: bytes) -> str:
    """Returns the entity tag of a discovery document."""
    return f'"{hashlib.sha512(body).hexdigest().upper()}"'
