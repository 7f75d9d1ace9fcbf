"""The pages: one for each alert, with the sections, a query that can be asked and a command that exists."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys

import click
import pytest
import yaml

from lynceus.cli import cli
from tests.alerts.labels import labels, selectors
from tests.alerts.support import BY_NAME, RUNBOOKS
from tests.alerts.test_rules import RECORDED

SECTIONS = ["Meaning", "Impact", "Look here first", "Fix", "When to silence"]
TOOLS = {"kubectl": ("get", "logs", "top"), "git": ("ls-remote",)}
"""What a page may call beside our own command, and with what."""

every_page = pytest.mark.parametrize("name", sorted(BY_NAME))


def page(name: str) -> str:
    """Return the text of an alert's page."""
    return (RUNBOOKS / f"{name}.md").read_text(encoding="utf-8")


def test_each_alert_has_a_page_and_each_page_an_alert() -> None:
    """No page describes what no longer exists."""
    assert set(BY_NAME) == {path.stem for path in RUNBOOKS.glob("*.md")}


@every_page
def test_a_page_has_its_sections(name: str) -> None:
    """In order, none empty, under the alert's name and severities."""
    text = page(name)
    severities = sorted({rule["labels"]["severity"] for rule in BY_NAME[name]})
    assert text.startswith(f"# {name}\n\nSeverity: {', '.join(severities)}\n")
    assert SECTIONS == re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert all(part.strip() for part in re.split(r"^## .+$", text, flags=re.MULTILINE))


@every_page
def test_the_first_query_can_be_asked(name: str) -> None:
    """It is PromQL, and what it names is exported."""
    (query,) = re.findall(r"```promql\n(.+?)\n```", page(name), re.DOTALL)
    labels(query, RECORDED)
    assert selectors(query)


@every_page
def test_the_first_command_exists(name: str) -> None:
    """It is one of ours with options that it has, or one of the usual tools; so is what it is piped into."""
    (line,) = re.findall(r"```sh\n(.+?)\n```", page(name), re.DOTALL)
    for command in line.split(" | "):
        words = [word for word in shlex.split(command) if word != "time"]
        if words[0] == "lynceus":
            parse(words[1:])
        else:
            assert words[1] in TOOLS[words[0]]


def test_the_command_for_a_broken_policy_names_the_line() -> None:
    """What kubectl prints of the cluster is read as it comes, and the exit code is that of an error."""
    data = {"policy.csv": "p, too, short"}
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "argocd-rbac-cm"}, "data": data}
    other = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kube-root-ca.crt"}, "data": {"ca.crt": "x"}}
    piped = yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": [other, settings]})
    assert 1 == page("LynceusPolicyReloadFailing").count("-o yaml | lynceus rbac validate /dev/stdin\n")
    command = [sys.executable, "-m", "lynceus", "rbac", "validate", "/dev/stdin"]
    done = subprocess.run(command, input=piped, capture_output=True, text=True, check=False)
    assert (1, "") == (done.returncode, done.stderr)
    assert "argocd-rbac-cm policy.csv:1:1" in done.stdout


@every_page
def test_every_command_of_ours_in_a_page_exists(name: str) -> None:
    """Those that stand in a sentence, too."""
    for command in re.findall(r"`(lynceus [a-z][^`]*)`", page(name)):
        find(shlex.split(command)[1:])


def find(words: list[str]) -> tuple[click.Command, click.Context, list[str]]:
    """Return the command that the words name, its context, and what is left of them."""
    command: click.Command = cli
    context = click.Context(cli, info_name="lynceus")
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(context, words[0])
        assert found is not None, f"no command {words[0]}"
        command, words = found, words[1:]
        context = click.Context(command, info_name=command.name, parent=context)
    return command, context, words


def parse(words: list[str]) -> None:
    """Read a command line as the program does, down to the options, without running it or looking for files."""
    command, context, rest = find(words)
    assert not isinstance(command, click.Group)
    values, left, _ = command.make_parser(context).parse_args(rest)
    assert [] == left
    missing = [p.name for p in command.params if p.required and not isinstance(values.get(p.name or ""), str | tuple)]
    assert [] == missing


@pytest.mark.parametrize("wrong", ["windows explian", "windows explain --live --application x", "rbac can --live"])
def test_the_check_of_commands_sees_what_is_wrong(wrong: str) -> None:
    """A command, an option and a missing argument are each noticed."""
    with pytest.raises((AssertionError, click.UsageError)):
        parse(shlex.split(wrong))
