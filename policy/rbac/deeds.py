"""Which requests must be allowed for a deed: what a person wants to do, in the words of RBAC.

Pure. The API, the admission webhook and the command line ask here and then policy.guard, so that one deed costs the
same rights everywhere. Sync windows and the limits of projects are other questions and are not asked here.
Source: Argo CD server/application, server/project and docs "RBAC Configuration".
"""

from __future__ import annotations

import typing as t

import msgspec

from model.decision import Decision, Rule, deny
from model.project import AppProject
from model.settings import RbacSwitches

_KIND_LISTS = (
    "cluster_resource_whitelist",
    "cluster_resource_blacklist",
    "namespace_resource_whitelist",
    "namespace_resource_blacklist",
)


class Ask(t.NamedTuple):
    """One request."""

    resource: str
    action: str
    target: str


class Deed(msgspec.Struct, frozen=True):
    """What must be allowed."""

    steps: tuple[tuple[Ask, ...], ...]
    """Every step must be allowed; of the requests in one step the first that is allowed suffices."""
    off: str = ""
    """Why nobody may do this at all; empty when it depends on the steps."""


class Thing(t.NamedTuple):
    """One object that an Application manages."""

    group: str
    """API group, empty for core."""
    kind: str
    namespace: str
    name: str


Can = t.Callable[[str, str, str], Decision]
"""Ask one request: resource, action, object."""


def judge(deed: Deed, can: Can) -> Decision:
    """Return the first step's refusal, or else what allowed the last step.

    Args:
        deed: from one of the functions below.
        can: for example ``lambda *ask: guard.can(subject, *ask)``.
    """
    if deed.off or not deed.steps:
        reason = deed.off or "nothing is asked for"
        return deny(reason, Rule(kind="settings", origin="argocd-cm", text=reason))
    answer = None
    for step in deed.steps:
        answer = _judge_step(step, can)
        if not answer.allowed:
            return answer
    assert answer is not None
    return answer


def _judge_step(step: tuple[Ask, ...], can: Can) -> Decision:
    """Return what allows, or the refusal of the last way with those of the others as further reasons."""
    refused: list[Decision] = []
    for ask in step:
        answer = can(*ask)
        if answer.allowed:
            return answer
        refused.append(answer)
    last = refused[-1]
    return msgspec.structs.replace(last, reasons=(*(answer.reason for answer in refused[:-1]), *last.reasons))


def object_of(project: str, namespace: str, name: str, control_namespace: str) -> str:
    """Return the object of an Application or ApplicationSet, also for its logs and exec.

    PROJECT/NAME, or PROJECT/NAMESPACE/NAME outside the control namespace; an empty project is `default`.
    """
    middle = "" if namespace in ("", control_namespace) else f"{namespace}/"
    return f"{project or 'default'}/{middle}{name}"


def scoped(project: str, url: str) -> str:
    """Return the object of a cluster or repository: its URL, with PROJECT/ before it when it belongs to one."""
    return f"{project}/{url}" if project else url


def plain(resource: str, action: str, target: str) -> Deed:
    """Return the deed that is one request."""
    return _all(Ask(resource, action, target))


def change_app(old: str, new: str) -> Deed:
    """Change an Application; one that moves to another project also needs to be created there."""
    if old.partition("/")[0] == new.partition("/")[0]:
        return plain("applications", "update", new)
    wanted = (("update", new), ("create", new), ("update", old))
    return _all(*(Ask("applications", action, target) for action, target in wanted))


def sync(target: str, switches: RbacSwitches, *, manifests: bool = False, other_revision: bool = False) -> Deed:
    """Sync an Application. Prune, force and replace have no right of their own.

    Args:
        target: the Application's object.
        switches: from argocd-cm.
        manifests: local ones are sent along, instead of those of the source.
        other_revision: another revision than the Application names.
    """
    override = manifests or (other_revision and switches.override_for_revision)
    actions = ("sync", "override") if override else ("sync",)
    return _all(*(Ask("applications", action, target) for action in actions))


def roll_back(target: str, switches: RbacSwitches) -> Deed:
    """Go back to an earlier deployment."""
    return plain("applications", "rollback" if switches.rollback_enforced else "sync", target)


def end_sync(target: str) -> Deed:
    """Terminate a running sync."""
    return plain("applications", "sync", target)


def change_thing(
    target: str, action: t.Literal["get", "update", "delete"], thing: Thing, switches: RbacSwitches
) -> Deed:
    """Read, patch or delete one object that an Application manages.

    The long action says which. Unless inheritance is switched off (the default), the short one comes first and
    suffices, so that a deny line about one kind cannot bite.
    """
    if action == "get":
        return plain("applications", "get", target)
    long = Ask("applications", f"{action}/{'/'.join(thing)}", target)
    return Deed(((long,) if not switches.inherit_fine_grained else (Ask("applications", action, target), long),))


def run_action(target: str, thing: Thing, name: str) -> Deed:
    """Run a resource action, for example restart, on one object that an Application manages."""
    return plain("applications", f"action/{thing.group}/{thing.kind}/{name}", target)


def read_logs(target: str) -> Deed:
    """Read the logs of an Application's pods."""
    return _all(Ask("applications", "get", target), Ask("logs", "get", target))


def run_command(target: str, switches: RbacSwitches) -> Deed:
    """Open a terminal in one of an Application's pods."""
    deed = _all(Ask("applications", "get", target), Ask("exec", "create", target))
    if switches.exec_enabled:
        return deed
    return Deed(deed.steps, 'terminals are switched off: argocd-cm exec.enabled is not "true"')


def change_project(old: AppProject, new: AppProject) -> Deed:
    """Change an AppProject: what is added to its reach is asked for as well."""
    before, after = old.spec, new.spec
    asks = [Ask("projects", "update", new.metadata.name)]
    asks += [Ask("clusters", "update", server) for server in _added(_servers(old), _servers(new))]
    asks += [Ask("repositories", "update", url) for url in _added(before.source_repos or (), after.source_repos or ())]
    if any(getattr(before, name) != getattr(after, name) for name in _KIND_LISTS):
        asks += [Ask("clusters", "update", server) for server in _servers(new)]
    return _all(*dict.fromkeys(asks))


def _servers(project: AppProject) -> tuple[str, ...]:
    return tuple(item.server for item in project.spec.destinations or ())


def _added(before: t.Iterable[str], after: t.Iterable[str]) -> list[str]:
    known = set(before)
    return [item for item in dict.fromkeys(after) if item not in known]


def _all(*asks: Ask) -> Deed:
    return Deed(tuple((ask,) for ask in asks))
