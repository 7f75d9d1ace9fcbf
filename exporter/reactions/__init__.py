"""Events -> instruments, one module an area: which event moves which metric. No I/O; never raises for odd input.

Each class says in `on` which method takes which event; `exporter.listener` hands the events out.
"""

from __future__ import annotations

import typing as t

from model.events import Event

Reaction = t.Callable[[t.Any], None]
On = dict[type[Event], Reaction]
