"""Sync options and the other comma lists that Applications and objects carry. Pure.

Source: Argo CD gitops-engine pkg/sync/common and resource.GetAnnotationCSVs: items are trimmed, empty ones dropped,
matched exactly and case-sensitively.
"""

from __future__ import annotations

import typing as t

SYNC_OPTIONS = "argocd.argoproj.io/sync-options"
SYNC_WAVE = "argocd.argoproj.io/sync-wave"
HOOK = "argocd.argoproj.io/hook"
HELM_HOOK = "helm.sh/hook"
HELM_WEIGHT = "helm.sh/hook-weight"
HELM_RESOURCE_POLICY = "helm.sh/resource-policy"
DEFAULT_PROPAGATION = "foreground"

_HELM_HOOKS = {
    "pre-install": "PreSync",
    "pre-upgrade": "PreSync",
    "post-install": "PostSync",
    "post-upgrade": "PostSync",
    "pre-delete": "PreDelete",
    "post-delete": "PostDelete",
}
_HOOKS = frozenset({"PreSync", "Sync", "PostSync", "SyncFail", "Skip", "PreDelete", "PostDelete"})


class Options:
    """The sync options of an operation, and those of one object before them."""

    def __init__(self, app: t.Iterable[str] = ()) -> None:
        self._app = frozenset(option.strip() for option in app)

    def app(self, option: str) -> bool:
        """Say whether the Application (or the operation) carries the option."""
        return option in self._app

    def has(self, option: str, obj: t.Mapping[str, t.Any] | None) -> bool:
        """Say whether object or Application carry ``Name=value``; another value on the object itself wins."""
        name, _, _ = option.partition("=")
        own = [o for o in annotation_list(obj, SYNC_OPTIONS) if o.partition("=")[0] == name]
        return option in own if own else option in self._app

    @property
    def propagation(self) -> t.Literal["Foreground", "Background", "Orphan"]:
        """PrunePropagationPolicy as the Kubernetes API spells it; foreground by default."""
        words = [o.partition("=")[2] for o in sorted(self._app) if o.startswith("PrunePropagationPolicy=")]
        word = words[0] if words else DEFAULT_PROPAGATION
        spelt: dict[str, t.Literal["Foreground", "Background", "Orphan"]] = {
            "foreground": "Foreground",
            "background": "Background",
            "orphan": "Orphan",
        }
        return spelt.get(word, "Foreground")


def annotation(obj: t.Mapping[str, t.Any] | None, key: str) -> str:
    """Return an annotation of a decoded object, empty when absent."""
    value = (((obj or {}).get("metadata") or {}).get("annotations") or {}).get(key)
    return value if isinstance(value, str) else ""


def annotation_list(obj: t.Mapping[str, t.Any] | None, key: str) -> tuple[str, ...]:
    """Return the items of an annotation that holds a comma list."""
    return tuple(dict.fromkeys(item.strip() for item in annotation(obj, key).split(",") if item.strip()))


def hook_types(obj: t.Mapping[str, t.Any]) -> tuple[str, ...]:
    """Return the hook types of an object in Argo CD's words; empty when it is no hook.

    Argo CD's annotation wins over Helm's when it names any valid type. A hook without a valid type, and Helm's test
    and rollback hooks, give ``("",)``: such an object is neither applied nor counted.
    """
    argo = annotation_list(obj, HOOK)
    valid = tuple(h for h in argo if h in _HOOKS)
    if valid:
        return valid
    helm = annotation_list(obj, HELM_HOOK)
    if "crd-install" in helm:
        return ()
    named = tuple(dict.fromkeys(_HELM_HOOKS[h] for h in helm if h in _HELM_HOOKS))
    return named or (("",) if argo or helm else ())


def sync_wave(obj: t.Mapping[str, t.Any] | None) -> int:
    """Return the sync wave: Argo CD's annotation, else Helm's hook weight, else 0; what is no integer is ignored."""
    for key in (SYNC_WAVE, HELM_WEIGHT):
        text = annotation(obj, key).strip()
        if text:
            try:
                return int(text[:11])
            except ValueError:
                continue
    return 0
