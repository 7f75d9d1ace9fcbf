"""Everything that one render of one source may read: trees, the build environment, facts about the cluster. Pure.

Whatever a renderer takes from here is noted, and the notes together are the key of the render cache.
"""

from __future__ import annotations

import hashlib
import re
import typing as t

import msgspec

from controller.sources.paths import join_inside
from controller.sources.requests import RenderRequest
from controller.sources.snapshot import View
from model.source import Source

_VARIABLE = re.compile(r"\$(?:\$|\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))")


class Product(msgspec.Struct, frozen=True):
    """What a renderer made of one source, before the final checks."""

    documents: tuple[tuple[str, int, t.Any], ...]
    """(file, line, JSON value) of every document."""
    source_type: str
    warnings: tuple[str, ...] = ()


class Inputs:
    """The inputs of one render."""

    def __init__(self, request: RenderRequest, source: Source, path: str, views: t.Mapping[str, View]) -> None:
        self.request, self.source, self.path = request, source, path
        self.views = views
        """"" -> the source's own repository; ``vals`` -> the repository of the source with ``ref: vals``."""
        self.tree = views[""]
        self.used: dict[str, str] = {}
        """Facts that were taken, with their values."""
        self.warnings: list[str] = []

    def fact(self, name: str) -> str:
        """Return a fact of `facts` and depend on it; unknown names are empty, as in Argo CD's build environment."""
        value = facts(self.request, self.source, self.tree.snapshot.commit).get(name, "")
        self.used[name] = value
        return value

    def substitute(self, text: str) -> str:
        """Replace ``$NAME`` and ``${NAME}`` of the build environment; ``$$`` is a dollar."""
        return _VARIABLE.sub(lambda m: "$" if m[0] == "$$" else self.fact(m[1] or m[2]), text)

    def place(self, text: str) -> tuple[View, str] | None:
        """Return the tree and path that a value file or file parameter names; None when it leads out of the repository.

        ``$ref/…`` starts at the root of that source's repository, ``/…`` at the root of this one, others at the path.
        """
        if text.startswith("$"):
            name, _, rest = text[1:].partition("/")
            view = self.views.get(name) if name else None
            inside = join_inside("", rest)
            return (view, inside) if view and inside else None
        inside = join_inside(self.path, text)
        return (self.tree, inside) if inside is not None else None


def facts(request: RenderRequest, source: Source, commit: str) -> dict[str, str]:
    """Return what a render may depend on beside the trees: Argo CD's build environment, and the cluster's versions."""
    return {
        "ARGOCD_APP_NAME": request.instance,
        "ARGOCD_APP_NAMESPACE": request.namespace,
        "ARGOCD_APP_PROJECT_NAME": request.project,
        "ARGOCD_APP_REVISION": commit,
        "ARGOCD_APP_REVISION_SHORT": commit[:7],
        "ARGOCD_APP_REVISION_SHORT_8": commit[:8],
        "ARGOCD_APP_SOURCE_REPO_URL": source.repo_url,
        "ARGOCD_APP_SOURCE_PATH": source.path,
        "ARGOCD_APP_SOURCE_TARGET_REVISION": source.target_revision,
        "KUBE_VERSION": request.kube_version,
        "KUBE_API_VERSIONS": _digest(request.api_versions),
        "app name": request.app_name,
        "build options": request.settings.kustomize_build_options,
        "tools": f"{request.settings.helm_enabled} {request.settings.kustomize_enabled}",
    }


_LAST: dict[tuple[str, ...], str] = {}


def _digest(api_versions: tuple[str, ...]) -> str:
    """Return a hash of the cluster's API versions; the last few are kept, since they hardly ever change."""
    known = _LAST.get(api_versions)
    if known is None:
        if len(_LAST) > 16:
            _LAST.clear()
        known = _LAST[api_versions] = hashlib.sha256("\n".join(api_versions).encode()).hexdigest()
    return known
