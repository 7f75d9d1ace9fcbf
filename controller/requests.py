"""Requests of people: begin an operation, terminate one. Written to the Application, as `kubectl patch` would.

Called by controller.manager for the API; the caller has asked policy already, and the operation is asked again.
"""

from __future__ import annotations

import typing as t

import msgspec

from controller.applications import Applications
from controller.operation import is_completed
from controller.writer import AppWriter
from model.application import Application, Operation
from model.errors import Conflict, NotFound, Rejected
from model.meta import JSON, NamespacedName
from model.states import OperationPhase

TRIES = 5


class Requests:
    """Writes what people ask for."""

    def __init__(self, applications: Applications, writer: AppWriter) -> None:
        self._applications, self._writer = applications, writer

    def submit(self, key: NamespacedName, operation: Operation) -> Application:
        """Set the operation of an Application.

        Raises:
            NotFound: there is no such Application.
            Rejected: another operation is in progress.
            Conflict: others write it all the time.
        """
        return self._write(key, lambda app: _begin(app, operation))

    def terminate(self, key: NamespacedName) -> Application:
        """Ask for the running operation to end; one that has not begun yet is taken away.

        Raises:
            NotFound: there is no such Application.
            Rejected: no operation is in progress.
            Conflict: others write it all the time.
        """
        return self._write(key, _terminate)

    def _write(self, key: NamespacedName, make: t.Callable[[Application], JSON]) -> Application:
        app = self._applications.get(key)
        for _ in range(TRIES):
            if app is None:
                raise NotFound(f"Application {key} does not exist")
            body = make(app)
            try:
                return self._writer.patch(app, body, guarded=True)
            except Conflict:
                app = self._writer.reread(key)
        raise Conflict(f"Application {key}: others write it all the time")


def _begin(app: Application, operation: Operation) -> JSON:
    if app.operation is not None:
        raise Rejected(f"Application {app.key}: another operation is already in progress")
    body: JSON = {"operation": msgspec.to_builtins(operation)}
    if app.status.operation_state is not None:
        body["status"] = {"operationState": None}
    return body


def _terminate(app: Application) -> JSON:
    state = app.status.operation_state
    if app.operation is None:
        raise Rejected(f"Application {app.key}: no operation is in progress")
    if state is None or is_completed(state):
        return {"operation": None}
    return {"status": {"operationState": {"phase": str(OperationPhase.TERMINATING)}}}
