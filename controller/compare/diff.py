"""Target against live: is the object in sync, and if not, which fields differ and who wrote them?

Pure. Answers what an apply would change, by the kind's published schema: client-side as a three-way merge with the
last-applied annotation, server-side by the fields that our manager owns. A dry run on the server would answer for
whatever cannot be known here (webhooks that rewrite); it has its place in `compare`, before the walk.
Source of the rules: Kubernetes' strategic merge patch and structured merge; Argo CD's diff strategies.
"""

from __future__ import annotations

import typing as t

import msgspec

from controller.compare.ignore import IgnoreRules, remove
from controller.compare.normalise import LAST_APPLIED, comparable
from controller.compare.owners import Owners
from controller.compare.paths import MISSING, Path, spell, write
from controller.compare.removed import released
from controller.compare.walk import Difference, Walk
from controller.kube.schema import BUILT_IN
from model.meta import JSON, key_of

if t.TYPE_CHECKING:
    from controller.kube.schema import Node, Schemas

FIELD_MANAGER = "argocd-controller"
"""The manager under which Argo CD applies, and so do we: objects change hands without conflicts."""
HIDDEN = "++++++++"
HIDDEN_OTHER = "+++++++++"
"""What stands for a Secret's value, and for one that differs from it."""


class FieldDiff(msgspec.Struct, frozen=True):
    """One field that an apply would change."""

    path: str
    """For example ``spec.template.spec.containers[name=web].image``."""
    target: t.Any
    """What Git states; None when the field is to go. Values of Secrets are hidden."""
    live: t.Any
    """What the cluster holds; None when the field is missing."""
    manager: str
    """The field manager that wrote the live value; empty when nobody owns it."""


class Verdict(msgspec.Struct, frozen=True):
    """The answer for one object."""

    modified: bool
    fields: tuple[FieldDiff, ...] = ()
    unknown_fields: tuple[str, ...] = ()
    """Paths in the target that the kind's schema lacks: the server drops them, so they never come into being."""
    normalized_live: JSON = {}
    """The live object as it was compared; values of Secrets are hidden."""
    predicted: JSON = {}
    """What it would be after an apply."""


def compare(
    target: JSON | None,
    live: JSON | None,
    *,
    rules: IgnoreRules | None = None,
    schemas: Schemas | None = None,
    server_side: bool = False,
    manager: str = FIELD_MANAGER,
) -> Verdict:
    """Compare one pair.

    Args:
        target: the prepared target; None: the object is live only, which is no modification.
        live: the live object with managedFields, in the target's version; None: it is missing, which is one.
        rules: differences that do not count.
        schemas: of the cluster; None: nothing is known and lists are compared as a whole.
        server_side: True when the object is applied server-side.
        manager: the field manager of our applies.

    Raises:
        ApiUnavailable: the schemas cannot be read; the state is unknown.
    """
    if target is None or live is None:
        return _one_sided(target, live)
    key = key_of(target)
    pointers = (rules or IgnoreRules()).pointers(key)
    node = schemas.of(str(target.get("apiVersion")), key.kind) if schemas else None
    wanted, found = (remove(comparable(obj), pointers) for obj in (target, live))
    owners = _once(lambda: Owners(live))
    walk = Walk(owners, built_in=_built_in(target, node), server_side=server_side, manager=manager)
    last = None if server_side else _last_applied(live, pointers)
    walk.fields(_content(wanted), _content(found), last, node, ())
    differences = walk.differences
    if server_side:
        differences += released(owners(), manager, _content(wanted), _content(found), node)
    differences = _without_managers(differences, owners, (rules or IgnoreRules()).managers(key))
    secret = (key.group, key.kind) == ("", "Secret")
    return Verdict(
        modified=bool(differences),
        fields=tuple(_field_diff(found, owners, secret=secret) for found in differences),
        unknown_fields=tuple(map(spell, walk.unknown)),
        normalized_live=_hide(found, found) if secret else found,
        predicted=_predict(found, differences, secret=secret),
    )


def _one_sided(target: JSON | None, live: JSON | None) -> Verdict:
    """Missing objects are modified, live-only ones are not: pruning is decided elsewhere."""
    if live is None:
        shown = comparable(target) if target else {}
        return Verdict(modified=target is not None, predicted=_hidden_if_secret(shown))
    return Verdict(modified=False, normalized_live=_hidden_if_secret(comparable(live)))


def _content(obj: JSON) -> JSON:
    """Return what is compared: all but the identity, which pairing has settled."""
    metadata = {k: v for k, v in obj["metadata"].items() if k not in ("name", "namespace", "generateName")}
    return {**{k: v for k, v in obj.items() if k not in ("apiVersion", "kind")}, "metadata": metadata}


def _built_in(target: JSON, node: Node | None) -> bool:
    """Return True for kinds compiled into the server, which drops empty fields and rewrites quantities."""
    if node is not None:
        return node.name.startswith(BUILT_IN)
    group = str(target.get("apiVersion")).rpartition("/")[0]
    return "." not in group


def _is_custom(name: str) -> bool:
    return not name.startswith(BUILT_IN)


def _last_applied(live: JSON, pointers: list[tuple[str, ...]]) -> JSON | None:
    text = ((live.get("metadata") or {}).get("annotations") or {}).get(LAST_APPLIED)
    try:
        found = msgspec.json.decode(text) if isinstance(text, str) else None
    except msgspec.MsgspecError:
        return None
    if not isinstance(found, dict) or not isinstance(found.get("metadata"), dict):
        return None
    return _content(remove(comparable(found), pointers))


def _without_managers(
    differences: list[Difference], owners: t.Callable[[], Owners], ignored: frozenset[str]
) -> list[Difference]:
    """Leave out what belongs to managers whose fields do not count."""
    if not ignored:
        return differences
    return [d for d in differences if not any(owner.manager in ignored for owner in owners().of(d[0]))]


def _field_diff(difference: Difference, owners: t.Callable[[], Owners], *, secret: bool) -> FieldDiff:
    path, target, live = difference
    target, live = (None if value is MISSING else value for value in (target, live))
    if secret and _is_data(path):
        target, live = (None if value is None else word for value, word in ((target, HIDDEN_OTHER), (live, HIDDEN)))
    return FieldDiff(spell(path), target, live, owners().name(path))


def _is_data(path: Path) -> bool:
    """Return True unless the place is one of the fields of a Secret that hold no secret."""
    return not path or path[0] not in ("type", "immutable", "metadata")


def _predict(live: JSON, differences: list[Difference], *, secret: bool) -> JSON:
    result = live
    for path, target, _ in differences:
        result = write(result, path, target)
    return _hide(result, live) if secret else result


def _hide(obj: JSON, live: JSON) -> JSON:
    """Replace the values of a Secret; equal ones get equal words."""
    before = live.get("data") or {}
    data = {k: HIDDEN if k in before and before[k] == v else HIDDEN_OTHER for k, v in (obj.get("data") or {}).items()}
    return {**{k: v for k, v in obj.items() if k != "stringData"}, **({"data": data} if data else {})}


def _hidden_if_secret(obj: JSON) -> JSON:
    return _hide(obj, obj) if obj and obj.get("kind") == "Secret" else obj


def _once(make: t.Callable[[], Owners]) -> t.Callable[[], Owners]:
    """Return a function that makes the value when it is first needed."""
    found: list[Owners] = []

    def get() -> Owners:
        if not found:
            found.append(make())
        return found[0]

    return get
