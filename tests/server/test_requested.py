"""What people ask for through the API is told, with who and what, and only when they were let through."""

from __future__ import annotations

import json

from model.events import OperationRequested
from tests.server.support import ALICE, BOB, Bench

WEB = "/api/v1/applications/web"


def told(bench: Bench) -> list[tuple[str, str, dict[str, str]]]:
    return [(e.what, e.subject, e.details) for e in bench.events if isinstance(e, OperationRequested)]


def test_sync_refresh_and_terminate_are_told(bench: Bench) -> None:
    """Each with the caller and what was asked for; free text of the request is not passed on but the reason."""
    body = {
        "revision": "v2",
        "prune": True,
        "breakGlass": " prod is down ",
        "infos": [{"name": "x", "value": "CANARY"}],
    }
    assert 200 == bench.request("POST", f"{WEB}/sync", BOB, json.dumps(body).encode()).status
    assert 200 == bench.request("POST", f"{WEB}?refresh=hard", BOB).status
    assert 200 == bench.request("DELETE", f"{WEB}/operation", BOB).status
    assert [
        ("sync", "bob", {"revision": "v2", "prune": "true", "given_reason": "prod is down"}),
        ("refresh", "bob", {"depth": "hard"}),
        ("terminate", "bob", {}),
    ] == told(bench)


def test_who_is_refused_has_asked_for_nothing(bench: Bench) -> None:
    """The refusal is a decision, which is told as such."""
    assert 403 == bench.request("POST", f"{WEB}/sync", ALICE, b"{}").status
    assert [] == told(bench)
