"""Lynceus' own windows and freezes in the loop: heal but do not deploy, break-glass, last good form, steady edits."""

from __future__ import annotations

import json
import threading
import typing as t

import pytest

from controller.manager import Manager
from model.decision import Decision
from model.events import FreezeOverridden, PolicyLoaded
from policy.guard import Subject
from tests.scenarios.test_windows import (
    AT_ONCE,
    BLOCKED,
    DENY,
    DURING,
    finals,
    message_of,
    policy_change,
    synced,
    value,
)  # fmt: skip
from tests.scenarios.world import World, conditions_of, config_map, phase_of, sync_of
from tests.stage.git import Repo

FREEZE = {
    "reason": "incident 4711",
    "person": "alice",
    "start": "2031-03-03T07:00:00Z",
    "end": "2031-03-03T08:00:00Z",
}
CSV = "p, role:oncall, applications, sync, */*, allow\ng, carol, role:oncall\np, dave, applications, sync, */*, allow\n"


def freeze(world: World, **more: t.Any) -> None:
    """Begin a freeze and wait until it is in force."""
    record = json.dumps({**FREEZE, **more})
    policy_change(world, lambda: world.settings("lynceus-cm", **{"freeze.incident": record}))


def set_value(world: World, text: str) -> None:
    """Change the live object as somebody with kubectl would."""
    world.change(f"/api/v1/namespaces/{world.destination}/configmaps/a", {"data": {"k": text}})


def test_a_freeze_keeps_changes_back_until_it_is_lifted(world: World, repo: Repo) -> None:
    """The condition names record, person and reason; when the record goes the newest commit is synced by itself."""
    synced(world, repo)
    world.clock.set(DURING)
    freeze(world)
    repo.push({"app/a.yaml": config_map("a", k="2")})
    world.refresh("shop")
    message = world.until_condition("shop", BLOCKED)
    assert all(word in message for word in ("freeze.incident", "alice", "incident 4711", "2031-03-03T08:00:00Z"))
    assert "1" == value(world)
    policy_change(world, lambda: world.settings("lynceus-cm"))
    world.wait("the change", lambda: value(world) == "2")
    world.until("shop", "Synced")
    assert {} == conditions_of(world.get("shop"))


@pytest.mark.parametrize("name", ["lynceus-cm", "argocd-cm", "argocd-rbac-cm"])
def test_a_deleted_config_map_stays_in_force_as_it_was_read_last(real_world: World, repo: Repo, name: str) -> None:
    """Nobody lifts a freeze, an inherited window or a deny line by deleting all; an empty ConfigMap is a word."""
    world = real_world
    world.project("all", syncWindows=[DENY])
    everything = '[{"projectName": "all", "labelSelector": {"matchExpressions": []}}]'
    content = {
        "lynceus-cm": {"freeze.incident": json.dumps(FREEZE)},
        "argocd-cm": {"globalProjects": everything},
        "argocd-rbac-cm": {"policy.csv": CSV},
    }
    synced(world, repo)
    world.clock.set(DURING)
    policy_change(world, lambda: world.settings(name, **content[name]))
    guard = t.cast("Manager", world.manager).context.guard
    app = t.cast("Manager", world.manager).applications()[0]

    def answers() -> list[bool]:
        people = [{"manual": True, "subject": Subject(who)} for who in ("carol", "erin")]
        asks = [{"manual": False}, {"manual": True}, *people]
        return [guard.may_sync(app, now=world.clock.now(), **ask).allowed for ask in asks]  # type: ignore[arg-type]

    before = answers()
    assert False in before
    path = f"/api/v1/namespaces/{world.control}/configmaps/{name}"
    policy_change(world, lambda: t.cast("None", world.cluster.request("DELETE", path)))
    assert before == answers()
    told = world.of(PolicyLoaded)[-1]
    assert (False, True) == (told.ok, any(f"ConfigMap {name} was deleted" in problem for problem in told.problems))
    policy_change(world, lambda: world.settings(name))
    assert world.of(PolicyLoaded)[-1].ok
    assert before != answers()


def test_drift_is_healed_to_the_last_synced_commit_while_a_newer_one_waits(world: World, repo: Repo) -> None:
    """The new commit stays pending and visible, drift goes back to what was deployed, twice; then it is synced."""
    synced(world, repo)
    deployed = world.get("shop")["status"]["history"][-1]["revision"]
    world.clock.set(DURING)
    freeze(world, heal=True)
    newest = repo.push({"app/a.yaml": config_map("a", k="2"), "app/b.yaml": config_map("b", k="2")})
    world.refresh("shop")
    world.until_condition("shop", BLOCKED)
    for text in ("drifted", "again"):
        set_value(world, text)
        world.wait("the heal", lambda: value(world) == "1")
        world.wait("its end", lambda: "operation" not in world.get("shop"))
    heal = finals(world)[-1]
    assert (True, True, deployed) == (heal.automated, heal.self_heal, heal.revision)
    app = world.until("shop", "OutOfSync")
    assert newest == app["status"]["sync"]["revision"]
    assert BLOCKED in conditions_of(app)
    assert ["a"] == list(world.objects("configmaps"))
    assert [deployed] == [entry["revision"] for entry in app["status"]["history"]]
    policy_change(world, lambda: world.settings("lynceus-cm"))
    world.wait("the newest", lambda: value(world) == "2")
    world.until("shop", "Synced")


def test_without_heal_drift_stays_and_a_claimed_history_does_not_help(real_world: World, repo: Repo) -> None:
    """A freeze without heal heals nothing; with heal a history that somebody wrote deploys nothing."""
    world = real_world
    synced(world, repo)
    world.clock.set(DURING)
    freeze(world)
    newest = repo.push({"app/a.yaml": config_map("a", k="2")})
    world.refresh("shop")
    world.until_condition("shop", BLOCKED)
    set_value(world, "drifted")
    history = world.get("shop")["status"]["history"]
    world.patch("shop", {"status": {"history": [{**history[-1], "revision": newest}]}})
    world.refresh("shop", "hard")
    world.wait("the answer", lambda: not world.get("shop")["metadata"].get("annotations"))
    assert "drifted" == value(world)
    freeze(world, heal=True)
    world.wait("the heal", lambda: value(world) == "1")
    assert history[-1]["revision"] == world.get("shop")["status"]["operationState"]["operation"]["sync"]["revision"]


def test_break_glass_takes_a_named_person_through_and_is_told_once(world: World, repo: Repo) -> None:
    """The one with the role goes through and it is logged, told as an Event and counted; another one is refused."""
    world.settings("argocd-rbac-cm", **{"policy.csv": CSV})
    synced(world, repo, policy={"automated": {}})
    world.clock.set(DURING)
    freeze(world, override=["role:oncall"])
    repo.push({"app/a.yaml": config_map("a", k="2")})
    world.refresh("shop")
    world.until_condition("shop", BLOCKED)
    for who, reason in (("dave", "I want to"), ("carol", "")):
        world.sync("shop", by={"username": who}, info=[{"name": "lynceus.io/break-glass", "value": reason}])
        app = world.wait("the refusal", lambda: phase_of(a := world.get("shop")) == "Failed" and a)
        assert "freeze.incident" in message_of(app)
        world.patch("shop", {"status": {"operationState": None}})
    assert [] == world.of(FreezeOverridden)
    assert "1" == value(world)
    world.sync("shop", by={"username": "carol"}, info=[{"name": "lynceus.io/break-glass", "value": "fixes 4711"}])
    world.wait("the change", lambda: value(world) == "2")
    world.until("shop", "Synced")
    (told,) = world.of(FreezeOverridden)
    assert ("carol", "fixes 4711", "default") == (told.subject, told.reason, told.project)
    assert "freeze.incident" in told.rule.origin
    path = f"/api/v1/namespaces/{world.control}/events"
    told_events = world.wait(
        "the Event", lambda: [e for e in world.cluster.get(path)["items"] if e["reason"] == "FreezeOverridden"]
    )
    assert "carol" in told_events[0]["message"]
    assert "fixes 4711" in told_events[0]["message"]


def test_a_change_of_policy_or_label_is_decided_anew_at_once(world: World, repo: Repo) -> None:
    """Automated sync that is switched on begins; a label that takes the Application out of a freeze lets it go on."""
    world.clock.set(DURING)
    world.settings(
        "lynceus-cm", **{"freeze.incident": json.dumps({**FREEZE, "labelSelector": {"matchLabels": {"tier": "web"}}})}
    )
    repo.push({"app/a.yaml": config_map("a", k="1")})
    world.app("shop", repo, policy={})
    world.patch("shop", {"metadata": {"labels": {"tier": "web"}}})
    world.start(**AT_ONCE)
    world.until("shop", "OutOfSync")
    world.patch("shop", {"spec": {"syncPolicy": {"automated": {}}}})
    world.until_condition("shop", BLOCKED)
    world.patch("shop", {"metadata": {"labels": {"tier": None}}})
    world.wait("the change", lambda: value(world) == "1")


@pytest.mark.parametrize("broken", ["windows", "annotation"])
def test_what_cannot_be_read_keeps_its_last_good_form_and_denies_after_a_restart(
    real_world: World, repo: Repo, broken: str
) -> None:
    """Good, one byte wrong: the answer stays; a restart while it is wrong: denied, and said; corrected: let through."""
    world = real_world
    good = json.dumps([{"name": "n", "kind": "deny", "schedule": "0 7 * * *", "duration": "1h", "manualSync": True}])

    def write(text: str) -> None:
        if broken == "annotation":
            world.project(annotations={"lynceus.io/sync-windows": text})
        else:
            world.settings("lynceus-cm", windows=text.replace('"kind"', '"projects": ["*"], "kind"'))

    synced(world, repo)
    policy_change(world, lambda: write(good))
    policy_change(world, lambda: write(good[:-1]))
    assert not world.of(PolicyLoaded)[-1].ok
    repo.push({"app/a.yaml": config_map("a", k="2")})
    world.refresh("shop")
    world.wait("the change outside of the last good window", lambda: value(world) == "2")
    world.until("shop", "Synced")
    world.stop()
    repo.push({"app/a.yaml": config_map("a", k="3")})
    world.start(**AT_ONCE)
    world.refresh("shop")
    world.until_condition("shop", BLOCKED)
    assert "LynceusPolicyInvalid" in conditions_of(world.get("shop"))
    assert "2" == value(world)
    policy_change(world, lambda: write(good))
    world.wait("the next commit", lambda: value(world) == "3")
    world.wait("no condition", lambda: {} == conditions_of(world.get("shop")))


def test_a_project_role_with_a_broken_line_keeps_its_last_good_form_and_is_closed_after_a_restart(
    real_world: World, repo: Repo
) -> None:
    """Its deny line is not lost, as it is with Argo CD; the Applications say which line is wrong."""
    world = real_world
    lines = ["applications, sync, default/*, allow", "applications, sync, default/vault, deny"]
    good = {"name": "ci", "groups": ["robots"], "policies": [f"p, proj:default:ci, {line}" for line in lines]}
    bad = {**good, "policies": [good["policies"][0], "p, proj:default:ci, applications, sync, default/vault"]}
    csv = "p, role:all, applications, sync, default/vault, allow\ng, robots, role:all\n"
    world.settings("argocd-rbac-cm", **{"policy.csv": csv})
    world.project(roles=[good])
    synced(world, repo)

    def answers() -> list[bool]:
        guard, robot = t.cast("Manager", world.manager).context.guard, Subject("r2", ("robots",))
        return [guard.can(robot, "applications", "sync", f"default/{name}").allowed for name in ("shop", "vault")]

    assert [True, False] == answers()
    policy_change(world, lambda: world.project(roles=[bad]))
    assert [True, False] == answers()
    assert "spec.roles[0].policies[1]" in world.until_condition("shop", "LynceusPolicyInvalid")
    assert "Synced" == sync_of(world.get("shop"))
    world.stop()
    world.start(**AT_ONCE)
    assert [False, False] == answers()
    policy_change(world, lambda: world.project(roles=[good]))
    assert [True, False] == answers()
    world.wait("no condition", lambda: {} == conditions_of(world.get("shop")))


def test_policy_edited_all_the_time_is_one_generation_per_answer(real_world: World, repo: Repo) -> None:
    """Fifty edits a second of the real ConfigMaps while answers are asked for: each fits one version whole."""
    world = real_world
    synced(world, repo)
    manager = world.manager
    assert manager is not None
    guard = manager.context.guard
    app = manager.applications()[0]
    stop = threading.Event()

    def edit() -> None:
        for number in range(150):
            allowed, denied = ("alice", "bob") if number % 2 else ("bob", "alice")
            csv = f"p, {allowed}, applications, sync, */*, allow\np, {denied}, applications, sync, */*, deny\n"
            world.settings("argocd-rbac-cm", **{"policy.csv": csv})
            if stop.wait(0.02):
                return

    def ask(who: str) -> Decision:
        return guard.may_sync(app, now=world.clock.now(), manual=True, subject=Subject(who))

    writer = threading.Thread(target=edit)
    writer.start()
    answers: dict[str, dict[str, set[bool]]] = {}
    try:
        while writer.is_alive():
            for who in ("alice", "bob"):
                decision = ask(who)
                answers.setdefault(decision.generation, {}).setdefault(who, set()).add(decision.allowed)
            stop.wait(0.005)
    finally:
        stop.set()
        writer.join()
    assert all(len(said) == 1 for both in answers.values() for said in both.values())
    both = [found for found in answers.values() if len(found) == 2 and {True} in found.values()]
    assert both
    assert all(found["alice"] != found["bob"] for found in both)
    assert "Synced" == sync_of(world.get("shop"))
