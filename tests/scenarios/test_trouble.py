"""What goes wrong stays small: bad inputs, unreachable sources, failing applies, deletions, policy in the way."""

from __future__ import annotations

import datetime as dt
import json
import time
import typing as t

import pytest

from model.events import DecisionMade, PolicyLoaded, SyncAttempted
from tests.scenarios.world import World, conditions_of, config_map, deployment, health_of, phase_of, sync_of
from tests.stage.git import GitServer, Repo

GOOD = {"app/a.yaml": config_map("a", k="1")}
BOMB = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\na: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join([f'*{chr(97 + i)}'] * 9)}]\n" for i in range(8)
)
BROKEN = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: [\n"
CHART = "apiVersion: v2\nname: broken\nversion: 0.1.0\n"


class Bad(t.NamedTuple):
    """One bad input: what is pushed, how the Application is written, which condition says what."""

    files: dict[str, str]
    spec: dict[str, t.Any]
    condition: str
    words: tuple[str, ...]


BAD: dict[str, Bad] = {
    "path": Bad(GOOD, {"path": "nowhere"}, "ComparisonError", ("nowhere",)),
    "revision": Bad(GOOD, {"targetRevision": "no-such-branch"}, "ComparisonError", ("no-such-branch",)),
    "yaml": Bad({"app/a.yaml": BROKEN}, {}, "ComparisonError", ("a.yaml",)),
    "bomb": Bad({"app/a.yaml": BOMB}, {}, "ComparisonError", ("a.yaml",)),
    "chart": Bad(
        {"app/Chart.yaml": CHART, "app/templates/a.yaml": "{{ fail \"not today\" }}"}, {}, "ComparisonError",
        ("not today",),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_bad_source_gives_one_clear_condition_and_nothing_applied(world: World, repo: Repo, case: str) -> None:
    """The condition names what is wrong, the status is Unknown, and the cluster is not touched."""
    bad = BAD[case]
    repo.push(bad.files)
    source = {"repoURL": repo.url, "path": "app", "targetRevision": "main", **bad.spec}
    world.app("bad", repo, source=source)
    world.start()
    message = world.until_condition("bad", bad.condition)
    assert all(word in message for word in bad.words), message
    assert "\n" not in message.strip()
    assert {bad.condition} == set(conditions_of(world.get("bad")))
    assert "Unknown" == sync_of(world.get("bad"))
    assert {} == world.objects("configmaps")
    assert "operation" not in world.get("bad")


def test_a_repository_that_does_not_exist_is_named(world: World, git_server: GitServer) -> None:
    """ComparisonError with the repository, Unknown, nothing applied."""
    world.app("bad", f"{git_server.url}/nothing.git")
    world.start()
    assert "nothing" in world.until_condition("bad", "ComparisonError")
    assert "Unknown" == sync_of(world.get("bad"))


@pytest.mark.row(17)
def test_an_unknown_project_is_an_invalid_spec(world: World, repo: Repo) -> None:
    """InvalidSpecError names the project; once the project exists the Application is picked up."""
    repo.push(GOOD)
    world.app("bad", repo, project="nobody")
    world.start()
    assert "nobody" in world.until_condition("bad", "InvalidSpecError")
    assert {} == world.objects("configmaps")
    assert "operation" not in world.get("bad")
    world.project("nobody")
    world.until("bad", "Synced", "Healthy")
    assert {} == conditions_of(world.get("bad"))


def test_a_forbidden_kind_keeps_everything_back(world: World, repo: Repo) -> None:
    """One manifest of a kind that the project does not permit: nothing of that commit is applied, the rule is named."""
    repo.push(
        {
            **GOOD,
            "app/s.yaml": json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {}}),
        }
    )
    world.project(namespaceResourceBlacklist=[{"group": "", "kind": "Secret"}])
    world.app("bad", repo)
    world.start()
    assert "Secret" in world.until_condition("bad", "SyncError")
    assert {} == world.objects("configmaps")
    world.sync("bad")
    app = world.wait("the manual try", lambda: (a := world.get("bad")) and phase_of(a) == "Failed" and a)
    assert "Secret" in app["status"]["operationState"]["message"]
    assert {} == world.objects("configmaps")
    world.project()
    world.until("bad", "Synced")
    assert {"a"} == set(world.objects("configmaps"))


def test_a_window_that_cannot_be_read_blocks_and_says_so(world: World, repo: Repo) -> None:
    """A schedule that does not parse keeps its Applications back, with the window in the condition."""
    repo.push(GOOD)
    window = {"kind": "deny", "schedule": "every noon", "duration": "1h", "applications": ["*"]}
    world.project(syncWindows=[window])
    world.app("bad", repo)
    world.start()
    world.wait("a reason", lambda: any("syncWindows" in m for m in conditions_of(world.get("bad")).values()))
    assert {} == world.objects("configmaps")
    world.project()
    world.until("bad", "Synced")


def test_a_policy_line_with_five_fields_keeps_the_last_good_policy(world: World, repo: Repo) -> None:
    """The bad text is refused with its line and the good one stays; at the start without one nothing is synced."""
    repo.push(GOOD)
    world.settings("argocd-rbac-cm", **{"policy.csv": "p, role:dev, applications, sync, */*, allow\n"})
    world.app("shop", repo)
    world.start()
    world.until("shop", "Synced")
    good = world.of(PolicyLoaded)[-1]
    assert good.ok
    world.settings("argocd-rbac-cm", **{"policy.csv": "p, role:dev, applications, sync, allow\n"})
    world.wait("the refusal", lambda: not world.of(PolicyLoaded)[-1].ok)
    assert any("policy.csv" in problem for problem in world.of(PolicyLoaded)[-1].problems)
    repo.push({"app/a.yaml": config_map("a", k="2")})
    world.refresh("shop")
    world.wait("the next commit", lambda: world.objects("configmaps")["a"]["data"] == {"k": "2"})
    world.stop()
    manager = world.start()
    assert not manager.ready()
    repo.push({"app/a.yaml": config_map("a", k="3")})
    world.refresh("shop")
    assert "policy.csv:1" in world.until_condition("shop", "LynceusSyncBlocked")
    assert {"k": "2"} == world.objects("configmaps")["a"]["data"]
    world.settings("argocd-rbac-cm", **{"policy.csv": ""})
    world.wait("the third commit", lambda: world.objects("configmaps")["a"]["data"] == {"k": "3"})
    assert manager.ready()


@pytest.mark.row(70)
def test_a_git_server_that_is_down_makes_the_state_unknown(world: World, repo: Repo, git_server: GitServer) -> None:
    """Unknown and a ComparisonError that names the repository; the objects stay; back up, all is well again."""
    repo.push(GOOD)
    world.settings(**{"timeout.reconciliation": "1s", "timeout.reconciliation.jitter": "0s"})
    world.app("shop", repo)
    world.start(source_grace=dt.timedelta(seconds=1))
    world.until("shop", "Synced", "Healthy")
    git_server.stop()
    message = world.until_condition("shop", "ComparisonError")
    assert "apps" in message
    app = world.get("shop")
    assert "Unknown" == sync_of(app)
    assert "Healthy" == health_of(app)
    assert {"a"} == set(world.objects("configmaps"))
    git_server.start()
    world.until("shop", "Synced")
    assert {} == conditions_of(world.get("shop"))


@pytest.mark.row(57)
def test_a_failing_apply_is_retried_as_often_as_asked(world: World, repo: Repo) -> None:
    """Limit 2: three tries, waits as announced, then Failed with the count; no more until something changes."""
    repo.push({"app/d.yaml": deployment("web", replicas=-1)})
    retry = {"limit": 2, "backoff": {"duration": "1s", "factor": 2, "maxDuration": "3m"}}
    world.app("bad", repo, policy={"automated": {}, "retry": retry})
    world.start()
    app = world.wait(
        "the announced retry",
        lambda: (
            "Retrying attempt #1 at"
            in (((a := world.get("bad"))["status"].get("operationState") or {}).get("message", ""))
            and a
        ),
    )
    assert "Running" == phase_of(app)
    app = world.wait("the end", lambda: phase_of(a := world.get("bad")) == "Failed" and a)
    assert "(retried 2 times)" in app["status"]["operationState"]["message"]
    assert "dry run" in app["status"]["operationState"]["message"]
    assert [False, False, True] == [event.final for event in world.of(SyncAttempted)]
    starts = [event.finished for event in world.of(SyncAttempted)]
    assert 0.5 < starts[1] - starts[0] < starts[2] - starts[0] - 1.0
    assert "Failed last sync attempt" in world.until_condition("bad", "SyncError")
    assert {} == world.objects("deployments", "apps/v1")
    repo.push({"app/d.yaml": deployment("web")})
    world.refresh("bad")
    world.until("bad", "Synced")


@pytest.mark.row(16)
def test_deletion_with_the_finalizer_takes_the_objects_along(world: World, repo: Repo) -> None:
    """Managed objects go first, then the Application; without the finalizer they stay; Delete=false stays."""
    kept = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "kept", "annotations": {"argocd.argoproj.io/sync-options": "Delete=false"}},
    }
    repo.push(
        {"with/a.yaml": config_map("with"), "with/k.yaml": json.dumps(kept), "without/a.yaml": config_map("without")}
    )
    world.app("with", repo, "with", finalizer=True)
    world.app("without", repo, "without")
    world.start()
    world.until("with", "Synced")
    world.until("without", "Synced")
    path = f"/apis/argoproj.io/v1alpha1/namespaces/{world.control}/applications/"
    for name in ("with", "without"):
        world.cluster.request("DELETE", path + name)
    for name in ("with", "without"):
        world.wait("the Application to go", lambda name=name: world.cluster.request("GET", path + name).status == 404)
    assert {"kept", "without"} == set(world.objects("configmaps"))


def test_a_deny_window_makes_a_change_wait_until_it_ends(world: World, repo: Repo) -> None:
    """No operation is parked: the condition names rule and end, a manual sync goes, later the change starts."""
    repo.push(GOOD)
    world.app("shop", repo, policy={"automated": {}})
    world.start(window_jitter=dt.timedelta(0))
    world.until("shop", "Synced")
    window = {"kind": "deny", "schedule": "* * * * *", "duration": "1m", "applications": ["*"], "manualSync": True}
    world.project(syncWindows=[window])
    world.wait("the policy", lambda: world.of(PolicyLoaded)[-1].generation != world.of(PolicyLoaded)[0].generation)
    repo.push({"app/a.yaml": config_map("a", k="2")})
    world.refresh("shop")
    message = world.until_condition("shop", "LynceusSyncBlocked")
    assert "syncWindows[0]" in message
    app = world.until("shop", "OutOfSync")
    assert "operation" not in app
    assert [d.decision.allowed for d in world.of(DecisionMade)][-1] is False
    world.sync("shop")
    world.wait("the manual sync", lambda: world.objects("configmaps")["a"]["data"] == {"k": "2"})
    repo.push({"app/a.yaml": config_map("a", k="3")})
    world.refresh("shop")
    world.until_condition("shop", "LynceusSyncBlocked")
    world.project()
    world.wait("the change after the window", lambda: world.objects("configmaps")["a"]["data"] == {"k": "3"})
    world.until("shop", "Synced")
    assert {} == conditions_of(world.get("shop"))


def test_a_manual_sync_that_a_window_blocks_ends_and_says_why(world: World, repo: Repo) -> None:
    """Failed at once with Argo CD's words, window and end; nothing is parked, so the next one is taken at once."""
    world.clock.set("2031-03-03T07:30:00+00:00")
    repo.push(GOOD)
    window = {"kind": "deny", "schedule": "0 0 * * *", "duration": "23h", "applications": ["*"]}
    world.project(syncWindows=[window])
    world.app("shop", repo, policy={})
    world.start()
    world.until("shop", "OutOfSync")
    world.sync("shop")
    app = world.wait("the end", lambda: phase_of(a := world.get("shop")) == "Failed" and a)
    message = app["status"]["operationState"]["message"]
    assert message.startswith("Sync operation blocked by sync window: ")
    assert "syncWindows[0]" in message
    assert "until" in message
    assert "operation" not in app
    assert {} == world.objects("configmaps")
    known = len(world.of(PolicyLoaded))
    world.project(syncWindows=[{**window, "manualSync": True}])
    world.wait("the policy", lambda: len(world.of(PolicyLoaded)) > known)
    world.sync("shop")
    world.until("shop", "Synced")


def test_terminating_works_whatever_the_windows_say(world: World, repo: Repo) -> None:
    """An operation that runs when a window closes over it can be terminated, and what was asked for goes."""
    world.clock.set("2031-03-03T07:30:00+00:00")
    repo.push(GOOD)
    window = {"kind": "deny", "schedule": "0 0 * * *", "duration": "23h", "applications": ["*"]}
    world.project(syncWindows=[window])
    world.app("shop", repo, policy={})
    running = {"operation": {"sync": {}}, "phase": "Terminating", "startedAt": "2026-01-01T00:00:00Z"}
    world.patch("shop", {"operation": {"sync": {}}, "status": {"operationState": running}})
    world.start()
    app = world.wait("the end", lambda: phase_of(a := world.get("shop")) == "Failed" and a)
    assert "Operation terminated" == app["status"]["operationState"]["message"]
    assert "operation" not in app
    assert {} == world.objects("configmaps")


def test_a_named_person_needs_the_right_to_sync(world: World, repo: Repo) -> None:
    """initiatedBy.username is asked against policy.csv; who is called like a role has nothing of it."""
    repo.push(GOOD)
    csv = "p, bob, applications, sync, */*, allow\np, alice, applications, sync, */*, deny\n"
    world.settings("argocd-rbac-cm", **{"policy.csv": csv})
    world.app("shop", repo, policy={})
    world.start()
    world.until("shop", "OutOfSync")
    world.sync("shop", by={"username": "alice"})
    app = world.wait("the refusal", lambda: phase_of(a := world.get("shop")) == "Error" and a)
    assert "policy.csv:2" in app["status"]["operationState"]["message"]
    assert {} == world.objects("configmaps")
    for name in ("role:admin", "proj:default:ci", "admin "):
        world.sync("shop", by={"username": name})
        refusal = f"{name} may not sync"
        world.wait(name, lambda words=refusal: words in world.get("shop")["status"]["operationState"]["message"])
    assert {} == world.objects("configmaps")
    world.sync("shop", by={"username": "bob"})
    world.until("shop", "Synced")


def test_an_empty_source_never_prunes_everything(world: World, repo: Repo) -> None:
    """Zero objects with prune on is refused unless allowEmpty; a folder that is gone is an error."""
    repo.push({**GOOD, "app/note.txt": "x"})
    world.app("shop", repo)
    world.start()
    world.until("shop", "Synced")
    repo.push({"app/a.yaml": None})
    world.refresh("shop")
    assert "delete all 1" in world.until_condition("shop", "SyncError")
    assert {"a"} == set(world.objects("configmaps"))
    repo.push({"app": None})
    world.refresh("shop")
    world.until("shop", "Unknown")
    assert {"a"} == set(world.objects("configmaps"))
    repo.push({"app/note.txt": "x"})
    world.patch("shop", {"spec": {"syncPolicy": {"automated": {"allowEmpty": True}}}})
    world.refresh("shop")
    world.wait("the prune", lambda: world.objects("configmaps") == {})


def test_a_copied_tracking_annotation_is_never_pruned(world: World, repo: Repo) -> None:
    """An object that carries the tracking-id of another object, and one with an owner, stay."""
    repo.push(GOOD)
    world.app("shop", repo)
    world.start()
    world.until("shop", "Synced")
    tracking = world.objects("configmaps")["a"]["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"]
    owner = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "name": "a",
        "uid": world.objects("configmaps")["a"]["metadata"]["uid"],
    }
    path = f"/api/v1/namespaces/{world.destination}/configmaps"
    for name, annotation, owners in (
        ("copy", tracking, []),
        ("owned", tracking.replace("/a", "/owned"), [owner]),
    ):
        meta = {"name": name, "annotations": {"argocd.argoproj.io/tracking-id": annotation}, "ownerReferences": owners}
        assert (
            201
            == world.cluster.request("POST", path, {"kind": "ConfigMap", "apiVersion": "v1", "metadata": meta}).status
        )
    repo.push({"app/b.yaml": config_map("b")})
    world.refresh("shop")
    world.wait("b", lambda: "b" in world.objects("configmaps"))
    world.until("shop", "Synced")
    assert {"a", "b", "copy", "owned"} == set(world.objects("configmaps"))


def test_one_poison_application_harms_nobody(world: World, repo: Repo) -> None:
    """A spec that cannot be used gets its condition; the others sync, and once corrected it syncs too."""
    repo.push(GOOD)
    world.app("poison", repo, destination={"server": "https://kubernetes.default.svc", "name": "in-cluster"})
    world.app("good", repo)
    world.start()
    world.until("good", "Synced")
    assert world.until_condition("poison", "InvalidSpecError")
    assert world.manager is not None
    assert world.manager.healthy()


@pytest.mark.parametrize("options", [[], ["ServerSideApply=true"]], ids=["client-side", "server-side"])
def test_a_second_pass_writes_nothing(world: World, repo: Repo, options: list[str]) -> None:
    """After a sync a hard refresh and another sync find everything as it is."""
    repo.push({"app/a.yaml": config_map("a"), "app/d.yaml": deployment("web")})
    world.app("shop", repo, policy={"automated": {}, "syncOptions": options})
    world.start()
    world.until("shop", "Synced", "Healthy")
    before = {**world.objects("configmaps"), **world.objects("deployments", "apps/v1")}
    world.refresh("shop", "hard")
    world.wait("the answer", lambda: not world.get("shop")["metadata"].get("annotations"))
    world.sync("shop")
    world.wait("the sync", lambda: "operation" not in world.get("shop"))
    time.sleep(0.3)
    after = {**world.objects("configmaps"), **world.objects("deployments", "apps/v1")}
    versions = [{n: o["metadata"]["resourceVersion"] for n, o in found.items()} for found in (before, after)]
    assert versions[0] == versions[1]
    manager = "argocd-controller"
    assert manager in [entry["manager"] for entry in after["a"]["metadata"]["managedFields"]]
    applied = "kubectl.kubernetes.io/last-applied-configuration" in after["a"]["metadata"]["annotations"]
    assert applied is not bool(options)


def test_waves_run_in_order_and_wait_for_health(world: World, repo: Repo) -> None:
    """Wave 1 begins when wave 0 is healthy; a Deployment that never becomes ready holds it up and is named."""

    def waved(name: str, wave: int) -> str:
        meta = {"name": name, "annotations": {"argocd.argoproj.io/sync-wave": str(wave)}}
        return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta})

    repo.push({"app/0.yaml": deployment("web"), "app/1.yaml": waved("after", 1), "app/2.yaml": waved("before", -1)})
    world.app("shop", repo, policy={"automated": {}})
    world.start()
    app = world.until("shop", "Synced", "Healthy", timeout=30)
    world.wait("the end", lambda: phase_of(world.get("shop")) == "Succeeded")
    live = {**world.objects("configmaps"), **world.objects("deployments", "apps/v1")}
    waves = {r["name"]: r.get("syncWave", 0) for r in app["status"]["resources"]}
    assert {"before": -1, "web": 0, "after": 1} == waves
    order = sorted(live, key=lambda n: int(live[n]["metadata"]["resourceVersion"]) if n != "web" else 0)
    assert order.index("before") < order.index("after")


def test_objects_of_another_installation_are_neither_pruned_nor_in_the_way(world: World, repo: Repo) -> None:
    """An object that carries our tracking where the project permits nothing stays, and sync and deletion go on."""
    repo.push(GOOD)
    world.project(destinations=[{"server": "*", "namespace": world.destination}])
    with world.cluster.namespace("foreign") as foreign:
        meta = {
            "name": "theirs",
            "annotations": {
                "argocd.argoproj.io/tracking-id": f"shop:/ConfigMap:{foreign}/theirs",
                "argocd.argoproj.io/installation-id": world.control,
            },
        }
        path = f"/api/v1/namespaces/{foreign}/configmaps"
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta}
        assert 201 == world.cluster.request("POST", path, body).status
        world.app("shop", repo, finalizer=True)
        world.start()
        app = world.until("shop", "Synced")
        assert ["a"] == [r["name"] for r in app["status"]["resources"]]
        root = f"/apis/argoproj.io/v1alpha1/namespaces/{world.control}/applications/shop"
        world.cluster.request("DELETE", root)
        world.wait("the end", lambda: world.cluster.request("GET", root).status == 404)
        assert {} == world.objects("configmaps")
        assert 200 == world.cluster.request("GET", f"{path}/theirs").status


def test_another_revision_needs_override_only_where_that_is_switched_on(real_world: World, repo: Repo) -> None:
    """With `sync` alone a person may sync another revision; with the switch of argocd-cm that needs `override` too."""
    world = real_world
    first = repo.push(GOOD)
    repo.push({"app/a.yaml": config_map("a", k="2")})
    world.settings("argocd-rbac-cm", **{"policy.csv": "p, bob, applications, sync, */*, allow\n"})
    world.settings(**{"application.sync.requireOverridePrivilegeForRevisionSync": "true"})
    world.app("shop", repo, policy={})
    world.start()
    world.until("shop", "OutOfSync")
    world.sync("shop", by={"username": "bob"}, revision=first)
    app = world.wait("the refusal", lambda: phase_of(a := world.get("shop")) == "Error" and a)
    assert "override" in app["status"]["operationState"]["message"]
    assert {} == world.objects("configmaps")
    known = len(world.of(PolicyLoaded))
    world.settings()
    world.wait("the settings", lambda: len(world.of(PolicyLoaded)) > known)
    world.sync("shop", by={"username": "bob"}, revision=first)
    world.wait("the old revision", lambda: world.objects("configmaps")["a"]["data"] == {"k": "1"})
