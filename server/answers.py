"""The one door of JSON answers: user and password are taken out of every URL in every text. Called by Flask.

Reasons of decisions, descriptions of windows and messages of conditions are written by people, who paste URLs.
"""

from __future__ import annotations

import typing as t

from flask.json.provider import DefaultJSONProvider

from model.redaction import without_userinfo


class Answers(DefaultJSONProvider):
    """Writes the answers of the API."""

    def dumps(self, obj: t.Any, **kwargs: t.Any) -> str:
        """Return JSON text without credentials."""
        return super().dumps(redacted(obj), **kwargs)


def redacted(value: t.Any) -> t.Any:
    """Return JSON values with user and password taken out of every URL in every text."""
    if isinstance(value, str):
        return without_userinfo(value)
    if isinstance(value, dict):
        return {key: redacted(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [redacted(inner) for inner in value]
    return value
