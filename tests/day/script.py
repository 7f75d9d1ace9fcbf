"""The day, hour by hour; each function ends when its effect is visible from outside."""

from __future__ import annotations

import datetime as dt
import json
import time
import typing as t

import yaml

from model.states import ConditionType
from tests.day.stage import POLICY, WEBHOOK_SECRET, Day
from tests.scenarios.world import AUTOMATED, conditions_of, config_map, deployment, health_of, phase_of

RETRY = {"limit": 5, "backoff": {"duration": "200ms", "factor": 1, "maxDuration": "1s"}}
NO_HEAL = {"automated": {"prune": True}}
BAD = json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "Not_A_Name"}})
EVERY = {"applications": ["*"]}
BREAK_GLASS = [{"roles": ["role:admin"], "projects": ["*"]}]
PLAIN = ("orders", "sick", "broken", "drifty", "healer", "manual", "shut")
VOLUME = """apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: %s}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}, storageClassName: none}
"""


def dawn(day: Day) -> None:
    """Policy, projects and Applications are there; everything is deployed once."""
    world = day.world
    world.settings(**{"timeout.reconciliation": "2s", "timeout.reconciliation.jitter": "0s"})
    world.settings("argocd-rbac-cm", **{"policy.csv": POLICY, "scopes": "[groups]"})
    world.project("shop", orphanedResources={"warn": False})
    world.project("bank")
    world.project("odd")
    world.project("shut", syncWindows=[{**EVERY, "kind": "allow", "schedule": "0 0 30 2 *", "duration": "1h"}])
    _additions(day, breakGlass=BREAK_GLASS)
    files = {f"{name}/config.yaml": config_map(name) for name in PLAIN}
    files |= {f"{name}/claim.yaml": VOLUME % name for name in ("volume", "waiting")}
    files |= {"web/deployment.yaml": deployment("web")}
    day.secret("argocd-secret", {"webhook.github.secret": WEBHOOK_SECRET})
    for repo in (day.repo, day.quiet):
        repo.push(files, "begin", when=int(time.time()) - 100)
    day.start()


def arrivals(day: Day) -> None:
    """Applications are handed in and come up."""
    for name in ("web", "healer"):
        day.application(name, name)
    for name in ("sick", "broken"):
        day.application(name, name, policy={**AUTOMATED, "retry": RETRY})
    day.application("orders", "orders", project="bank")
    day.application("drifty", "drifty", policy=NO_HEAL, repo=day.quiet)
    day.application("manual", "manual", policy={})
    day.application("shut", "shut", project="shut")
    for name in ("volume", "waiting"):
        day.application(name, name)
    day.application_set("fleet", owned=3)
    day.application("lost", "app", repo=f"{day.git.url}/nothing.git")
    for name in ("web", "healer", "sick", "broken", "orders", "drifty"):
        day.world.until(name, "Synced", "Healthy", timeout=60)
    day.world.until("lost", "Unknown")
    day.world.until("manual", "OutOfSync")


def deployments(day: Day) -> None:
    """Two good commits go out, one after the other; the first is older than anybody wants."""
    for replicas, age in ((2, 100), (3, 0)):
        files = {"web/deployment.yaml": deployment("web", replicas)}
        commit = day.repo.push(files, f"{replicas} replicas", when=int(time.time()) - age)
        _deployed(day, "web", commit)


def push(day: Day) -> None:
    """The Git server announces a commit."""
    commit = day.repo.push({"web/deployment.yaml": deployment("web", 2, "nginx:2")}, "another image")
    assert day.announce(commit, ["web/deployment.yaml"]) in (200, 202)
    _deployed(day, "web", commit)


def failed_sync(day: Day) -> None:
    """A bad commit fails six times; one Application is mended, one stays as it is."""
    day.repo.push({"sick/config.yaml": BAD, "broken/config.yaml": BAD}, "a bad name")
    for name in ("sick", "broken"):
        day.world.wait(f"{name} failed", lambda name=name: phase_of(day.world.get(name)) == "Failed", timeout=40)
    commit = day.repo.push({"sick/config.yaml": config_map("sick", v="2")}, "a good name")
    _deployed(day, "sick", commit)


def drift(day: Day) -> None:
    """Somebody edits the cluster: one Application heals itself, thrice, the other only says so."""
    path = f"/api/v1/namespaces/{day.world.destination}/configmaps/"
    day.world.change(path + "drifty", {"data": {"k": "edited"}})
    day.world.until("drifty", "OutOfSync")
    for number in range(2):
        before = _finished(day, "healer")
        day.world.change(path + "healer", {"data": {"k": f"edited {number}"}})
        day.world.wait("healed", lambda before=before: _finished(day, "healer") != before, timeout=30)
        day.world.until("healer", "Synced", "Healthy")
    claim = f"/api/v1/namespaces/{day.world.destination}/persistentvolumeclaims/volume/status"
    day.world.change(claim, {"status": {"phase": "Lost"}})
    day.world.until("volume", "Synced", "Degraded")


def window(day: Day) -> None:
    """A window closes before a commit: it waits and says so."""
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    times = {"from": now.isoformat(), "until": (now + dt.timedelta(hours=2)).isoformat()}
    sale = {"name": "sale", "kind": "deny", "projects": ["bank"], **times}
    _additions(day, breakGlass=BREAK_GLASS, windows=[sale])
    day.repo.push({"orders/config.yaml": config_map("orders", v="2")}, "more orders")
    day.world.until_condition("orders", ConditionType.SYNC_BLOCKED)


def freeze(day: Day) -> None:
    """A freeze keeps a commit back; an administrator takes one sync through it."""
    day.cli("freeze", "start", "--reason", "stock taking", "--for", "1h", "--project", "shop", "--id", "stock")
    commit = day.repo.push({"web/deployment.yaml": deployment("web", 1)}, "one replica")
    day.world.until_condition("web", ConditionType.SYNC_BLOCKED)
    sync = {"breakGlass": "customers wait"}
    assert day.ask("admin", "POST", "/api/v1/applications/web/sync", sync) in (200, 201, 202)
    _deployed(day, "web", commit)
    day.cli("freeze", "stop", "stock", "--reason", "counted")
    day.cli("freeze", "start", "--reason", "audit", "--for", "1h", "--project", "odd", "--id", "audit")


def denials(day: Day) -> None:
    """Somebody tries what is not theirs; a policy that cannot be read comes and goes, a window like that stays."""
    for _ in range(3):
        assert day.ask("viewer", "POST", "/api/v1/applications/web/sync") == 403
    day.world.settings("argocd-rbac-cm", **{"policy.csv": POLICY + "p, too, short\n", "scopes": "[groups]"})
    time.sleep(1.5)
    day.world.settings("argocd-rbac-cm", **{"policy.csv": POLICY, "scopes": "[groups]"})
    time.sleep(1.5)
    day.world.project("odd", syncWindows=[{**EVERY, "kind": "deny", "schedule": "now and then", "duration": "1h"}])


def far_cluster(day: Day) -> None:
    """A cluster that does not answer is a destination."""
    day.register_cluster("far", "https://127.0.0.1:9")
    day.application("far", "web", destination={"name": "far", "namespace": day.world.destination})
    day.world.wait("far", lambda: conditions_of(day.world.get("far")), timeout=40)


def outage(day: Day) -> None:
    """The Git server is gone for some time, and back."""
    day.git.stop()
    time.sleep(6)
    day.git.start()


def restart(day: Day) -> None:
    """The program is replaced by a new one."""
    day.stop()
    day.start()
    day.world.until("drifty", "OutOfSync")


def _additions(day: Day, **values: t.Any) -> None:
    day.world.settings("lynceus-cm", **{key: yaml.safe_dump(value) for key, value in values.items()})


def _finished(day: Day, name: str) -> tuple[str, int]:
    """Return when the last operation ended, and which try of healing it was: times have whole seconds only."""
    state = (day.world.get(name).get("status") or {}).get("operationState") or {}
    sync = (state.get("operation") or {}).get("sync") or {}
    return str(state.get("finishedAt")), int(sync.get("selfHealAttemptsCount") or 0)


def _deployed(day: Day, name: str, commit: str) -> None:
    def there() -> bool:
        app = day.world.get(name)
        state = (app.get("status") or {}).get("operationState") or {}
        at = (state.get("syncResult") or {}).get("revision")
        return (at, phase_of(app), health_of(app)) == (commit, "Succeeded", "Healthy")

    day.world.wait(f"{name} at {commit[:8]}", there, timeout=60)


HOURS: tuple[t.Callable[[Day], None], ...] = (
    arrivals, deployments, push, failed_sync, drift, window, freeze, denials, far_cluster, outage,
)  # fmt: skip
