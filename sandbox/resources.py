"""What the embedded cluster serves: the built-in resources, and the custom ones that CRDs add while it runs.

Data and look-up only. The table of built-in resources states facts of Kubernetes 1.36 (names, scopes, verbs,
subresources); the schemas of the kinds are in `sandbox.schema`. Requests, discovery and OpenAPI all read this.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

STANDARD = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
READ_WRITE = ("get", "patch", "update")


class GroupResource(NamedTuple):
    """Names one kind of stored object across its versions."""

    group: str
    """API group, "" for the core group."""
    resource: str
    """Plural name, for example "deployments"."""


@dataclass(frozen=True)
class Subresource:
    """A subresource and the kind that its requests carry."""

    name: str
    group: str
    version: str
    kind: str
    verbs: tuple[str, ...]


@dataclass(frozen=True)
class Resource:
    """One resource in one version."""

    group: str
    version: str
    kind: str
    plural: str
    singular: str
    namespaced: bool
    verbs: tuple[str, ...] = STANDARD
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: Mapping[str, Subresource] = field(default_factory=dict)
    stored_as: str = ""
    """apiVersion in which the objects are stored; several versions of a resource share it."""
    custom: Any = None
    """The compiled CRD version (`sandbox.crds.CustomVersion`), None for a built-in resource."""
    list_kind: str = ""
    """Kind of the list, "" for the kind followed by List."""

    @property
    def gr(self) -> GroupResource:
        """Returns the name of the storage that this version reads and writes."""
        return GroupResource(self.group, self.plural)

    @property
    def api_version(self) -> str:
        """Returns "apps/v1", or "v1" in the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def storage_version(self) -> str:
        """Returns the apiVersion of the stored objects."""
        return self.stored_as or self.api_version


# apiVersion, kind, plural, scope, short names, categories, verbs ("*" for all eight), subresources.
_TABLE = """
/v1 Binding bindings N - - create
/v1 ConfigMap configmaps N cm
/v1 Endpoints endpoints N ep
/v1 Event events N ev
/v1 LimitRange limitranges N limits
/v1 Namespace namespaces C ns - create,delete,get,list,patch,update,watch status finalize
/v1 Node nodes C no - * status
/v1 PersistentVolumeClaim persistentvolumeclaims N pvc - * status
/v1 PersistentVolume persistentvolumes C pv - * status
/v1 Pod pods N po all * binding eviction status
/v1 PodTemplate podtemplates N
/v1 ReplicationController replicationcontrollers N rc all * scale status
/v1 ResourceQuota resourcequotas N quota - * status
/v1 Secret secrets N
/v1 ServiceAccount serviceaccounts N sa
/v1 Service services N svc all * status
apps/v1 ControllerRevision controllerrevisions N
apps/v1 DaemonSet daemonsets N ds all * status
apps/v1 Deployment deployments N deploy all * scale status
apps/v1 ReplicaSet replicasets N rs all * scale status
apps/v1 StatefulSet statefulsets N sts all * scale status
events.k8s.io/v1 Event events N ev
authentication.k8s.io/v1 SelfSubjectReview selfsubjectreviews C - - create
authentication.k8s.io/v1 TokenReview tokenreviews C - - create
authorization.k8s.io/v1 LocalSubjectAccessReview localsubjectaccessreviews N - - create
authorization.k8s.io/v1 SelfSubjectAccessReview selfsubjectaccessreviews C - - create
authorization.k8s.io/v1 SelfSubjectRulesReview selfsubjectrulesreviews C - - create
authorization.k8s.io/v1 SubjectAccessReview subjectaccessreviews C - - create
autoscaling/v2 HorizontalPodAutoscaler horizontalpodautoscalers N hpa all * status
autoscaling/v1 HorizontalPodAutoscaler horizontalpodautoscalers N hpa all * status
batch/v1 CronJob cronjobs N cj all * status
batch/v1 Job jobs N - all * status
networking.k8s.io/v1 IngressClass ingressclasses C
networking.k8s.io/v1 Ingress ingresses N ing - * status
networking.k8s.io/v1 NetworkPolicy networkpolicies N netpol
policy/v1 PodDisruptionBudget poddisruptionbudgets N pdb - * status
rbac.authorization.k8s.io/v1 ClusterRoleBinding clusterrolebindings C
rbac.authorization.k8s.io/v1 ClusterRole clusterroles C
rbac.authorization.k8s.io/v1 RoleBinding rolebindings N
rbac.authorization.k8s.io/v1 Role roles N
storage.k8s.io/v1 CSIDriver csidrivers C
storage.k8s.io/v1 CSINode csinodes C
storage.k8s.io/v1 StorageClass storageclasses C sc
storage.k8s.io/v1 VolumeAttachment volumeattachments C - - * status
admissionregistration.k8s.io/v1 MutatingWebhookConfiguration mutatingwebhookconfigurations C - api-extensions
admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy validatingadmissionpolicies C - api-extensions * status
admissionregistration.k8s.io/v1 ValidatingAdmissionPolicyBinding validatingadmissionpolicybindings C - api-extensions
admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration validatingwebhookconfigurations C - api-extensions
apiextensions.k8s.io/v1 CustomResourceDefinition customresourcedefinitions C crd,crds api-extensions * status
scheduling.k8s.io/v1 PriorityClass priorityclasses C pc
coordination.k8s.io/v1 Lease leases N
node.k8s.io/v1 RuntimeClass runtimeclasses C
discovery.k8s.io/v1 EndpointSlice endpointslices N
"""

_SUBRESOURCES = {
    "scale": Subresource("scale", "autoscaling", "v1", "Scale", READ_WRITE),
    "binding": Subresource("binding", "", "", "Binding", ("create",)),
    "eviction": Subresource("eviction", "policy", "v1", "Eviction", ("create",)),
}
_OWN_KIND_VERBS = {"finalize": ("update",)}
_STORED_AS = {
    ("autoscaling/v1", "horizontalpodautoscalers"): "autoscaling/v2",
    ("events.k8s.io/v1", "events"): "v1",
}
# Events live in one storage under two groups; requests to the second group read and write the first.
SHARED_STORAGE = {GroupResource("events.k8s.io", "events"): GroupResource("", "events")}


def _names(text: str) -> tuple[str, ...]:
    return () if text == "-" else tuple(text.split(","))


def _subresource(name: str, kind: str) -> Subresource:
    return _SUBRESOURCES.get(name) or Subresource(name, "", "", kind, _OWN_KIND_VERBS.get(name, READ_WRITE))


def _parse(line: str) -> Resource:
    fields = line.split()
    fields += ["-", "-", "*"][max(len(fields) - 4, 0) :]
    api_version, kind, plural, scope, short, categories, verbs, *subs = fields
    group, _, version = api_version.rpartition("/")
    return Resource(
        group=group,
        version=version,
        kind=kind,
        plural=plural,
        singular=kind.lower(),
        namespaced=scope == "N",
        verbs=STANDARD if verbs == "*" else _names(verbs),
        short_names=_names(short),
        categories=_names(categories),
        subresources={name: _subresource(name, kind) for name in sorted(subs)},
        stored_as=_STORED_AS.get((api_version.removeprefix("/"), plural), ""),
    )


class Catalogue:
    """All resources served right now; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._builtin = tuple(_parse(line) for line in _TABLE.strip().splitlines())
        self._custom: dict[str, tuple[Resource, ...]] = {}
        self.generation = 0
        """Counts the changes, so that discovery and OpenAPI know when to build their documents again."""
        self._rebuild()

    def _rebuild(self) -> None:
        everything = [*self._builtin, *(each for name in sorted(self._custom) for each in self._custom[name])]
        self._by_path = {(each.group, each.version, each.plural): each for each in everything}
        self._groups: dict[str, dict[str, list[Resource]]] = {}
        for each in everything:
            self._groups.setdefault(each.group, {}).setdefault(each.version, []).append(each)
        self.generation += 1

    def find(self, group: str, version: str, plural: str) -> Resource | None:
        """Returns the resource behind a path, None when it is not served."""
        return self._by_path.get((group, version, plural))

    def by_kind(self, api_version: str, kind: str) -> Resource | None:
        """Returns the resource of a kind, None when it is not served."""
        group, _, version = api_version.rpartition("/")
        return next((each for each in self.in_version(group, version) if each.kind == kind), None)

    def storage(self, gr: GroupResource) -> Resource | None:
        """Returns the resource in the version that its objects are stored in."""
        versions = [each for each in self.all() if each.gr == gr]
        stored = [each for each in versions if each.storage_version == each.api_version]
        return next(iter(stored or versions), None)

    def groups(self) -> Mapping[str, Mapping[str, list[Resource]]]:
        """Returns group -> version (preferred one first) -> resources."""
        return self._groups

    def in_version(self, group: str, version: str) -> list[Resource]:
        """Returns the resources of one group version."""
        return self._groups.get(group, {}).get(version, [])

    def all(self) -> list[Resource]:
        """Returns every resource in every version."""
        return list(self._by_path.values())

    def stored(self) -> list[Resource]:
        """Returns every resource whose objects are kept, once each, in its storage version."""
        kept = (each for each in self.all() if "list" in each.verbs and each.gr not in SHARED_STORAGE)
        first = {}
        for each in kept:
            if each.gr not in first or each.storage_version == each.api_version:
                first[each.gr] = each
        return list(first.values())

    def set_custom(self, name: str, resources: Iterable[Resource]) -> None:
        """Serves the versions of a CRD, or stops serving it when there are none.

        Args:
            name: The CRD's name, for example "widgets.example.com".
            resources: Its served versions, the preferred one first.
        """
        with self._lock:
            self._custom.pop(name, None)
            versions = tuple(resources)
            if versions:
                self._custom[name] = versions
            self._rebuild()
