"""Our errors -> status code and JSON body, in one table. No traceback and no foreign text leaves the process."""

from __future__ import annotations

import logging
import traceback
import typing as t

import flask
import msgspec
from werkzeug.exceptions import HTTPException

from model import errors
from model.decision import Decision

_LOG = logging.getLogger(__name__)

STATUS: t.Final[tuple[tuple[type[errors.LynceusError], int], ...]] = (
    (errors.InvalidInput, 400),
    (errors.Denied, 403),
    (errors.Forbidden, 403),
    (errors.NotFound, 404),
    (errors.Conflict, 409),
    (errors.AlreadyExists, 409),
    (errors.Rejected, 422),
    (errors.TooManyRequests, 429),
    (errors.TemporaryError, 503),
    (errors.LynceusError, 500),
)
"""The first entry that fits counts."""

Answer = tuple[flask.Response, int]


def answer(status: int, message: str, **more: t.Any) -> Answer:
    """Return an error as JSON: error (one line), code, and what else is given."""
    return flask.jsonify({"error": message, "code": status, **more}), status


def describe(decision: Decision) -> dict[str, t.Any]:
    """Return a Decision as JSON values: allowed, reason, rule, remedy, until (RFC 3339 or null), overrode."""
    rule = decision.rule
    return {
        "allowed": decision.allowed,
        "reason": decision.reason,
        "rule": msgspec.to_builtins(rule) if rule else None,
        "remedy": decision.remedy,
        "until": decision.until.strftime("%Y-%m-%dT%H:%M:%SZ") if decision.until else None,
        "reasons": list(decision.reasons),
        "overrode": msgspec.to_builtins(decision.overrode) if decision.overrode else None,
    }


def register(app: flask.Flask) -> None:
    """Make every error of the application JSON."""
    app.register_error_handler(errors.LynceusError, _ours)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def _ours(error: errors.LynceusError) -> Answer:
    status = next(code for kind, code in STATUS if isinstance(error, kind))
    if isinstance(error, errors.Denied):
        return answer(status, str(error), decision=describe(error.decision))
    return answer(status, str(error))


def _http(error: HTTPException) -> Answer:
    status = error.code or 500
    return answer(status, (error.name or "error").lower())


def _unexpected(error: Exception) -> Answer:
    """Answer for a defect of ours; the log names the place, not the text, which could hold anything."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    _LOG.error("A request failed", extra={"path": flask.request.path, "error": type(error).__name__, "where": place})
    return answer(500, "internal error")
