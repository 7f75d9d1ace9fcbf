"""`lynceus rbac diff`: who gains and who loses what by a new policy, before it is in force."""

from __future__ import annotations

import collections
import typing as t

import click
import msgspec

from lynceus.bundle import Live
from lynceus.commands.answers import finding_record, mode_option, output_option, print_value
from lynceus.commands.cluster import ClusterChoice, cluster_options
from lynceus.commands.rbac_input import completed, generation_of, governing, overlaid
from lynceus.commands.rbac_words import covers, diff_lines, entry_record
from lynceus.files import read_applications, read_policy
from model.settings import RbacSwitches, Settings
from policy.findings import Finding, Mode, errors_of
from policy.generation import Generation
from policy.preview.differences import Comparison
from policy.subjects import named

SWITCHES: t.Final = (
    "plain update and delete cover objects",
    "server.rbac.rollback.enforce.enable",
    "application.sync.requireOverridePrivilegeForRevisionSync",
    "exec.enabled",
)
"""What the fields of RbacSwitches are called, in their order."""

LIVE: t.Final = "live"
"""Instead of a file: what is in the cluster."""


@click.command()
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.option("--project-file", metavar="F", multiple=True, help="AppProjects that count on both sides.")
@click.option("--app-file", metavar="F", multiple=True, help="Applications to name in the answer; file or folder.")
@click.option("--subject", metavar="S", help="One more caller to look at; with --group, one who is in these groups.")
@click.option("--group", "groups", metavar="G", multiple=True, help="A group of that caller; may be repeated.")
@click.option("--default-role", metavar="R", help="Instead of policy.default on both sides.")
@mode_option
@output_option
@cluster_options
def diff(
    old: str,
    new: str,
    project_file: tuple[str, ...],
    app_file: tuple[str, ...],
    subject: str | None,
    groups: tuple[str, ...],
    default_role: str | None,
    mode: Mode,
    output: str,
    cluster: ClusterChoice,
) -> None:
    """Who gains and who loses what by NEW instead of OLD? Exit code 0 no difference, 1 some.

    OLD and NEW are policy CSV, a ConfigMap, a file or folder with AppProjects and Applications beside it, or the word
    `live`: what is in the cluster. What only one side brings (policy, AppProjects) counts on both; beside `live` that
    goes for each AppProject.
    """
    sides = tuple(completed(side, project_file, default_role) for side in _sides(old, new, cluster))
    before, after = (_generation(side, mode, cluster.namespace) for side in sides)
    targets = _applications(sides, app_file, cluster.namespace)
    given = [named(subject or "", groups)] if subject is not None or groups else []
    comparison = Comparison(before[0], after[0])
    found = comparison.diff(applications=targets, given=given)
    switches = _switches(sides[0], sides[1])
    settings = _settings(before[0], after[0]) + switches
    findings = _new_findings(before[1], after[1])
    # what another default role or match mode does is among the changes; which claims give groups is not
    differs = found.differs or bool(switches) or any(line.startswith("scopes:") for line in settings)
    if output == "text":
        lines = [*settings, *diff_lines(comparison, found), *(f"new {f.severity}: {f}" for f in findings)]
        click.echo("\n".join([*lines, *covers(found, targets)]))
    else:
        record = {
            "differs": differs,
            "settings": settings,
            "changes": [entry_record(comparison, entry) for entry in found.entries],
            "unproven": list(found.unproven),
            "newFindings": [finding_record(finding) for finding in findings],
            "callers": len(found.callers),
            "applications": len(targets),
        }
        print_value(record, output)
    raise SystemExit(1 if differs else 0)


def _sides(old: str, new: str, cluster: ClusterChoice) -> tuple[Live, ...]:
    """Read both sides, and let each have what only the other brings."""
    live = cluster.read(clusters=False) if LIVE in (old, new) else None
    first, second = (live if live is not None and name == LIVE else _read(name) for name in (old, new))
    if live is not None:
        return overlaid(live, first) if old != LIVE else first, overlaid(live, second) if new != LIVE else second
    return _with_parts_of(first, second), _with_parts_of(second, first)


def _read(name: str) -> Live:
    """Read a file or folder; a ConfigMap of any name will do when it is the only one."""
    found = governing(name)
    if found is not None:
        return found
    rbac, source = read_policy(name)
    return Live(where=name, rbac=rbac, rbac_source=source, has_rbac=True, has_rbac_keys=bool(source))


def _with_parts_of(side: Live, other: Live) -> Live:
    """Return a side with the policy, its settings or the AppProjects of the other when it has none of its own."""
    below = Live(
        where=side.where,
        rbac=other.rbac if not side.has_rbac or not side.has_rbac_keys else side.rbac,
        rbac_source=other.rbac_source,
        has_rbac=other.has_rbac,
        has_rbac_keys=other.has_rbac_keys,
        projects=[] if side.projects else other.projects,
    )
    return overlaid(below, side)


def _generation(side: Live, mode: Mode, namespace: str) -> tuple[Generation, tuple[Finding, ...]]:
    """Build a side; raises InvalidPolicy when its policy would not come into force."""
    generation, findings = generation_of(msgspec.structs.replace(side, additions_data={}), mode, namespace)
    for finding in errors_of(findings):
        if finding.code.startswith("rbac-"):
            raise finding.error()
    return generation, findings


def _applications(sides: t.Sequence[Live], app_files: t.Sequence[str], namespace: str) -> tuple[str, ...]:
    apps = [app for side in sides for app in side.applications] + read_applications(app_files)
    return tuple(sorted({app.rbac_object(namespace) for app in apps}))


def _settings(before: Generation, after: Generation) -> list[str]:
    """Return the keys of argocd-rbac-cm beside the lines that changed, one line each."""
    assert before.policy is not None
    assert after.policy is not None
    rows = (
        ("policy.default", before.policy.default_role, after.policy.default_role),
        ("policy.matchMode", before.policy.match_mode, after.policy.match_mode),
        ("scopes", ", ".join(before.policy.scopes), ", ".join(after.policy.scopes)),
    )
    return [f"{key}: {old or 'none'} -> {new or 'none'}" for key, old, new in rows if old != new]


def _switches(before: Live, after: Live) -> list[str]:
    """Return the switches of argocd-cm that say which rights a deed needs, where both sides have it and they differ."""
    if Settings() in (before.settings, after.settings):
        return []
    pairs = zip(msgspec.structs.fields(RbacSwitches), SWITCHES, strict=True)
    rows = [
        (key, *(getattr(side.settings.rbac_switches, field.name) for side in (before, after))) for field, key in pairs
    ]
    return [
        f"argocd-cm {key}: {'on' if old else 'off'} -> {'on' if new else 'off'}" for key, old, new in rows if old != new
    ]


def _new_findings(before: t.Iterable[Finding], after: t.Iterable[Finding]) -> list[Finding]:
    """Return what is wrong on the new side only; a line that moved is the same line."""
    known = collections.Counter((finding.code, finding.text) for finding in before)
    new: list[Finding] = []
    for finding in after:
        key = (finding.code, finding.text)
        if known[key]:
            known[key] -= 1
        else:
            new.append(finding)
    return new
