"""The policy edit of the story that is looked at before it is made: who would gain by it, and what its tests say."""

from __future__ import annotations

import tempfile
import typing as t
from importlib.resources import files
from pathlib import Path

from lynceus.demo.console import Ran, call
from lynceus.demo.narrator import Narrator
from lynceus.demo.repository import copy_files
from lynceus.demo.world import World

DENIES: t.Final = ", deny"
"""How the line of policy.csv ends that keeps developers from the payments."""
GAIN: t.Final = "gain applications sync on shop/*payments"
GUARDING: t.Final = "the developer is refused by the line that the demo shows"
"""The case of the policy's tests that stands for that line."""


def a_preview(world: World, say: Narrator) -> None:
    """An edit of the policy is tested and compared with the cluster's before anybody applies it."""
    say.step("A policy edit is previewed and tested before it is made")
    with tempfile.TemporaryDirectory(prefix="lynceus-demo-policy-") as made:
        folder = Path(made)
        _copy(folder / "examples")
        done = _test(say, folder, "examples")
        say.check(done.code == 0, "the policy passes its tests", f"expected them passed, seen: {done.text}")
        say.quote(_last(done))
        policy = _edit(say, folder / "edited")
        _who_gains(world, say, policy, folder)
        done = _test(say, folder, "edited")
        held = done.code == 1 and GUARDING in done.text
        say.check(held, "the tests refuse the edit", f"expected {GUARDING!r} to fail, seen: {done.text}")
        for line in done.lines:
            if GUARDING in line:
                say.quote(line.strip())
        say.quote(_last(done))


def _copy(folder: Path) -> None:
    folder.mkdir()
    for name in ("argocd", "policy"):
        copy_files(files("examples") / name, folder / name)


def _edit(say: Narrator, folder: Path) -> Path:
    """Make a copy of the examples whose policy lacks its one denying line; returns that policy."""
    _copy(folder)
    policy = folder / "argocd" / "policy.csv"
    lines = policy.read_text(encoding="utf-8").splitlines()
    policy.write_text("".join(f"{line}\n" for line in lines if not line.endswith(DENIES)), encoding="utf-8")
    say.tell("edited/ is a copy of examples/; its policy.csv lacks")
    for line in lines:
        if line.endswith(DENIES):
            say.quote(line)
    return policy


def _test(say: Narrator, folder: Path, name: str) -> Ran:
    return call(say, "policy", "test", str(folder / name / "policy" / "demo.test.yaml"), folder=folder)


def _who_gains(world: World, say: Narrator, policy: Path, folder: Path) -> None:
    """Compare the edit with the policy that is in force: exactly one thing is gained, by those with the role."""
    done = call(say, "rbac", "diff", "live", str(policy), folder=folder, world=world)
    gained = [line.strip() for line in done.lines if line.startswith("  gain ")]
    lost = [line for line in done.lines if line.startswith(("  lose ", "  barred "))]
    concerned = f"1 application: shop/{world.name('payments')}"
    held = done.code == 1 and not lost and len(gained) == 1 and gained[0].startswith(GAIN) and concerned in done.text
    claim = "developers would gain the sync of payments, and nobody would gain or lose anything else"
    if say.check(held, claim, f"expected developers to gain sync of payments and nothing else, seen: {done.text}"):
        for line in done.lines:
            say.quote(line)


def _last(done: Ran) -> str:
    return done.lines[-1] if done.lines else "nothing was printed"
