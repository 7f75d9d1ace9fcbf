"""The freeze of the story: everybody waits, one named person gets through, and then what waited goes on by itself."""

from __future__ import annotations

import datetime as dt
import functools
import re
import typing as t

from controller.clock import SystemClock
from lynceus.demo import probes
from lynceus.demo.cluster import JSON
from lynceus.demo.console import call
from lynceus.demo.narrator import Narrator, StoryError
from lynceus.demo.story import GUESTBOOK_SETTINGS, settled
from lynceus.demo.world import World
from model.durations import format_time

IDENT: t.Final = "database"
REASON: t.Final = "database on fire"
PERSON: t.Final = "night-shift"
FIX: t.Final = "tell visitors what happens"
LENGTH: t.Final = dt.timedelta(minutes=20)
PAYMENTS_VALUES: t.Final = "payments/values-production.yaml"
OVERRIDES: t.Final = ("lynceus_freeze_overrides_total", 'project="shop"')
APPLICATIONS: t.Final = ("guestbook", "payments")
"""What the commit of this step changes."""


def a_freeze(world: World, say: Narrator) -> None:
    """A freeze holds commits and people back, but for whom it names; when it ends, what waited is deployed."""
    say.step("A freeze holds every sync back; a role that it names may break the glass")
    until = _start(world, say)
    try:
        head = _push_into(world, say, until)
        _refuse(world, say)
        _break_glass(world, say, head)
    finally:
        _stop(world, say)
    say.expect("payments is deployed without another push", lambda: _currency(world) == "SEK")
    for name in APPLICATIONS:
        say.expect(f"{name} is Synced and Healthy at {head[:7]}", settled(world, name, head))


def _start(world: World, say: Narrator) -> tuple[str, str]:
    """Begin the freeze; returns between which two instants it ends, written as in answers."""
    now = SystemClock().now()
    why = ("--project", "shop", "--reason", REASON, "--for", f"{LENGTH.seconds // 60}m", "--person", PERSON)
    done = call(say, "freeze", "start", *why, "--override", "role:operator", "--id", IDENT, world=world)
    if done.code or not done.lines:
        raise StoryError(f"lynceus freeze start ended with {done.code}: {done.text}")
    for line in (done.lines[0], *(line for line in done.lines if "concerns:" in line)):
        say.quote(line.strip())
    for name in APPLICATIONS:
        claim = f'lynceus_app_sync_allowed{{name="{world.name(name)}",trigger="auto"}} is 0'
        say.expect(claim, functools.partial(probes.forbidden, world, name))
    return format_time(now.replace(microsecond=0) + LENGTH), format_time(SystemClock().now() + LENGTH)


def _push_into(world: World, say: Narrator, until: tuple[str, str]) -> str:
    """Push a commit to two applications and see both wait; returns the commit."""
    greeting = re.sub("GREETING: .*", "GREETING: Back soon", world.repository.read(GUESTBOOK_SETTINGS))
    values = world.repository.read(PAYMENTS_VALUES).rstrip() + "\nsettings:\n  currency: SEK\n"
    changes = {GUESTBOOK_SETTINGS: greeting, PAYMENTS_VALUES: values}
    head = world.repository.push("Greet from the freeze, pay in kronor", changes)
    say.tell(f"pushed {head[:7]}: guestbook and payments change")
    waits = {name: functools.partial(probes.blocked, world, name, head) for name in APPLICATIONS}
    said = [say.expect(f"{name} is OutOfSync and says why", probe) for name, probe in waits.items()]
    say.quote(said[0])
    for text in said:
        missing = [word for word in (f"freeze.{IDENT}", REASON, PERSON) if word not in text]
        if missing or not any(until[0] <= found <= until[1] for found in _instants(text)):
            say.fail(f"expected which freeze, why, who and until {until[1]}, seen: {text}")
            return head
    deployed = _deployed(world)
    claim = "both say which freeze, why, by whom and until when, and neither is deployed"
    say.check(not deployed, claim, f"went through the freeze: {', '.join(deployed)}")
    return head


def _instants(text: str) -> list[str]:
    return re.findall(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text)


def _deployed(world: World) -> list[str]:
    """Return which applications the commit has reached in the cluster."""
    seen = {
        "guestbook": probes.setting(world, "guestbook", "GREETING") == "Back soon",
        "payments": _currency(world) == "SEK",
    }
    return [name for name, there in seen.items() if there]


def _currency(world: World) -> str:
    return probes.setting(world, "payments", "CURRENCY")


def _refuse(world: World, say: Narrator) -> None:
    """A person who may sync at any other time may not now, and may not break the glass either."""
    status, answer = world.sync("developer", "guestbook")
    seen = f"the developer's sync was answered {status} {answer}, expected 403 naming freeze.{IDENT}"
    held = status == 403 and f"freeze.{IDENT}" in str(answer)
    if say.check(held, "the developer's sync of guestbook is refused by the freeze", seen):
        say.quote(str(answer.get("error", answer)))
        say.quote(f"what would change it: {_decision(answer).get('remedy', '')}")
    status, answer = world.sync("developer", "guestbook", {"breakGlass": FIX})
    reasons = [str(reason) for reason in _decision(answer).get("reasons") or ()]
    held = status == 403 and f"freeze.{IDENT}" in str(answer) and any("break-glass refused" in why for why in reasons)
    seen = f"the developer's break-glass was answered {status} {answer}, expected 403 naming freeze.{IDENT}"
    if say.check(held, "and refused with a break-glass reason, too: the freeze does not name role:developer", seen):
        say.quote(", ".join(reasons))


def _decision(answer: JSON) -> JSON:
    return t.cast("JSON", answer.get("decision") or {})


def _break_glass(world: World, say: Narrator, head: str) -> None:
    """The role that the freeze names gets through with a reason: once, for one application, and it is told."""
    before = probes.value(world, *OVERRIDES)
    status, answer = world.sync("operator", "guestbook", {"breakGlass": FIX})
    seen = f"the operator's break-glass was answered {status} {answer}"
    if not say.check(status in (200, 202), f"the operator breaks the glass for guestbook: {FIX!r}", seen):
        return
    say.expect(f"guestbook is Synced and Healthy at {head[:7]}", settled(world, "guestbook", head))
    say.expect("the sync was the operator's", lambda: probes.done_by(world, "guestbook", "operator"))
    say.expect("it is counted once", lambda: probes.value(world, *OVERRIDES) == before + 1)
    say.quote(probes.positive(world, *OVERRIDES) or "")
    said = say.expect("an Event tells of it", lambda: probes.event(world, "guestbook", "FreezeOverridden"))
    say.quote(said)
    if "operator" not in said or FIX not in said:
        say.fail(f"expected an Event that names the operator and the reason, seen: {said}")
    deployed = _deployed(world)
    claim = "payments, for which nobody broke the glass, still waits"
    say.check(deployed == ["guestbook"], claim, f"expected guestbook alone to be deployed, seen: {deployed}")


def _stop(world: World, say: Narrator) -> None:
    done = call(say, "freeze", "stop", IDENT, "--reason", "fire is out", world=world)
    if done.code:
        say.fail(f"lynceus freeze stop ended with {done.code}: {done.text}")
