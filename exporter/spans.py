"""Events -> OpenTelemetry spans, made after the fact from the times in the event. Nothing is sent here.

Called by exporter.tracing, from one thread. A turn that is part of a deployment hangs below that deployment's root
span, whose id is known before the span is made: it is made last, when the deployment has ended, perhaps by another
process.
"""

from __future__ import annotations

import typing as t

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision, ParentBased, TraceIdRatioBased
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from exporter.labels import LONGEST_VALUE, clean
from model.events import DeploymentEnded, Event, PushReceived, Stage, TurnFinished
from model.meta import NamespacedName
from model.redaction import shown
from model.traces import deployment_span_id, deployment_trace_id

PUSHES: t.Final = 1000
"""Applications of which a push is remembered until a turn says what became of it."""
_LIMITS: t.Final = SpanLimits(max_attributes=64, max_events=512, max_attribute_length=1024)
_OUTCOMES: t.Final = {
    "sync": "lynceus.outcome.sync",
    "health": "lynceus.outcome.health",
    "phase": "lynceus.outcome.phase",
    "decision": "lynceus.window.decision",
    "rule": "lynceus.policy.rule",
    "revision": "argocd.resolved_revision",
}
"""Words of TurnFinished.outcome -> attributes; other words get the prefix lynceus.outcome."""
_ABOUT: t.Final = {
    "repository": "argocd.source.repo_url",
    "target": "argocd.revision",
    "source_type": "argocd.app.source_type",
}
"""Words of TurnFinished.about -> attributes, named as Argo CD's own spans name them."""

Value = str | int | float | bool


class Spans:
    """Makes spans, and decides by the trace's id alone which traces are kept."""

    def __init__(self, version: str, sample: float) -> None:
        """Prepare.

        Args:
            version: of Lynceus, the resource's service.version.
            sample: share of the traces that are kept, 0 to 1.
        """
        self._ratio = TraceIdRatioBased(sample)
        self._ids, self._made = _Ids(), _Made()
        self._pushes: dict[NamespacedName, PushReceived] = {}
        provider = TracerProvider(
            resource=Resource({"service.name": "lynceus", "service.version": version}),
            sampler=ParentBased(self._ratio),
            id_generator=self._ids,
            span_limits=_LIMITS,
            shutdown_on_exit=False,
        )
        provider.add_span_processor(self._made)
        self._tracer = provider.get_tracer("lynceus")

    def wanted(self, event: Event) -> bool:
        """Say whether spans are made of an event."""
        if isinstance(event, TurnFinished):
            return not event.idle and (not event.trace_id or self._kept(event.trace_id))
        if isinstance(event, DeploymentEnded):
            return self._kept(event.trace_id)
        return isinstance(event, PushReceived)

    def of(self, event: Event) -> list[ReadableSpan]:
        """Return the spans of an event, each after its children."""
        self._begin()
        if isinstance(event, TurnFinished):
            self._turn(event)
        elif isinstance(event, DeploymentEnded):
            self._deployment(event)
        elif isinstance(event, PushReceived):
            self._push(event)
        return self._made.taken()

    def _begin(self) -> None:
        """Leave behind what remains of an event whose spans could not be made: it is no part of the next trace."""
        self._made.taken()
        self._ids.wish("0")

    def _kept(self, trace_id: str) -> bool:
        return self._ratio.should_sample(None, int(trace_id, 16), "").decision is not Decision.DROP

    def _turn(self, event: TurnFinished) -> None:
        self._pushed(event)
        parent = Context()
        if event.deploys:
            parent = self._below(event.key, event.deploys)
        elif event.trace_id:
            self._ids.wish(event.trace_id)
        root = self._tracer.start_span(
            "lynceus.reconcile",
            context=parent,
            kind=SpanKind.INTERNAL,
            attributes=_safe(_turn_attributes(event)),
            start_time=_nanoseconds(event.start),
        )
        inside = set_span_in_context(root, Context())
        for stage in event.stages:
            self._stage(stage, inside)
        if event.error:
            root.set_status(StatusCode.ERROR, _text(event.error))
        root.end(_nanoseconds(max(event.end, event.start)))

    def _stage(self, stage: Stage, inside: Context) -> None:
        span = self._tracer.start_span(
            stage.name, context=inside, attributes=_safe(_stage_attributes(stage)), start_time=_nanoseconds(stage.start)
        )
        for moment, name, attributes in stage.notes:
            span.add_event(_text(name), _safe(attributes), timestamp=_nanoseconds(moment))
        if stage.error:
            span.set_status(StatusCode.ERROR, _text(stage.error))
        span.end(_nanoseconds(max(stage.end, stage.start)))

    def _push(self, event: PushReceived) -> None:
        """Put the push into the deployment of the commit it brings, and keep it for the turn that it asks for."""
        self._pushes.pop(event.key, None)
        self._pushes[event.key] = event
        if len(self._pushes) > PUSHES:
            del self._pushes[next(iter(self._pushes))]
        if event.revision:
            self._push_span(event, event.revision)

    def _pushed(self, turn: TurnFinished) -> None:
        """Put the push into the deployment that the turn is part of, where the push alone did not tell which.

        Its payload named no commit, or the Application has further sources.
        """
        push = self._pushes.pop(turn.key, None) if turn.pushed_at is not None else None
        if push is not None and turn.deploys not in ("", push.revision):
            self._push_span(push, turn.deploys)

    def _push_span(self, push: PushReceived, revision: str) -> None:
        at = _nanoseconds(push.at)
        span = self._tracer.start_span(
            "lynceus.push",
            context=self._below(push.key, revision),
            kind=SpanKind.CONSUMER,
            attributes=_safe(
                {
                    **_application(push.key, push.project),
                    "argocd.source.repo_url": push.repo,
                    "argocd.resolved_revision": push.revision,
                }
            ),
            start_time=at,
        )
        span.end(at)

    def _deployment(self, event: DeploymentEnded) -> None:
        self._ids.wish(event.trace_id, deployment_span_id(event.key, event.revision))
        root = self._tracer.start_span(
            "lynceus.deployment",
            context=Context(),
            attributes=_safe(_deployment_attributes(event)),
            start_time=_nanoseconds(event.started),
        )
        if event.result != "success":
            root.set_status(StatusCode.ERROR, event.result)
        root.end(_nanoseconds(max(event.ended, event.started)))

    def _below(self, key: NamespacedName, revision: str) -> Context:
        """Return the context of a deployment's root span, which is not made yet."""
        trace_id = deployment_trace_id(key, revision)
        flags = TraceFlags(TraceFlags.SAMPLED if self._kept(trace_id) else TraceFlags.DEFAULT)
        root = SpanContext(
            int(trace_id, 16), int(deployment_span_id(key, revision), 16), is_remote=True, trace_flags=flags
        )
        return set_span_in_context(NonRecordingSpan(root), Context())


class _Ids(IdGenerator):
    """Random ids, or those that are wished for the next span."""

    def __init__(self) -> None:
        self._random = RandomIdGenerator()
        self._trace_id = self._span_id = 0

    def wish(self, trace_id: str, span_id: str = "0") -> None:
        """Give the next root span this trace's id and, unless it is zero, this id."""
        self._trace_id, self._span_id = int(trace_id, 16), int(span_id, 16)

    def generate_trace_id(self) -> int:
        """Return the wished id once, else a random one."""
        wished, self._trace_id = self._trace_id, 0
        return wished or self._random.generate_trace_id()

    def generate_span_id(self) -> int:
        """Return the wished id once, else a random one."""
        wished, self._span_id = self._span_id, 0
        return wished or self._random.generate_span_id()


class _Made(SpanProcessor):
    """Keeps the spans that ended until they are taken."""

    def __init__(self) -> None:
        self._spans: list[ReadableSpan] = []

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Nothing happens at the start."""

    def on_end(self, span: ReadableSpan) -> None:
        """Keep a finished span."""
        self._spans.append(span)

    def taken(self) -> list[ReadableSpan]:
        """Return the spans since the last call."""
        spans, self._spans = self._spans, []
        return spans

    def shutdown(self) -> None:
        """Nothing to end."""

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Nothing waits here."""
        return True


def number_of_spans(event: Event) -> int:
    """Return how many spans are lost when an event is."""
    return 1 + len(event.stages) if isinstance(event, TurnFinished) else 1


def _application(key: NamespacedName, project: str) -> dict[str, Value]:
    return {"argocd.app.name": key.name, "argocd.app.namespace": key.namespace, "argocd.app.project": project}


def _turn_attributes(event: TurnFinished) -> dict[str, Value]:
    """Return what the root span of a turn says: which Application, why, and how it ended."""
    attributes: dict[str, Value] = {
        **_application(event.key, event.project),
        "lynceus.trigger": event.reason,
        "lynceus.queue": event.queue,
        "lynceus.refresh.level": int(event.level),
        "lynceus.compared": event.compared,
    }
    attributes.update({_ABOUT.get(word, f"lynceus.{word}"): value for word, value in event.about.items() if value})
    for word, value in event.outcome.items():
        if value:
            attributes[_OUTCOMES.get(word, f"lynceus.outcome.{word}")] = value
    return attributes


def _stage_attributes(stage: Stage) -> dict[str, Value]:
    """Return a stage's attributes under names of their own."""
    return {_stage_attribute(stage.name, word): value for word, value in stage.attributes.items()}


def _stage_attribute(stage: str, word: str) -> str:
    if "." in word:
        return word
    return "argocd.resolved_revision" if word == "revision" else f"lynceus.{stage}.{word}"


def _deployment_attributes(event: DeploymentEnded) -> dict[str, Value]:
    """Return what the root span of a deployment says: how it ended, and where its time went."""
    attributes: dict[str, Value] = {
        **_application(event.key, event.project),
        "argocd.resolved_revision": event.revision,
        "lynceus.environment": event.environment,
        "lynceus.outcome.deployment": event.result,
    }
    if event.lead_seconds is not None:
        attributes["lynceus.lead_time.seconds"] = event.lead_seconds
    attributes.update({f"lynceus.stage.{stage}.seconds": seconds for stage, seconds in event.stages.items()})
    return attributes


def _safe(attributes: t.Mapping[str, Value]) -> dict[str, Value]:
    """Return the attributes with every text cleaned and free of credentials."""
    return {_text(key): _text(value) if isinstance(value, str) else value for key, value in attributes.items()}


def _text(text: str) -> str:
    return clean(shown(text, LONGEST_VALUE))


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1_000_000_000)
