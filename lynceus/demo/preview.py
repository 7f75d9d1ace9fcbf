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

DENIES: t.Final = ", deny\n"
"""How the line of policy.csv ends that keeps developers from the payments."""
GUARDING: t.Final = "the developer is refused by the line that the demo shows"
"""The case of the policy's tests that stands for that line."""


def a_preview(world: World, say: Narrator) -> None:
    """An edit of the policy is tested and compared with the cluster's before anybody applies it."""
    say.step("A policy edit is previewed and tested before it is made")
    with tempfile.TemporaryDirectory(prefix="lynceus-demo-policy-") as made:
        folder = Path(made)
        for name in ("argocd", "policy"):
            copy_files(files("examples") / name, folder / name)
        tests, policy = str(folder / "policy" / "demo.test.yaml"), folder / "argocd" / "policy.csv"
        done = call(say, "policy", "test", tests, folder=folder)
        say.check(done.code == 0, f"the policy passes its tests: {_last(done)}", f"expected them passed: {done.text}")
        lines = policy.read_text(encoding="utf-8").splitlines(keepends=True)
        policy.write_text("".join(line for line in lines if not line.endswith(DENIES)), encoding="utf-8")
        say.tell("in a copy, policy.csv loses the line that denies developers the payments")
        _who_gains(world, say, policy, folder)
        done = call(say, "policy", "test", tests, folder=folder)
        held = done.code == 1 and GUARDING in done.text
        say.check(held, f"its tests refuse the edit: {_last(done)}", f"expected {GUARDING!r} to fail: {done.text}")


def _who_gains(world: World, say: Narrator, policy: Path, folder: Path) -> None:
    """Compare the edit with the policy that is in force: exactly one thing is gained, by those with the role."""
    done = call(say, "rbac", "diff", "live", str(policy), folder=folder, world=world)
    gained = [line.strip() for line in done.lines if line.startswith("  gain ")]
    lost = [line for line in done.lines if line.startswith(("  lose ", "  barred "))]
    held = done.code == 1 and gained == ["gain applications sync on shop/*payments"] and not lost
    concerned = f"1 application: shop/{world.name('payments')}"
    seen = f"expected developers to gain sync of payments and nothing else: {done.text}"
    if say.check(held and concerned in done.text, "it says who would gain what, and that nobody loses anything", seen):
        say.quote(f"{done.lines[0]} {gained[0]} ({concerned})")


def _last(done: Ran) -> str:
    return done.lines[-1] if done.lines else "nothing was printed"
