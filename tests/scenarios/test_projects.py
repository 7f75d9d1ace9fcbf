"""What an AppProject means in the loop: as whom objects are written, orphans, what Secrets add, signatures."""

from __future__ import annotations

import base64
import json
import typing as t

import pytest

from tests.scenarios.world import IN_CLUSTER, Json, World, conditions_of, config_map, phase_of
from tests.stage.git import Repo

RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces/{}"
STRANGER = '{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "s"}}'
ENABLED = {"application.sync.impersonation.enabled": "true"}


def service_account(world: World, name: str, verbs: list[str]) -> None:
    """Create a service account in the destination namespace that may use these verbs on ConfigMaps."""
    namespace = world.destination
    role = RBAC.format(namespace)
    meta = {"name": name, "namespace": namespace}
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": verbs}]
    subject = {"kind": "ServiceAccount", "name": name, "namespace": namespace}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}
    for path, body in (
        (f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": meta}),
        (f"{role}/roles", {"metadata": meta, "rules": rules}),
        (f"{role}/rolebindings", {"metadata": meta, "subjects": [subject], "roleRef": reference}),
    ):
        assert 201 == world.cluster.request("POST", path, body).status


def account(world: World, name: str) -> list[Json]:
    """Return destinationServiceAccounts that name one service account for the destination."""
    return [{"server": IN_CLUSTER, "namespace": world.destination, "defaultServiceAccount": name}]


def message_of(app: Json) -> str:
    return str(((app.get("status") or {}).get("operationState") or {}).get("message", ""))


def until_message(world: World, name: str, part: str) -> str:
    """Wait until the last operation says this and return all of what it says."""
    found = world.wait(part, lambda: (text := message_of(world.get(name))) and part in text and text)
    return str(found)


def test_objects_are_written_as_the_service_account(real_world: World, repo: Repo) -> None:
    """Applied and pruned with its rights and no others: what it may not do fails, and the message names it."""
    world = real_world
    repo.push({"app/a.yaml": config_map("a"), "app/b.yaml": config_map("b")})
    service_account(world, "deployer", ["get", "create", "patch", "delete"])
    world.settings(**ENABLED)
    world.project(destinationServiceAccounts=account(world, "deployer"))
    world.app("shop", repo, policy={})
    world.start()
    world.until("shop", "OutOfSync")
    world.sync("shop")
    world.until("shop", "Synced")
    repo.push({"app/b.yaml": None, "app/s.yaml": STRANGER})
    world.sync("shop", prune=True)
    text = until_message(world, "shop", "serviceaccounts")
    assert f"system:serviceaccount:{world.destination}:deployer" in text
    assert ({"a", "b"}, {"deployer"}) == (set(world.objects("configmaps")), set(world.objects("serviceaccounts")))
    repo.push({"app/s.yaml": None})
    world.sync("shop", prune=True)
    world.wait("b pruned", lambda: {"a"} == set(world.objects("configmaps")))


@pytest.mark.parametrize(
    ("accounts", "said"),
    [([], "no matching service account found"), (["bad*name"], "default service account contains invalid chars")],
)
def test_without_a_service_account_nothing_is_written(
    real_world: World, repo: Repo, accounts: list[str], said: str
) -> None:
    """Impersonation on and nobody named for the destination: the sync ends, our own rights stay unused."""
    world = real_world
    repo.push({"app/a.yaml": config_map("a")})
    world.settings(**ENABLED)
    world.project(destinationServiceAccounts=[entry for name in accounts for entry in account(world, name)])
    world.app("shop", repo, policy={})
    world.start()
    world.until("shop", "OutOfSync")
    world.sync("shop")
    text = until_message(world, "shop", said)
    assert "failed to find a matching service account to impersonate" in text
    assert ("Error", {}) == (phase_of(world.get("shop")), world.objects("configmaps"))


def test_enforcement_can_be_switched_off(real_world: World, repo: Repo) -> None:
    """With enforced false a destination without an entry is written with our own rights."""
    world = real_world
    repo.push({"app/a.yaml": config_map("a")})
    world.settings(**ENABLED, **{"application.sync.impersonation.enforced": "false"})
    world.app("shop", repo)
    world.start()
    world.until("shop", "Synced")


def test_the_cascade_goes_through_the_service_account(real_world: World, repo: Repo) -> None:
    """A deletion that the account may not carry out keeps the finalizer and says why; with the right it ends."""
    world = real_world
    repo.push({"app/a.yaml": config_map("a")})
    service_account(world, "deployer", ["get", "create", "patch"])
    world.settings(**ENABLED)
    world.project(destinationServiceAccounts=account(world, "deployer"))
    world.app("shop", repo, finalizer=True)
    world.start()
    world.until("shop", "Synced")
    path = f"/apis/argoproj.io/v1alpha1/namespaces/{world.control}/applications/shop"
    world.cluster.request("DELETE", path)
    assert "deployer" in world.until_condition("shop", "DeletionError")
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["delete"]}]
    world.change(f"{RBAC.format(world.destination)}/roles/deployer", {"rules": rules})
    world.wait("the Application gone", lambda: 404 == world.cluster.request("GET", path).status)


def test_orphans_are_told_of(world: World, repo: Repo) -> None:
    """Objects in the destination namespace that nobody tracks make a warning; those that are always there do not."""
    repo.push({"app/a.yaml": config_map("a")})
    world.project(orphanedResources={"ignore": [{"kind": "ConfigMap", "name": "known-*"}]})
    world.app("shop", repo)
    world.start()
    world.until("shop", "Synced")
    path = f"/api/v1/namespaces/{world.destination}/configmaps"
    for name in ("stray", "known-one"):
        assert 201 == world.cluster.request("POST", path, {"metadata": {"name": name}}).status
    assert "Application has 1 orphaned resources" == world.until_condition("shop", "OrphanedResourceWarning")
    world.cluster.request("DELETE", f"{path}/stray")
    world.wait("no warning", lambda: "OrphanedResourceWarning" not in conditions_of(world.get("shop")))
    assert 201 == world.cluster.request("POST", path, {"metadata": {"name": "stray"}}).status
    world.until_condition("shop", "OrphanedResourceWarning")
    world.project()
    world.wait("no warning", lambda: "OrphanedResourceWarning" not in conditions_of(world.get("shop")))


def test_what_a_deleted_application_leaves_is_an_orphan(world: World, repo: Repo) -> None:
    """Deleted without its objects: they are nobody's, and the next refresh of the other Application says so."""
    repo.push({"app/a.yaml": config_map("a"), "gone/b.yaml": config_map("b")})
    world.project(orphanedResources={})
    world.app("shop", repo)
    world.app("gone", repo, "gone")
    world.start()
    for name in ("shop", "gone"):
        world.until(name, "Synced")
    assert "OrphanedResourceWarning" not in conditions_of(world.get("shop"))
    world.cluster.request("DELETE", f"/apis/argoproj.io/v1alpha1/namespaces/{world.control}/applications/gone")
    world.refresh("shop")
    assert "Application has 1 orphaned resources" == world.until_condition("shop", "OrphanedResourceWarning")


def test_a_repository_secret_with_a_project_is_a_source_of_it(world: World, repo: Repo) -> None:
    """The project lists no source; the Secret that names the project adds its repository, and only to that one."""
    repo.push({"app/a.yaml": config_map("a")})
    for name in ("shop", "other"):
        world.project(name, sourceRepos=[])
    values = {"url": repo.url, "project": "shop", "type": "git"}
    secret: Json = {
        "metadata": {"name": "repo-shop", "labels": {"argocd.argoproj.io/secret-type": "repository"}},
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in values.items()},
    }
    assert 201 == world.cluster.request("POST", f"/api/v1/namespaces/{world.control}/secrets", secret).status
    world.app("mine", repo, project="shop")
    world.app("theirs", repo, project="other", policy={})
    world.start()
    world.until("mine", "Synced")
    assert "spec.sourceRepos" in world.until_condition("theirs", "InvalidSpecError")


@pytest.mark.parametrize(
    "demand",
    [
        {"signatureKeys": [{"keyID": "4AEE18F83AFDEB23"}]},
        {"sourceIntegrity": {"git": {"policies": [{"repos": [{"url": "*"}], "gpg": {"mode": "strict", "keys": []}}]}}},
    ],
)
def test_sources_that_have_to_be_signed_are_not_synced(world: World, repo: Repo, demand: dict[str, t.Any]) -> None:
    """Nothing verifies signatures, so the change is compared and shown and goes no further."""
    repo.push({"app/a.yaml": config_map("a")})
    world.project(**demand)
    world.app("shop", repo)
    world.start()
    text = world.until_condition("shop", "LynceusSyncBlocked")
    assert "has to be signed" in text
    assert "not verified" in text
    assert ("OutOfSync", {}) == (world.get("shop")["status"]["sync"]["status"], world.objects("configmaps"))


@pytest.mark.row(90)
def test_a_declared_object_that_is_not_permitted_is_unknown(world: World, repo: Repo) -> None:
    """It is shown as Unknown, the Application as OutOfSync, and the sync is refused with the entry; nothing is half."""
    repo.push({"app/a.yaml": config_map("a"), "app/s.yaml": STRANGER})
    world.project(namespaceResourceBlacklist=[{"group": "", "kind": "ServiceAccount"}])
    world.app("shop", repo)
    world.start()
    text = world.until_condition("shop", "SyncError")
    assert "AppProject default: spec.namespaceResourceBlacklist[0]" in text
    found = world.get("shop")["status"]
    assert {"ConfigMap": "OutOfSync", "ServiceAccount": "Unknown"} == {
        r["kind"]: r["status"] for r in found["resources"]
    }
    assert ("OutOfSync", {}) == (found["sync"]["status"], world.objects("configmaps"))


def test_a_cluster_given_with_namespaces_takes_no_cluster_scoped_object(real_world: World, repo: Repo) -> None:
    """Refused before the first write, with the Secret that says so; with clusterResources it is let through."""
    world = real_world
    ca = world.cluster.ca.read_bytes() if world.cluster.ca else b""
    config = {"bearerToken": world.cluster.token, "tlsClientConfig": {"caData": base64.b64encode(ca).decode()}}
    data = {"name": "given", "server": world.cluster.url, "config": json.dumps(config), "namespaces": world.destination}
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "given", "labels": {"argocd.argoproj.io/secret-type": "cluster"}},
        "stringData": data,
    }
    path = f"/api/v1/namespaces/{world.control}/secrets"
    assert 201 == world.cluster.request("POST", path, secret).status
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": world.destination},
    }
    repo.push({"app/a.yaml": config_map("a"), "app/role.yaml": json.dumps(role)})
    world.app("shop", repo, destination={"name": "given", "namespace": world.destination})
    world.start()
    assert "cluster-scoped objects are not managed" in world.until_condition("shop", "SyncError")
    assert {} == world.objects("configmaps")
    world.change(f"{path}/given", {"stringData": {"clusterResources": "true"}})
    try:
        world.until("shop", "Synced")
        assert {"a"} == set(world.objects("configmaps"))
    finally:
        world.cluster.request("DELETE", f"/apis/rbac.authorization.k8s.io/v1/clusterroles/{world.destination}")
