"""The secrets of Git webhooks, read from the Secret argocd-secret when a webhook arrives and kept for a few seconds.

That Secret has no secret-type label and also holds keys that sign sessions, so it is not watched with the others: one
object is read by its name, and of it only the keys webhook.*. No value of a Secret ever goes into a message. Called by
the server.
"""

from __future__ import annotations

import base64
import binascii
import logging
import re
import threading
import typing as t

import msgspec

from controller.clock import Clock
from controller.kube.client import KubeClient
from controller.kube.discovery import ApiResource
from model.errors import Forbidden, InvalidSettings, LynceusError, NotFound
from model.secrets import WebhookSecrets

log = logging.getLogger(__name__)

SECRET = ApiResource("", "v1", "Secret", "secrets", True)
NAME = "argocd-secret"
PART_OF_LABEL, PART_OF = "app.kubernetes.io/part-of", "argocd"
"""Another Secret is only read where it carries this label."""
KEYS: t.Final = {
    "github": "webhook.github.secret",
    "gitlab": "webhook.gitlab.secret",
    "gogs": "webhook.gogs.secret",
    "bitbucket": "webhook.bitbucket.uuid",
    "bitbucketserver": "webhook.bitbucketserver.secret",
    "azure_username": "webhook.azuredevops.username",
    "azure_password": "webhook.azuredevops.password",
}
"""Field of WebhookSecrets -> key of the Secret."""
FRESH_SECONDS = 10.0
"""For so long the answer stands, so that a flood of webhooks makes one request to the API server."""
STALE_SECONDS = 600.0
"""For so long the last good answer stands while the API server cannot be asked."""
READ_SECONDS = 5.0
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
"""RFC 1123 subdomain, as names of Secrets are."""


class _Meta(msgspec.Struct, frozen=True):
    labels: dict[str, str] | None = None


class _Secret(msgspec.Struct, frozen=True):
    metadata: _Meta
    data: dict[str, str] | None = None


class WebhookSecretReader:
    """Reads and keeps them; thread-safe."""

    def __init__(self, client: KubeClient, namespace: str, clock: Clock) -> None:
        self._client, self._namespace, self._clock = client, namespace, clock
        self._lock = threading.Lock()
        self._known: WebhookSecrets | None = None
        self._read_at = self._tried_at = float("-inf")
        self._failure: LynceusError | None = None
        self._told: frozenset[str] = frozenset()

    def __call__(self) -> WebhookSecrets:
        """Return the secrets in force; all empty where there is no argocd-secret.

        Raises:
            LynceusError: the API server cannot be asked, and the last good answer is too old.
        """
        with self._lock:
            now = self._clock.monotonic()
            if now >= self._tried_at + FRESH_SECONDS:
                self._tried_at = now
                self._read()
            if self._known is not None and (self._failure is None or now < self._read_at + STALE_SECONDS):
                return self._known
            failure = self._failure or InvalidSettings(f"Secret {NAME}", "", "nothing", "an answer of the API server")
            raise failure.with_traceback(None)  # raised again and again, it would keep all who were ever told

    def _read(self) -> None:
        try:
            self._known, problems = self._secrets()
        except LynceusError as failure:
            self._failure = failure
            self._say({f"{NAME} could not be read: {type(failure).__name__}"})
            return
        self._failure, self._read_at = None, self._tried_at
        self._say(problems)

    def _say(self, problems: t.Collection[str]) -> None:
        """Log each problem once as long as it stays."""
        for problem in sorted(set(problems) - self._told):
            log.warning("a webhook secret is not usable", extra={"problem": problem})
        self._told = frozenset(problems)

    def _secrets(self) -> tuple[WebhookSecrets, set[str]]:
        """Return what can be used, and what is wrong with the rest; that one is as if it were not there."""
        try:
            own = self._get(NAME).data or {}
        except NotFound:
            return WebhookSecrets(), set()
        problems: set[str] = set()
        values: dict[str, str] = {}
        for field, key in KEYS.items():
            try:
                values[field] = self._value(own, key) if key in own else ""
            except InvalidSettings as failure:
                problems.add(str(failure))
        return WebhookSecrets(**values), problems

    def _value(self, own: t.Mapping[str, str], key: str) -> str:
        """Return a value, followed through ``$key`` of the same Secret or ``$secret:key`` of another one.

        Blanks around a value that was referred to go, for files from which Secrets are made end with a new line.
        Source: Argo CD docs, "Git Webhook Configuration", Alternative; util/settings, ReplaceStringSecret.
        """
        text = _decoded(own, key, f"Secret {NAME}")
        if not text.startswith("$"):
            return text
        name, colon, other = text[1:].partition(":")
        if not colon:
            return _decoded(own, name, f"Secret {NAME}, to which {key} refers").strip() if name in own else text
        where = f"Secret {name[:80]!r}, to which {NAME} {key} refers"
        try:
            found = self._get(name) if _NAME.fullmatch(name) else None
        except (NotFound, Forbidden):
            found = None
        if found is None:
            raise InvalidSettings(where, "", "none that may be read", "one in the control namespace")
        if (found.metadata.labels or {}).get(PART_OF_LABEL) != PART_OF:
            raise InvalidSettings(where, f"label {PART_OF_LABEL}", "another value", PART_OF)
        if other not in (found.data or {}):
            raise InvalidSettings(where, other, "nothing", "the webhook's secret")
        return _decoded(found.data or {}, other, where).strip()

    def _get(self, name: str) -> _Secret:
        path = SECRET.path(self._namespace, name)
        raw = self._client.request("GET", path, kind="Secret", timeout=READ_SECONDS)
        try:
            return msgspec.json.decode(raw, type=_Secret)
        except msgspec.MsgspecError:
            raise InvalidSettings(f"Secret {name}", "", "no Secret", "metadata and data") from None


def _decoded(data: t.Mapping[str, str], key: str, where: str) -> str:
    try:
        return base64.b64decode(data[key], validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        raise InvalidSettings(where, key, "bytes that are no text", "UTF-8 text") from None
