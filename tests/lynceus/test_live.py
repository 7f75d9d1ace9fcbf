"""Reading what governs from the real control plane: whole, with less rights, and when it cannot be read."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from lynceus import live as live_module
from lynceus.bundle import Live
from lynceus.live import read_live
from model.errors import InvalidSettings
from tests.scenarios.conftest import install_crds
from tests.stage.cluster import Cluster

OBJECTS = """
apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-rbac-cm}
data:
  policy.csv: |
    p, role:dev, applications, sync, shop/*, allow
  policy.z.csv: g, developers, role:dev
  policy.default: role:readonly
---
apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-cm}
data: {globalProjects: "[{projectName: shop}]"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: lynceus-cm}
data: {windows: "[]"}
---
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: shop}
spec:
  roles: [{name: ci, policies: ["p, proj:shop:ci, applications, sync, shop/*, allow"]}]
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: web}
spec: {project: shop, source: {repoURL: https://git.example/a}, destination: {name: production}}
---
apiVersion: v1
kind: Secret
metadata: {name: production, labels: {argocd.argoproj.io/secret-type: cluster}}
stringData: {name: production, server: "https://10.0.0.1", config: '{"bearerToken": "hunter2"}'}
---
apiVersion: v1
kind: Secret
metadata: {name: other}
stringData: {name: x}
"""
RIGHTS = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: preview}
rules:
- {apiGroups: [""], resources: [configmaps], verbs: [get]}
- {apiGroups: [argoproj.io], resources: [applications, appprojects], verbs: [list]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: preview}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: preview}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: alice}]
"""


@pytest.fixture
def control(real_cluster: Cluster) -> Iterator[str]:
    """A control namespace with one of everything."""
    install_crds(real_cluster)
    with real_cluster.namespace("preview") as name:
        real_cluster.kubectl("apply", "-n", name, "-f", "-", input=OBJECTS)
        yield name
        real_cluster.request("DELETE", f"/apis/argoproj.io/v1alpha1/namespaces/{name}/applications")


def read(cluster: Cluster, namespace: str, user: str = "admin") -> Live:
    return read_live(str(cluster.user(user)), namespace)


def test_everything_that_governs_is_read(real_cluster: Cluster, control: str) -> None:
    """The policy in order of its keys, settings, projects, Applications and clusters, without any note."""
    found = read(real_cluster, control)

    assert ["policy.csv", "policy.z.csv"] == [key for key, _ in found.rbac.csv]
    assert ("role:readonly", "shop") == (found.rbac.default_role, found.settings.global_projects[0].project_name)
    assert {"windows": "[]"} == found.additions_data
    assert ["shop"] == [project.metadata.name for project in found.projects]
    assert "web" in [app.metadata.name for app in found.applications if app.metadata.namespace == control]
    assert [("production", "https://10.0.0.1")] == [(each.name, each.server) for each in found.clusters]
    assert () == found.notes


def test_credentials_of_clusters_are_not_kept(real_cluster: Cluster, control: str) -> None:
    """Nothing that was read holds the token of the cluster Secret."""
    found = read(real_cluster, control)

    assert [{}] == [cluster.config for cluster in found.clusters]


def test_applications_of_all_namespaces_are_read(real_cluster: Cluster, control: str) -> None:
    """An Application outside the control namespace is found."""
    with real_cluster.namespace("preview-apps") as other:
        document = OBJECTS.split("---")[4]
        real_cluster.kubectl("apply", "-n", other, "-f", "-", input=document)
        found = {app.metadata.namespace for app in read(real_cluster, control).applications}
        real_cluster.request("DELETE", f"/apis/argoproj.io/v1alpha1/namespaces/{other}/applications")

    assert {control, other} <= found


def test_lists_are_read_in_pages(real_cluster: Cluster, control: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list longer than a page is complete."""
    document = OBJECTS.split("---")[4]
    for number in range(4):
        text = document.replace("name: web", f"name: web-{number}")
        real_cluster.kubectl("apply", "-n", control, "-f", "-", input=text)
    monkeypatch.setattr(live_module, "PAGE", 2)
    names = {app.metadata.name for app in read(real_cluster, control).applications}

    assert {"web", "web-0", "web-1", "web-2", "web-3"} <= names


def test_less_rights_leave_notes(real_cluster: Cluster, control: str) -> None:
    """Without the Secrets and the other namespaces the rest is read, and one line each says what is missing."""
    real_cluster.kubectl("apply", "-n", control, "-f", "-", input=RIGHTS)
    found = read(real_cluster, control, "alice")

    assert ([], ["web"]) == (found.clusters, [app.metadata.name for app in found.applications])
    assert 2 == len(found.notes)
    assert "secrets in namespace" in found.notes[0]
    assert "list applications.argoproj.io in all namespaces" in found.notes[1]


def test_a_policy_that_may_not_be_read_is_said_in_one_line(real_cluster: Cluster, control: str) -> None:
    """Whoever may read nothing is told which right is missing."""
    with pytest.raises(InvalidSettings) as failure:
        read(real_cluster, control, "bob")

    assert f"ConfigMap {control}/argocd-rbac-cm: found no permission to read" in str(failure.value)
    assert f"get on configmaps in namespace {control}" in str(failure.value)


def test_a_secret_that_cannot_be_read_is_a_note(real_cluster: Cluster, control: str) -> None:
    """A malformed cluster Secret is left out and named, without its content."""
    text = OBJECTS.split("---")[5].replace("name: production,", "name: broken,").replace("'{\"", "'hunter2{\"")
    real_cluster.kubectl("apply", "-n", control, "-f", "-", input=text)
    found = read(real_cluster, control)

    assert (1, 1) == (len(found.clusters), len(found.notes))
    assert "broken: config: found something else" in found.notes[0]
    assert "hunter2" not in found.notes[0]


def test_an_absent_policy_is_an_empty_one(real_cluster: Cluster) -> None:
    """A namespace without any of the objects is read as empty."""
    install_crds(real_cluster)
    with real_cluster.namespace("preview-empty") as name:
        found = read(real_cluster, name)

    assert ((), [], True) == (found.rbac.csv, found.projects, found.has_rbac)


def test_a_cluster_that_does_not_answer_is_said_in_one_line(tmp_path: Path) -> None:
    """Nobody listens: one line names the server."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "x",
        "clusters": [{"name": "x", "cluster": {"server": "http://127.0.0.1:9"}}],
        "users": [{"name": "x", "user": {"token": "hunter2"}}],
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
    }
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(config))
    with pytest.raises(InvalidSettings) as failure:
        read_live(str(tmp_path / "kubeconfig"), "argocd")

    assert "cluster http://127.0.0.1:9" in str(failure.value)
    assert "hunter2" not in str(failure.value)
    assert "\n" not in str(failure.value)


def test_nothing_of_kubernetes_is_imported_before_a_cluster_is_read() -> None:
    """Importing the reader loads no client."""
    code = "import json, sys, lynceus.live; print(json.dumps(sorted(m.partition('.')[0] for m in sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert set() == {"kubernetes", "urllib3", "requests", "flask", "git"} & set(json.loads(done.stdout))
