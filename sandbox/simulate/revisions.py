"""ControllerRevisions: the history of StatefulSets' and DaemonSets' templates."""

from __future__ import annotations

import copy

from sandbox.simulate.engine import Obj
from sandbox.simulate.world import REVISIONS, World, hash_of, owner_reference

LABEL = "controller-revision-hash"


def record(world: World, owner: Obj) -> str:
    """The name of the revision of an owner's present template; created when it is new, renumbered when it is back."""
    template = copy.deepcopy(owner["spec"]["template"])
    name = f"{owner['metadata']['name']}-{hash_of(template)}"
    history = list(world.cache.owned_by(owner["metadata"]["uid"], REVISIONS))
    highest = max((item.get("revision", 0) for item in history), default=0)
    found = next((item for item in history if item["metadata"]["name"] == name), None)
    if found is None:
        labels = dict((template.get("metadata") or {}).get("labels") or {})
        namespace = owner["metadata"]["namespace"]
        body = {
            "apiVersion": "apps/v1",
            "kind": "ControllerRevision",
            "metadata": {
                "name": name,
                "namespace": namespace,
                "labels": {**labels, LABEL: hash_of(template)},
                "ownerReferences": [owner_reference(owner)],
            },
            "data": {"spec": {"template": {**template, "$patch": "replace"}}},
            "revision": highest + 1,
        }
        if world.cache.get(REVISIONS, namespace, name) is None:
            world.api.create(REVISIONS, body)
    elif found.get("revision", 0) < highest:
        world.api.update(REVISIONS, {**found, "revision": highest + 1})
    return name
