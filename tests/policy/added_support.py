"""Policies with added windows, freezes and people for the tests of both."""

import datetime as dt
import json
import typing as t

from model.additions import ANNOTATION, read_additions
from model.application import Application, read_application
from model.decision import Decision
from model.project import AppProject, read_project
from model.settings import RbacSettings
from policy.generation import Generation, build
from policy.guard import Guard

NOON = "2026-06-15T12:00"
POLICY = """
p, role:dev, applications, *, */*, allow
g, alice, role:dev
g, bob, role:dev
g, bob, role:sre
g, oncall, role:sre
p, role:sre, applications, *, */*, allow
"""


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def application(name: str = "web", project: str = "shop", **labels: str) -> Application:
    spec = {
        "project": project,
        "source": {"repoURL": "https://h/x"},
        "destination": {"name": "in-cluster", "namespace": "ns"},
    }
    return read_application(
        json.dumps({"metadata": {"name": name, "namespace": "argocd", "labels": labels}, "spec": spec}).encode()
    )


def project(name: str = "shop", annotation: str = "", windows: t.Any = None) -> AppProject:
    spec = {"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}], "syncWindows": windows}
    return read_project(
        json.dumps({"metadata": {"name": name, "annotations": {ANNOTATION: annotation}}, "spec": spec}).encode()
    )


def generation(
    data: dict[str, str] | None = None,
    *projects: AppProject,
    previous: Generation | None = None,
    mode: t.Any = "strict",
) -> Generation:
    rbac = RbacSettings(csv=(("policy.csv", POLICY),))
    additions = read_additions(data, "1") if data is not None else None
    return build(rbac, projects or (project(),), previous=previous, additions=additions, mode=mode)[0]


def ask(
    data: dict[str, str],
    when: str = NOON,
    *,
    app: Application | None = None,
    manual: bool = False,
    windows: t.Any = None,
    **more: t.Any,
) -> Decision:
    guard = Guard(generation(data, project(windows=windows)))
    return guard.may_sync(app or application(), now=at(when), manual=manual, **more)


def entry(**fields: t.Any) -> str:
    return json.dumps(
        [{"name": "w", "kind": "deny", "projects": ["*"], "schedule": "0 12 * * *", "duration": "1h"} | fields]
    )


def once(start: str, end: str, **fields: t.Any) -> str:
    return entry(**({"from": start, "until": end, "schedule": None, "duration": None} | fields))


def freeze(**fields: t.Any) -> dict[str, str]:
    base = {"reason": "db move", "person": "ann", "start": "2026-06-15T12:00:00Z", "end": "2026-06-15T14:00:00Z"}
    return {"freeze.f1": json.dumps(base | fields)}


FREEZE = freeze()
