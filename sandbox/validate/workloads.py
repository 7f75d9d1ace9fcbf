"""The rules of Pods and of what creates them. Source: kubernetes/pkg/apis/{core,apps,batch}/validation."""

from __future__ import annotations

import copy
import re
from typing import Any

from sandbox.validate.faults import Faults
from sandbox.validate.pods import pod_spec

Obj = dict[str, Any]
_POD_UPDATE = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)
_SET_UPDATE = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
    "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
)
_SET_MUTABLE = (
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
)
_MACROS = frozenset({"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"})


def pod(faults: Faults, obj: Obj, old: Obj | None) -> None:
    """Rules of a Pod."""
    pod_spec(faults, obj["spec"], "spec")
    if old is not None and _fixed(obj["spec"], old["spec"]) != _fixed(old["spec"], old["spec"]):
        faults.forbidden("spec", _POD_UPDATE)


def _fixed(spec: Obj, old: Obj) -> Obj:
    """The part of a Pod's specification that may not change; the node may be set once."""
    out = copy.deepcopy(spec)
    for kind in ("containers", "initContainers"):
        for item in out.get(kind) or ():
            item.pop("image", None)
    for key in ("activeDeadlineSeconds", "tolerations", "ephemeralContainers", "terminationGracePeriodSeconds"):
        out.pop(key, None)
    if not old.get("nodeName"):
        out.pop("nodeName", None)
    return out


def _selected(faults: Faults, obj: Obj, old: Obj | None, kind: str) -> None:
    """What all of these have: a selector that fits the template's labels and does not change."""
    spec = obj["spec"]
    selector = spec.get("selector")
    template = spec.get("template") or {}
    labels = (template.get("metadata") or {}).get("labels") or {}
    if selector is None:
        faults.required("spec.selector")
    elif not selector:
        faults.invalid("spec.selector", selector, f"empty selector is invalid for {kind}")
    if selector is None or not _fits(selector, labels):
        text = "`selector` does not match template `labels`"
        faults.invalid("spec.template.metadata.labels", labels, text)
    claims = obj["spec"].get("volumeClaimTemplates") or []
    claimed = frozenset(str((claim.get("metadata") or {}).get("name", "")) for claim in claims)
    pod_spec(faults, template.get("spec") or {}, "spec.template.spec", claimed)
    policy = (template.get("spec") or {}).get("restartPolicy")
    if policy in ("OnFailure", "Never"):
        faults.unsupported("spec.template.spec.restartPolicy", policy, ("Always",))
    faults.not_negative("spec.replicas", spec.get("replicas"))
    faults.not_negative("spec.minReadySeconds", spec.get("minReadySeconds"))
    faults.not_negative("spec.revisionHistoryLimit", spec.get("revisionHistoryLimit"))
    if old is not None and kind != "statefulset":
        faults.unchanged("spec.selector", selector, old["spec"].get("selector"))


def _fits(selector: Obj, labels: dict[str, str]) -> bool:
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    for rule in selector.get("matchExpressions") or ():
        has, value = rule["key"] in labels, labels.get(rule["key"])
        values = rule.get("values") or ()
        held = {
            "In": has and value in values,
            "NotIn": not has or value not in values,
            "Exists": has,
            "DoesNotExist": not has,
        }
        if not held.get(rule["operator"], False):
            return False
    return True


def deployment(faults: Faults, obj: Obj, old: Obj | None) -> None:
    """Rules of a Deployment."""
    _selected(faults, obj, old, "deployment")
    spec = obj["spec"]
    strategy = spec.get("strategy") or {}
    rolling = strategy.get("rollingUpdate")
    if strategy.get("type") not in ("Recreate", "RollingUpdate"):
        faults.unsupported("spec.strategy.type", strategy.get("type"), ("Recreate", "RollingUpdate"))
    elif strategy["type"] == "Recreate" and rolling is not None:
        text = "may not be specified when strategy `type` is 'Recreate'"
        faults.forbidden("spec.strategy.rollingUpdate", text)
    elif rolling and rolling.get("maxSurge") in (0, "0%") and rolling.get("maxUnavailable") in (0, "0%"):
        text = "may not be 0 when `maxSurge` is 0"
        faults.invalid("spec.strategy.rollingUpdate.maxUnavailable", rolling["maxUnavailable"], text)
    deadline = spec.get("progressDeadlineSeconds")
    if deadline is not None and deadline <= spec.get("minReadySeconds", 0):
        faults.invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds")


def replica_set(faults: Faults, obj: Obj, old: Obj | None) -> None:
    """Rules of a ReplicaSet."""
    _selected(faults, obj, old, "replicaset")


def daemon_set(faults: Faults, obj: Obj, old: Obj | None) -> None:
    """Rules of a DaemonSet."""
    _selected(faults, obj, old, "daemonset")


def stateful_set(faults: Faults, obj: Obj, old: Obj | None) -> None:
    """Rules of a StatefulSet."""
    _selected(faults, obj, old, "statefulset")
    if old is not None:
        kept = {key: value for key, value in obj["spec"].items() if key not in _SET_MUTABLE}
        before = {key: value for key, value in old["spec"].items() if key not in _SET_MUTABLE}
        if kept != before:
            faults.forbidden("spec", _SET_UPDATE)


def job(faults: Faults, obj: Obj, old: Obj | None) -> None:
    """Rules of a Job."""
    spec = obj["spec"]
    _job_spec(faults, spec, "spec")
    if old is None:
        return
    before = old["spec"]
    for key in ("selector", "template", "completionMode", "podFailurePolicy", "backoffLimitPerIndex"):
        if key == "template" and before.get("suspend"):
            continue
        faults.unchanged(f"spec.{key}", spec.get(key), before.get(key))
    if spec.get("completionMode") != "Indexed":
        faults.unchanged("spec.completions", spec.get("completions"), before.get("completions"))


def _job_spec(faults: Faults, spec: Obj, path: str) -> None:
    template = spec.get("template") or {}
    for key in ("parallelism", "completions", "backoffLimit", "activeDeadlineSeconds", "ttlSecondsAfterFinished"):
        faults.not_negative(f"{path}.{key}", spec.get(key))
    pod_spec(faults, template.get("spec") or {}, f"{path}.template.spec")
    if (template.get("spec") or {}).get("restartPolicy") == "Always":
        faults.required(f"{path}.template.spec.restartPolicy", 'valid values: "OnFailure", "Never"')


def cron_job(faults: Faults, obj: Obj, old: Obj | None) -> None:
    """Rules of a CronJob."""
    del old
    spec = obj["spec"]
    name = obj["metadata"].get("name", "")
    if len(name) > 52:
        faults.invalid("metadata.name", name, "must be no more than 52 characters")
    schedule = spec.get("schedule", "")
    if not schedule:
        faults.required("spec.schedule")
    else:
        _schedule(faults, schedule)
    policies = ("Allow", "Forbid", "Replace")
    if spec.get("concurrencyPolicy") not in policies:
        faults.unsupported("spec.concurrencyPolicy", spec.get("concurrencyPolicy"), policies)
    _job_spec(faults, (spec.get("jobTemplate") or {}).get("spec") or {}, "spec.jobTemplate.spec")


def _schedule(faults: Faults, schedule: str) -> None:
    """Only the number of fields and their letters: whether the times exist is not checked."""
    fields = schedule.split()
    if schedule in _MACROS or schedule.startswith("@every "):
        return
    if len(fields) != 5:
        text = f"expected exactly 5 fields, found {len(fields)}: [{' '.join(fields)}]"
        faults.invalid("spec.schedule", schedule, text)
        return
    for field in fields:
        if not re.fullmatch(r"[0-9A-Za-z*/,?-]+", field):
            faults.invalid("spec.schedule", schedule, f"failed to parse int from {field}")
            return
