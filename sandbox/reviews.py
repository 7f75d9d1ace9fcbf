"""Reviews: questions that are answered and not stored. Everybody who holds the token may do everything."""

from __future__ import annotations

from typing import Any

from sandbox.requests import Request

_ALL = [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]
_ALL_PATHS = [{"verbs": ["*"], "nonResourceURLs": ["*"]}]


def answer(kind: str, body: dict[str, Any], request: Request, now: str) -> dict[str, Any]:
    """Returns a review with its status filled in.

    Args:
        kind: For example "SelfSubjectAccessReview".
        body: What was asked.
        request: Who asks.
        now: The present time as RFC 3339 text.
    """
    meta = body.get("metadata") or {}
    if kind == "SelfSubjectReview":
        user = {"username": request.user, "groups": list(request.groups)}
        return {"metadata": {**meta, "creationTimestamp": now}, "status": {"userInfo": user}}
    if kind == "TokenReview":
        status: dict[str, Any] = {"user": {}, "error": "invalid bearer token"}
    elif kind == "SelfSubjectRulesReview":
        status = {"resourceRules": _ALL, "nonResourceRules": _ALL_PATHS, "incomplete": False}
    else:
        status = {"allowed": True}
    return {"metadata": meta, "spec": body.get("spec") or {}, "status": status}
