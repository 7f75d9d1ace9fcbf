"""The rules that people meet: required fields, names, selectors, immutable fields, duplicates, ranges.

Not every rule of the real server is here; what is here is worded as there. Metadata is checked by the write path.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.validate import others, services, storage, workloads
from sandbox.validate.faults import Faults, FieldError

__all__ = ["FieldError", "validate"]

Obj = dict[str, Any]
Rule = Callable[[Faults, Obj, Obj | None], None]

_RULES: dict[tuple[str, str], Rule] = {
    ("", "pods"): workloads.pod,
    ("apps", "deployments"): workloads.deployment,
    ("apps", "replicasets"): workloads.replica_set,
    ("apps", "daemonsets"): workloads.daemon_set,
    ("apps", "statefulsets"): workloads.stateful_set,
    ("batch", "jobs"): workloads.job,
    ("batch", "cronjobs"): workloads.cron_job,
    ("", "services"): services.service,
    ("networking.k8s.io", "ingresses"): services.ingress,
    ("", "persistentvolumeclaims"): storage.claim,
    ("", "persistentvolumes"): storage.volume,
    ("", "configmaps"): storage.config_map,
    ("", "secrets"): storage.secret,
    ("autoscaling", "horizontalpodautoscalers"): others.autoscaler,
    ("policy", "poddisruptionbudgets"): others.budget,
    ("rbac.authorization.k8s.io", "roles"): others.role,
    ("rbac.authorization.k8s.io", "clusterroles"): others.role,
    ("rbac.authorization.k8s.io", "rolebindings"): others.binding,
    ("rbac.authorization.k8s.io", "clusterrolebindings"): others.binding,
}


def validate(gr: tuple[str, str], version: str, obj: Obj, old: Obj | None) -> list[FieldError]:
    """The faults of a built-in object after defaulting; empty when it may be stored.

    Args:
        gr: group and resource.
        version: the apiVersion; the rules are the same in all versions of a kind.
        obj: the object with its defaults.
        old: the stored object, None for a create.
    """
    del version
    faults = Faults()
    rule = _RULES.get((gr[0], gr[1]))
    if rule is not None:
        rule(faults, obj, old)
    return faults
