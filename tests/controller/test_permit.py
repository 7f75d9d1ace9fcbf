"""What a cluster's Secret gives to be managed."""

from __future__ import annotations

import pytest

from controller.permit import _beyond
from model.meta import ResourceKey
from model.secrets import Cluster

ROLE = ResourceKey("rbac.authorization.k8s.io", "ClusterRole", "", "r")
MAP, OTHER = ResourceKey("", "ConfigMap", "shop", "m"), ResourceKey("", "ConfigMap", "kube-system", "m")


@pytest.mark.parametrize(
    ("namespaces", "whole", "allowed"),
    [
        ((), False, [True, True, True]),
        (("shop", "web"), False, [True, False, False]),
        (("shop",), True, [True, False, True]),
    ],
    ids=["whole cluster", "namespaces", "namespaces and cluster resources"],
)
def test_a_cluster_given_with_namespaces_takes_no_more(
    namespaces: tuple[str, ...], whole: bool, allowed: list[bool]
) -> None:
    """Argo CD's namespaced mode: other namespaces never, cluster-scoped objects with clusterResources only."""
    cluster = Cluster(name="prod", server="https://prod", namespaces=namespaces, cluster_resources=whole)
    answers = [_beyond(cluster, key, namespaced=bool(key.namespace)) for key in (MAP, OTHER, ROLE)]
    assert allowed == [answer is None for answer in answers]
    for refused in (answer for answer in answers if answer is not None):
        assert refused.rule is not None
        assert ("cluster prod", True) == (refused.rule.origin, "cluster prod" in refused.reason)
        assert refused.remedy
