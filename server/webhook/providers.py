"""The Git servers: how each is recognised, how it proves itself, which of its events are pushes. Pure.

Secrets are compared in constant time; a header that decides anything must stand exactly once. Source: Argo CD
util/webhook/webhook.go, Handler, and the webhook documentation of each server.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import typing as t

import msgspec

from model.errors import InvalidInput
from model.secrets import WebhookSecrets
from server.webhook import payloads
from server.webhook.pushes import Push


class Headers:
    """The headers of one request."""

    def __init__(self, pairs: t.Iterable[tuple[bytes, bytes]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name.decode("latin-1").lower(), []).append(value.strip(b" \t").decode("latin-1"))

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def one(self, name: str) -> str:
        """Return the value of a header that stands once, empty text when it is absent; raises InvalidInput."""
        found = self._values.get(name, [])
        if len(found) > 1:
            raise InvalidInput("request", f"header {name}", f"{len(found)} of them", "one")
        return found[0] if found else ""


class ForgeryError(Exception):
    """The request does not prove that it comes from the Git server."""


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of Git server."""

    name: str
    """For people."""
    mark: str
    """The header that only this server sends, among those that come after the others were looked for."""
    event: str
    """The header that names the event; empty: the body does."""
    pushes: tuple[str, ...]
    """The events that are pushes."""
    tests: tuple[str, ...] = ()
    """Events that ask whether anybody is there; nothing follows from them, so that they need no proof."""
    keys: str
    """Which keys of argocd-secret switch it on."""
    secret: t.Callable[[WebhookSecrets], str]
    verify: t.Callable[[Headers, bytes, WebhookSecrets], bool]
    read: t.Callable[[bytes], Push | None]

    def on(self, secrets: WebhookSecrets) -> bool:
        """Say whether its webhooks are taken at all."""
        return bool(self.secret(secrets))

    def take(self, headers: Headers, body: bytes, secrets: WebhookSecrets) -> Push | None:
        """Return the push, None for another event.

        Raises:
            ForgeryError: signature, token or password are missing or wrong.
            InvalidInput: header or body cannot be understood.
        """
        if self.on(secrets) and self.event and headers.one(self.event) in self.tests:
            return None
        if not self.on(secrets) or not self.verify(headers, body, secrets):
            raise ForgeryError(self.name)
        if self.event and headers.one(self.event) not in self.pushes:
            return None
        return self.read(body)


def recognise(headers: Headers) -> Provider | None:
    """Return which Git server sent a request; the order is Argo CD's, for Gitea also sends GitHub's headers."""
    return next((provider for provider in PROVIDERS if provider.mark in headers), None)


def _same(given: str, wanted: str) -> bool:
    """Compare in constant time; an empty secret equals nothing."""
    return bool(wanted) and hmac.compare_digest(given.encode("latin-1", "replace"), wanted.encode("utf-8"))


def _signed(header: str, prefix: str, secret: t.Callable[[WebhookSecrets], str]) -> t.Callable[..., bool]:
    """Return the check of an HMAC-SHA256 over the raw body, in hexadecimal digits after a prefix."""

    def verify(headers: Headers, body: bytes, secrets: WebhookSecrets) -> bool:
        given = headers.one(header)
        wanted = hmac.new(secret(secrets).encode("utf-8"), body, hashlib.sha256).hexdigest()
        return given.startswith(prefix) and _same(given[len(prefix) :].lower(), wanted)

    return verify


def _token(headers: Headers, body: bytes, secrets: WebhookSecrets) -> bool:
    return _same(headers.one("x-gitlab-token"), secrets.gitlab)


def _hook_uuid(headers: Headers, body: bytes, secrets: WebhookSecrets) -> bool:
    return _same(headers.one("x-hook-uuid").strip("{}"), secrets.bitbucket.strip("{}"))


def _basic(headers: Headers, body: bytes, secrets: WebhookSecrets) -> bool:
    scheme, _, text = headers.one("authorization").partition(" ")
    try:
        user, colon, password = base64.b64decode(text.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return False
    same_user = hmac.compare_digest(user, secrets.azure_username.encode("utf-8"))
    same_password = hmac.compare_digest(password, secrets.azure_password.encode("utf-8"))
    return scheme.lower() == "basic" and bool(colon) and same_user and same_password


def _github(secrets: WebhookSecrets) -> str:
    return secrets.github


def _gogs(secrets: WebhookSecrets) -> str:
    return secrets.gogs


def _bitbucketserver(secrets: WebhookSecrets) -> str:
    return secrets.bitbucketserver


PROVIDERS: t.Final = (
    Provider(
        name="Azure DevOps",
        mark="x-vss-activityid",
        event="",
        pushes=(),
        keys="webhook.azuredevops.username and webhook.azuredevops.password",
        secret=lambda secrets: secrets.azure_password,
        verify=_basic,
        read=payloads.azuredevops,
    ),
    Provider(
        name="Gogs",
        mark="x-gogs-event",
        event="x-gogs-event",
        pushes=("push",),
        keys="webhook.gogs.secret",
        secret=_gogs,
        verify=_signed("x-gogs-signature", "", _gogs),
        read=payloads.gogs,
    ),
    Provider(
        name="GitHub",
        mark="x-github-event",
        event="x-github-event",
        pushes=("push",),
        keys="webhook.github.secret",
        secret=_github,
        verify=_signed("x-hub-signature-256", "sha256=", _github),
        read=payloads.github,
    ),
    Provider(
        name="GitLab",
        mark="x-gitlab-event",
        event="x-gitlab-event",
        pushes=("Push Hook", "Tag Push Hook", "System Hook"),
        keys="webhook.gitlab.secret",
        secret=lambda secrets: secrets.gitlab,
        verify=_token,
        read=payloads.gitlab,
    ),
    Provider(
        name="Bitbucket Cloud",
        mark="x-hook-uuid",
        event="x-event-key",
        pushes=("repo:push",),
        keys="webhook.bitbucket.uuid",
        secret=lambda secrets: secrets.bitbucket,
        verify=_hook_uuid,
        read=payloads.bitbucket,
    ),
    Provider(
        name="Bitbucket Server",
        mark="x-event-key",
        event="x-event-key",
        pushes=("repo:refs_changed",),
        tests=("diagnostics:ping",),
        keys="webhook.bitbucketserver.secret",
        secret=_bitbucketserver,
        verify=_signed("x-hub-signature", "sha256=", _bitbucketserver),
        read=payloads.bitbucketserver,
    ),
)
"""In the order in which they are looked for."""
