"""Pushes as each Git server sends them: the shape of its documentation, as little of it as is read, truly signed."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
import json
import time
import typing as t
from pathlib import Path

from model.application import Application, ApplicationSpec, Destination, Source
from model.events import PushReceived, WebhookMoved
from model.meta import ObjectMeta
from model.secrets import WebhookSecrets
from tests.server.support import Bench, Reply

OLD, NEW = "1" * 40, "2" * 40
ZEROS = "0" * 40
SECRETS = WebhookSecrets(
    github="gh-LYN-CANARY",
    gitlab="gl-LYN-CANARY",
    gogs="gogs-LYN-CANARY",
    bitbucket="5d5b7f6e-0000-4000-8000-00000ccanary",
    bitbucketserver="bbs-LYN-CANARY",
    azure_username="azure",
    azure_password="az-LYN-CANARY",
)
Headers = dict[str, str]
JSON = dict[str, t.Any]


def hmac_of(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _commits(files: t.Sequence[str]) -> list[JSON]:
    return [{"id": NEW, "added": [], "modified": list(files), "removed": []}] if files else []


def github_body(host: str = "git.example", path: str = "team/shop", **more: t.Any) -> JSON:
    """A push as GitHub, Gogs and Gitea tell it."""
    files = more.pop("files", ("web/a.yaml",))
    repository = {
        "html_url": f"https://{host}/{path}",
        "clone_url": f"https://{host}/{path}.git",
        "ssh_url": f"git@{host}:{path}.git",
        "default_branch": "main",
    }
    plain = {"ref": "refs/heads/main", "before": OLD, "after": NEW, "forced": False}
    return {**plain, "repository": repository, "commits": _commits(files), "pusher": {"name": "ada"}, **more}


def gitlab_body(ref: str = "refs/heads/main") -> JSON:
    project = {
        "web_url": "https://git.example/team/shop",
        "git_http_url": "https://git.example/team/shop.git",
        "git_ssh_url": "git@git.example:team/shop.git",
        "default_branch": "main",
    }
    return {
        "object_kind": "tag_push" if "tags" in ref else "push",
        "ref": ref,
        "before": OLD,
        "after": NEW,
        "project": project,
        "commits": _commits(["web/a.yaml"]),
        "total_commits_count": 1,
    }


def bitbucket_body(branch: str = "main") -> JSON:
    def side(commit: str) -> JSON:
        return {"type": "branch", "name": branch, "target": {"type": "commit", "hash": commit}}

    return {
        "repository": {"full_name": "team/shop", "links": {"html": {"href": "https://git.example/team/shop"}}},
        "push": {"changes": [{"new": side(NEW), "old": side(OLD), "closed": False}]},
    }


def bitbucketserver_body(ref: str = "refs/heads/main") -> JSON:
    clone = [
        {"name": "ssh", "href": "ssh://git@git.example:7999/team/shop.git"},
        {"name": "http", "href": "https://git.example/scm/team/shop.git"},
    ]
    return {
        "eventKey": "repo:refs_changed",
        "repository": {"slug": "shop", "links": {"clone": clone}},
        "changes": [{"ref": {"id": ref, "type": "BRANCH"}, "refId": ref, "fromHash": OLD, "toHash": NEW}],
    }


def azure_body(ref: str = "refs/heads/main") -> JSON:
    return {
        "eventType": "git.push",
        "resource": {
            "refUpdates": [{"name": ref, "oldObjectId": OLD, "newObjectId": NEW}],
            "repository": {"remoteUrl": "https://team@git.example/team/shop", "defaultBranch": "refs/heads/main"},
        },
    }


@dataclasses.dataclass(frozen=True)
class Server:
    """How one Git server sends."""

    name: str
    body: t.Callable[[], JSON]
    headers: t.Callable[[bytes], Headers]
    fields: tuple[str, ...]
    """Fields of WebhookSecrets."""
    proof: str
    """The header that proves."""

    def hook(self, body: t.Any = None) -> tuple[bytes, Headers]:
        """Return raw body and headers of a true push."""
        raw = body if isinstance(body, bytes) else json.dumps(self.body() if body is None else body).encode()
        return raw, {"Content-Type": "application/json", **self.headers(raw)}


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


SERVERS = {
    one.name: one
    for one in (
        Server(
            "github",
            github_body,
            lambda raw: {"X-GitHub-Event": "push", "X-Hub-Signature-256": f"sha256={hmac_of(SECRETS.github, raw)}"},
            ("github",),
            "X-Hub-Signature-256",
        ),
        Server(
            "gitlab",
            gitlab_body,
            lambda raw: {"X-Gitlab-Event": "Push Hook", "X-Gitlab-Token": SECRETS.gitlab},
            ("gitlab",),
            "X-Gitlab-Token",
        ),
        Server(
            "gogs",
            github_body,
            lambda raw: {"X-Gogs-Event": "push", "X-Gogs-Signature": hmac_of(SECRETS.gogs, raw)},
            ("gogs",),
            "X-Gogs-Signature",
        ),
        Server(
            "gitea",
            lambda: {**github_body(), "total_commits": 1},
            lambda raw: {
                "X-Gitea-Event": "push",
                "X-Gogs-Event": "push",
                "X-GitHub-Event": "push",
                "X-Gogs-Signature": hmac_of(SECRETS.gogs, raw),
                "X-Hub-Signature-256": f"sha256={hmac_of(SECRETS.gogs, raw)}",
            },
            ("gogs",),
            "X-Gogs-Signature",
        ),
        Server(
            "bitbucket",
            bitbucket_body,
            lambda raw: {"X-Event-Key": "repo:push", "X-Hook-UUID": SECRETS.bitbucket},
            ("bitbucket",),
            "X-Hook-UUID",
        ),
        Server(
            "bitbucketserver",
            bitbucketserver_body,
            lambda raw: {
                "X-Event-Key": "repo:refs_changed",
                "X-Hub-Signature": f"sha256={hmac_of(SECRETS.bitbucketserver, raw)}",
            },
            ("bitbucketserver",),
            "X-Hub-Signature",
        ),
        Server(
            "azuredevops",
            azure_body,
            lambda raw: {
                "X-Vss-Activityid": "7b5c",
                "Authorization": _basic(SECRETS.azure_username, SECRETS.azure_password),
            },
            ("azure_username", "azure_password"),
            "Authorization",
        ),
    )
}


def app(name: str, url: str = "https://git.example/team/shop", revision: str = "main", **more: t.Any) -> Application:
    """Return an Application that follows a repository."""
    annotations = more.pop("annotations", None)
    spec = ApplicationSpec(
        project=more.pop("project", "shop"),
        source=Source(repo_url=url, path=more.pop("path", "web"), target_revision=revision),
        sources=more.pop("sources", None),
        destination=Destination(server="https://c", namespace="web"),
    )
    return Application(metadata=ObjectMeta(name=name, namespace="argocd", annotations=annotations), spec=spec, **more)


class HookBench(Bench):
    """A bench with webhooks switched on, and what they brought about."""

    def __init__(self, tmp_path: Path, secrets: WebhookSecrets = SECRETS, **changes: t.Any) -> None:
        self.secrets = secrets
        self.pushed: list[t.Any] = []
        given: JSON = {
            "webhook_secrets": lambda: self.secrets,
            "refresh_pushed": lambda key, *, since, pushed_at: self.pushed.append((key.name, since, pushed_at)),
        }
        super().__init__(tmp_path, **(given | changes))
        self.apps = [app("web"), app("other", "https://git.example/team/other")]

    def post(self, hook: tuple[bytes, Headers], **more: str) -> Reply:
        """Send a webhook; further headers replace, an empty one takes away."""
        body, headers = hook
        return self.request("POST", "/api/webhook", body=body, headers={**headers, **more})

    def names(self, count: int = 1, timeout: float = 5.0) -> list[str]:
        """Wait for so many refreshes and return the names of the Applications, in the order of the refreshes."""
        until = time.monotonic() + timeout
        while len(self.pushed) < count and time.monotonic() < until:
            time.sleep(0.01)
        return [name for name, _, _ in self.pushed]

    def received(self) -> list[PushReceived]:
        return [event for event in list(self.events) if isinstance(event, PushReceived)]

    def moved(self) -> list[WebhookMoved]:
        return [event for event in list(self.events) if isinstance(event, WebhookMoved)]
