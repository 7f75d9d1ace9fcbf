"""Traps in AppProjects: each has a code, a place and a way out, and a project without traps has no findings."""

# ruff: noqa: E501 - tables of cases, one case to a place

import json
import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.errors import InvalidInput
from model.project import read_project
from policy.findings import Mode
from policy.projects.compiled import Project
from policy.projects.lint import lint

GOOD = {
    "description": "Payments",
    "sourceRepos": ["https://github.com/acme/payments-*", "git@github.com:acme/*"],
    "sourceNamespaces": ["payments-*"],
    "destinations": [{"server": "https://kubernetes.default.svc", "namespace": "payments-*"}],
    "clusterResourceWhitelist": [{"group": "", "kind": "Namespace", "name": "payments-*"}],
    "namespaceResourceBlacklist": [{"group": "", "kind": "ResourceQuota"}],
    "orphanedResources": {"warn": True, "ignore": [{"kind": "ConfigMap"}]},
    "roles": [{"name": "dev", "policies": [], "groups": ["payments"], "jwtTokens": [{"iat": 1}]}],
    "syncWindows": [{"kind": "allow", "schedule": "* * * * *", "duration": "1h", "applications": ["*"]}],
    "destinationServiceAccounts": [{"server": "*", "namespace": "*", "defaultServiceAccount": "payments:deployer"}],
}


def compiled(mode: Mode = "strict", name: str = "p", **spec: t.Any) -> Project:
    return Project(read_project(json.dumps({"metadata": {"name": name}, "spec": spec}).encode()), mode)


def test_a_project_without_traps() -> None:
    """Exact hosts, one cluster, listed kinds: nothing to say."""
    assert () == lint(compiled(**GOOD))


@pytest.mark.parametrize(
    ("spec", "code", "severity", "where"),
    [
        ({"sourceRepos": ["!https://h/x"]}, "project-negation-only", "error", "sourceRepos"),
        ({"sourceRepos": ["*"]}, "project-wildcard", "warning", "sourceRepos[0]"),
        ({"sourceRepos": ["https://github.com*"]}, "project-source-host", "warning", "sourceRepos[0]"),
        ({"sourceRepos": ["https://*/acme/x"]}, "project-source-host", "warning", "sourceRepos[0]"),
        ({"sourceRepos": ["https://h:*/x"]}, "project-source", "warning", "sourceRepos[0]"),
        ({"sourceRepos": ["https://h/[a-"]}, "project-pattern", "warning", "sourceRepos[0]"),
        ({"sourceRepos": ["*", "!https://h/[a-"]}, "project-pattern", "error", "sourceRepos[1]"),
        ({"sourceRepos": ["https://h/x", "https://h/x"]}, "project-duplicate", "warning", "sourceRepos[1]"),
        ({"sourceNamespaces": ["!kube-system"]}, "project-negation", "warning", "sourceNamespaces[0]"),
        ({"sourceNamespaces": ["*"]}, "project-wildcard", "warning", "sourceNamespaces[0]"),
        ({"destinations": [{"server": "*", "namespace": "*"}]}, "project-wildcard", "warning", "destinations[0]"),
        ({"destinations": [{"server": "*", "namespace": "!x"}]}, "project-negation-only", "error", "destinations"),
        ({"destinations": [{"server": "*", "namespace": "!x"}]}, "project-negation", "warning", "destinations[0]"),
        ({"destinations": [{"name": "a", "namespace": "!x"}]}, "project-negation-open", "error", "destinations[0]"),
        ({"destinations": [{"namespace": "x"}]}, "project-destination-cluster", "warning", "destinations[0]"),
        ({"destinations": [{"name": "a"}]}, "project-destination-namespace", "warning", "destinations[0]"),
        ({"destinations": [{"name": "a", "server": "https://b", "namespace": "x"}]}, "project-destination-either", "warning", "destinations[0]"),
        ({"destinations": [{"name": "a", "namespace": "argocd"}]}, "project-control-namespace", "warning", "destinations[0]"),
        ({"namespaceResourceWhitelist": []}, "project-kind-empty", "warning", "namespaceResourceWhitelist"),
        ({"namespaceResourceBlacklist": [{"group": "", "kind": "Namespace"}]}, "project-kind-scope", "error", "namespaceResourceBlacklist[0]"),
        ({"clusterResourceWhitelist": [{"group": "", "kind": "Secret"}]}, "project-kind-scope", "warning", "clusterResourceWhitelist[0]"),
        ({"clusterResourceWhitelist": [{"group": "*", "kind": "*"}]}, "project-wildcard", "warning", "clusterResourceWhitelist[0]"),
        ({"clusterResourceBlacklist": [{"group": "*"}]}, "project-kind", "error", "clusterResourceBlacklist[0]"),
        ({"namespaceResourceWhitelist": [{"group": "apps/v1", "kind": "X"}]}, "project-kind", "warning", "namespaceResourceWhitelist[0]"),
        ({"namespaceResourceWhitelist": [{"group": "", "kind": "{A,B}"}]}, "project-kind", "warning", "namespaceResourceWhitelist[0]"),
        ({"namespaceResourceWhitelist": [{"kind": "X", "name": "y"}]}, "project-kind-name", "warning", "namespaceResourceWhitelist[0]"),
        ({"namespaceResourceBlacklist": [{"kind": "[X"}]}, "project-pattern", "error", "namespaceResourceBlacklist[0].kind"),
        ({"orphanedResources": {"ignore": [{"kind": "["}]}}, "project-pattern", "warning", "orphanedResources.ignore[0].kind"),
        ({"signatureKeys": [{"keyID": "A"}]}, "project-signature", "warning", "signatureKeys"),
        ({"destinationServiceAccounts": [{"server": "*", "namespace": "*", "defaultServiceAccount": "a*"}]}, "project-account", "error", "destinationServiceAccounts[0]"),
        ({"destinationServiceAccounts": [{"server": "*", "namespace": "*", "defaultServiceAccount": "a"}] * 2}, "project-account", "warning", "destinationServiceAccounts[1]"),
        ({"namespaceResourceBlackList": []}, "project-unknown-field", "error", ""),
        ({"destinations": [{"name": "a", "namespaces": "x", "namespace": "x"}]}, "project-unknown-field", "error", "destinations[0]"),
        ({"syncWindows": [{"kind": "deny", "timezone": "UTC"}]}, "project-unknown-field", "error", "syncWindows[0]"),
        ({"orphanedResources": {"ignore": [{"regex": "x"}]}}, "project-unknown-field", "warning", "orphanedResources.ignore[0]"),
    ],
)  # fmt: skip
def test_each_trap(spec: dict[str, t.Any], code: str, severity: str, where: str) -> None:
    """Code, severity and place, and what would be right."""
    place = f"AppProject p: spec.{where}" if where else "AppProject p: spec"
    found = [finding for finding in lint(compiled(**spec)) if finding.code == code and finding.where == place]
    assert [severity] == [finding.severity for finding in found]
    assert found[0].fix


@pytest.mark.parametrize(
    ("mode", "said"), [("strict", "permits nothing"), ("compat", "means every other text that is none")]
)
@pytest.mark.parametrize("text", ["ssh://git@h:org/x", ""])
def test_a_source_that_is_no_repository_is_told(mode: Mode, said: str, text: str) -> None:
    """In compat, where such entries admit each other, it is worth a word as much as in strict."""
    found = compiled(mode, sourceRepos=[text]).findings
    assert [("project-source", "warning")] == [(finding.code, finding.severity) for finding in found]
    assert said in found[0].text


def test_a_misspelt_field_names_the_right_one() -> None:
    """The likely spelling is the fix; compat finds it as well."""
    found = lint(compiled("compat", namespaceResourceWhiteList=[], sourceRepo=["*"]))
    assert ["namespaceResourceWhitelist", "sourceRepos"] == [finding.fix for finding in found]


def test_what_inheriting_changes() -> None:
    """Each list that a global project gives is told, the whitelist that narrows first of all."""
    base = compiled(
        name="base",
        namespaceResourceWhitelist=[{"group": "", "kind": "Secret"}],
        clusterResourceWhitelist=[{"group": "", "kind": "Namespace"}],
        sourceRepos=["https://h/x"],
        destinations=[{"name": "a", "namespace": "x"}],
        destinationServiceAccounts=[{"server": "*", "namespace": "*", "defaultServiceAccount": "a"}],
    )
    found = [finding for finding in lint(compiled(**GOOD), inherited=[base]) if finding.code == "project-global-effect"]
    assert 5 == len(found)
    assert "turns every namespaced kind into only these 1 in project p" in found[0].text
    assert {"AppProject base"} == {finding.where.partition(":")[0] for finding in found}


VALUES = st.recursive(
    st.none() | st.booleans() | st.text(max_size=8) | st.sampled_from(["*", "!*", "!", "[", "/", "{", "!["]),
    lambda x: (
        st.lists(x, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["server", "name", "namespace", "group", "kind", "git", "policies", "gpg", "repos", "ignore", "keyID"]
            ),
            x,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from([*GOOD, "signatureKeys", "sourceIntegrity", "other"]), VALUES, max_size=5))
def test_lint_is_total(spec: dict[str, t.Any]) -> None:
    """Whatever can be read can be looked at, in both modes."""
    for mode in t.get_args(Mode):
        try:
            project = compiled(mode, **spec)
        except InvalidInput:
            return
        assert all(finding.code and finding.where for finding in lint(project, inherited=[project]))
