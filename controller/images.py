"""The container images of an object, for status.summary. Pure. Source: Argo CD controller/cache/info.go."""

from __future__ import annotations

import typing as t

from model.meta import JSON

_POD_SPECS = (("spec", "template", "spec"), ("spec", "jobTemplate", "spec", "template", "spec"), ("spec",))


def images_of(obj: JSON) -> tuple[str, ...]:
    """Return the images of the containers and init containers that an object describes; empty for most kinds."""
    for path in _POD_SPECS:
        pod: t.Any = obj
        for name in path:
            pod = pod.get(name) if isinstance(pod, dict) else None
        if isinstance(pod, dict) and isinstance(pod.get("containers"), list):
            found = [*(pod.get("initContainers") or ()), *pod["containers"]]
            return tuple(c["image"] for c in found if isinstance(c, dict) and isinstance(c.get("image"), str))
    return ()
