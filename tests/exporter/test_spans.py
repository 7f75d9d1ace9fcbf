"""Deployment traces: one id, one root, whoever tells of it and in which order; and which traces are kept."""

from __future__ import annotations

import math
import typing as t

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode

from exporter import spans as module
from exporter.spans import Spans
from model.events import DeploymentEnded, Event, PolicyLoaded, PushReceived, Stage
from model.meta import NamespacedName
from model.traces import deployment_revision, deployment_span_id, deployment_trace_id
from tests.exporter.script import turn

KEY = NamespacedName("argocd", "web")
COMMIT = "d7927a27b4533926b7d86b5f249cd9ebe7625e90"
TRACE = deployment_trace_id(KEY, COMMIT)
ROOT = int(deployment_span_id(KEY, COMMIT), 16)


def ended(**values: t.Any) -> DeploymentEnded:
    """Return a deployment of 60 seconds."""
    given: dict[str, t.Any] = {
        "key": KEY,
        "project": "shop",
        "environment": "prod",
        "result": "success",
        "revision": COMMIT,
        "trace_id": TRACE,
        "started": 990.0,
        "ended": 1050.0,
        "lead_seconds": 60.0,
        "stages": {"commit_to_seen": 10.0, "seen_to_synced": 20.5},
    }
    return DeploymentEnded(**(given | values))


def push(revision: str = COMMIT) -> PushReceived:
    """Return a push half a second before the turn."""
    return PushReceived(key=KEY, project="shop", repo="https://u:CANARY@git.example/shop", revision=revision, at=999.5)


def part(**values: t.Any) -> Event:
    """Return a turn that is part of the deployment."""
    return turn(trace_id=TRACE, deploys=COMMIT, **values)


def made(*events: Event, sample: float = 1.0) -> list[ReadableSpan]:
    """Return the spans of the events, as the sender makes them."""
    spans = Spans("0.1.0", sample)
    return [span for event in events if spans.wanted(event) for span in spans.of(event)]


def named(found: list[ReadableSpan], name: str) -> ReadableSpan:
    """Return the one span of a name."""
    (span,) = [span for span in found if span.name == name]
    return span


def test_push_turns_and_end_are_one_trace_below_one_root() -> None:
    """Everything of a commit has its trace id; the root comes last and is the parent of all that came before."""
    found = made(push(), part(), part(queue="operation"), ended())
    assert {int(TRACE, 16)} == {span.context.trace_id for span in found}
    *others, root = found
    assert ("lynceus.deployment", ROOT, None) == (root.name, root.context.span_id, root.parent)
    assert (990_000_000_000, 1_050_000_000_000) == (root.start_time, root.end_time)
    below = [span.name for span in others if span.parent and span.parent.span_id == ROOT]
    assert ["lynceus.push", "lynceus.reconcile", "lynceus.reconcile"] == below


def test_another_process_puts_its_spans_into_the_same_trace() -> None:
    """Nothing but Application and commit is needed to find the root."""
    before, after = made(push(), part()), made(part(), ended())
    assert 1 == len({span.context.trace_id for span in (*before, *after)})
    parents = {s.parent.span_id for s in (*before, *after) if s.name == "lynceus.reconcile" and s.parent}
    assert {ROOT} == parents


def test_the_root_says_how_it_ended_and_where_the_time_went() -> None:
    """Result, lead time and stages are attributes; anything but success is an error."""
    (root,) = made(ended())
    assert {
        "argocd.app.name": "web",
        "argocd.app.namespace": "argocd",
        "argocd.app.project": "shop",
        "argocd.resolved_revision": COMMIT,
        "lynceus.environment": "prod",
        "lynceus.outcome.deployment": "success",
        "lynceus.lead_time.seconds": 60.0,
        "lynceus.stage.commit_to_seen.seconds": 10.0,
        "lynceus.stage.seen_to_synced.seconds": 20.5,
    } == dict(root.attributes or {})
    assert StatusCode.UNSET is root.status.status_code
    failed = [made(ended(result=result, lead_seconds=None))[0] for result in ("failed", "rolled_back")]
    assert [StatusCode.ERROR] * 2 == [span.status.status_code for span in failed]
    assert "lynceus.lead_time.seconds" not in (failed[0].attributes or {})


def test_a_push_that_names_no_commit_joins_with_its_turn() -> None:
    """What the payload did not say, the first turn after it does; once."""
    found = made(push(""), part(pushed_at=999.5), part())
    span = named(found, "lynceus.push")
    assert (int(TRACE, 16), 999_500_000_000) == (span.context.trace_id, span.start_time)
    assert "https://git.example/shop" == (span.attributes or {})["argocd.source.repo_url"]


def test_a_push_to_one_of_several_sources_joins_with_its_turn() -> None:
    """Two sources are one revision, which no push names: its span stands in the deployment that came of it."""
    both = deployment_revision((COMMIT, "b" * 40))
    trace = deployment_trace_id(KEY, both)
    found = made(push("b" * 40), turn(trace_id=trace, deploys=both, pushed_at=999.5))
    assert trace in {f"{span.context.trace_id:032x}" for span in found if span.name == "lynceus.push"}


def test_a_turn_of_its_own_has_the_id_that_its_log_lines_have() -> None:
    """Without a deployment the turn is the root, under the id that the event carries."""
    *_, root = made(turn(trace_id="ab" * 16))
    assert (None, int("ab" * 16, 16)) == (root.parent, root.context.trace_id)
    *_, without = made(turn(trace_id=""))
    assert without.context.trace_id not in (0, root.context.trace_id)


def test_pushes_are_remembered_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood of pushes for which no turn comes does not grow for ever; the oldest is forgotten."""
    monkeypatch.setattr(module, "PUSHES", 1)
    spans = Spans("", 1.0)
    spans.of(push(""))
    spans.of(PushReceived(key=NamespacedName("argocd", "other"), project="", repo="", revision="", at=1.0))
    assert [] == [span for span in spans.of(part(pushed_at=999.5)) if span.name == "lynceus.push"]


@pytest.mark.parametrize(
    "odd", [ended(started=math.nan), turn(stages=(Stage(name="git", start=1.0, end=2.0),), end=math.inf)]
)
def test_an_odd_event_leaves_nothing_to_the_next(odd: Event) -> None:
    """Neither its ids nor the spans that were made of it: another turn keeps a trace of its own."""
    spans = Spans("", 1.0)
    with pytest.raises((ValueError, OverflowError)):
        spans.of(odd)
    found = spans.of(turn(trace_id="", stages=()))
    assert ["lynceus.reconcile"] == [span.name for span in found]
    assert int(TRACE, 16) != found[0].context.trace_id
    (below,) = spans.of(part(stages=()))
    assert ROOT != below.context.span_id


def test_the_turn_says_what_it_is_about() -> None:
    """Repository, wanted and found revision and source type, under Argo CD's names."""
    about = {"repository": "https://u:CANARY@git.example/shop", "target": "main", "source_type": "Helm"}
    *_, root = made(turn(about=about, outcome={"revision": COMMIT}))
    assert {
        "argocd.source.repo_url": "https://git.example/shop",
        "argocd.revision": "main",
        "argocd.resolved_revision": COMMIT,
        "argocd.app.source_type": "Helm",
    }.items() <= dict(root.attributes or {}).items()


def test_attributes_of_stages_have_names_of_their_own() -> None:
    """What a stage notes in one word is told apart from the words of other stages and of other programs."""
    stages = (
        Stage(name="git", start=1.0, end=2.0, attributes={"revision": COMMIT}),
        Stage(name="apply", start=2.0, end=3.0, attributes={"changed": 2}),
    )
    git, apply, _ = made(turn(stages=stages))
    assert {"argocd.resolved_revision": COMMIT} == dict(git.attributes or {})
    assert {"lynceus.apply.changed": 2} == dict(apply.attributes or {})


def test_nothing_else_is_traced() -> None:
    """Idle turns and events of other things make no span."""
    assert [] == made(turn(reason="", stages=()), PolicyLoaded(ok=True, generation="g"))


@pytest.mark.parametrize("sample", [0.0, 0.3, 1.0])
def test_a_deployment_is_kept_whole_or_left_out_whole(sample: float) -> None:
    """The id decides, so push, turns and end agree, in every process; about the wished share is kept."""
    kept = 0
    for number in range(300):
        commit = f"{number:040x}"
        trace = deployment_trace_id(KEY, commit)
        before = made(push(commit), turn(trace_id=trace, deploys=commit), sample=sample)
        after = made(ended(revision=commit, trace_id=trace), sample=sample)
        assert (len(before), len(after)) in ((0, 0), (6, 1))
        kept += len(after)
    assert abs(kept - 300 * sample) <= 40
