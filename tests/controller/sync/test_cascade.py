"""Which objects go with a deleted Application."""

from __future__ import annotations

import typing as t

import msgspec
import pytest

from controller.kube.store import StoredObject, read_stored
from controller.sync import cascade
from model.application import Application
from model.meta import split_api_version
from tests.controller.builders import application, manifest


def stored(obj: dict[str, t.Any]) -> StoredObject:
    group, version = split_api_version(obj["apiVersion"])
    return read_stored(msgspec.json.encode(obj), group, version, obj["kind"])


def deleted(*finalizers: str, **spec: t.Any) -> Application:
    app = application(**spec)
    return msgspec.structs.replace(app, metadata=msgspec.structs.replace(app.metadata, finalizers=list(finalizers)))


@pytest.mark.row(16)
@pytest.mark.parametrize(
    ("finalizers", "expected"),
    [
        (("resources-finalizer.argocd.argoproj.io",), "Foreground"),
        (("resources-finalizer.argocd.argoproj.io/foreground",), "Foreground"),
        (("other.example/x", "resources-finalizer.argocd.argoproj.io/background"), "Background"),
        (("other.example/x",), ""),
        ((), ""),
    ],
)
def test_the_finalizer_says_whether_and_how(finalizers: tuple[str, ...], expected: str) -> None:
    """Without one of ours the objects stay, and a foreign finalizer is never taken off."""
    app = deleted(*finalizers)
    assert expected == cascade.propagation(app)
    assert [f for f in finalizers if f.startswith("other")] == cascade.without_finalizers(app)


def test_some_objects_outlive_their_application() -> None:
    """Definitions, hooks, the Application itself, Delete=false and Helm's keep."""
    app = deleted()
    found = cascade.victims(
        [
            stored(manifest("ConfigMap", "goes")),
            stored(manifest("ConfigMap", "stays", argocd__x="y", helm_sh__x="z")),
            stored(manifest("Application", "shop", api="argoproj.io/v1alpha1", namespace="argocd")),
            stored(manifest("CustomResourceDefinition", "d", api="apiextensions.k8s.io/v1", namespace="")),
            *(
                stored({**manifest("ConfigMap", n), "metadata": {"name": n, "annotations": a}})
                for n, a in {
                    "own": {"argocd.argoproj.io/sync-options": "Delete=false"},
                    "helm": {"helm.sh/resource-policy": "keep"},
                    "hook": {"argocd.argoproj.io/hook": "PreSync"},
                }.items()
            ),
        ],
        app,
    )
    assert ["goes", "stays"] == [victim.key.name for victim in found]
    assert [] == cascade.victims(
        [stored(manifest("ConfigMap", "a"))], deleted(syncPolicy={"syncOptions": ["Delete=false"]})
    )


def test_the_highest_wave_goes_first() -> None:
    """What was built last."""
    waved = [
        {
            **manifest("ConfigMap", str(n)),
            "metadata": {"name": str(n), "annotations": {"argocd.argoproj.io/sync-wave": str(n)}},
        }
        for n in (0, 3, 3, -1)
    ]
    found = cascade.victims([stored(obj) for obj in waved], deleted())
    assert [3, 3] == [victim.wave for victim in cascade.next_wave(found)]
    assert [] == cascade.next_wave([])
