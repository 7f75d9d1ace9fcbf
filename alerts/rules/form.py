"""What a rule says, and how a file of rules is written: plain for Prometheus, as a PrometheusRule for its operator."""

from __future__ import annotations

import functools
import textwrap
import typing as t

import msgspec
import yaml

from alerts.rules.thresholds import Thresholds, seconds

RUNBOOKS = "https://github.com/lynceus-gitops/lynceus/blob/main/docs/runbooks"

Severity = t.Literal["critical", "warning", "info"]
Board = t.Literal["fleet", "application", "windows", "policy", "delivery", "engine"]


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One alerting rule; `<name>` in its texts stands for a threshold, `<for>` for its own duration."""

    name: str
    expr: str
    severity: Severity
    summary: str
    description: str
    board: Board
    """Where to look."""
    hold: str = ""
    """How long the expression must hold (`for`); empty: at once."""
    labels: dict[str, str] = {}
    """Beside the severity."""
    why: str = ""
    """Why the expression is as it is; a comment in the plain file."""

    @property
    def dashboard(self) -> str:
        """The path of the board; an application's is filled in."""
        query = "?var-application={{ $labels.name }}" if self.board == "application" else ""
        return f"/d/lynceus-{self.board}{query}"

    def said(self, text: str, at: Thresholds) -> str:
        """Return one of its texts with the thresholds filled in."""
        held = msgspec.structs.replace(at.by_name["drift"], value=seconds(self.hold)).words if self.hold else ""
        return at.sentence(text.replace("<for>", held))


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One recording rule."""

    name: str
    expr: str
    labels: dict[str, str] = {}
    why: str = ""


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Rules that are evaluated one after another."""

    name: str
    rules: tuple[Alert | Record, ...]
    interval: str = ""
    """Between evaluations; empty: Prometheus' own."""


class RuleFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of groups."""

    name: str
    """What stands before .rules.yaml and .prometheusrule.yaml."""
    head: str
    """What the file is, as its first comment."""
    groups: tuple[Group, ...]


def plain(file: RuleFile, at: Thresholds) -> str:
    """Return the file as Prometheus reads it."""
    return f"{_comment(file.head)}{_groups(file, at)}"


def prometheus_rule(file: RuleFile, at: Thresholds) -> str:
    """Return the file as a PrometheusRule in the namespace monitoring."""
    head = f"""\
# For the Prometheus operator; the groups are those of {file.name}.rules.yaml.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: {file.name}-rules
  namespace: monitoring
  labels:
    app.kubernetes.io/name: lynceus
    app.kubernetes.io/part-of: argocd
spec:
"""
    return head + textwrap.indent(_groups(file, at), "  ")


def _groups(file: RuleFile, at: Thresholds) -> str:
    return "groups:\n" + "".join(textwrap.indent(_group(group, at), "  ") for group in file.groups)


def _group(group: Group, at: Thresholds) -> str:
    interval = f"  interval: {group.interval}\n" if group.interval else ""
    rules = "".join(textwrap.indent(_rule(rule, at), "    ") for rule in group.rules)
    return f"- name: {group.name}\n{interval}  rules:\n{rules}"


def _rule(rule: Alert | Record, at: Thresholds) -> str:
    if isinstance(rule, Record):
        body = {"record": rule.name, "expr": at.expression(rule.expr), **_given(labels=rule.labels)}
    else:
        body = {
            "alert": rule.name,
            "expr": at.expression(rule.expr),
            **_given(**{"for": rule.hold}),
            "labels": {"severity": rule.severity, **rule.labels},
            "annotations": _annotations(rule, at),
        }
    lines = _mapping(body).splitlines(keepends=True)
    return _comment(rule.why) + "".join(("- " if not n else "  ") + line for n, line in enumerate(lines))


def _given(**fields: t.Any) -> dict[str, t.Any]:
    """Return the fields that are not empty."""
    return {name: value for name, value in fields.items() if value}


def _annotations(rule: Alert, at: Thresholds) -> dict[str, str]:
    return {
        "summary": rule.said(rule.summary, at),
        "description": rule.said(rule.description, at),
        "runbook_url": f"{RUNBOOKS}/{rule.name}.md",
        "dashboard_url": rule.dashboard,
    }


def _mapping(fields: t.Mapping[str, t.Any]) -> str:
    return "".join(_field(name, value) for name, value in fields.items())


def _field(name: str, value: t.Any) -> str:
    if isinstance(value, dict):
        return f"{name}:\n{textwrap.indent(_mapping(value), '  ')}"
    if "\n" in value:
        return f"{name}: |-\n{textwrap.indent(value, '  ')}\n"
    return f"{name}: {_scalar(name, value)}\n"


@functools.cache
def _scalar(name: str, value: str) -> str:
    """Return the text bare where YAML reads it as the same text, else quoted."""
    try:
        bare = yaml.safe_load(f"{name}: {value}") == {name: value}
    except yaml.YAMLError:
        bare = False
    return value if bare else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _comment(text: str) -> str:
    lines = textwrap.wrap(text, 110)
    return "".join(f"# {line}\n" for line in lines)
