"""Applications as the API shows them: an explicit list of fields, without credentials. Pure."""

from __future__ import annotations

import typing as t

import msgspec

from exporter.labels import without_userinfo
from model.application import API_VERSION, Application, Operation
from policy.windows import WindowDecision

_HIDDEN_ANNOTATIONS = ("kubectl.kubernetes.io/last-applied-configuration",)
"""A second copy of the whole object, in which nothing would be redacted."""


def application(app: Application) -> dict[str, t.Any]:
    """Return one Application with the fields that the model knows, in the form of the Kubernetes API."""
    shown: dict[str, t.Any] = {"apiVersion": API_VERSION, "kind": "Application"}
    shown["metadata"] = msgspec.to_builtins(app.metadata)
    shown["spec"] = msgspec.to_builtins(app.spec)
    if app.operation is not None:
        shown["operation"] = msgspec.to_builtins(app.operation)
    shown["status"] = msgspec.to_builtins(app.status)
    annotations = shown["metadata"].get("annotations")
    for name in _HIDDEN_ANNOTATIONS if annotations else ():
        annotations.pop(name, None)
    return t.cast("dict[str, t.Any]", redacted(shown))


def application_list(apps: t.Iterable[Application]) -> dict[str, t.Any]:
    """Return an ApplicationList, sorted by namespace and name."""
    items = [application(app) for app in sorted(apps, key=lambda app: app.key)]
    return {"apiVersion": API_VERSION, "kind": "ApplicationList", "metadata": {}, "items": items}


def windows(found: WindowDecision | None) -> dict[str, t.Any]:
    """Return the windows as Argo CD's API does: activeWindows and assignedWindows."""
    active, assigned = (found.active, found.matched) if found else ((), ())
    return {
        "activeWindows": [msgspec.to_builtins(window.spec) for window in active],
        "assignedWindows": [msgspec.to_builtins(window.spec) for window in assigned],
    }


def redacted(value: t.Any) -> t.Any:
    """Return JSON values with user and password taken out of every URL in every text."""
    if isinstance(value, str):
        return without_userinfo(value)
    if isinstance(value, dict):
        return {key: redacted(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [redacted(inner) for inner in value]
    return value


def operation(wanted: Operation) -> dict[str, t.Any]:
    """Return an operation in the form of the Kubernetes API."""
    return t.cast("dict[str, t.Any]", redacted(msgspec.to_builtins(wanted)))
