"""What the steps look at: samples of /metrics, conditions and operations of Applications, Events.

Each looks once; waiting is lynceus.demo.narrator's.
"""

from __future__ import annotations

import re
import typing as t

from lynceus.demo.world import World, condition, operation, status_of


def samples(world: World, name: str, *labels: str) -> list[str]:
    """Return the lines of a metric that carry all these labels, written as in the scrape."""
    wanted = re.compile(re.escape(name) + r"[{ ]")
    return [line for line in world.scrape() if wanted.match(line) and all(label in line for label in labels)]


def value(world: World, name: str, *labels: str) -> float:
    """Return the sum over those samples, 0 when there are none."""
    return sum(_number(line) for line in samples(world, name, *labels))


def positive(world: World, name: str, *labels: str) -> str | None:
    """Return the first of those samples that is above 0."""
    return next((line for line in samples(world, name, *labels) if _number(line) > 0), None)


def _number(line: str) -> float:
    return float(line.rsplit(" ", 1)[1])


def forbidden(world: World, application: str) -> bool:
    """Tell whether Lynceus exports that an automated sync of the application may not run now."""
    labels = (f'name="{world.name(application)}"', 'trigger="auto"')
    return any(_number(line) == 0 for line in samples(world, "lynceus_app_sync_allowed", *labels))


def blocked(world: World, application: str, revision: str) -> str | None:
    """Return why the application waits with this commit undeployed, None when it does not."""
    found = world.application(application)
    status, _, seen = status_of(found)
    return condition(found, "LynceusSyncBlocked") if status == "OutOfSync" and seen == revision else None


def setting(world: World, application: str, key: str) -> str:
    """Return a value of the ConfigMap that the application deploys under its own name, empty without it."""
    found = world.cluster.get("ConfigMap", world.namespace(application), application)
    return str((found.get("data") or {}).get(key, ""))


def done_by(world: World, application: str, user: str) -> bool:
    """Tell whether the last operation was this person's and succeeded."""
    state = operation(world.application(application))
    initiator = state.get("operation", {}).get("initiatedBy", {}).get("username")
    return initiator == user and state.get("phase") == "Succeeded"


def retrying(world: World, application: str) -> str | None:
    """Return the message of an operation that waits for its next try."""
    state = operation(world.application(application))
    message = str(state.get("message", ""))
    return message if state.get("retryCount", 0) >= 1 and "Retrying attempt" in message else None


def event(world: World, application: str, reason: str) -> str | None:
    """Return the message of an Event on the Application, None when there is none of that reason."""
    for each in world.cluster.events(world.control):
        about: dict[str, t.Any] = each.get("involvedObject") or {}
        if (each.get("reason"), about.get("name")) == (reason, world.name(application)):
            return str(each.get("message", ""))
    return None
