"""Reads the question of a case: can, sync, permitted, source, destination, resource, window, findings."""

from __future__ import annotations

import typing as t

from lynceus.policytest import cases, subjects
from lynceus.policytest.cases import Question
from lynceus.policytest.fields import Fields
from lynceus.policytest.world import World, Worlds
from lynceus.scopes import Scopes
from model.application import Application, ApplicationSpec, Destination
from model.meta import GroupKind, ObjectMeta
from model.source import Source
from policy.rbac.vocabulary import ACTIONS, known_action

KINDS = ("can", "sync", "permitted", "source", "destination", "resource", "window", "findings")

_APPLICATION = ("name", "namespace", "project", "labels", "source", "destination")
_TRIGGERS = ("automated", "manual", "healing")
_NAMELESS = frozenset({"certificates", "gpgkeys"})
"""Resources that are asked with an empty object."""
MOST_NAMED = 10
"""Names that a message lists."""
_PATHED = frozenset({"applications", "applicationsets", "logs", "exec"})
"""Resources whose object is PROJECT/NAME."""


def read(fields: Fields, kind: str, worlds: Worlds, world: World) -> Question:
    """Return the question under the key `kind` of a case."""
    return _READERS[kind](fields, worlds, world)


# --- can ---


def _can(fields: Fields, worlds: Worlds, _: World) -> Question:
    can = fields.nested("can", (*subjects.KEYS, "action", "resource", "object", "app"))
    resource = check_resource(can, "resource", can.text("resource", "applications"))
    action = check_action(can, "action", resource, can.name("action"))
    if "app" in can:
        if resource not in _PATHED or "object" in can:
            raise can.wrong("app", "app beside object or another resource", "app, or resource and object")
        target = application(can, worlds).rbac_object(worlds.control_namespace)
    else:
        target = check_object(can, "object", resource, can.text("object", ""))
    return cases.Can(subjects.read(can), resource, action, target)


def check_resource(fields: Fields, key: str, resource: str) -> str:
    """Return the resource, which must be one of Argo CD's."""
    if resource not in ACTIONS:
        raise fields.wrong(key, f"the unknown resource {resource[:40]!r}", "one of " + ", ".join(ACTIONS))
    return resource


def check_action(fields: Fields, key: str, resource: str, action: str, index: int | None = None) -> str:
    """Return the action, which the resource must have."""
    if not known_action(resource, action):
        wanted = "one of " + ", ".join(sorted(ACTIONS[resource]))
        more = ", action/GROUP/KIND/NAME, update/… or delete/…" if resource == "applications" else ""
        raise fields.wrong(key, f"the unknown action {action[:40]!r} on {resource}", wanted + more, index)
    return action


def check_object(fields: Fields, key: str, resource: str, target: str, index: int | None = None) -> str:
    """Return the object, which must be the name of one, in the form that the resource has."""
    if resource in _NAMELESS:
        if target:
            raise fields.wrong(key, f"an object of {resource}", "none: Argo CD asks with an empty object", index)
        return target
    if not target or (resource in _PATHED and not all(target.partition("/"))):
        wanted = "PROJECT/NAME or PROJECT/NAMESPACE/NAME" if resource in _PATHED else "the name or URL"
        raise fields.wrong(key, f"{target[:60]!r}" if target else "nothing", wanted, index)
    if "*" in target:
        raise fields.wrong(
            key, f"the pattern {target[:60]!r}", "the name of one object; list several in a matrix", index
        )
    return target


# --- sync, permitted, resource ---


def _sync(fields: Fields, worlds: Worlds, world: World) -> Question:
    sync = fields.nested("sync", ("app", "trigger", "started", "by", "breakGlass"))
    by = subjects.read(sync.nested("by", subjects.KEYS)) if "by" in sync else None
    trigger = sync.one_of("trigger", _TRIGGERS, "manual" if by else "automated")
    reason = sync.name("breakGlass") if "breakGlass" in sync else ""
    if by and trigger != "manual":
        raise sync.wrong("trigger", f"a sync by somebody that is {trigger}", "manual")
    if reason and not by:
        raise sync.wrong("breakGlass", "break-glass by nobody", "by: with the one who breaks it")
    app = _placed(sync, worlds, world)
    return cases.Sync(app, t.cast("cases.Trigger", trigger), sync.instant("started"), by, reason)


def _permitted(fields: Fields, worlds: Worlds, world: World) -> Question:
    return cases.Permitted(_placed(fields.nested("permitted", ("app",)), worlds, world))


def _resource(fields: Fields, worlds: Worlds, world: World) -> Question:
    resource = fields.nested("resource", ("app", "group", "kind", "namespace", "name"))
    group, kind = resource.text("group", ""), resource.name("kind")
    namespaced = Scopes(()).namespaced(GroupKind(group, kind))
    if namespaced is not None and namespaced != ("namespace" in resource):
        found = f"{kind} without a namespace" if namespaced else f"{kind} with a namespace"
        raise resource.wrong("", found, "namespace: where it lies" if namespaced else "none: it is cluster-scoped")
    return cases.OfKind(
        _placed(resource, worlds, world),
        group,
        kind,
        resource.name("namespace") if "namespace" in resource else "",
        resource.text("name", ""),
    )


def _placed(fields: Fields, worlds: Worlds, world: World) -> Application:
    """Return the Application, whose project and cluster must be known: else the answer is about these alone."""
    app = application(fields, worlds)
    name = app.spec.project or "default"
    if name not in _projects(worlds):
        raise fields.wrong("app", f"project {name[:60]!r}, which is not among `projects`", _known(_projects(worlds)))
    registry = world.guard.current.registry
    wanted = app.spec.destination
    if registry.resolve(wanted) is None:
        shown = " ".join(filter(None, (wanted.name, wanted.server)))[:60]
        found = f"cluster {shown!r}, which is not among `clusters`" if shown else "no cluster in its destination"
        raise fields.wrong("app", found, _known(cluster.name or cluster.server for cluster in registry.clusters))
    return app


def application(fields: Fields, worlds: Worlds) -> Application:
    """Return the Application under the key `app`: one of the file's by its name, or one written there."""
    if not isinstance(fields.table.get("app"), str):
        return _written(fields.nested("app", _APPLICATION), worlds)
    name = fields.name("app")
    found = worlds.application(name)
    if len(found) != 1:
        wanted = _known(app.metadata.name for app in worlds.live.applications)
        if found:
            wanted = "NAMESPACE/NAME: " + " or ".join(str(app.key) for app in found)
        raise fields.wrong("app", f"{len(found) or 'no'} Applications {name[:60]!r}", wanted)
    return found[0]


def _written(fields: Fields, worlds: Worlds) -> Application:
    name = project(fields, worlds)
    wanted = fields.nested("destination", ("name", "server", "namespace"))
    repo = fields.text("source", "")
    return Application(
        metadata=ObjectMeta(
            name=fields.text("name", ""), namespace=fields.text("namespace", ""), labels=fields.pairs("labels")
        ),
        spec=ApplicationSpec(
            project=name,
            source=Source(repo_url=repo) if repo else None,
            destination=Destination(
                server=wanted.text("server", ""),
                name=wanted.text("name", ""),
                namespace=wanted.text("namespace", ""),
            ),
        ),
    )


def project(fields: Fields, worlds: Worlds) -> str:
    """Return the project under the key `project`, which must be among the file's."""
    name = fields.name("project")
    if name not in _projects(worlds):
        raise fields.wrong("project", f"the unknown project {name[:60]!r}", _known(_projects(worlds)))
    return name


def _projects(worlds: Worlds) -> list[str]:
    return [project.metadata.name for project in worlds.live.projects]


def _known(names: t.Iterable[str]) -> str:
    """Say which names there are."""
    known = sorted(set(names))
    return "one of " + ", ".join(known[:MOST_NAMED]) if known else "an object that the file names"


# --- source, destination, window, findings ---


def _source(fields: Fields, worlds: Worlds, _: World) -> Question:
    source = fields.nested("source", ("project", "repo"))
    return cases.FromSource(project(source, worlds), source.name("repo"))


def _destination(fields: Fields, worlds: Worlds, world: World) -> Question:
    wanted = fields.nested("destination", ("project", "name", "server", "namespace"))
    destination = Destination(
        server=wanted.text("server", ""), name=wanted.text("name", ""), namespace=wanted.name("namespace")
    )
    registry = world.guard.current.registry
    key = wanted.exactly_one(("name", "server"), "name or server of one cluster")
    if registry.resolve(destination) is None:
        raise wanted.wrong(
            key, f"the unknown cluster {wanted.text(key)[:60]!r}", _known(c.name or c.server for c in registry.clusters)
        )
    return cases.ToDestination(project(wanted, worlds), destination)


def _window(fields: Fields, worlds: Worlds, world: World) -> Question:
    wanted = fields.nested("window", ("project", "window"))
    name, part = project(wanted, worlds), wanted.name("window")
    found = [window for window in world.windows(name) if contains(_described(window), part)]
    if len(found) != 1:
        known = "; ".join(f"{window.where} ({window.text})" for window in (found or world.windows(name))[:5])
        shown = f"{len(found) or 'no'} windows with {part[:60]!r}"
        raise wanted.wrong("window", shown, f"text that one of them contains: {known or 'the project has none'}")
    return cases.WindowState(name, found[0].where)


def _described(window: t.Any) -> str:
    return f"{window.where}: {window.text}: {getattr(window.spec, 'description', '')}"


def contains(text: str, part: str) -> bool:
    """Return whether a text contains a part, at the borders of numbers: line 3 is not in line 31."""
    start = text.find(part)
    while start >= 0:
        end = start + len(part)
        before, behind = text[start - 1 : start] + part[:1], part[-1:] + text[end : end + 1]
        if not (_digits(before) or _digits(behind)):
            return True
        start = text.find(part, start + 1)
    return False


def _digits(pair: str) -> bool:
    return len(pair) == 2 and pair.isascii() and pair.isdigit()


def _findings(fields: Fields, _: Worlds, __: World) -> Question:
    if isinstance(fields.table["findings"], list):
        return cases.Lint(fields.texts("findings"), (), "")
    lint = fields.nested("findings", ("codes", "includes", "in"))
    if "codes" not in lint and not lint.texts("includes"):
        raise lint.wrong("", "neither codes nor includes", "codes: exactly these, or includes: at least these")
    codes = lint.texts("codes") if "codes" in lint else None
    return cases.Lint(codes, lint.texts("includes"), lint.text("in", ""))


_READERS: t.Final[dict[str, t.Callable[[Fields, Worlds, World], Question]]] = {
    "can": _can,
    "sync": _sync,
    "permitted": _permitted,
    "source": _source,
    "destination": _destination,
    "resource": _resource,
    "window": _window,
    "findings": _findings,
}
