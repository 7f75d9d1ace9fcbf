"""The loop obeys time: changes wait visibly, begin when they may, and no write is made against a window."""

from __future__ import annotations

import collections
import datetime as dt
import json
import threading
import time
import typing as t

import pytest

from model.events import PolicyLoaded, SyncAttempted
from tests.scenarios.world import APPS, AUTOMATED, World, conditions_of, config_map, deployment, phase_of, sync_of
from tests.stage.git import Repo
from tests.stage.proxy import FaultProxy
from tests.stage.requestlog import Request

BEFORE, DURING, AFTER = "2031-03-03T06:30:00+00:00", "2031-03-03T07:30:00+00:00", "2031-03-03T08:30:00+00:00"
DENY: dict[str, t.Any] = {"kind": "deny", "schedule": "0 7 * * *", "duration": "1h", "applications": ["*"]}
"""Open from 07:00 to 08:00."""
BLOCKED = "LynceusSyncBlocked"
AT_ONCE = {"window_jitter": dt.timedelta(0), "clock_watch": dt.timedelta(seconds=0.1)}


def value(world: World, name: str = "a") -> str:
    """Return what a ConfigMap of the Application holds."""
    return str(world.objects("configmaps")[name]["data"]["k"])


def message_of(app: dict[str, t.Any]) -> str:
    return str(((app.get("status") or {}).get("operationState") or {}).get("message", ""))


def load_balancer(name: str, wave: int) -> str:
    """Return a Service that is Progressing until somebody gives it an address."""
    meta = {"name": name, "annotations": {"argocd.argoproj.io/sync-wave": str(wave)}}
    spec = {"type": "LoadBalancer", "ports": [{"port": 80}], "selector": {"app": "x"}}
    return json.dumps({"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec})


def give_address(world: World, name: str) -> None:
    """Do what a load balancer would do."""
    path = f"/api/v1/namespaces/{world.destination}/services/{name}/status"
    body = {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}}
    reply = world.cluster.request("PATCH", path, body, content_type="application/merge-patch+json")
    assert reply.status == 200, reply.body[:300]


def waved(name: str, wave: int, text: str) -> str:
    meta = {"name": name, "annotations": {"argocd.argoproj.io/sync-wave": str(wave)}}
    return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"k": text}})


def two_waves(repo: Repo) -> None:
    """Push a wave that waits for an address, and one behind it."""
    repo.push({"app/0.yaml": load_balancer("front", 0), "app/1.yaml": waved("a", 1, "1")})


def wait_for_first_wave(world: World) -> None:
    """Return when the sync waits for the address."""
    world.wait("the first wave", lambda: "front" in message_of(world.get("shop")))


def policy_change(world: World, change: t.Callable[[], None]) -> None:
    """Make a change of what governs and wait until it is in force."""
    known = len(world.of(PolicyLoaded))
    change()
    world.wait("the policy", lambda: len(world.of(PolicyLoaded)) > known)


def synced(world: World, repo: Repo, **options: t.Any) -> None:
    """Bring an Application to its first commit before the window opens."""
    world.clock.set(BEFORE)
    repo.push({"app/a.yaml": config_map("a", k="1")})
    world.app("shop", repo, **options)
    world.start(**AT_ONCE)
    world.until("shop", "Synced")
    world.wait("the end", lambda: phase_of(world.get("shop")) == "Succeeded")


def finals(world: World) -> list[SyncAttempted]:
    return [event for event in world.of(SyncAttempted) if event.final]


ALLOW: dict[str, t.Any] = {"kind": "allow", "applications": ["*"]}
SHORT = [{**ALLOW, "schedule": "0 6 * * *", "duration": "1h"}, {**ALLOW, "schedule": "0 8 * * *", "duration": "1m"}]
"""Open from 06:00 to 07:00, and for one minute from 08:00."""


@pytest.mark.parametrize("windows", [[DENY], SHORT], ids=["deny ends", "allow opens for a minute"])
def test_at_the_opening_the_newest_commit_is_synced_once(
    world: World, repo: Repo, windows: list[dict[str, t.Any]]
) -> None:
    """Three commits come during the freeze, nobody asks again: one sync, of the last one, not before the instant."""
    world.project(syncWindows=windows)
    synced(world, repo)
    world.clock.set("2031-03-03T07:59:54+00:00")
    repo.push({"app/a.yaml": config_map("a", k="2")})
    world.refresh("shop")
    assert "until 2031-03-03T08:00:00Z" in world.until_condition("shop", BLOCKED)
    assert "operation" not in world.get("shop")
    repo.push({"app/a.yaml": config_map("a", k="3")})
    last = repo.push({"app/a.yaml": config_map("a", k="4")})
    world.wait("the newest commit", lambda: value(world) == "4", 30)
    world.until("shop", "Synced")
    world.wait("the end", lambda: len(finals(world)) == 2)
    opening = dt.datetime.fromisoformat("2031-03-03T08:00:00+00:00").timestamp()
    assert (last, "Succeeded") == (finals(world)[1].revision, finals(world)[1].phase)
    assert opening <= finals(world)[1].started
    assert {} == conditions_of(world.get("shop"))
    assert 2 == len(world.get("shop")["status"]["history"])


def test_an_outage_over_the_edge_loses_nothing(world: World, repo: Repo) -> None:
    """Stopped while a change waits, started after the opening: it is synced without a push or a refresh."""
    world.project(syncWindows=[DENY])
    synced(world, repo)
    world.clock.set(DURING)
    repo.push({"app/a.yaml": config_map("a", k="2")})
    world.refresh("shop")
    world.until_condition("shop", BLOCKED)
    world.stop()
    repo.push({"app/a.yaml": config_map("a", k="3")})
    world.clock.set(AFTER)
    world.start(**AT_ONCE)
    world.wait("the newest commit", lambda: value(world) == "3")
    world.until("shop", "Synced")
    assert {} == conditions_of(world.get("shop"))


def test_a_clock_that_is_set_is_obeyed_at_once(real_world: World, repo: Repo) -> None:
    """Forwards over the opening the change starts; backwards into the window the next one is blocked again."""
    world = real_world
    world.project(syncWindows=[DENY])
    synced(world, repo)
    world.clock.set(DURING)
    repo.push({"app/a.yaml": config_map("a", k="2")})
    world.refresh("shop")
    world.until_condition("shop", BLOCKED)
    newest = repo.push({"app/a.yaml": config_map("a", k="3")})
    world.clock.set(AFTER)
    world.wait("the change", lambda: value(world) == "3")
    world.until("shop", "Synced")
    assert (2, newest) == (len(history := world.get("shop")["status"]["history"]), history[-1]["revision"])
    world.clock.set(DURING)
    repo.push({"app/a.yaml": config_map("a", k="4")})
    world.refresh("shop")
    world.until_condition("shop", BLOCKED)
    assert "3" == value(world)


def test_a_window_that_is_taken_away_lets_the_newest_commit_through_once(world: World, repo: Repo) -> None:
    """What was pushed meanwhile is what starts, though nobody told of it; the commit that waited is never deployed."""
    world.project(syncWindows=[DENY])
    synced(world, repo)
    world.clock.set(DURING)
    repo.push({"app/a.yaml": config_map("a", k="2")})
    world.refresh("shop")
    world.until_condition("shop", BLOCKED)
    newest = repo.push({"app/a.yaml": config_map("a", k="3")})
    world.project(syncWindows=[])
    world.wait("the newest commit", lambda: value(world) == "3")
    world.until("shop", "Synced")
    world.wait("the end", lambda: len(finals(world)) == 2)
    assert (newest, "Succeeded") == (finals(world)[1].revision, finals(world)[1].phase)
    assert 2 == len(world.get("shop")["status"]["history"])


def test_a_look_before_the_opening_is_no_look_at_the_opening(real_world: World, repo: Repo) -> None:
    """Drift brings the look at the next opening forward: what is pushed behind it still is what starts."""
    world = real_world
    world.project(syncWindows=[DENY])
    synced(world, repo)
    world.clock.set(DURING)
    repo.push({"app/a.yaml": config_map("a", k="2")})
    world.refresh("shop")
    world.until_condition("shop", BLOCKED)
    path = f"/api/v1/namespaces/{world.destination}/configmaps/a"
    for number in range(8):
        body = {"data": {"drift": str(number)}}
        assert 200 == world.cluster.request("PATCH", path, body, content_type="application/merge-patch+json").status
        time.sleep(0.3)
    newest = repo.push({"app/a.yaml": config_map("a", k="3")})
    world.project(syncWindows=[])
    world.wait("the newest commit", lambda: value(world) == "3")
    world.until("shop", "Synced")
    world.wait("the end", lambda: finals(world)[-1].revision == newest)
    assert newest == finals(world)[1].revision


@pytest.mark.parametrize("overrun", [False, True], ids=["stops", "overruns"])
def test_a_window_that_closes_between_two_waves(world: World, repo: Repo, overrun: bool) -> None:
    """Without syncOverrun the next wave never begins and the newest commit is synced afterwards; with it, it ends."""
    world.clock.set(BEFORE)
    world.project(syncWindows=[{**DENY, "syncOverrun": overrun}])
    two_waves(repo)
    world.app("shop", repo)
    world.start(**AT_ONCE)
    wait_for_first_wave(world)
    world.clock.set(DURING)
    if overrun:
        give_address(world, "front")
        world.wait("the second wave", lambda: value(world) == "1")
        world.wait("the end", lambda: phase_of(world.get("shop")) == "Succeeded")
        return
    app = world.wait("the stop", lambda: phase_of(a := world.get("shop")) == "Failed" and a)
    assert message_of(app).startswith("Sync operation stopped: ")
    assert "syncWindows[0]" in message_of(app)
    assert "operation" not in app
    assert ["front"] == [r["name"] for r in app["status"]["operationState"]["syncResult"]["resources"]]
    give_address(world, "front")
    world.until_condition("shop", BLOCKED)
    newest = repo.push({"app/1.yaml": waved("a", 1, "2")})
    assert {} == world.objects("configmaps")
    world.clock.set(AFTER)
    world.refresh("shop")
    world.wait("the newest commit", lambda: value(world) == "2")
    world.until("shop", "Synced")
    assert [newest] == [entry["revision"] for entry in world.get("shop")["status"]["history"]]


@pytest.mark.parametrize(
    ("schedule", "overrun", "goes_on"),
    [("0 7 * * *", True, True), ("0 7 * * *", False, False), ("0 6 * * *", True, False)],
    ids=["overruns", "stops", "covers the start"],
)
def test_a_window_that_is_written_while_a_sync_runs(
    real_world: World, repo: Repo, schedule: str, overrun: bool, goes_on: bool
) -> None:
    """It counts from the next wave on; overrun goes by what the window that is there now says of the start."""
    world = real_world
    world.clock.set(BEFORE)
    world.project()
    two_waves(repo)
    world.app("shop", repo)
    world.start(**AT_ONCE)
    wait_for_first_wave(world)
    world.clock.set(DURING)
    window = {**DENY, "schedule": schedule, "duration": "2h", "syncOverrun": overrun}
    policy_change(world, lambda: world.project(syncWindows=[window]))
    give_address(world, "front")
    if goes_on:
        world.wait("the second wave", lambda: value(world) == "1")
        world.wait("the end", lambda: phase_of(world.get("shop")) == "Succeeded")
        return
    app = world.wait("the stop", lambda: phase_of(a := world.get("shop")) == "Failed" and a)
    assert message_of(app).startswith("Sync operation stopped: ")
    assert {} == world.objects("configmaps")
    policy_change(world, lambda: world.project())
    world.wait("the change", lambda: value(world) == "1")


def test_terminating_ends_what_overruns_and_what_waits_for_its_retry(real_world: World, repo: Repo) -> None:
    """While a window is closed over it, through the same door as the API; the next request is taken at once."""
    world = real_world
    world.clock.set(BEFORE)
    world.project(syncWindows=[{**DENY, "syncOverrun": True, "manualSync": True}])
    two_waves(repo)
    world.app("shop", repo, policy={})
    manager = world.start(**AT_ONCE)
    world.until("shop", "OutOfSync")
    world.sync("shop")
    wait_for_first_wave(world)
    world.clock.set(DURING)
    key = manager.applications()[0].key
    manager.terminate_operation(key)
    app = world.wait("the end", lambda: "operation" not in (a := world.get("shop")) and a)
    assert ("Failed", "Operation terminated") == (phase_of(app), message_of(app))
    repo.push({"app/1.yaml": deployment("web", replicas=-1)})
    world.sync("shop", retry={"limit": 5, "backoff": {"duration": "10m", "maxDuration": "10m"}})
    world.wait("the retry", lambda: "Retrying attempt #1" in message_of(world.get("shop")))
    manager.terminate_operation(key)
    app = world.wait("the end", lambda: "operation" not in (a := world.get("shop")) and a)
    assert "terminated" in message_of(app)
    assert {} == world.objects("configmaps")


def test_deleting_and_making_anew_escapes_no_window(real_world: World, repo: Repo) -> None:
    """The new Application of the old name waits as the old one did, whatever status it brings along."""
    world = real_world
    world.project(syncWindows=[{**DENY, "syncOverrun": True}])
    synced(world, repo)
    world.clock.set(DURING)
    repo.push({"app/a.yaml": config_map("a", k="2")})
    old = world.refresh("shop") or world.get("shop")
    world.until_condition("shop", BLOCKED)
    world.cluster.request("DELETE", APPS.format(world.control) + "/shop")
    world.app("shop", repo)
    world.patch("shop", {"status": {**old["status"], "operationState": FORGED}, "operation": FORGED["operation"]})
    world.until_condition("shop", BLOCKED)
    world.wait("the end", lambda: "operation" not in world.get("shop"))
    assert "1" == value(world)


def test_a_retry_that_waits_when_the_window_closes_keeps_nobody_out(world: World, repo: Repo) -> None:
    """The automated operation ends at the edge, not when its retry is due, and a permitted manual sync is taken."""
    world.clock.set(BEFORE)
    world.project(syncWindows=[{**DENY, "manualSync": True}])
    repo.push({"app/d.yaml": deployment("web", replicas=-1)})
    retry = {"limit": 5, "backoff": {"duration": "10m", "maxDuration": "10m"}}
    world.app("shop", repo, policy={**AUTOMATED, "retry": retry})
    world.start(**AT_ONCE)
    world.wait("the retry", lambda: "Retrying attempt #1" in message_of(world.get("shop")))
    assert "operation" in world.get("shop")
    world.clock.set(DURING)
    app = world.wait("the end", lambda: "operation" not in (a := world.get("shop")) and a)
    assert message_of(app).startswith("Sync operation blocked by sync window: ")
    repo.push({"app/d.yaml": deployment("web")})
    world.refresh("shop")
    world.until_condition("shop", BLOCKED)
    world.sync("shop")
    world.until("shop", "Synced")
    assert {} == conditions_of(world.get("shop"))


def test_an_application_is_deleted_whatever_the_windows_say(world: World, repo: Repo) -> None:
    """With a change that waits and a window that is closed to everything the objects go, then the Application."""
    world.project(syncWindows=[DENY])
    synced(world, repo, finalizer=True)
    world.clock.set(DURING)
    repo.push({"app/a.yaml": config_map("a", k="2")})
    world.refresh("shop")
    world.until_condition("shop", BLOCKED)
    path = APPS.format(world.control) + "/shop"
    world.cluster.request("DELETE", path)
    world.wait("the Application to go", lambda: world.cluster.request("GET", path).status == 404)
    assert {} == world.objects("configmaps")


def test_deleting_under_a_malformed_project_waits_and_says_so(real_world: World, repo: Repo) -> None:
    """Nobody knows what it permits: no object is left behind unsaid; corrected, all goes."""
    world = real_world
    synced(world, repo, finalizer=True)
    world.stop()
    world.project(namespaceResourceBlacklist=[{"group": "[", "kind": "Secret"}])
    world.start(**AT_ONCE)
    path = APPS.format(world.control) + "/shop"
    world.cluster.request("DELETE", path)
    assert "AppProject default" in world.until_condition("shop", "DeletionError")
    assert {"a"} == set(world.objects("configmaps"))
    world.project()
    world.wait("the Application to go", lambda: world.cluster.request("GET", path).status == 404)
    assert {} == world.objects("configmaps")


def test_a_project_that_is_deleted_stops_the_sync_before_the_next_write(world: World, repo: Repo) -> None:
    """Between two waves the AppProject goes: nothing more is written, it is said, and deletion still works."""
    world.project("team")
    two_waves(repo)
    world.app("shop", repo, project="team", finalizer=True)
    world.start()
    wait_for_first_wave(world)
    path = f"/apis/argoproj.io/v1alpha1/namespaces/{world.control}/appprojects/team"
    policy_change(world, lambda: t.cast("None", world.cluster.request("DELETE", path)))
    give_address(world, "front")
    app = world.wait("the end", lambda: "operation" not in (a := world.get("shop")) and a)
    assert "team" in message_of(app)
    assert "team" in world.until_condition("shop", "InvalidSpecError")
    assert {} == world.objects("configmaps")
    root = APPS.format(world.control) + "/shop"
    world.cluster.request("DELETE", root)
    world.wait("the Application to go", lambda: world.cluster.request("GET", root).status == 404)
    assert {} == world.objects("services")


def test_policy_is_asked_before_each_write_of_a_wave(
    real_world: World, repo: Repo, fault_proxy: t.Callable[..., FaultProxy]
) -> None:
    """The AppProject goes while the first kind of a wave is being written: the kinds behind it never are."""
    world = real_world
    proxy = fault_proxy(world.cluster)
    world.kubeconfig = proxy.user("lynceus")
    world.project("team")
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}}
    repo.push({"app/a.yaml": config_map("a"), "app/b.yaml": config_map("b"), "app/s.yaml": json.dumps(service)})
    world.app("shop", repo, project="team")
    path = f"/apis/argoproj.io/v1alpha1/namespaces/{world.control}/appprojects/team"
    begun = threading.Event()

    def real(request: Request) -> bool:
        if not request.dry_run:
            begun.set()
        return not request.dry_run

    proxy.inject(verb="create", resource="configmaps", delay=1.5, where=real)
    world.start()
    assert begun.wait(20)
    policy_change(world, lambda: t.cast("None", world.cluster.request("DELETE", path)))
    app = world.wait("the end", lambda: "operation" not in (a := world.get("shop")) and a.get("status") and a)
    assert message_of(app).startswith("Sync operation stopped: ")
    assert {"a", "b"} == {r["name"] for r in app["status"]["operationState"]["syncResult"]["resources"]}
    assert {} == world.objects("services")
    assert "team" in world.until_condition("shop", "InvalidSpecError")


def test_moving_an_application_during_its_sync_stops_it(real_world: World, repo: Repo) -> None:
    """The sync began under one project; under another it has to be asked for again, and its windows count."""
    world = real_world
    world.clock.set(DURING)
    world.project("free")
    world.project("frozen", syncWindows=[DENY])
    two_waves(repo)
    world.app("shop", repo, project="free")
    world.start(**AT_ONCE)
    wait_for_first_wave(world)
    world.patch("shop", {"spec": {"project": "frozen"}})
    give_address(world, "front")
    app = world.wait("the end", lambda: "operation" not in (a := world.get("shop")) and a)
    assert message_of(app).startswith("Sync operation stopped: ")
    assert "frozen" in world.until_condition("shop", BLOCKED)
    assert {} == world.objects("configmaps")


FORGED = {
    "operation": {"sync": {}, "initiatedBy": {"automated": True}},
    "phase": "Running",
    "startedAt": "2031-03-03T06:59:00Z",
}


def test_a_forged_start_grants_no_overrun(real_world: World, repo: Repo) -> None:
    """An operation whose status claims that it began before the window is judged as one that begins now."""
    world = real_world
    world.clock.set(DURING)
    world.project(syncWindows=[{**DENY, "syncOverrun": True}])
    repo.push({"app/a.yaml": config_map("a", k="1")})
    world.app("shop", repo, policy={})
    world.start(**AT_ONCE)
    world.until("shop", "OutOfSync")
    world.patch("shop", {"operation": FORGED["operation"], "status": {"operationState": FORGED}})
    app = world.wait("the end", lambda: "operation" not in (a := world.get("shop")) and a)
    assert message_of(app).startswith("Sync operation blocked by sync window")
    assert {} == world.objects("configmaps")


def test_an_automated_sync_does_not_become_manual_by_a_patch(real_world: World, repo: Repo) -> None:
    """Somebody writes into the status that the running automated operation is manual: our own record counts."""
    world = real_world
    world.clock.set(BEFORE)
    world.project(syncWindows=[{**DENY, "manualSync": True}])
    two_waves(repo)
    world.app("shop", repo)
    world.start(**AT_ONCE)
    wait_for_first_wave(world)
    by = {"initiatedBy": {"automated": False, "username": "mallory"}}
    world.patch("shop", {"status": {"operationState": {"operation": by}}})
    world.clock.set(DURING)
    give_address(world, "front")
    message = world.wait("the stop", lambda: "stopped" in (text := message_of(world.get("shop"))) and text)
    assert "automated sync blocked" in message
    assert {} == world.objects("configmaps")


def test_many_that_wait_for_one_opening_start_one_after_another(real_world: World, repo: Repo) -> None:
    """Twenty-four Applications, six starts a second: no second has more than the cap and its burst, and all end."""
    world = real_world
    names = [f"shop-{n}" for n in range(24)]
    world.clock.set(DURING)
    world.project(syncWindows=[DENY])
    repo.push({f"{name}/a.yaml": config_map(name, k="1") for name in names})
    for name in names:
        world.app(name, repo, name)
    world.start(**{**AT_ONCE, "starts_per_second": 6.0})
    for name in names:
        world.until_condition(name, BLOCKED)
    world.clock.set(AFTER)
    world.wait("all", lambda: set(names) == set(world.objects("configmaps")), 40)
    world.wait("the ends", lambda: len(finals(world)) == len(names))
    starts = collections.Counter(int(event.started) for event in finals(world))
    assert max(starts.values()) <= 6 + 3
    assert len(starts) >= 4


def test_a_window_that_cannot_be_evaluated_is_a_condition_even_when_nothing_waits(world: World, repo: Repo) -> None:
    """Synced or not, the Application says which window of its project is malformed."""
    synced(world, repo)
    world.project(syncWindows=[DENY, {**DENY, "kind": "Deny"}])
    assert "syncWindows[1]" in world.until_condition("shop", "LynceusPolicyInvalid")
    assert "Synced" == sync_of(world.get("shop"))
    world.project()
    world.wait("the end of it", lambda: {} == conditions_of(world.get("shop")))


def test_a_sync_that_runs_longer_than_its_limit_is_terminated(real_world: World, repo: Repo) -> None:
    """The limit counts from the recorded start; what was not begun is not written."""
    world = real_world
    world.clock.set(BEFORE)
    two_waves(repo)
    world.app("shop", repo, policy={})
    world.start(**{**AT_ONCE, "sync_timeout": dt.timedelta(minutes=10)})
    world.until("shop", "OutOfSync")
    world.sync("shop")
    wait_for_first_wave(world)
    world.clock.set("2031-03-03T06:45:00+00:00")
    app = world.wait("the end", lambda: phase_of(a := world.get("shop")) == "Failed" and a)
    assert message_of(app).startswith("Operation terminated")
    assert {} == world.objects("configmaps")


def test_no_write_falls_into_a_freeze_and_no_commit_is_lost(
    real_world: World, repo: Repo, fault_proxy: t.Callable[..., FaultProxy]
) -> None:
    """Pushes come all the time, freezes come and go by the second: judged by the proxy's log, not by Lynceus."""
    world = real_world
    proxy = fault_proxy(world.cluster)
    world.kubeconfig = proxy.user("lynceus")
    names = ("a", "b", "c")
    world.clock.set(BEFORE)
    start = dt.datetime.fromisoformat(BEFORE)
    freezes = [(start + dt.timedelta(seconds=at), start + dt.timedelta(seconds=at + 2)) for at in (4, 8, 12)]
    record = {"reason": "r", "person": "alice"}
    written: list[dt.datetime] = []

    def seen(request: Request) -> bool:
        if request.namespace == world.destination and request.is_write and request.resource == "configmaps":
            written.append(world.clock.now())
        return False

    for verb in ("create", "update", "patch", "delete"):
        proxy.inject(verb=verb, where=seen, status=503)
    repo.push({f"{name}/a.yaml": config_map(name, k="0") for name in names})
    world.settings(
        "lynceus-cm",
        **{
            f"freeze.f{n}": json.dumps({**record, "start": first.isoformat(), "end": last.isoformat()})
            for n, (first, last) in enumerate(freezes)
        },
    )
    for name in names:
        world.app(name, repo, name)
    world.start(**AT_ONCE)
    count, blocked = 0, set[int]()
    while world.clock.now() < freezes[-1][1] - dt.timedelta(seconds=0.5):
        count += 1
        repo.push({f"{name}/a.yaml": config_map(name, k=str(count)) for name in names})
        for name in names:
            world.refresh(name)
        if any(BLOCKED in conditions_of(world.get(name)) for name in names):
            now = world.clock.now()
            blocked |= {n for n, (first, last) in enumerate(freezes) if first <= now < last}
    for name in names:
        # A wish that was written while an earlier one stood there is the same wish, so the last push gets its own.
        world.wait("the answer", lambda app=name: "annotations" not in world.get(app)["metadata"])
        world.refresh(name)
    world.wait("the last commit", lambda: all(value(world, name) == str(count) for name in names))
    allowance = dt.timedelta(seconds=0.25)
    assert [] == [at for at in written for first, last in freezes if first + allowance < at < last]
    assert blocked
    assert any(at >= freezes[0][1] for at in written)
