"""The secrets of webhooks, read from Secrets by name."""

from __future__ import annotations

import base64
import json
import typing as t

import pytest

from controller.webhooksecrets import FRESH_SECONDS, STALE_SECONDS, WebhookSecretReader
from model.errors import ApiUnavailable, Forbidden, LynceusError, NotFound
from model.secrets import WebhookSecrets

PART = {"app.kubernetes.io/part-of": "argocd"}


class Cluster:
    """Secrets by name, a clock, and what was asked for."""

    def __init__(self, **secrets: t.Any) -> None:
        self.secrets: dict[str, t.Any] = secrets
        self.failure: LynceusError | None = None
        self.asked: list[str] = []
        self.seconds = 0.0

    def request(self, method: str, path: str, *, kind: str, timeout: float) -> bytes:
        assert ("GET", "Secret", True) == (method, kind, timeout <= 5)
        name = path.rpartition("/")[2]
        self.asked.append(path)
        if self.failure is not None:
            raise self.failure
        if name not in self.secrets:
            raise NotFound(path)
        labels, data = self.secrets[name]
        coded = {key: v if isinstance(v, str) else base64.b64encode(v).decode() for key, v in data.items()}
        return json.dumps({"kind": "Secret", "metadata": {"name": name, "labels": labels}, "data": coded}).encode()

    def monotonic(self) -> float:
        return self.seconds

    def reader(self) -> WebhookSecretReader:
        return WebhookSecretReader(t.cast("t.Any", self), "argocd", t.cast("t.Any", self))


def own(**data: t.Any) -> Cluster:
    return Cluster(**{"argocd-secret": (None, {key.replace("__", "."): value for key, value in data.items()})})


def test_each_key_has_its_field() -> None:
    """The seven keys of Argo CD's manual; nothing else of the Secret is kept."""
    keys = {
        "webhook.github.secret": b"1",
        "webhook.gitlab.secret": b"2",
        "webhook.gogs.secret": b"3",
        "webhook.bitbucket.uuid": b"4",
        "webhook.bitbucketserver.secret": b"5",
        "webhook.azuredevops.username": b"6",
        "webhook.azuredevops.password": b"7",
        "admin.password": b"LYN-CANARY",
        "server.secretkey": b"\xff\xfe",
    }
    cluster = Cluster(**{"argocd-secret": (None, keys)})
    assert (
        WebhookSecrets(
            github="1", gitlab="2", gogs="3", bitbucket="4", bitbucketserver="5", azure_username="6", azure_password="7"
        )
        == cluster.reader()()
    )
    assert ["/api/v1/namespaces/argocd/secrets/argocd-secret"] == cluster.asked
    assert "1" not in repr(cluster.reader()())


def test_no_secret_means_all_off() -> None:
    """Neither an absent Secret nor an empty one is an error."""
    assert WebhookSecrets() == Cluster().reader()()
    assert WebhookSecrets() == own().reader()()
    assert WebhookSecrets() == own(webhook__github__secret=b"").reader()()


def test_a_flood_asks_once() -> None:
    """The answer stands for some seconds, and a change is seen after them."""
    cluster = own(webhook__github__secret=b"old")
    reader = cluster.reader()
    assert {"old"} == {reader().github for _ in range(100)}
    cluster.secrets["argocd-secret"] = (None, {"webhook.github.secret": b"new"})
    assert ("old", 1) == (reader().github, len(cluster.asked))
    cluster.seconds = FRESH_SECONDS
    assert ("new", 2) == (reader().github, len(cluster.asked))


@pytest.mark.parametrize("failure", [ApiUnavailable("away LYN-CANARY"), Forbidden("no LYN-CANARY")])
def test_the_last_good_answer_outlives_the_api_server(failure: LynceusError, caplog: pytest.LogCaptureFixture) -> None:
    """For ten minutes; then, and where there never was one, it is an error, asked for again only after a while."""
    cluster = own(webhook__github__secret=b"s")
    reader = cluster.reader()
    assert "s" == reader().github
    cluster.failure = failure
    cluster.seconds = STALE_SECONDS - 1
    assert "s" == reader().github
    cluster.seconds = STALE_SECONDS + 1
    with pytest.raises(type(failure)):
        reader()
    asked = len(cluster.asked)
    with pytest.raises(type(failure)):
        cluster.reader()()
    lengths = set()
    for _ in range(10):
        with pytest.raises(type(failure)) as told:
            reader()
        lengths.add(len(told.traceback))
    assert 1 == len(lengths), "the failure remembers all who were told of it"
    assert len(cluster.asked) <= asked + 2
    assert "CANARY" not in caplog.text


def test_values_may_stand_in_another_secret() -> None:
    """$name:key of a Secret with the label part-of, $key of the same one; a dollar before nothing known is itself."""
    cluster = own(
        webhook__github__secret=b"$hooks:github",
        webhook__gitlab__secret=b"$here",
        webhook__gogs__secret=b"$unknown",
        here=b"found",
    )
    cluster.secrets["hooks"] = (PART, {"github": b"elsewhere"})
    found = cluster.reader()()
    assert ("elsewhere", "found", "$unknown") == (found.github, found.gitlab, found.gogs)


def test_blanks_around_what_is_referred_to_go() -> None:
    """A Secret made of a file ends with a new line; a value that stands in argocd-secret itself is taken as it is."""
    cluster = own(
        webhook__github__secret=b"$hooks:github",
        webhook__gitlab__secret=b"$here",
        webhook__gogs__secret=b" g \n",
        here=b"b\n",
    )
    cluster.secrets["hooks"] = (PART, {"github": b" a b\n"})
    found = cluster.reader()()
    assert ("a b", "b", " g \n") == (found.github, found.gitlab, found.gogs)


@pytest.mark.parametrize(
    ("reference", "labels", "data"),
    [
        (b"$hooks:github", None, {"github": b"LYN-CANARY"}),
        (b"$hooks:github", {"app.kubernetes.io/part-of": "other"}, {"github": b"LYN-CANARY"}),
        (b"$hooks:gitlab", PART, {"github": b"LYN-CANARY"}),
        (b"$hooks:github", PART, {"github": b"\xff\xfe"}),
        (b"$hooks:github", PART, {"github": "no base64!"}),
        (b"$gone:github", PART, {"github": b"LYN-CANARY"}),
        (b"$../../default/secrets/hooks:github", PART, {"github": b"LYN-CANARY"}),
        (b"$:github", PART, {"github": b"LYN-CANARY"}),
        (b"\xff\xfe", None, {}),
    ],
)
def test_what_cannot_be_used_is_off_and_told_once(
    reference: bytes, labels: t.Any, data: t.Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The others stay on; one warning as long as it stays, without a value; no path is made of a name."""
    cluster = own(webhook__github__secret=reference, webhook__gogs__secret=b"on")
    cluster.secrets["hooks"] = (labels, data)
    reader = cluster.reader()
    for _ in range(3):
        assert ("", "on") == (reader().github, reader().gogs)
        cluster.seconds += FRESH_SECONDS
    assert 1 == len(caplog.records)
    assert "webhook.github.secret" in str(caplog.records[0].__dict__["problem"])
    assert "CANARY" not in str(caplog.records[0].__dict__)
    assert not [path for path in cluster.asked if ".." in path]
