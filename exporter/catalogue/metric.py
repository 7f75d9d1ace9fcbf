"""What one entry of the catalogue says, and the bounds and label sets that several share. No behaviour."""

from __future__ import annotations

import typing as t

import msgspec

Kind = t.Literal["gauge", "counter", "histogram"]

APP = ("namespace", "name", "project")
"""What identifies an Application in a series."""

RECONCILE_BUCKETS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
GIT_BUCKETS = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 10.0, 20.0)
LONG_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
"""Up to five minutes, so that a threshold of a minute lies inside the buckets."""
DELIVERY_BUCKETS = (30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 14400.0, 86400.0, 604800.0)
"""From half a minute to a week."""
KUBECTL_SECONDS = (0.005, 0.1, 0.5, 2.0, 8.0, 30.0)
KUBECTL_BYTES = (64.0, 512.0, 4096.0, 65536.0, 1048576.0, 16777216.0)
WORKQUEUE_BUCKETS = (1e-08, 1e-07, 1e-06, 1e-05, 0.0001, 0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)

CONTROLLER = "Argo CD application controller"
REPO_SERVER = "Argo CD repo server"
API_SERVER = "Argo CD API server"
APPSET_CONTROLLER = "Argo CD ApplicationSet controller"
KUBECTL = "Argo CD's Kubernetes client"
WORKQUEUE = "controller-runtime, in Argo CD's controllers"


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """One family."""

    name: str
    """As it stands in a sample of the text format; counters end in _total."""
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    """Upper bounds of a histogram, +Inf left out."""
    unit: str = "seconds"
    """Of the buckets."""
    changes: str
    """The moment at which a sample changes."""
    source: str = "Lynceus"
    """Who defined it: an Argo CD component whose metric this is, or Lynceus."""
    stability: t.Literal["stable", "alpha"] = "stable"
    """stable: name and labels change only with a major version."""
    per_application: bool = False
    """True: series live and die with an Application and are kept as ready-made lines."""
    opt_in: str = ""
    """The option of `lynceus run` that switches it on; empty: always on."""
    chosen_labels: bool = False
    """True: one more label for each name that the option gives, with the prefix label_."""
    exemplar: bool = False
    """True: observations that belong to a trace carry its id in OpenMetrics."""

    @property
    def family(self) -> str:
        """The name in OpenMetrics' HELP and TYPE lines, where counters lose their suffix."""
        return self.name.removesuffix("_total") if self.kind == "counter" else self.name

    @property
    def samples(self) -> tuple[str, ...]:
        """The names that can be queried."""
        if self.kind == "histogram":
            return tuple(self.name + suffix for suffix in ("_bucket", "_sum", "_count"))
        return (self.name,)

    @property
    def shadows_argocd(self) -> bool:
        """True when an Argo CD in the same cluster exports the same series, so that sums would double.

        What Lynceus itself asks of Git servers is its own doing, so those families stay.
        """
        return self.name.startswith(("argocd_", "workqueue_")) and not self.name.startswith("argocd_git_")
