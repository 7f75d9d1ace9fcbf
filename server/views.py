"""Applications as the API shows them: an explicit list of fields; `server.answers` takes credentials out. Pure."""

from __future__ import annotations

import datetime as dt
import re
import typing as t

import msgspec

from model.application import API_VERSION, Application, Operation
from model.durations import format_time
from policy.windows import Window, WindowDecision

_SHOWN_ANNOTATIONS = re.compile(r"(?:[a-z0-9-]+\.)*(?:argoproj|lynceus)\.io/[^/]*")
"""Argo CD's, its neighbours' and our own. Others belong to other tools, some of which keep a second copy of the whole
object there, in which nothing would be redacted."""


def application(app: Application) -> dict[str, t.Any]:
    """Return one Application with the fields that the model knows, in the form of the Kubernetes API."""
    shown: dict[str, t.Any] = {"apiVersion": API_VERSION, "kind": "Application"}
    shown["metadata"] = msgspec.to_builtins(app.metadata)
    shown["spec"] = msgspec.to_builtins(app.spec)
    if app.operation is not None:
        shown["operation"] = msgspec.to_builtins(app.operation)
    shown["status"] = msgspec.to_builtins(app.status)
    if annotations := app.metadata.annotations:
        shown["metadata"]["annotations"] = {
            name: value for name, value in annotations.items() if _SHOWN_ANNOTATIONS.fullmatch(name)
        }
    return shown


def application_list(apps: t.Iterable[Application]) -> dict[str, t.Any]:
    """Return an ApplicationList, sorted by namespace and name."""
    items = [application(app) for app in sorted(apps, key=lambda app: app.key)]
    return {"apiVersion": API_VERSION, "kind": "ApplicationList", "metadata": {}, "items": items}


def windows(found: WindowDecision | None, now: dt.datetime, project: str) -> dict[str, t.Any]:
    """Return the windows of an Application.

    Args:
        found: what the windows say; None without a project.
        now: the instant.
        project: of the Application, to tell its own windows from inherited ones.

    Returns:
        activeWindows and assignedWindows as Argo CD's API has them, and under `windows` each one with where it comes
        from, its state and when that changes; Lynceus' own windows and freezes are among all three.
    """
    active, assigned = (found.active, found.matched) if found else ((), ())
    return {
        "activeWindows": [msgspec.to_builtins(window.spec) for window in active],
        "assignedWindows": [msgspec.to_builtins(window.spec) for window in assigned],
        "windows": [_window(window, now, project) for window in assigned],
    }


def _window(window: Window, now: dt.datetime, project: str) -> dict[str, t.Any]:
    """Return one window with its origin and its state."""
    owner = window.where.partition(":")[0].removeprefix("AppProject ") if window.where.startswith("AppProject ") else ""
    span = window.span(now)
    state = "invalid" if window.invalid else "open" if span.open else "closed"
    return {
        "type": window.rule_kind,
        "origin": window.where,
        "project": owner,
        "inherited": owner != project,
        "text": window.text,
        "state": state,
        "until": format_time(span.end) if span.end is not None and not window.invalid else None,
        "heal": window.heal,
        "override": list(window.override),
        "findings": [str(finding) for finding in window.findings],
        "window": msgspec.to_builtins(window.spec),
    }


def operation(wanted: Operation) -> dict[str, t.Any]:
    """Return an operation in the form of the Kubernetes API."""
    return t.cast("dict[str, t.Any]", msgspec.to_builtins(wanted))
