"""Waves, order, options and the choice of tasks."""

from __future__ import annotations

import random
import typing as t

import pytest

from controller.sync.options import Options, hook_types, sync_wave
from controller.sync.plan import KIND_ORDER, Task, arrange
from controller.sync.select import refusal, select
from model.application import OperationResource, SyncOperation
from model.meta import GroupKind, key_of
from tests.controller.builders import manifest


def apply(kind: str, name: str = "a", **more: t.Any) -> Task:
    obj = manifest(kind, name, **more)
    return Task(key=key_of(obj), version="v1", target=obj)


def prune(kind: str, name: str = "a", **more: t.Any) -> Task:
    obj = manifest(kind, name, **more)
    return Task(key=key_of(obj), version="v1", live=obj, modified=False)


def shown(tasks: t.Iterable[Task], *options: str) -> list[list[str]]:
    return [
        [f"{'-' if k.is_prune else ''}{k.key.kind}/{k.key.name}" for k in wave.tasks]
        for wave in arrange(tasks, Options(options))
    ]


def wave(number: int) -> dict[str, str]:
    return {"argocd.argoproj.io__sync_wave": str(number)}


def test_kinds_go_in_order_whatever_the_order_of_the_source() -> None:
    """Namespaces and configuration before workloads, unknown kinds last."""
    tasks = [apply(kind, api="v1") for kind in (*KIND_ORDER, "Zebra", "Ant")]
    random.Random(7).shuffle(tasks)
    found = [task.key.kind for group in arrange(tasks, Options()) for task in group.tasks]
    assert [*(k for k in KIND_ORDER), "Ant", "Zebra"] == found


def test_waves_are_sorted_and_prunes_come_first_inside_one() -> None:
    """Lower waves first; inside a wave what left the source goes before what is applied."""
    tasks = [apply("Job", **wave(2)), apply("ConfigMap"), prune("Secret"), apply("Pod", **wave(-1))]
    assert [["Pod/a"], ["-Secret/a", "ConfigMap/a"], ["Job/a"]] == shown(tasks)


def test_prunes_run_in_mirrored_waves() -> None:
    """What was built last goes first."""
    tasks = [prune("ConfigMap", str(n), **wave(n)) for n in (0, 1, 5)]
    assert [["-ConfigMap/5"], ["-ConfigMap/1"], ["-ConfigMap/0"]] == shown(tasks)


def test_prune_last_moves_prunes_behind_everything() -> None:
    """By the Application or by the object."""
    tasks = [prune("ConfigMap"), apply("Job", **wave(3))]
    assert [["Job/a"], ["-ConfigMap/a"]] == shown(tasks, "PruneLast=true")
    own = prune("ConfigMap", argocd_argoproj_io__sync_options="x")
    assert own.live is not None
    own.live["metadata"]["annotations"] = {"argocd.argoproj.io/sync-options": "PruneLast=true"}
    assert [["Job/a"], ["-ConfigMap/a"]] == shown([own, apply("Job", **wave(3))])


def test_namespaces_and_definitions_move_before_what_needs_them() -> None:
    """Even out of a later wave, and only forwards."""
    crd = manifest("CustomResourceDefinition", "d", api="apiextensions.k8s.io/v1", namespace="", **wave(4))
    crd["spec"] = {"group": "x.io", "names": {"kind": "Gadget"}}
    tasks = [
        apply("ConfigMap", namespace="new", **wave(1)),
        apply("Namespace", "new", namespace="", **wave(3)),
        Task(key=key_of(crd), version="v1", target=crd),
        apply("Gadget", api="x.io/v1", **wave(2)),
    ]
    assert [["Namespace/new", "ConfigMap/a"], ["CustomResourceDefinition/d", "Gadget/a"]] == shown(tasks)


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        ({"argocd.argoproj.io/sync-wave": "-3"}, -3),
        ({"argocd.argoproj.io/sync-wave": "soon", "helm.sh/hook-weight": "5"}, 5),
        ({"helm.sh/hook-weight": "x"}, 0),
        ({}, 0),
    ],
)
def test_waves_are_read_from_either_annotation(annotations: dict[str, str], expected: int) -> None:
    """What is no integer is ignored."""
    assert expected == sync_wave({"metadata": {"annotations": annotations}})


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        ({}, ()),
        ({"argocd.argoproj.io/hook": "PreSync, Sync"}, ("PreSync", "Sync")),
        ({"argocd.argoproj.io/hook": "Nonsense"}, ("",)),
        ({"helm.sh/hook": "pre-install,pre-upgrade"}, ("PreSync",)),
        ({"helm.sh/hook": "crd-install"}, ()),
        ({"helm.sh/hook": "test"}, ("",)),
        ({"argocd.argoproj.io/hook": "Skip", "helm.sh/hook": "pre-install"}, ("Skip",)),
    ],
)
def test_hooks_of_argo_and_helm(annotations: dict[str, str], expected: tuple[str, ...]) -> None:
    """Argo CD's word wins, Helm's are translated, others are hooks that never run."""
    assert expected == hook_types({"metadata": {"annotations": annotations}})


def test_an_objects_own_option_wins_over_the_applications() -> None:
    """ServerSideApply=false on the object, true on the Application."""
    options = Options(["ServerSideApply=true", "PrunePropagationPolicy=background"])
    own = {"metadata": {"annotations": {"argocd.argoproj.io/sync-options": " ServerSideApply=false , Prune=false"}}}
    assert options.has("ServerSideApply=true", None)
    assert not options.has("ServerSideApply=true", own)
    assert options.has("Prune=false", own)
    assert not options.has("prune=false", own)
    assert ("Background", "Foreground") == (options.propagation, Options().propagation)


def test_what_left_the_source_stays_unless_pruning_is_asked_for() -> None:
    """Prune off and Prune=false keep the object and say so."""
    kept = prune("ConfigMap", "kept")
    assert kept.live is not None
    kept.live["metadata"]["annotations"] = {"argocd.argoproj.io/sync-options": "Prune=false"}
    tasks = [apply("ConfigMap"), prune("Secret"), kept]
    off = select(tasks, SyncOperation(), Options())
    assert ["a"] == [task.key.name for task in off.tasks]
    assert ["ignored (requires pruning)", "ignored (no prune)"] == [message for _, message in off.skipped]
    on = select(tasks, SyncOperation(prune=True), Options())
    assert ["ConfigMap", "Secret"] == [task.key.kind for task in on.tasks]


def test_a_selective_sync_takes_only_what_it_names() -> None:
    """Group, kind and name must be equal, the namespace where it is given."""
    tasks = [apply("ConfigMap", "a"), apply("ConfigMap", "b"), apply("Secret", "a")]
    chosen = SyncOperation(resources=[OperationResource(kind="ConfigMap", name="a")])
    assert [("ConfigMap", "a")] == [(k.key.kind, k.key.name) for k in select(tasks, chosen, Options()).tasks]
    elsewhere = SyncOperation(resources=[OperationResource(kind="ConfigMap", name="a", namespace="other")])
    assert () == select(tasks, elsewhere, Options()).tasks


def test_doubt_refuses_the_whole_operation() -> None:
    """Unknown kinds, shared objects, a source that is suddenly empty, objects without a name."""

    def why(tasks: list[Task], *, empty: bool = False, options: Options | None = None, **more: t.Any) -> str:
        return refusal(
            tasks,
            SyncOperation(prune=True),
            options or Options(),
            allow_empty=empty,
            unknown=more.get("unknown", {}),
            shared=more.get("shared", ()),
        )

    assert "" == why([apply("ConfigMap"), prune("Secret")])
    assert "delete all 1" in why([prune("Secret")])
    assert "" == why([prune("Secret")], empty=True)
    assert "Gadget" in why([apply("ConfigMap")], unknown={GroupKind("x.io", "Gadget"): "not listed"})
    assert "" == why([apply("ConfigMap")], shared=("x is part of a and b",))
    strict = Options(["FailOnSharedResource=true"])
    assert "part of" in why([apply("ConfigMap")], shared=("x is part of a and b",), options=strict)
    assert "generateName" in why([apply("Job", "")])
