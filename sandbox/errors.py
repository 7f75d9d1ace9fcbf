"""Refusals of the embedded API server: an exception that carries the Status a real API server would answer with.

Every layer raises these; only the HTTP layer turns them into responses. Wording, reasons and details follow
k8s.io/apimachinery's api/errors package, because clients branch on reason and people read the message.
"""

from __future__ import annotations

from typing import Any


class StatusError(Exception):
    """A refused request.

    Args:
        code: The HTTP status.
        reason: The machine-readable reason, for example "NotFound".
        message: One line for people.
        details: The Status' details; None leaves them out.
    """

    def __init__(self, code: int, reason: str, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details

    def status(self) -> dict[str, Any]:
        """Returns the Status object for the response's body."""
        body: dict[str, Any] = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
        body["message"] = self.message
        if self.reason:
            body["reason"] = self.reason
        if self.details is not None:
            body["details"] = self.details
        body["code"] = self.code
        return body


class AlreadyExists(StatusError):  # noqa: N818 - named as the Status reason
    """An object of that name is there already."""


class Conflict(StatusError):  # noqa: N818 - named as the Status reason
    """The object has moved on since it was read, or a precondition does not hold."""


class NotFound(StatusError):  # noqa: N818 - named as the Status reason
    """No such object."""


class Expired(StatusError):  # noqa: N818 - named as the Status reason
    """The resourceVersion lies before the history that is kept."""


def qualified(group: str, resource: str) -> str:
    """Returns "deployments.apps", or "pods" for the core group."""
    return f"{resource}.{group}" if group else resource


def object_details(group: str, kind: str, name: str) -> dict[str, Any]:
    """Returns the details of a Status about one object, empty fields left out, in the server's order."""
    details = {"name": name, "group": group, "kind": kind}
    return {key: value for key, value in details.items() if value}


def not_found(group: str, resource: str, name: str) -> NotFound:
    """Returns the answer for an object that is not there."""
    message = f'{qualified(group, resource)} "{name}" not found'
    return NotFound(404, "NotFound", message, object_details(group, resource, name))


def already_exists(group: str, resource: str, name: str) -> AlreadyExists:
    """Returns the answer for a create of an object that is there."""
    message = f'{qualified(group, resource)} "{name}" already exists'
    return AlreadyExists(409, "AlreadyExists", message, object_details(group, resource, name))


def conflict(group: str, resource: str, name: str, why: str = "") -> Conflict:
    """Returns the answer for a write on stale data.

    Args:
        group: API group.
        resource: Plural resource name.
        name: Name of the object.
        why: What does not hold; by default that the object was modified meanwhile.
    """
    cause = why or "the object has been modified; please apply your changes to the latest version and try again"
    message = f'Operation cannot be fulfilled on {qualified(group, resource)} "{name}": {cause}'
    return Conflict(409, "Conflict", message, object_details(group, resource, name))


def forbidden(
    group: str, resource: str, name: str, why: str, causes: list[dict[str, str]] | None = None
) -> StatusError:
    """Returns the answer for a request that admission refuses."""
    details = object_details(group, resource, name)
    if causes:
        details["causes"] = causes
    message = f'{qualified(group, resource)} "{name}" is forbidden: {why}'
    return StatusError(403, "Forbidden", message, details)


def bad_request(message: str) -> StatusError:
    """Returns the answer for a request that cannot be understood."""
    return StatusError(400, "BadRequest", message)


def invalid(group: str, kind: str, name: str, causes: list[tuple[str, str, str]]) -> StatusError:
    """Returns the answer for an object that breaks its kind's rules.

    Args:
        group: API group.
        kind: Kind of the object.
        name: Name of the object, may be empty.
        causes: (field path, reason such as "FieldValueInvalid", message without the path in front).
    """
    lines = list(dict.fromkeys(f"{field}: {message}" for field, _, message in causes))
    text = lines[0] if len(lines) == 1 else f"[{', '.join(lines)}]"
    details = object_details(group, kind, name)
    details["causes"] = [{"reason": reason, "message": message, "field": field} for field, reason, message in causes]
    message = f'{qualified(group, kind)} "{name}" is invalid: {text}'
    return StatusError(422, "Invalid", message, details)


def expired(requested: int, oldest: int) -> Expired:
    """Returns the answer for a resourceVersion before the kept history."""
    return Expired(410, "Expired", f"too old resource version: {requested} ({oldest})")


def continue_expired() -> Expired:
    """Returns the answer for a continue token whose snapshot is gone."""
    return Expired(
        410,
        "Expired",
        "The provided continue parameter is too old to display a consistent list result. "
        "You can start a new list without the continue parameter.",
    )


def no_such_path() -> StatusError:
    """Returns the answer for a group, version or resource that is not served."""
    return StatusError(404, "NotFound", "the server could not find the requested resource", {})


def method_not_allowed() -> StatusError:
    """Returns the answer for a verb that the resource does not have."""
    message = "the server does not allow this method on the requested resource"
    return StatusError(405, "MethodNotAllowed", message, {})
