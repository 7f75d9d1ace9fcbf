"""Rendered manifests -> targets: namespace by scope, tracking written, duplicates and excluded kinds out.

Also the common shape of both sides of a comparison (`comparable`). Pure, except that `discovery` may have to ask the
server for a kind it does not know. Source: Argo CD controller/state.go (normalizeTargets, DeduplicateTargetObjects).
"""

from __future__ import annotations

import base64
import fnmatch
import typing as t

import msgspec

from controller.compare import tracking
from model.application import AppCondition
from model.errors import ApiUnavailable
from model.meta import JSON, GroupKind, ResourceKey, key_of, split_api_version
from model.settings import Settings
from model.states import ConditionType

if t.TYPE_CHECKING:
    from controller.kube.discovery import ApiResource

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
ALWAYS_EXCLUDED_GROUPS = ("events.k8s.io", "metrics.k8s.io")
ALWAYS_EXCLUDED = (GroupKind("", "Event"), GroupKind("coordination.k8s.io", "Lease"))
SERVER_METADATA = ("creationTimestamp", "uid", "resourceVersion", "generation", "selfLink", "managedFields")
"""Fields of metadata that the server writes; a manifest that states them means nothing by it."""


class Finder(t.Protocol):
    """What is needed of discovery."""

    def find(self, group: str, kind: str, version: str = "") -> ApiResource | None:
        """Return the kind, None when the server has none such; ApiUnavailable when it cannot be known."""
        ...


class Prepared(msgspec.Struct, frozen=True):
    """Targets ready to be compared and applied."""

    targets: list[JSON]
    warnings: list[AppCondition]
    unknown_kinds: dict[GroupKind, str]
    """Kinds whose scope cannot be known, with the reason; their targets stand in `targets` as they were written."""


def prepare_targets(
    objects: t.Iterable[bytes | JSON],
    *,
    instance: str,
    destination_namespace: str,
    discovery: Finder,
    settings: Settings,
    server: str = "",
) -> Prepared:
    """Make rendered objects ready.

    Args:
        objects: one Kubernetes object each, Lists flattened.
        instance: the instance name that tracking carries.
        destination_namespace: for namespaced objects that name none.
        discovery: tells the scope of each kind.
        settings: tracking method, exclusions.
        server: URL of the destination, against which exclusions by cluster are matched.
    """
    decoded = [msgspec.json.decode(obj) if isinstance(obj, bytes) else obj for obj in objects]
    own_scopes = _scopes_of_crds(decoded)
    targets: dict[ResourceKey, JSON] = {}
    counts: dict[ResourceKey, int] = {}
    warnings: list[AppCondition] = []
    unknown: dict[GroupKind, str] = {}
    for number, obj in enumerate(decoded):
        key = key_of(obj)
        if is_excluded(key.group_kind, settings, server):
            warnings.append(_excluded(key))
            continue
        _place(obj, destination_namespace, discovery, own_scopes, unknown)
        tracking.mark(obj, instance, destination_namespace, settings)
        placed = key_of(obj) if key.name else key._replace(name=f"\0{number}")
        counts[placed] = counts.get(placed, 0) + 1
        targets[placed] = obj
    warnings += [_repeated(key, count) for key, count in counts.items() if count > 1]
    return Prepared(list(targets.values()), warnings, unknown)


def _place(
    obj: JSON,
    destination_namespace: str,
    discovery: Finder,
    own_scopes: t.Mapping[GroupKind, bool],
    unknown: dict[GroupKind, str],
) -> None:
    """Set or remove the namespace by the kind's scope; an unknown scope is noted and nothing is assumed."""
    kind = key_of(obj).group_kind
    version = split_api_version(obj["apiVersion"])[1]
    namespaced = own_scopes.get(kind)
    try:
        resource = discovery.find(kind.group, kind.kind, version) or discovery.find(kind.group, kind.kind)
    except ApiUnavailable as failure:
        unknown[kind] = str(failure)
        return
    if resource is not None:
        namespaced = resource.namespaced
        if resource.version != version and kind not in own_scopes:
            unknown[kind] = f"the server does not serve {obj['apiVersion']} {kind.kind}, but {resource.api_version}"
    if namespaced is None:
        unknown[kind] = f"the server has no kind {kind.kind} in {obj['apiVersion']}; its CRD may not be installed"
    elif not namespaced:
        obj["metadata"].pop("namespace", None)
    elif not obj["metadata"].get("namespace") and destination_namespace:
        obj["metadata"]["namespace"] = destination_namespace


def _scopes_of_crds(objects: list[JSON]) -> dict[GroupKind, bool]:
    """Return which kinds the application itself defines, and whether they are namespaced."""
    scopes: dict[GroupKind, bool] = {}
    for obj in objects:
        if obj.get("kind") == "CustomResourceDefinition":
            spec = obj.get("spec") or {}
            kind = GroupKind(str(spec.get("group")), str((spec.get("names") or {}).get("kind")))
            scopes[kind] = spec.get("scope") == "Namespaced"
    return scopes


def is_excluded(kind: GroupKind, settings: Settings, server: str = "") -> bool:
    """Return True for kinds that are never managed, by nature or by resource.exclusions and resource.inclusions."""
    if kind.group in ALWAYS_EXCLUDED_GROUPS or kind in ALWAYS_EXCLUDED:
        return True
    if any(_matches(rule, kind, server) for rule in settings.exclusions):
        return True
    included = [rule for rule in settings.inclusions if _any_glob(rule.get("clusters"), server)]
    return bool(included) and not any(_matches(rule, kind, server) for rule in included)


def _matches(rule: t.Mapping[str, t.Any], kind: GroupKind, server: str) -> bool:
    groups, kinds, clusters = rule.get("apiGroups"), rule.get("kinds"), rule.get("clusters")
    return _any_glob(groups, kind.group) and _any_glob(kinds, kind.kind) and _any_glob(clusters, server)


def _any_glob(patterns: t.Any, text: str) -> bool:
    """Match one of several globs; none at all match everything."""
    return not patterns or any(fnmatch.fnmatchcase(text, str(pattern)) for pattern in patterns)


def _excluded(key: ResourceKey) -> AppCondition:
    text = f"Resource {key.group_kind} {key.name} is excluded in the settings"
    return AppCondition(type=ConditionType.EXCLUDED_RESOURCE, message=text)


def _repeated(key: ResourceKey, count: int) -> AppCondition:
    text = f"Resource {key} appeared {count} times among application resources."
    return AppCondition(type=ConditionType.REPEATED_RESOURCE, message=text)


def comparable(obj: JSON) -> JSON:
    """Return a copy, safe to change at its first levels, without what a comparison must not see."""
    result = {key: value for key, value in obj.items() if key != "status"}
    metadata = {k: v for k, v in (obj.get("metadata") or {}).items() if k not in SERVER_METADATA}
    if annotations := metadata.get("annotations"):
        metadata["annotations"] = {k: v for k, v in annotations.items() if k != LAST_APPLIED}
    result["metadata"] = metadata
    special = _SPECIAL.get((split_api_version(str(obj.get("apiVersion") or ""))[0], str(obj.get("kind"))))
    if special is not None:
        special(result)
    return result


def _secret(obj: JSON) -> None:
    """Move stringData into data, as the server does on every write."""
    text = obj.pop("stringData", None)
    data = {key: value or "" for key, value in (obj.get("data") or {}).items()}
    for key, value in (text or {}).items():
        data[key] = base64.b64encode(str(value or "").encode()).decode()
    if data or "data" in obj:
        obj["data"] = data


def _cluster_role(obj: JSON) -> None:
    """Leave the rules of an aggregated role to the controller that writes them."""
    if obj.get("aggregationRule"):
        obj.pop("rules", None)


def _endpoints(obj: JSON) -> None:
    """Sort as the server does."""
    subsets = obj.get("subsets")
    if isinstance(subsets, list):
        obj["subsets"] = sorted((_sorted_subset(s) for s in subsets if isinstance(s, dict)), key=msgspec.json.encode)


def _sorted_subset(subset: JSON) -> JSON:
    result = dict(subset)
    for name in ("addresses", "notReadyAddresses"):
        if isinstance(subset.get(name), list):
            result[name] = sorted(subset[name], key=msgspec.json.encode)
    if isinstance(subset.get("ports"), list):
        ports = [{**port, "protocol": port.get("protocol") or "TCP"} for port in subset["ports"]]
        result["ports"] = sorted(ports, key=lambda port: (str(port.get("name")), port.get("port")))
    return result


_SPECIAL: dict[tuple[str, str], t.Callable[[JSON], None]] = {
    ("", "Secret"): _secret,
    ("", "Endpoints"): _endpoints,
    ("rbac.authorization.k8s.io", "ClusterRole"): _cluster_role,
}
