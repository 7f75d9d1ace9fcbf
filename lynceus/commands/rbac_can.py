"""`lynceus rbac can`: may a caller do something, which line says so, and what would change it?"""

from __future__ import annotations

import datetime as dt
import typing as t

import click
import msgspec

from lynceus.bundle import Live
from lynceus.commands.answers import at_option, instant, mode_option, output_option, print_decision
from lynceus.commands.cluster import ClusterChoice, cluster_options
from lynceus.commands.rbac_input import covering, gather, policy_option, project_option, resource_word, usable
from model.decision import Decision
from model.settings import RbacSwitches
from policy.findings import Mode
from policy.generation import Generation
from policy.guard import Guard
from policy.rbac.deeds import Ask, Deed, judge
from policy.subjects import Subject, named


@click.command()
@click.argument("subject")
@click.argument("action")
@click.argument("resource")
@click.argument("target", metavar="[OBJECT]", default="")
@policy_option
@project_option
@click.option("--default-role", metavar="R", help="Instead of policy.default.")
@click.option("--group", "groups", metavar="G", multiple=True, help="A group of the subject; may be repeated.")
@at_option
@mode_option
@output_option
@cluster_options
def can(
    subject: str,
    action: str,
    resource: str,
    target: str,
    policy_file: str | None,
    project_file: tuple[str, ...],
    default_role: str | None,
    groups: tuple[str, ...],
    at: str | None,
    mode: Mode,
    output: str,
    cluster: ClusterChoice,
) -> None:
    """May SUBJECT do ACTION on RESOURCE OBJECT? Exit code 0 allowed, 1 denied.

    SUBJECT is a user, a role (role:dev), a project role as its tokens have it (proj:shop:ci), or empty: anonymous.
    With --at, `sync` on an application also asks the sync windows of its project (as a manual sync).
    """
    word = resource_word(resource)
    moment = instant(at)
    asks_windows = bool(at) and (word, action) == ("applications", "sync")
    found = gather(policy_file, project_file, cluster, default_role=default_role, whole=asks_windows)
    guard = Guard(usable(found, mode, cluster.namespace))
    caller = named(subject, groups)
    decision = _ask(guard, found, caller, Ask(word, action, target))
    notes = tuple(_notes(found.settings.rbac_switches, word, action))
    decision = msgspec.structs.replace(decision, reasons=(*decision.reasons, *notes))
    if decision.allowed and asks_windows:
        decision = _windows(guard, found, caller, target, moment, decision)
    print_decision(decision, output)


def _ask(guard: Guard, found: Live, caller: Subject, ask: Ask) -> Decision:
    """Ask; where argocd-cm lets plain update and delete cover an Application's objects, those are asked first."""
    plain = covering(found, ask.resource, ask.action)
    step = (ask._replace(action=plain), ask) if plain else (ask,)
    return judge(Deed((step,)), lambda resource, action, target: guard.can(caller, resource, action, target))


def _notes(switches: RbacSwitches, resource: str, action: str) -> t.Iterator[str]:
    """Say what else counts for a deed of which this right is only a part."""
    if (resource, action) == ("exec", "create"):
        yield 'a terminal also needs applications get, and exec.enabled: "true" in argocd-cm'
    elif (resource, action) == ("logs", "get"):
        yield "reading logs also needs applications get"
    elif (resource, action) == ("applications", "rollback") and not switches.rollback_enforced:
        yield "rolling back asks for sync, unless argocd-cm has server.rbac.rollback.enforce.enable"


def _windows(guard: Guard, found: Live, caller: Subject, target: str, at: dt.datetime, permitted: Decision) -> Decision:
    """Ask the windows: of the Application when it was found, else of its project, where cluster windows count.

    What both allow is answered with the line that permits it, and with the end of the time in which windows do.
    """
    generation = guard.current
    answer: Decision | None = None
    for app in found.applications:
        if app.rbac_object(generation.control_namespace) == target:
            answer = guard.may_sync(app, now=at, manual=True, subject=caller)
            break
    else:
        answer = _windows_of_project(generation, target, at)
    if answer is None:
        return permitted
    return msgspec.structs.replace(permitted, until=answer.until) if answer.allowed else answer


def _windows_of_project(generation: Generation, target: str, at: dt.datetime) -> Decision | None:
    from policy.windows import Target
    from policy.windows import decide as decide_windows

    project, _, rest = target.partition("/")
    windows = generation.windows.get(project)
    if not windows:
        return None
    wanted = Target(rest.rpartition("/")[2], "", (), unresolved=True)
    return decide_windows(windows, wanted, at, manual=True, generation=generation.id)
