"""What a family may hold, and what may stand in a label: a scrape always succeeds and shows no secret."""

from __future__ import annotations

import datetime as dt
import gzip
import itertools
import typing as t

import msgspec
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter import Exporter
from exporter.catalogue import CATALOGUE
from exporter.choice import MOST_LABEL_SETS, MOST_LINES, Choice
from model import events
from model.application import Application
from model.events import ApplicationDeleted, Event, GitRequestFinished, RepositoryKnown
from model.meta import NamespacedName
from tests.exporter.script import (
    REPO,
    application,
    attempted,
    behind,
    busy_minute,
    changed,
    ended,
    exporter,
    git,
    lines,
    permission,
    queues,
    stands,
)

DROPPED = "lynceus_metrics_dropped_label_values_total"
OPENMETRICS = "application/openmetrics-text"
FEW = Choice(most_lines=10, most_label_sets=30, application_labels=("team",))


def dropped(made: Exporter, family: str) -> float:
    """Return how many samples of a family were dropped."""
    (line,) = [line for line in lines(made, DROPPED) if f'"{family}"' in line]
    return float(line.rsplit(" ", 1)[1])


def readable(made: Exporter) -> None:
    """Scrape in every form; all of them can be read."""
    for accept, encoding in itertools.product(("", OPENMETRICS), ("", "gzip")):
        body, headers = made.exposition(accept, encoding)
        text = (gzip.decompress(body) if "Content-Encoding" in dict(headers) else body).decode("utf-8")
        assert list((parse_openmetrics if accept else parse_text)(text))


def test_the_limits_are_those_that_are_documented() -> None:
    """Per family: many for Applications, fewer for all else."""
    assert (200_000, 20_000) == (MOST_LINES, MOST_LABEL_SETS)
    assert (MOST_LINES, MOST_LABEL_SETS) == (Choice().most_lines, Choice().most_label_sets)


def test_a_family_of_applications_stops_at_its_limit() -> None:
    """What is beyond is dropped and counted; room that is given back is used by whoever changes next."""
    made = exporter(*(changed(f"app-{number}") for number in range(12)), chosen=FEW)
    assert 10 == len(lines(made, "argocd_app_info")) == len(lines(made, "argocd_app_sync_total"))
    assert 2 == dropped(made, "argocd_app_info")
    assert 26 == dropped(made, "argocd_app_sync_total")
    made.listen(changed("app-11"))
    assert 3 == dropped(made, "argocd_app_info")
    for number in range(10):
        made.listen(ApplicationDeleted(key=NamespacedName("argocd", f"app-{number}")))
    made.listen(changed("app-11"))
    assert 1 == len(lines(made, "argocd_app_info"))
    assert 3 == len(lines(made, "argocd_app_sync_total"))
    assert 0 == dropped(made, "lynceus_app_sync_allowed")


def test_an_application_in_all_kinds_of_trouble_has_twelve_series_of_our_own() -> None:
    """And those of its objects: no more than docs/metrics.md promises, without anything that has to be asked for."""
    pairs = [("Synced", "Healthy"), ("OutOfSync", "Missing"), ("OutOfSync", "Degraded")]
    made = exporter(
        changed(sync="OutOfSync", health="Degraded", resources=pairs, operation_state=ended("Failed")),
        stands(drift_since=1.0, unhealthy_since=2.0, health_status="Degraded"),
        behind(oldest=1.0),
        permission(automated=False, manual=False, until=dt.datetime(2026, 1, 1, tzinfo=dt.UTC)),
        attempted(),
        chosen=Choice(),
    )
    mine = [x for x in lines(made) if 'name="web"' in x and x.startswith("lynceus_")]
    assert 3 == sum(x.startswith("lynceus_app_resources{") for x in mine)
    assert 12 + 3 == len(mine)
    (allowed,) = [x for x in mine if 'trigger="auto"' in x]
    assert allowed.endswith(" 0.0")
    assert 1 == sum(x.startswith("lynceus_app_sync_blocked{") for x in mine)


def test_a_table_stops_at_its_limit() -> None:
    """Clusters, sets, windows: as everything else."""
    made = exporter(chosen=FEW)
    for number in range(40):
        made.listen(events.ApplicationSetChanged(key=NamespacedName("argocd", f"set-{number}")))
    assert 30 == len(lines(made, "argocd_appset_info"))
    assert dropped(made, "argocd_appset_info") >= 10


def test_the_guard_itself_is_never_full() -> None:
    """It has one series per family, whatever the limit, and all of them from the start."""
    made = exporter(chosen=Choice(most_label_sets=1))
    names = {metric.name for metric in CATALOGUE if Choice().wants(metric)}
    assert names == {line.split('"')[1] for line in lines(made, DROPPED)}
    assert {"0.0"} <= {line.rsplit(" ", 1)[1] for line in lines(made, DROPPED)}


def test_the_number_of_label_sets_is_told_for_every_family() -> None:
    """Of those of Applications as of the others, at the moment of the scrape."""
    made = exporter(*busy_minute(1))
    told = {line.split('"')[1]: float(line.rsplit(" ", 1)[1]) for line in lines(made, "lynceus_metrics_series")}
    assert {metric.name for metric in CATALOGUE} == set(told)
    assert (3, 9, 2, 4) == (
        told["argocd_app_info"],
        told["argocd_app_sync_total"],
        told["lynceus_policy_rule_info"],
        told["argocd_git_request_total"],
    )
    assert len(CATALOGUE) == told["lynceus_metrics_series"]


def test_a_hundred_thousand_repositories_make_a_bounded_number_of_series() -> None:
    """Whoever can send events with names in them cannot make the scrape grow without end."""
    made = exporter(RepositoryKnown(repo=REPO), git("fetch"), chosen=Choice(most_label_sets=500))
    for number in range(100_000):
        name = f"https://git.example/{number}"
        made.listen(events.WebhookMoved(ended=True, repo=name, status=200))
        if number % 100 == 0:
            made.listen(RepositoryKnown(repo=name))
            made.listen(GitRequestFinished(repo=name, request_type="fetch", result="error", seconds=0.1, revision="x"))
            made.listen(events.GitWait(repo=name, pending=1))
    assert 500 == len(lines(made, "argocd_webhook_requests_total"))
    assert 99_500 == dropped(made, "argocd_webhook_requests_total")
    for name in ("argocd_git_request_total", "argocd_git_fetch_fail_total", "argocd_repo_pending_request_total"):
        assert 500 == len(lines(made, name))
    made.listen(git("fetch"))
    (known,) = [x for x in lines(made, "argocd_git_request_total") if REPO in x and "fetch" in x and "success" in x]
    assert known.endswith(" 2.0")
    readable(made)


ODD = 'new\nline "quoted" back\\slash \ud800 \x00 \x85 \u2028 é'


def oddly(event: Event) -> Event:
    """Return the event with odd text in every text that it holds."""
    return t.cast("Event", _odd(event))


def _odd(value: t.Any) -> t.Any:
    if isinstance(value, (Application, events.ProjectChanged)):
        return value
    if isinstance(value, msgspec.Struct):
        kept = {
            "what",
            "queue",
            "kind",
            "phase",
            "key",
            "result",
            "effect",
            "request_type",
            "level",
            "command",
            "application",
        }
        changes = {f: _odd(getattr(value, f)) for f in value.__struct_fields__ if f not in kept}
        return msgspec.structs.replace(value, **changes)
    if isinstance(value, str):
        return value + ODD
    if isinstance(value, dict):
        return {_odd(k): _odd(v) for k, v in value.items()}
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return tuple(_odd(item) for item in value)
    return value


def test_odd_text_in_every_event_is_mended() -> None:
    """Newlines, quotes and lone surrogates, wherever a label comes from: every scrape can be read."""
    made = exporter()
    for event in busy_minute(1):
        made.listen(oddly(event))
    readable(made)


def odd_application() -> Application:
    """Return an Application whose every text is odd."""
    app = application(
        "web" + ODD, project="shop" + ODD, repo_url="https://git.example/" + ODD, sync="S" + ODD, health=ODD
    )
    return msgspec.structs.replace(
        app,
        metadata=msgspec.structs.replace(app.metadata, labels={"team": ODD, "environment": ODD}),
        spec=msgspec.structs.replace(
            app.spec, destination=msgspec.structs.replace(app.spec.destination, namespace=ODD)
        ),
        status=application(resources=[(ODD, ODD)], conditions=(ODD,), operation_state=ended("Failed")).status,
    )


def test_an_application_of_odd_text_is_shown_and_goes_without_a_trace() -> None:
    """Its series can be read, and be removed."""
    app = odd_application()
    made = exporter(changed("other"))
    before = [line for line in lines(made) if not line.startswith(("process_", "lynceus_metrics_"))]
    key = app.key
    made.listen(events.ApplicationChanged(application=app, dest_server="https://" + ODD))
    made.listen(msgspec.structs.replace(permission(), key=key))
    made.listen(msgspec.structs.replace(attempted(), key=key, dest_server=ODD))
    readable(made)
    assert 2 == len(lines(made, "argocd_app_info"))
    made.listen(ApplicationDeleted(key=key))
    assert before == [line for line in lines(made) if not line.startswith(("process_", "lynceus_metrics_"))]


CANARY = "LYN-CANARY"


@pytest.mark.parametrize(
    "url",
    [
        f"https://user:{CANARY}@git.example/x",
        f"https://{CANARY}@git.example/x.git",
        f"ssh://{CANARY}@git.example/x",
        f"https://user:{CANARY}@127.0.0.1/x?token={CANARY}",
        f"https://user:p@{CANARY}@git.example/x",
        f"{CANARY}@git.example:x",
    ],
)
def test_a_credential_in_a_url_reaches_no_label(url: str) -> None:
    """Of an Application's repositories, of Git requests, of pushes: user and password are taken out."""
    made = exporter(
        changed(repo_url=url),
        RepositoryKnown(repo=url),
        git("fetch", "error", repo=url),
        git("ls-remote", repo=url),
        events.GitWait(repo=url, pending=1),
        events.WebhookMoved(ended=True, repo=url, status=200),
        ApplicationDeleted(key=NamespacedName("argocd", "gone")),
    )
    for accept in ("", OPENMETRICS):
        assert CANARY.encode() not in made.exposition(accept)[0]
    assert 4 == len(lines(made, "argocd_git_request_total"))


def test_queues_of_odd_names_are_mended_too() -> None:
    """What is asked at the scrape goes the same way."""
    made = exporter()
    made.sample(queues=lambda: [msgspec.structs.replace(state, queue=ODD) for state in queues()])
    readable(made)
