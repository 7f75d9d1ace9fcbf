"""What somebody asked to be exported beyond the rest, and within which bounds. Values only, from `lynceus.wiring`."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from exporter.catalogue import Metric

EVERY = "*"
"""Stands for all types of conditions."""

FEW_APPLICATIONS = 1_000
"""Up to so many, `auto` exports what each Application asks of API servers."""

FEW_AGAIN = 900
"""Once beyond FEW_APPLICATIONS, `auto` begins again at so many, so that one Application more or less is no switch."""

MOST_LABEL_SETS = 20_000
"""Label sets of a family that no Application owns. No fleet in sight has as many repositories."""

MOST_LINES = 200_000
"""Label sets of a family that Applications own."""

MOST_RULES = 5_000
"""Lines of a policy that are told apart; with more of them no rule is found on a dashboard anyway."""

_ODD = re.compile("[^a-zA-Z0-9_]")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Choice:
    """What is exported; the defaults are those of `lynceus run`."""

    application_labels: tuple[str, ...] = ()
    """Labels of Applications, for argocd_app_labels and lynceus_app_labels."""
    application_conditions: tuple[str, ...] = ()
    """Types of conditions, for argocd_app_condition; ``*`` is all of them."""
    application_requests: t.Literal["auto", "on", "off"] = "auto"
    """argocd_app_k8s_request_total, the largest family of all; auto: while there are few Applications."""
    cluster_labels: tuple[str, ...] = ()
    """Labels of the Secrets of clusters, for argocd_cluster_labels."""
    applicationset_labels: tuple[str, ...] = ()
    """Labels of ApplicationSets, for argocd_appset_labels."""
    environment_label: str = "environment"
    """Label of Applications whose value is the environment."""
    most_label_sets: int = MOST_LABEL_SETS
    """Of one family that no Application owns; beyond it samples are dropped and counted."""
    most_lines: int = MOST_LINES
    """Likewise, of one family that Applications own."""

    def wants(self, metric: Metric) -> bool:
        """Say whether the family is exported at all, as far as options decide it."""
        asked: dict[str, object] = {
            "--metrics-application-labels": self.application_labels,
            "--metrics-application-conditions": self.application_conditions,
            "--metrics-application-requests": self.application_requests != "off",
            "--metrics-cluster-labels": self.cluster_labels,
            "--metrics-applicationset-labels": self.applicationset_labels,
        }
        return not metric.opt_in or bool(asked[metric.opt_in])


def label_names(asked: t.Iterable[str]) -> dict[str, str]:
    """Return name in the exposition -> label of the object.

    As in Argo CD each character outside [a-zA-Z0-9_] becomes _ and label_ goes before. Two labels that become one name
    cannot both be exported: the one that was asked for first is.
    """
    names: dict[str, str] = {}
    for label in asked:
        if label:
            names.setdefault("label_" + _ODD.sub("_", label), label)
    return names


def chosen_values(names: t.Mapping[str, str], labels: t.Mapping[str, str] | None) -> list[str]:
    """Return the values of the chosen labels, in order; a label that the object has not is empty."""
    found = labels or {}
    return [found.get(label, "") for label in names.values()]
