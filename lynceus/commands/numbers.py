"""Types of options that are numbers. No command."""

from __future__ import annotations

import math
import typing as t

import click


class NumberRange(click.FloatRange):
    """click.FloatRange, which takes ``nan`` for a number within any bounds; here it is refused."""

    def convert(self, value: t.Any, param: click.Parameter | None, ctx: click.Context | None) -> t.Any:
        """Return the number within the bounds."""
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number
