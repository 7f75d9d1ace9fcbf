"""One comparison: rendered manifests against the live objects of one Application, object by object.

Reads caches and decides nothing about what to do. An object whose inputs did not change keeps its verdict. Called by
controller.reconciler and controller.syncing.
"""

from __future__ import annotations

import typing as t

import msgspec

from controller import health
from controller.compare.diff import compare
from controller.compare.ignore import IgnoreRules
from controller.compare.normalise import prepare_targets
from controller.compare.pairs import Pair, pair
from controller.conditions import Finding
from controller.images import images_of
from controller.kube.cluster import ClusterCache
from controller.sync.options import Options, annotation_list, hook_types, sync_wave
from controller.sync.plan import Task
from model.application import Application, HealthState, ResourceState
from model.errors import LynceusError
from model.meta import JSON, GroupKind, ResourceKey, key_of, split_api_version
from model.settings import Settings
from model.states import ConditionType, HealthStatus, SyncStatus

COMPARE_OPTIONS = "argocd.argoproj.io/compare-options"
IGNORE_HEALTH = "argocd.argoproj.io/ignore-healthcheck"
LIST_SECONDS = 10.0
"""How long a comparison waits for the first list of a kind that was never watched before."""


class Checked(msgspec.Struct, frozen=True):
    """The verdict on one object."""

    resource_version: str
    """Of the live object; empty when it is missing."""
    modified: bool
    health: HealthState | None
    images: tuple[str, ...] = ()


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """What a comparison found, as it goes into the status."""

    status: SyncStatus
    health: HealthState
    resources: tuple[ResourceState, ...]
    findings: tuple[Finding, ...] = ()
    images: tuple[str, ...] = ()
    source_types: tuple[str, ...] = ()


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """A comparison with everything that a sync needs of it; not kept after the turn."""

    evaluation: Evaluation
    tasks: tuple[Task, ...]
    hooks: int
    """Declared objects that are hooks and take no part."""
    unknown: dict[GroupKind, str]
    """Kinds about whose objects nothing may be concluded, with the reason."""
    checked: dict[ResourceKey, Checked]
    shared: tuple[str, ...] = ()
    """One line per object that another Application tracks."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be compared."""

    app: Application
    instance: str
    cache: ClusterCache
    server: str
    settings: Settings
    objects: tuple[bytes, ...]
    source_types: tuple[str, ...] = ()
    known: dict[ResourceKey, Checked] = {}
    """Verdicts that are still good for objects of the same resourceVersion."""
    options: Options = Options()
    permits: t.Callable[[ResourceKey], bool] = lambda _: True
    """Whether the project permits an object; live-only objects that it does not are no business of ours."""
    kind_permitted: t.Callable[[ResourceKey], bool] = lambda _: True
    """Whether the project permits the kind of a declared object; one that it does not is shown as Unknown."""
    warnings: t.Callable[[t.Container[ResourceKey]], t.Iterable[Finding]] = lambda _: ()
    """What else is to be said, given the objects that were compared."""


def evaluate(question: Question) -> Comparison:
    """Compare everything that the Application declares or tracks.

    Raises:
        ApiUnavailable: the server or its schemas cannot be read; the state is unknown.
    """
    app, cache = question.app, question.cache
    prepared = prepare_targets(
        question.objects,
        instance=question.instance,
        destination_namespace=app.spec.destination.namespace,
        discovery=cache.discovery,
        settings=question.settings,
        server=question.server,
    )
    targets = [target for target in prepared.targets if not hook_types(target)]
    unknown = {**_not_current(question, targets), **prepared.unknown_kinds}
    pairs = pair(targets, cache.store, instance=question.instance, settings=question.settings)
    pairs = [p for p in pairs if p.target is not None or question.permits(p.key)]
    rules = IgnoreRules.build(app.spec.ignore_differences, question.settings)
    checked = {p.key: _check(p, question, rules, unknown) for p in pairs}
    strange = {p.key for p in pairs if p.target is not None and not question.kind_permitted(p.key)}
    resources = tuple(_state(p, checked[p.key], p.key in strange or p.key.group_kind in unknown) for p in pairs)
    shared = tuple(_shared(p, question.instance) for p in pairs if p.shared_with)
    findings = [Finding(w.type, w.message) for w in prepared.warnings]
    findings += [Finding(ConditionType.SHARED_RESOURCE, text) for text in shared]
    findings += [Finding(ConditionType.COMPARISON, text) for text in rules.problems]
    findings += [Finding(ConditionType.COMPARISON, _unknown(kind, why)) for kind, why in sorted(unknown.items())]
    findings += question.warnings(checked)
    evaluation = Evaluation(
        status=_status(pairs, checked, unknown),
        health=_health(pairs, checked),
        resources=resources,
        findings=tuple(findings),
        images=tuple(sorted({image for c in checked.values() for image in c.images})),
        source_types=question.source_types,
    )
    tasks = tuple(_task(p, checked[p.key], cache) for p in pairs)
    hooks = len(prepared.targets) - len(targets)
    return Comparison(evaluation=evaluation, tasks=tasks, hooks=hooks, unknown=unknown, checked=checked, shared=shared)


def _not_current(question: Question, targets: list[JSON]) -> dict[GroupKind, str]:
    """Watch all kinds that the Application declares or had; return those whose objects are not known."""
    cache = question.cache
    declared = {key_of(target).group_kind for target in targets}
    recorded = {GroupKind(r.group, r.kind) for r in question.app.status.resources or ()}
    missing = cache.ensure(declared | recorded, LIST_SECONDS)
    if not missing:
        return {}
    own = {_defines(target) for target in targets}
    problems = cache.problems()
    found: dict[GroupKind, str] = {}
    for kind in missing:
        gone = _is_gone(cache, kind)
        if gone and (kind in own or kind not in declared):
            continue
        found[kind] = problems.get(kind) or "its objects could not be listed yet"
    return found


def _is_gone(cache: ClusterCache, kind: GroupKind) -> bool:
    """Say whether the server surely has no such kind (any more)."""
    try:
        return cache.discovery.find(*kind) is None
    except LynceusError:
        return False


def _defines(target: JSON) -> GroupKind | None:
    """Return the kind that a CustomResourceDefinition defines."""
    if target.get("kind") != "CustomResourceDefinition":
        return None
    spec = target.get("spec") or {}
    return GroupKind(str(spec.get("group")), str((spec.get("names") or {}).get("kind")))


def _check(found: Pair, question: Question, rules: IgnoreRules, unknown: t.Mapping[GroupKind, str]) -> Checked:
    """Judge one pair, or take the verdict that is still good."""
    version = found.live.header.resource_version if found.live else ""
    known = question.known.get(found.key)
    if known is not None and known.resource_version == version:
        return known
    if found.key.group_kind in unknown:
        return Checked(version, modified=False, health=HealthState(status=HealthStatus.UNKNOWN))
    live = _live(found, question.cache)
    server_side = question.options.has("ServerSideApply=true", found.target)
    schemas = question.cache.schemas
    verdict = compare(found.target, live, rules=rules, schemas=schemas, server_side=server_side)
    state = HealthState(status=HealthStatus.MISSING) if live is None else health.assess(live)
    return Checked(version, verdict.modified, state, images_of(live or found.target or {}))


def _live(found: Pair, cache: ClusterCache) -> JSON | None:
    """Return the live object in the version of its target."""
    if found.live is None:
        return None
    if found.target is None:
        return found.live.decode()
    return cache.decode_as(found.live, str(found.target.get("apiVersion") or ""))


def _state(found: Pair, checked: Checked, unknown: bool) -> ResourceState:
    """Return the entry of status.resources."""
    key, pruning = found.key, found.target is None
    out_of_sync = pruning or checked.modified
    status = SyncStatus.OUT_OF_SYNC if out_of_sync else SyncStatus.SYNCED
    return ResourceState(
        group=key.group,
        version=_version(found),
        kind=key.kind,
        namespace=key.namespace,
        name=key.name,
        status=SyncStatus.UNKNOWN if unknown else status,
        health=checked.health,
        requires_pruning=pruning,
        sync_wave=sync_wave(found.target) if found.target is not None else 0,
    )


def _version(found: Pair) -> str:
    """Return the version of the target, else of the live object."""
    if found.target is not None:
        return split_api_version(str(found.target.get("apiVersion") or ""))[1]
    return split_api_version(str(found.live.decode().get("apiVersion") or ""))[1] if found.live else ""


def _task(found: Pair, checked: Checked, cache: ClusterCache) -> Task:
    """Return what a sync would do with a pair."""
    live = _live(found, cache) if checked.modified or found.target is None else None
    if live is None and found.live is not None:
        live = {"metadata": {"resourceVersion": found.live.header.resource_version}}
    return Task(key=found.key, version=_version(found), target=found.target, live=live, modified=checked.modified)


def _status(pairs: list[Pair], checked: t.Mapping[ResourceKey, Checked], unknown: t.Mapping[t.Any, str]) -> SyncStatus:
    """Return the status of the Application; live-only objects that ask for it do not count."""
    if unknown:
        return SyncStatus.UNKNOWN
    for found in pairs:
        extraneous = found.target is None
        if not (extraneous or checked[found.key].modified):
            continue
        if extraneous and found.live and "IgnoreExtraneous" in annotation_list(found.live.decode(), COMPARE_OPTIONS):
            continue
        return SyncStatus.OUT_OF_SYNC
    return SyncStatus.SYNCED


def _health(pairs: list[Pair], checked: t.Mapping[ResourceKey, Checked]) -> HealthState:
    """Return the health of the Application from that of its declared objects."""
    parts = [
        health.ResourceHealth(p.key, checked[p.key].health, live=p.live is not None)
        for p in pairs
        if p.target is not None and not annotation_list(p.target, IGNORE_HEALTH)
    ]
    return health.aggregate(parts)


def _shared(found: Pair, instance: str) -> str:
    return f"{found.key.kind}/{found.key.name} is part of applications {instance} and {found.shared_with}"


def _unknown(kind: GroupKind, why: str) -> str:
    return f"The state of {kind} objects is not known: {why}"
