"""The second half of the story: windows, people, broken commits, broken policy, and what Prometheus sees of it."""

from __future__ import annotations

import datetime as dt
import tempfile
import typing as t
from pathlib import Path

from controller.clock import SystemClock
from lynceus.demo import probes
from lynceus.demo.console import call
from lynceus.demo.narrator import Narrator
from lynceus.demo.story import GUESTBOOK_DEPLOYMENT, GUESTBOOK_SETTINGS, settled
from lynceus.demo.world import World, status_of
from model.durations import format_duration, format_time

OPEN: t.Final = dt.timedelta(minutes=30)
"""How long the deny window is open, unless the story takes it away."""
FIVE_FIELDS: t.Final = "p, role:developer, applications, *, allow"
"""A rule without its object."""


def a_deny_window(world: World, say: Narrator) -> None:
    """An automated change waits, visibly, and goes ahead once the window is closed."""
    say.step("A deny window blocks the automated sync, and says so")
    windows = world.cluster.get("AppProject", world.control, "shop")["spec"].get("syncWindows") or []
    opened = SystemClock().now().replace(second=0, microsecond=0)
    window = {
        "kind": "deny",
        "schedule": f"{opened.minute} {opened.hour} * * *",
        "duration": format_duration(OPEN),
        "applications": [world.name("guestbook")],
    }
    _set_windows(world, [*windows, window])
    say.tell(f"AppProject shop gets a sync window: deny {window['schedule']!r} (UTC) for {OPEN.seconds // 60} minutes")
    claim = f'lynceus_app_sync_allowed{{name="{world.name("guestbook")}",trigger="auto"}} is 0'
    say.expect(claim, lambda: probes.forbidden(world, "guestbook"))
    text = world.repository.read(GUESTBOOK_SETTINGS)
    head = world.repository.push(
        "Greet differently", {GUESTBOOK_SETTINGS: text.replace("Good morning", "Good evening")}
    )
    say.tell(f"pushed {head[:7]} while the window is open: guestbook greets differently")
    say.quote(say.expect("guestbook is OutOfSync and says why", lambda: probes.blocked(world, "guestbook", head)))
    until = format_time(opened + OPEN)
    say.expect(f"and until when: {until}", lambda: until in (probes.blocked(world, "guestbook", head) or ""))
    greeting = probes.setting(world, "guestbook", "GREETING")
    say.check(
        greeting == "Good morning",
        "the cluster still has the greeting of before",
        f"the change went through the window: GREETING is {greeting!r}, expected 'Good morning'",
    )
    _set_windows(world, windows)
    say.tell("the window is taken away")
    say.expect(
        "the waiting change is deployed without another push",
        lambda: probes.setting(world, "guestbook", "GREETING") == "Good evening",
    )
    say.expect(f"guestbook is Synced and Healthy at {head[:7]}", settled(world, "guestbook", head))


def _set_windows(world: World, windows: list[dict[str, t.Any]]) -> None:
    world.cluster.patch("AppProject", world.control, "shop", {"spec": {"syncWindows": windows}})


def two_people(world: World, say: Narrator) -> None:
    """The answer to a person names the line of policy.csv that gave it."""
    say.step("A developer is refused by a line of policy.csv, an operator is let through")
    status, answer = world.sync("developer", "payments")
    held = status == 403 and "policy.csv:4" in str(answer)
    seen = f"the developer's sync was answered {status} {answer}, expected 403 naming policy.csv:4"
    if say.check(held, "the developer may not sync payments: 403, and the line that decided", seen):
        say.quote(str(answer.get("error", answer)))
    status, answer = world.sync("operator", "payments")
    seen = f"the operator's sync was answered {status} {answer}"
    if say.check(status in (200, 202), "the operator's sync of payments is accepted", seen):
        say.expect("and succeeds in the operator's name", lambda: probes.done_by(world, "payments", "operator"))


def a_broken_commit(world: World, say: Narrator) -> None:
    """A commit that cannot run is Degraded, one that cannot be applied is retried, and a good one mends both."""
    say.step("A broken commit degrades and retries; the next good one mends it")
    good = world.repository.read(GUESTBOOK_DEPLOYMENT)
    # The image never becomes ready on the embedded cluster; the node selector keeps the Pod off any real node.
    broken = good.replace("guestbook:1.1", "guestbook:broken").replace(
        "progressDeadlineSeconds: 60", "progressDeadlineSeconds: 2"
    )
    broken = broken.replace("      containers:", "      nodeSelector: {lynceus.example/none: none}\n      containers:")
    settings = world.repository.read(GUESTBOOK_SETTINGS)
    refused = (
        settings
        + "---\napiVersion: v1\nkind: Service\nmetadata:\n  name: Not_A_Name\nspec:\n  ports: [{port: 99999}]\n"
    )
    head = world.repository.push("Break the image", {GUESTBOOK_DEPLOYMENT: broken})
    say.tell(f"pushed {head[:7]}: image guestbook:broken")
    say.expect(
        "guestbook is Synced and Degraded",
        lambda: status_of(world.application("guestbook")) == ("Synced", "Degraded", head),
        60,
    )
    say.quote(str(world.application("guestbook")["status"]["health"].get("message", "")))
    head = world.repository.push("Add an object that the API server refuses", {GUESTBOOK_SETTINGS: refused})
    say.tell(f"pushed {head[:7]}: a Service with an impossible name")
    say.quote(
        say.expect(
            "the sync fails and is retried, with the time of the next try", lambda: probes.retrying(world, "guestbook")
        )
    )
    head = world.repository.push("Mend it", {GUESTBOOK_DEPLOYMENT: good, GUESTBOOK_SETTINGS: settings})
    say.tell(f"pushed {head[:7]}: mended")
    world.ask("operator", "DELETE", f"/api/v1/applications/{world.name('guestbook')}/operation")
    say.tell("the operator ends the retries of the broken commit")
    say.expect(f"guestbook is Synced and Healthy at {head[:7]}", settled(world, "guestbook", head), 60)


def a_bad_policy(world: World, say: Narrator) -> None:
    """A policy that cannot be read changes nothing, and is seen."""
    say.step("A bad policy edit is refused and the last good one stays")
    before = probes.value(world, "lynceus_policy_reload_failures_total")
    good, reloaded = world.manifest("policy.csv"), _reloaded(world)
    world.set_policy(f"{good}{FIVE_FIELDS}\n")
    say.tell(f"policy.csv in argocd-rbac-cm gets a line that lacks the object: {FIVE_FIELDS}")
    say.expect(
        "the failed reload is counted", lambda: probes.value(world, "lynceus_policy_reload_failures_total") > before
    )
    refused, _ = world.sync("developer", "payments")
    allowed, _ = world.ask("operator", "GET", f"/api/v1/applications/{world.name('payments')}")
    say.check(
        (refused, allowed) == (403, 200),
        "the developer is refused and the operator served, as before",
        f"the last good policy does not hold: developer {refused}, operator {allowed}",
    )
    _say_where(say, good)
    world.set_policy(good)
    say.tell("the line is taken out again")
    say.expect("the policy is read again", lambda: _reloaded(world) > reloaded)


def _reloaded(world: World) -> float:
    return probes.value(world, "lynceus_policy_last_reload_timestamp_seconds")


def _say_where(say: Narrator, good: str) -> None:
    """Ask the command that would have told it before."""
    with tempfile.TemporaryDirectory(prefix="lynceus-demo-policy-") as folder:
        edited = Path(folder) / "policy.csv"
        edited.write_text(f"{good}{FIVE_FIELDS}\n", encoding="utf-8")
        done = call(say, "rbac", "validate", str(edited), folder=Path(folder))
    errors = [line for line in done.lines if line.startswith("error: ")]
    where = f"policy.csv:{good.count(chr(10)) + 1}:"
    held = done.code == 1 and len(errors) == 1 and where in errors[0]
    if say.check(held, "which would have told beforehand", f"expected an error at {where}, seen: {done.text}"):
        say.quote(errors[0])


def the_metrics(world: World, say: Narrator) -> None:
    """All of it can be seen in one scrape."""
    say.step("What Prometheus sees of all that")
    guestbook = f'name="{world.name("guestbook")}"'
    for name, labels in (
        ("argocd_app_info", (guestbook, 'sync_status="Synced"', 'health_status="Healthy"')),
        ("argocd_app_sync_total", (guestbook, 'phase="Succeeded"')),
        ("argocd_app_sync_total", (guestbook, 'phase="Failed"')),
        ("argocd_app_reconcile_count", ()),
        ("argocd_git_request_total", ('request_type="ls-remote"', 'result="success"')),
        ("argocd_cluster_api_resource_objects", ()),
        ("lynceus_policy_decisions_total", ('effect="deny"',)),
        ("lynceus_app_sync_allowed", (guestbook, 'trigger="auto"')),
        ("lynceus_policy_reload_failures_total", ()),
        ("lynceus_deployments_total", ('result="success"',)),
        ("lynceus_deployments_total", ('result="failed"',)),
        ("lynceus_deployment_lead_time_seconds_count", ()),
        ("lynceus_time_to_restore_seconds_count", ()),
        ("lynceus_drift_detected_total", ('origin="live"',)),
        ("lynceus_self_heal_total", ('result="success"',)),
        ("lynceus_sync_blocked_total", ('reason="window_deny"',)),
        ("lynceus_rbac_denials_total", ('source="api"',)),
    ):
        line = _seen(world, say, name, labels)
        say.quote(line if len(line) <= 180 else line[:180] + "…")


def _seen(world: World, say: Narrator, name: str, labels: tuple[str, ...]) -> str:
    shown = f"{name}{{{','.join(labels)}}}" if labels else name
    return say.expect(f"{shown} is above 0", lambda: probes.positive(world, name, *labels), 10)
