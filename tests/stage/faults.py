"""The faults that the fault proxy injects: which requests they hit, how often, and what is done to them."""

import random
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.stage.requestlog import WRITES, Request


@dataclass(frozen=True)
class Match:
    """Which requests are meant; an empty field means any."""

    verb: str | tuple[str, ...] = ()
    """One or several; "write" stands for all verbs that change something."""
    resource: str | tuple[str, ...] = ()
    group: str | None = None
    namespace: str = ""
    name: str = ""
    subresource: str | None = None
    identity: str = ""
    path: str = ""
    """A regular expression that is searched for."""
    where: Callable[[Request], bool] | None = None

    def hits(self, request: Request) -> bool:
        """Whether the request is meant."""
        return (
            self._verb_hits(request)
            and (not self.resource or request.resource in _tuple(self.resource))
            and self.group in (None, request.group)
            and self.subresource in (None, request.subresource)
            and self.namespace in ("", request.namespace)
            and self.name in ("", request.name)
            and self.identity in ("", request.identity)
            and (not self.path or re.search(self.path, request.path) is not None)
            and (self.where is None or self.where(request))
        )

    def _verb_hits(self, request: Request) -> bool:
        verbs = _tuple(self.verb)
        return not verbs or request.verb in verbs or ("write" in verbs and request.verb in WRITES)


def _tuple(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value


@dataclass
class Fault:
    """One thing that goes wrong; several of the last five do not go together."""

    match: Match
    times: int = -1
    """How many requests it hits; -1: all, until it is removed."""
    skip: int = 0
    """How many matching requests pass before the first is hit."""
    share: float = 1.0
    """Part of the matching requests that is hit, drawn from a fixed seed."""
    delay: float = 0.0
    """Seconds before the request goes on."""
    status: int = 0
    """Answer with this status; the server is not asked."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """More headers for that answer."""
    body: bytes | str | Mapping[str, Any] | None = None
    """Body of that answer; None: a Status object as the API server writes it."""
    cut: bool = False
    """Close the connection without asking the server."""
    lose_response: bool = False
    """Ask the server, then close the connection without an answer."""
    truncate: int = -1
    """Give only so many bytes of the server's answer with its full length announced, then close; -1: all."""
    silent: bool = False
    """Watches: nothing comes through while this is in force, and the connection stays. Events of that time are lost."""
    events: tuple[Mapping[str, Any], ...] = ()
    """Watches: send these events instead and end the stream; ({"type": "ERROR", "object": {…}},)."""
    end_after: int = -1
    """Watches: end the stream after so many events; -1: never."""
    hits: int = 0
    """How many requests it has hit."""

    @property
    def label(self) -> str:
        """A word for the request log."""
        named = ("cut", "lose_response", "silent", "events", "delay")
        if self.status:
            return f"status {self.status}"
        return next((name.replace("_", " ") for name in named if getattr(self, name)), "stream")


class Faults:
    """The faults in force, first come first served."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._random = random.Random(20)

    def add(self, fault: Fault) -> None:
        """Put a fault in force."""
        with self._lock:
            self._faults.append(fault)

    def remove(self, fault: Fault | None = None) -> None:
        """Lift one fault, or all."""
        with self._lock:
            self._faults = [each for each in self._faults if fault is not None and each is not fault]

    def take(self, request: Request) -> Fault | None:
        """The fault that this request runs into, counted; silence is looked up by is_silent."""
        with self._lock:
            for fault in self._matching(request):
                if fault.silent:
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                if self._random.random() >= fault.share:
                    continue
                fault.hits += 1
                return fault
        return None

    def is_silent(self, request: Request) -> bool:
        """Whether a watch is to stay silent now."""
        with self._lock:
            return any(fault.silent for fault in self._matching(request))

    def _matching(self, request: Request) -> Iterable[Fault]:
        live = (fault for fault in self._faults if fault.times < 0 or fault.hits < fault.times)
        return (fault for fault in live if fault.match.hits(request))
