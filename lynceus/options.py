"""What `lynceus run` can be told, as one immutable value; the demo fills the same one."""

from __future__ import annotations

import dataclasses
import typing as t
from pathlib import Path

METRICS_PORT: t.Final = 8082
"""Where Argo CD's application controller has its metrics."""
API_PORT: t.Final = 8080


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Options of one running Lynceus."""

    cache_dir: Path
    """Git mirrors; safe to delete while Lynceus is not running."""
    kubeconfig: Path | None = None
    """None: the service account of the Pod, else the default kubeconfig."""
    context: str | None = None
    """Context of the kubeconfig; None: its current one."""
    allow_exec: bool = False
    """Start the credential plugin that the kubeconfig names; off, since that runs a program of somebody's choice."""
    mode: t.Literal["reconcile", "observe"] = "reconcile"
    namespace: str = "argocd"
    """The control namespace: Applications, AppProjects, ConfigMaps and Secrets are read from it."""
    policy_mode: t.Literal["strict", "compat"] = "strict"
    argocd_metrics: t.Literal["auto", "on", "off"] = "auto"
    """auto: argocd_* families when reconciling, not when observing, so that they are never counted twice."""
    metrics_application_labels: tuple[str, ...] = ()
    """Labels of Applications that become labels of argocd_app_labels and lynceus_app_labels."""
    metrics_application_conditions: tuple[str, ...] = ()
    """Types of conditions that argocd_app_condition counts; * for all."""
    metrics_application_requests: t.Literal["auto", "on", "off"] = "auto"
    """argocd_app_k8s_request_total; auto: while there are 1,000 Applications or fewer."""
    metrics_cluster_labels: tuple[str, ...] = ()
    """Labels of the Secrets of clusters that become labels of argocd_cluster_labels."""
    metrics_applicationset_labels: tuple[str, ...] = ()
    """Labels of ApplicationSets that become labels of argocd_appset_labels."""
    metrics_limit: int = 200_000
    """Label sets of one family that Applications own; families that they do not own may have a tenth of it."""
    environment_label: str = "environment"
    """Label of Applications whose value is the environment that they deploy to."""
    state_seconds: float = 15.0
    """What is remembered over restarts is written at most so often; counts of deployments come with it."""
    host: str = "127.0.0.1"
    metrics_port: int = METRICS_PORT
    api_port: int = API_PORT
    token_file: Path | None = None
    """token,user,"group1,group2" lines; None: the API answers nobody."""
    allow_schemes: tuple[str, ...] = ("https", "ssh")
    """Schemes of repository URLs; http and file only when asked for."""
    otlp_endpoint: str = ""
    """Where traces go, OTLP over HTTP; empty: nowhere."""
    trace_sample: float = 1.0
    """Share of the traces that are kept; a deployment is kept whole or not at all."""
    audit_log: str = ""
    """A file, stderr or - (stdout); empty: among the log lines."""

    @property
    def exports_argocd_metrics(self) -> bool:
        """Whether the argocd_* families are exported."""
        return self.argocd_metrics == "on" or (self.argocd_metrics == "auto" and self.mode == "reconcile")
