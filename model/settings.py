"""argocd-cm, argocd-rbac-cm and the command line's limits as one typed, immutable value.

A value that cannot be used is reported as a problem and the default (or last good) stands; one bad key never takes
the others with it.
"""

from __future__ import annotations

import datetime as dt
import typing as t

import msgspec

from model import yamltext
from model.durations import format_duration, parse_duration

SHORTEST_TIMEOUT = dt.timedelta(seconds=1)
"""A shorter reconciliation interval is a mistake that would become a hot loop."""
LONGEST_LIST = 65_536
"""Characters of globalProjects that are read."""
_TRUE = ("1", "t", "T", "true", "TRUE", "True")
_FALSE = ("0", "f", "F", "false", "FALSE", "False")
"""As Go's strconv.ParseBool reads them."""
LONGEST_TIMEOUT = dt.timedelta(days=365)
LARGEST_WEBHOOK = 25
"""MiB; GitHub sends no larger body than 25 MB."""


class GlobalProject(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of globalProjects: the projects that the label selector takes inherit from this one."""

    project_name: str
    match_labels: dict[str, str] = {}
    match_expressions: tuple[dict[str, t.Any], ...] = ()


class RbacSwitches(msgspec.Struct, frozen=True, kw_only=True):
    """The keys of argocd-cm that say which rights a deed needs; policy.rbac.deeds reads them."""

    inherit_fine_grained: bool = False
    """server.rbac.disableApplicationFineGrainedRBACInheritance, turned round: plain update and delete also cover the
    objects of an Application."""
    rollback_enforced: bool = False
    """server.rbac.rollback.enforce.enable: a rollback needs `rollback`, else `sync`."""
    override_for_revision: bool = False
    """application.sync.requireOverridePrivilegeForRevisionSync: another revision needs `override` as well."""
    exec_enabled: bool = False
    """exec.enabled: terminals may be opened at all."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the loop reads from argocd-cm."""

    reconciliation_timeout: dt.timedelta = dt.timedelta(seconds=120)
    """timeout.reconciliation; 0 switches the clock off. Argo CD 3.x: 120 s plus up to 60 s jitter."""
    reconciliation_jitter: dt.timedelta = dt.timedelta(seconds=60)
    """timeout.reconciliation.jitter: upper bound of the random addition."""
    hard_reconciliation_timeout: dt.timedelta = dt.timedelta(0)
    """timeout.hard.reconciliation; 0 = off."""
    tracking_method: t.Literal["annotation", "label", "annotation+label"] = "annotation"
    instance_label_key: str = "app.kubernetes.io/instance"
    installation_id: str = ""
    kustomize_build_options: str = ""
    helm_enabled: bool = True
    kustomize_enabled: bool = True
    in_cluster_enabled: bool = True
    exclusions: tuple[dict[str, t.Any], ...] = ()
    inclusions: tuple[dict[str, t.Any], ...] = ()
    customizations: dict[str, str] = {}
    """All resource.customizations.* keys, verbatim, without that prefix."""
    global_projects: tuple[GlobalProject, ...] = ()
    """globalProjects: from which projects others inherit."""
    global_projects_readable: bool = True
    """False when globalProjects is a text that cannot be read: who inherits what is not known then."""
    impersonation_enabled: bool = False
    """application.sync.impersonation.enabled: objects are written as the project's destinationServiceAccounts say."""
    impersonation_enforced: bool = True
    """application.sync.impersonation.enforced: without a matching service account nothing is written."""
    rbac_switches: RbacSwitches = RbacSwitches()
    webhook_payload_megabytes: int = 0
    """webhook.maxPayloadSizeMB: MiB of a Git webhook's body; 0 = not set, the server's own limit stands."""
    problems: tuple[str, ...] = ()
    """One line per key that could not be used."""


class RbacSettings(msgspec.Struct, frozen=True, kw_only=True):
    """argocd-rbac-cm, verbatim; policy.rbac compiles it."""

    csv: tuple[tuple[str, str], ...] = ()
    """(key, text) of policy.csv and then of each policy.*.csv in byte order of the key."""
    default_role: str = ""
    match_mode: str = "glob"
    scopes: str = ""
    generation: str = ""
    """resourceVersion of the ConfigMap, or a hash of the file."""
    other_keys: tuple[str, ...] = ()
    """Keys of the ConfigMap that mean nothing, for findings."""


def read_rbac_settings(data: t.Mapping[str, str], generation: str) -> RbacSettings:
    """Compose the policy text of argocd-rbac-cm in upstream's order (Argo CD: rbacpolicy.PolicyCSV)."""
    keys = sorted(k for k in data if k.startswith("policy.") and k.endswith(".csv") and k != "policy.csv")
    ordered = (["policy.csv"] if "policy.csv" in data else []) + keys
    return RbacSettings(
        csv=tuple((key, data[key]) for key in ordered),
        default_role=data.get("policy.default", ""),
        match_mode="regex" if data.get("policy.matchMode") == "regex" else data.get("policy.matchMode") or "glob",
        scopes=data.get("scopes", ""),
        generation=generation,
        other_keys=tuple(sorted({*data} - {*ordered, "policy.default", "policy.matchMode", "scopes"})),
    )


def read_settings(data: t.Mapping[str, str]) -> Settings:
    """Read argocd-cm; unusable values are listed in `problems` and their defaults stand."""
    problems: list[str] = []
    default = Settings()
    method = data.get("application.resourceTrackingMethod") or default.tracking_method
    if method not in ("annotation", "label", "annotation+label"):
        wanted = "annotation, label or annotation+label"
        problems.append(f"argocd-cm: application.resourceTrackingMethod: found {method[:40]!r}, expected {wanted}")
        method = default.tracking_method
    prefix = "resource.customizations."
    inherited = _global_projects(data.get("globalProjects", ""), problems)
    return Settings(
        reconciliation_timeout=_timeout(data, "timeout.reconciliation", default.reconciliation_timeout, problems),
        reconciliation_jitter=_timeout(data, "timeout.reconciliation.jitter", default.reconciliation_jitter, problems),
        hard_reconciliation_timeout=_timeout(data, "timeout.hard.reconciliation", dt.timedelta(0), problems),
        tracking_method=t.cast("t.Any", method),
        instance_label_key=data.get("application.instanceLabelKey") or default.instance_label_key,
        installation_id=data.get("installationID", ""),
        kustomize_build_options=data.get("kustomize.buildOptions", ""),
        helm_enabled=data.get("helm.enable", "true") != "false",
        kustomize_enabled=data.get("kustomize.enable", "true") != "false",
        in_cluster_enabled=data.get("cluster.inClusterEnabled", "true") != "false",
        customizations={k.removeprefix(prefix): v for k, v in data.items() if k.startswith(prefix)},
        global_projects=inherited or (),
        rbac_switches=_rbac_switches(data, problems),
        global_projects_readable=inherited is not None,
        impersonation_enabled=data.get("application.sync.impersonation.enabled") == "true",
        impersonation_enforced=data.get("application.sync.impersonation.enforced") != "false",
        webhook_payload_megabytes=_megabytes(data, "webhook.maxPayloadSizeMB", problems),
        problems=tuple(problems),
    )


def _rbac_switches(data: t.Mapping[str, str], problems: list[str]) -> RbacSwitches:
    """Read the switches; a value that is no truth value leaves the stricter default of Argo CD 3."""

    def switch(key: str, default: bool) -> bool:
        text = data.get(key, "")
        if text in ("", *_TRUE, *_FALSE):
            return default if not text else text in _TRUE
        problems.append(
            f"argocd-cm: {key}: found {text[:40]!r}, expected true or false; {str(default).lower()} is used"
        )
        return default

    if data.get("server.rbac.log.enforce.enable", "") in _FALSE:
        problems.append(
            "argocd-cm: server.rbac.log.enforce.enable: found false, which counts no more since Argo CD 3: "
            "logs always need logs, get; remove the key"
        )
    return RbacSwitches(
        inherit_fine_grained=not switch("server.rbac.disableApplicationFineGrainedRBACInheritance", True),
        rollback_enforced=switch("server.rbac.rollback.enforce.enable", False),
        override_for_revision=switch("application.sync.requireOverridePrivilegeForRevisionSync", False),
        exec_enabled=switch("exec.enabled", False),
    )


def _global_projects(text: str, problems: list[str]) -> tuple[GlobalProject, ...] | None:
    """Read the YAML list of globalProjects; None for an unusable text, which is a problem."""
    try:
        if len(text) > LONGEST_LIST:
            raise ValueError("too long")
        items = yamltext.load(text) or []
        return tuple(
            GlobalProject(
                project_name=_name(item["projectName"]),
                match_labels=dict((item.get("labelSelector") or {}).get("matchLabels") or {}),
                match_expressions=tuple((item.get("labelSelector") or {}).get("matchExpressions") or ()),
            )
            for item in items
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        problems.append("argocd-cm: globalProjects: found text that is no list of {projectName, labelSelector}")
        return None


def _name(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("projectName is no name")
    return value


def _megabytes(data: t.Mapping[str, str], key: str, problems: list[str]) -> int:
    """Read a number of MiB; 0 for an absent one."""
    text = data.get(key, "").strip()
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and int(text[:9]) >= 1 and len(text) < 9):
        problems.append(f"argocd-cm: {key}: found {text[:40]!r}, expected 1 to {LARGEST_WEBHOOK}")
        return 0
    if int(text) > LARGEST_WEBHOOK:
        wanted = f"expected 1 to {LARGEST_WEBHOOK}; {LARGEST_WEBHOOK} is used"
        problems.append(f"argocd-cm: {key}: found {text}, {wanted}")
    return min(int(text), LARGEST_WEBHOOK)


def _timeout(data: t.Mapping[str, str], key: str, default: dt.timedelta, problems: list[str]) -> dt.timedelta:
    text = data.get(key)
    if not text:
        return default
    try:
        value = parse_duration(text)
    except ValueError as failure:
        problems.append(f"argocd-cm: {key}: {failure}")
        return default
    if value <= dt.timedelta(0):
        return dt.timedelta(0)
    used = max(SHORTEST_TIMEOUT, min(value, LONGEST_TIMEOUT))
    if used != value:
        shown = format_duration(used)
        problems.append(f"argocd-cm: {key}: found {text[:40]}, expected 0 (off) or 1s to 8760h; {shown} is used")
    return used
