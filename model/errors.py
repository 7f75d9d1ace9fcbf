"""The whole error tree of Lynceus. Two words decide retry: *temporary* and *permanent*.

::

    LynceusError
    ├── InvalidInput              what somebody wrote is wrong: object, path, found, wanted
    │   ├── InvalidSpec           an Application or AppProject -> condition InvalidSpecError
    │   ├── InvalidPolicy         policy CSV, window, match mode -> last good is kept
    │   └── InvalidSettings       argocd-cm, Secrets, command-line options
    ├── TemporaryError            worth another try after a back-off
    │   ├── ApiUnavailable        connection refused, 5xx, cut stream, wrong content with 200
    │   ├── TooManyRequests       429, with `retry_after` seconds
    │   ├── Conflict              409 on a stale write
    │   ├── Gone                  410: the resourceVersion is too old, list again
    │   ├── Unauthenticated       401: credentials may be rotated under our feet
    │   └── SourceUnavailable     Git server or chart repository not reachable
    └── PermanentError            no retry until an input changes
        ├── NotFound              404
        ├── AlreadyExists         409 on create
        ├── Forbidden             403
        ├── Rejected              400, 413, 415, 422: the API server refuses the object
        ├── SourceError           repository, revision or path does not exist
        ├── RenderError           the manifests cannot be made from the source
        └── Denied                a policy decision said no; carries it
"""

# ruff: noqa: N818 - names say what happened, in the words of HTTP and Kubernetes

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from model.decision import Decision


class LynceusError(Exception):
    """Base of all errors that Lynceus raises on purpose; the text is one clear line, free of secrets."""


class InvalidInput(LynceusError):
    """Say which object, which path in it, what was found and what would be right.

    Args:
        where: the object or file, for example ``AppProject argocd/shop`` or ``policy.csv:12``.
        path: JSON path or field inside it (``spec.syncWindows[0].schedule``); empty when the whole is meant.
        found: what stands there, shortened; never a secret.
        wanted: what would be right.
    """

    def __init__(self, where: str, path: str, found: str, wanted: str) -> None:
        self.where, self.path, self.found, self.wanted = where, path, found, wanted
        place = f"{where}: {path}" if path else where
        super().__init__(f"{place}: found {found}, expected {wanted}")


class InvalidSpec(InvalidInput):
    """An Application or AppProject that cannot be used as written."""


class InvalidPolicy(InvalidInput):
    """A policy text or sync window that cannot be used as written."""


class InvalidSettings(InvalidInput):
    """A setting, Secret or option that cannot be used as written."""


class TemporaryError(LynceusError):
    """Worth another try after a back-off."""


class ApiUnavailable(TemporaryError):
    """The API server did not answer, or not with what it must answer."""


class TooManyRequests(TemporaryError):
    """The API server asks to come back later."""

    def __init__(self, text: str, retry_after: float) -> None:
        super().__init__(text)
        self.retry_after = retry_after
        """Seconds, from the Retry-After header; 1 when it was absent."""


class Conflict(TemporaryError):
    """Somebody else wrote the object since we read it (409)."""


class Gone(TemporaryError):
    """The resourceVersion or continue token is too old (410): list again."""


class Unauthenticated(TemporaryError):
    """The API server did not accept our credentials (401); they are read again before the next try."""


class SourceUnavailable(TemporaryError):
    """A Git server or chart repository could not be reached."""


class PermanentError(LynceusError):
    """No retry until an input changes."""


class NotFound(PermanentError):
    """The object or the API does not exist (404)."""


class AlreadyExists(PermanentError):
    """The object to be created is there already (409)."""


class Forbidden(PermanentError):
    """Kubernetes RBAC or an admission webhook refuses (403)."""


class Rejected(PermanentError):
    """The API server refuses the object (400, 413, 415, 422)."""


class SourceError(PermanentError):
    """The repository, revision, path or chart does not exist or may not be read."""


class RenderError(PermanentError):
    """The manifests cannot be made from the source."""


class Denied(PermanentError):
    """A policy decision said no."""

    def __init__(self, decision: Decision) -> None:
        super().__init__(decision.reason)
        self.decision = decision
