"""What the demo prints: numbered steps, what was checked in each, and how long it took."""

from __future__ import annotations

import time
import typing as t

import click

from model.errors import LynceusError

T = t.TypeVar("T")

PAUSE_SECONDS: t.Final = 0.1
"""Between two looks at a condition."""


class StoryError(LynceusError):
    """Something that the story promises did not come about in time."""


class Narrator:
    """Prints the story and keeps count of what held and what did not."""

    def __init__(self, total: int) -> None:
        self._total, self._number = total, 0
        self.failures: list[str] = []

    def step(self, title: str) -> None:
        """Begin the next numbered step."""
        self._number += 1
        click.secho(f"\n[{self._number}/{self._total}] {title}", bold=True)

    def tell(self, text: str) -> None:
        """Say what is being done."""
        click.echo(f"      {text}")

    def quote(self, text: str) -> None:
        """Show what Lynceus itself said."""
        click.secho(f"      | {text}", dim=True)

    def fail(self, text: str) -> None:
        """Note a failure; the story goes on with the next step where it can."""
        self.failures.append(text)
        click.secho(f"    ✗ {text}", fg="red")

    def check(self, held: bool, claim: str, otherwise: str) -> bool:
        """Tick a claim that was looked at once, or note what was seen instead; returns whether it held."""
        if held:
            click.echo(f"{click.style('    ✓', fg='green')} {claim}")
        else:
            self.fail(otherwise)
        return held

    def expect(self, claim: str, probe: t.Callable[[], T | None], seconds: float = 30.0) -> T:
        """Look until the probe returns something that is neither None nor False.

        Args:
            claim: what is to become true, as it is printed after the tick.
            probe: looks once; LynceusError counts as "not yet".
            seconds: how long to look.

        Raises:
            StoryError: with the claim and what was seen last.
        """
        start = time.monotonic()
        seen = "nothing"
        while True:
            try:
                answer = probe()
                if answer is not None and answer is not False:
                    click.echo(f"{click.style('    ✓', fg='green')} {claim} ({time.monotonic() - start:.1f} s)")
                    return answer
            except LynceusError as error:
                seen = str(error)
            if time.monotonic() - start > seconds:
                raise StoryError(f"{claim}: not seen within {seconds:.0f} s; last error: {seen}")
            time.sleep(PAUSE_SECONDS)
