"""Parts made of small fakes, and a client that speaks to a real socket."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import http.client
import json
import time
import typing as t
from pathlib import Path

from exporter import Exporter
from model.application import Application, ApplicationSpec, Automated, Destination, Source, SyncPolicy
from model.decision import Decision, Rule, allow, deny
from model.meta import ObjectMeta
from model.project import SyncWindow
from policy.subjects import Subject
from policy.windows import Target, Window, WindowDecision, judge
from server.app import create_app
from server.identity import TokenFile
from server.parts import Parts
from server.run import Server

NOW = dt.datetime(2026, 3, 2, 12, 0, tzinfo=dt.UTC)
ALICE, BOB, CAROL = "alice-token-0123456789", "bob-token-0123456789ab", "carol-token-0123456789"
TOKENS = f'# people\n{ALICE},alice,"developers"\n{BOB},bob,17,"operators,pager"\n{CAROL},carol\n'
WINDOW = Rule(kind="window", origin="AppProject shop: spec.syncWindows[0]", text="deny 0 9 * * * 8h")


class FixedClock:
    """Always NOW; only the seconds go on."""

    def now(self) -> dt.datetime:
        return NOW

    def monotonic(self) -> float:
        return time.monotonic()


class TableGuard:
    """Developers may get project shop, operators may do all; `window` closes every sync."""

    def __init__(self) -> None:
        self.window: Decision | None = None
        self.specs: list[SyncWindow] = []
        self.reasons: list[str] = []
        self.asked: list[tuple[str, str, str, str]] = []

    def can(self, subject: Subject, resource: str, action: str, object: str) -> Decision:
        self.asked.append((subject.name, resource, action, object))
        rule = Rule(kind="rbac", origin="policy.csv:3", text=f"p, role:dev, {resource}, {action}, {object}")
        if "operators" in subject.groups or (
            "developers" in subject.groups and action == "get" and object[:5] == "shop/"
        ):
            return allow("a line of policy.csv says so", rule)
        return deny(f"{subject.name} may not {action} {object}", rule, remedy="ask for role:operator")

    def may_sync(
        self,
        app: Application,
        *,
        now: dt.datetime,
        manual: bool,
        started: t.Any = None,
        subject: t.Any = None,
        break_glass: str = "",
    ) -> Decision:
        assert now == NOW
        self.reasons.append(break_glass)
        if self.window is not None and not (manual and self.window.remedy == "manual"):
            return self.window
        return allow("no window says no")

    def windows(self, app: Application, *, now: dt.datetime, manual: bool) -> WindowDecision | None:
        judged = [
            Window(spec, f"AppProject shop: spec.syncWindows[{index}]", index, "strict")
            for index, spec in enumerate(self.specs)
        ]
        return judge(judged, Target(app.metadata.name, "web", ("https://c",)), now, manual=manual)


def application(name: str, project: str = "shop", **more: t.Any) -> Application:
    """Return an Application of the control namespace."""
    spec = ApplicationSpec(
        project=project,
        source=Source(repo_url="https://robot:LYN-CANARY@git.example/shop.git", path="web"),
        destination=Destination(server="https://c", namespace="web"),
        sync_policy=SyncPolicy(automated=Automated(), sync_options=["CreateNamespace=true"])
        if more.pop("automated", False)
        else None,
    )
    meta = ObjectMeta(
        name=name,
        namespace="argocd",
        annotations={
            "kubectl.kubernetes.io/last-applied-configuration": "LYN-CANARY",
            "objectset.example/applied": "LYN-CANARY",
            "argocd.argoproj.io/sync-wave": "3",
        },
    )
    return Application(metadata=meta, spec=spec, **more)


@dataclasses.dataclass
class Reply:
    """A whole answer."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> t.Any:
        return json.loads(self.body)


class Bench:
    """A served application and what happened behind it."""

    def __init__(self, tmp_path: Path, *, api: bool = True, tokens: str | None = TOKENS, **changes: t.Any) -> None:
        self.guard = TableGuard()
        self.token_file = tmp_path / "tokens.csv"
        if tokens is not None:
            self.token_file.write_text(tokens)
        self.apps = [application("web"), application("auto", automated=True), application("vault", "secret")]
        self.submitted: list[t.Any] = []
        self.refreshed: list[t.Any] = []
        self.ended: list[t.Any] = []
        self.events: list[t.Any] = []
        self.alive = self.is_ready = True
        self.exporter = Exporter(argocd_metrics=True, version="9.9.9", mode="reconcile")
        given: dict[str, t.Any] = {
            "exporter": self.exporter,
            "healthy": lambda: self.alive,
            "ready": lambda: self.is_ready,
            "clock": FixedClock(),
            "guard": self.guard,
            "identity": TokenFile(self.token_file),
            "applications": lambda: self.apps,
            "version": "9.9.9",
            "submit_operation": lambda key, operation: self.submitted.append((key, operation)),
            "terminate_operation": self.ended.append,
            "request_refresh": lambda key, level, reason, *, hard=False: self.refreshed.append((key, level, hard)),
            "publish": self.events.append,
        }
        self.parts = Parts(**(given | changes))
        self.server = Server(create_app(self.parts, api=api))

    def request(
        self, method: str, path: str, token: str = "", body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Reply:
        """Send one request over a connection of its own."""
        head = dict(headers or {})
        if token:
            head["Authorization"] = f"Bearer {token}"
        if method not in ("GET", "HEAD", "OPTIONS") and "Content-Type" not in head:
            head["Content-Type"] = "application/json"
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=10)) as connection:
            connection.request(method, path, body, {name: value for name, value in head.items() if value})
            reply = connection.getresponse()
            return Reply(reply.status, reply.headers, reply.read())

    def __enter__(self) -> Bench:
        self.server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stop()
