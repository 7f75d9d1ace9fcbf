"""RBAC decisions and loading, beside pycasbin with Argo CD's model and a compiled, cached glob function."""

from __future__ import annotations

import gc
import tempfile
import time
import typing as t
from pathlib import Path

import casbin

from model.settings import RbacSettings
from policy.generation import build
from policy.guard import Guard, Subject
from policy.patterns import Pattern, glob

# Argo CD's model (assets/model.conf).
MODEL = """
[request_definition]
r = sub, res, act, obj
[policy_definition]
p = sub, res, act, obj, eft
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
[matchers]
m = g(r.sub, p.sub) && match(r.res, p.res) && match(r.act, p.act) && match(r.obj, p.obj)
"""
ACTIONS = ("get", "sync", "create", "update", "delete", "override", "rollback", "action/*", "update/*")


def policy_text(lines: int) -> str:
    """Return a policy of roles of ten lines, one of them a deny, and fifty groups bound to some of them."""
    text: list[str] = []
    for role in range(lines // 10):
        text += [f"p, role:r{role}, applications, {action}, proj-{role}/*, allow" for action in ACTIONS]
        text.append(f"p, role:r{role}, applications, delete, proj-{role}/prod-*, deny")
    text += [f"g, group{n}, role:r{n * max(1, lines // 500)}" for n in range(50)]
    return "\n".join(text)


def _pycasbin(text: str) -> tuple[casbin.Enforcer, float]:
    known: dict[str, Pattern] = {}

    def matches(value: str, pattern: str) -> bool:
        if pattern not in known:
            known[pattern] = glob(pattern)
        return known[pattern].matches(value)

    with tempfile.TemporaryDirectory() as folder:
        model, policy = Path(folder, "model.conf"), Path(folder, "policy.csv")
        model.write_text(MODEL)
        policy.write_text(text)
        start = time.perf_counter()
        enforcer = casbin.Enforcer(str(model), str(policy))
        took = time.perf_counter() - start
    enforcer.add_function("match", matches)
    return enforcer, took


def _each(call: t.Callable[[int], object], count: int) -> float:
    """Return the seconds of one call, over `count` calls."""
    start = time.perf_counter()
    for number in range(count):
        call(number)
    return (time.perf_counter() - start) / count


class _Case:
    """One policy of so many lines, in both engines."""

    def __init__(self, lines: int) -> None:
        text = policy_text(lines)
        start = time.perf_counter()
        self.guard = Guard(build(RbacSettings(csv=(("policy.csv", text),)), ())[0])
        self.load = time.perf_counter() - start
        self.enforcer, self.casbin_load = _pycasbin(text)
        # Whatever is asked next pays for collecting its own garbage, not for looking through both engines.
        gc.collect()
        gc.freeze()
        self.subject = Subject("user", ("group1",))
        self.project = f"proj-{max(1, lines // 500)}"

    def ask(self, target: str) -> object:
        """Ask the guard."""
        return self.guard.can(self.subject, "applications", "sync", target)

    def casbin(self, subject: str, target: str) -> object:
        """Ask pycasbin."""
        return self.enforcer.enforce(subject, "applications", "sync", target)

    def figures(self) -> t.Iterator[tuple[str, float, float]]:
        """Yield (name, seconds, seconds of the yardstick)."""
        asked = f"{self.project}/web"
        allowed = _each(lambda _: self.casbin("group1", asked), 10)
        denied = _each(lambda _: self.casbin("group1", "other/web"), 10)
        self.ask(asked)
        yield "decision, warm", _each(lambda _: self.ask(asked), 50_000), allowed
        yield "decision, cold, allowed", _each(lambda n: self.ask(f"{asked}-{n}"), 10_000), allowed
        yield "decision, cold, denied and explained", _each(lambda n: self.ask(f"other/web-{n}"), 5_000), denied
        yield "decision, new subject", _each(lambda n: self._new(n, asked), 5_000), allowed
        yield from self._many_groups()
        yield "load", self.load, self.casbin_load

    def _new(self, number: int, target: str) -> object:
        return self.guard.can(Subject(f"user-{number}", ("group1",)), "applications", "sync", target)

    def _many_groups(self) -> t.Iterator[tuple[str, float, float]]:
        """Yield the figures of a user with fifty groups who is denied; pycasbin is asked once for each group."""
        groups = tuple(f"group{n}" for n in range(50))
        asked = Subject("many", groups)
        yardstick = _each(lambda n: self.casbin(groups[n], "other/web"), 5) * len(groups)
        ask = self.guard.can
        ask(asked, "applications", "sync", "other/x")
        yield (
            "decision, 50 groups, denied and explained",
            _each(lambda n: ask(asked, "applications", "sync", f"other/web-{n}"), 1_000),
            yardstick,
        )


def run() -> t.Iterable[dict[str, t.Any]]:
    """Measure 100, 1,000 and 10,000 lines."""
    for lines in (100, 1_000, 10_000):
        for name, seconds, other in _Case(lines).figures():
            yield {
                "name": f"rbac {lines} lines: {name}",
                "figure": round(seconds * 1e6, 3),
                "unit": "microseconds",
                "ratio": round(other / seconds, 1),
                "yardstick": "pycasbin",
            }
