"""`lynceus rbac who`: who may do something, by which line, and whom a line stops."""

from __future__ import annotations

import typing as t

import click

from lynceus.commands.answers import decision_record, mode_option, output_option, print_value
from lynceus.commands.cluster import ClusterChoice, cluster_options
from lynceus.commands.rbac_input import covering, gather, policy_option, project_option, resource_word, usable
from model.decision import Decision
from policy.findings import Mode
from policy.preview.universe import Caller
from policy.preview.who import Who
from policy.preview.who import who as find_who


@click.command()
@click.argument("action")
@click.argument("resource")
@click.argument("target", metavar="[OBJECT]", default="")
@policy_option
@project_option
@click.option("--default-role", metavar="R", help="Instead of policy.default.")
@mode_option
@output_option
@cluster_options
def who(
    action: str,
    resource: str,
    target: str,
    policy_file: str | None,
    project_file: tuple[str, ...],
    default_role: str | None,
    mode: Mode,
    output: str,
    cluster: ClusterChoice,
) -> None:
    """Who may do ACTION on RESOURCE OBJECT? Exit code 0 somebody may, 1 nobody.

    Everybody whom the policy or a project role names is asked about: users, groups, roles, tokens of project roles.
    """
    word = resource_word(resource)
    found = gather(policy_file, project_file, cluster, default_role=default_role)
    plain = covering(found, word, action)
    answer = find_who(usable(found, mode, cluster.namespace), word, action, target, covering=plain)
    if output == "text":
        click.echo("\n".join(_lines(answer, f"{action} {word}{target and ' '}{target}")))
    else:
        print_value(_record(answer), output)
    raise SystemExit(0 if answer.everybody.allowed or answer.allowed else 1)


def _called(caller: Caller) -> str:
    """Return who a caller is, in words."""
    if caller.kind == "caller":
        return caller.label
    if caller.kind == "group":
        return f"any member of group {caller.subject.groups[0]}"
    if caller.kind == "user or group":
        return f"user {caller.label}, or any member of group {caller.label}"
    return f"tokens of {caller.label}" if caller.kind == "project role" else f"{caller.kind} {caller.label}"


def caller_record(caller: Caller) -> dict[str, t.Any]:
    """Return a caller as JSON values."""
    name = caller.subject.groups[0] if caller.kind == "group" else caller.label
    return {"name": name, "kind": caller.kind}


def _lines(answer: Who, asked: str) -> t.Iterator[str]:
    yield f"who may {asked}:"
    if answer.everybody.allowed:
        yield f"  everybody{_rule(answer.everybody, everybody=True)}"
    for holder in answer.allowed:
        yield f"  {_called(holder.caller)}{_rule(holder.decision)}"
    if not answer.everybody.allowed and not answer.allowed:
        yield "  nobody"
    if answer.denied or _stops(answer):
        yield "denied by a line:"
    if _stops(answer):
        yield f"  everybody{_rule(answer.everybody, everybody=True)}"
    for holder in answer.denied:
        yield f"  {_called(holder.caller)}{_rule(holder.decision)}"


def _stops(answer: Who) -> bool:
    rule = answer.everybody.rule
    return not answer.everybody.allowed and rule is not None and rule.kind == "rbac"


def _rule(decision: Decision, *, everybody: bool = False) -> str:
    rule = decision.rule
    if rule is None:
        return ""
    way = [name for name in rule.path if not name.startswith(("any member of ", "anybody"))]
    path = f" ({' -> '.join(way)})" if len(way) > 1 or (way and everybody) else ""
    return f": {rule.origin}: {rule.text}{path}"


def _record(answer: Who) -> dict[str, t.Any]:
    return {
        "everybody": decision_record(answer.everybody),
        "allowed": [{**caller_record(each.caller), **decision_record(each.decision)} for each in answer.allowed],
        "denied": [{**caller_record(each.caller), **decision_record(each.decision)} for each in answer.denied],
    }
