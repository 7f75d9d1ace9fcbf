"""RBAC by the table: text of policies, decisions, patterns and roles of projects, asked through the command line."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from policy.guard import Guard
from policy.rbac.claims import read_caller
from policy.rbac.scopes import read_scopes
from tests.acceptance.support import MODES, Result, config_map, generation, per_mode, project, run, table, write

CODES = {"allow": 0, "deny": 1, "refused": 2}
Case = dict[str, t.Any]


def _data(policy: str | dict[str, str] | None) -> dict[str, str]:
    return policy if isinstance(policy, dict) else {"policy.csv": policy or ""}


def _files(folder: Path, case: Case) -> list[str]:
    policy = write(folder / "policy.yaml", config_map("argocd-rbac-cm", _data(case.get("policy"))))
    words = ["--policy-file", policy]
    for name, spec in case.get("projects", {}).items():
        words += ["--project-file", write(folder / f"{name}.yaml", project(name, spec))]
    return words


def _who(who: str | list[str]) -> tuple[str, list[str]]:
    name, *groups = [who] if isinstance(who, str) else who
    return name, [f"g{number}" for number in range(500)] if groups == ["*groups500"] else groups


def _can(capsys: t.Any, files: list[str], who: t.Any, *rest: str) -> Result:
    name, groups = _who(who)
    options = [word for group in groups for word in ("--group", group)]
    return run(capsys, "rbac", "can", *files, *options, "-o", "json", "--", name, *rest)


def _by_token(folder: Path, case: Case, who: t.Any, mode: t.Any, question: tuple[str, str, str]) -> str:
    """Ask as the API does: with the claims of a token."""
    objects = [project(name, spec) for name, spec in case.get("projects", {}).items()]
    path = write(folder / "all.yaml", config_map("argocd-rbac-cm", _data(case.get("policy"))), *objects)
    name, groups = _who(who)
    claims = {"sub": name, "groups": groups}
    caller = read_caller(claims, read_scopes(""), mode=mode, project_token=name.startswith("proj:"))
    assert caller.subject is not None
    action, resource, thing = question
    return Guard(generation(path, mode)[0]).can(caller.subject, resource, action, thing).effect


@pytest.mark.parametrize(
    "case", table("rbac_text") + table("rbac_decision") + table("rbac_regex") + table("rbac_projects")
)
def test_decisions_follow_the_rule(case: Case, tmp_path: Path, capsys: t.Any) -> None:
    """Exit code, effect and deciding line are those of the table, strict and compat."""
    files = _files(tmp_path, case)
    for who, action, resource, thing, expected, *more in case["asks"]:
        for mode, answer in per_mode(expected).items():
            told = f"{mode}: {who} {action} {resource} {thing!r}"
            if more[1:] == ["jwt"]:
                assert answer == _by_token(tmp_path, case, who, mode, (action, resource, thing)), told
                continue
            result = _can(capsys, [*files, "--mode", mode], who, action, resource, thing)
            assert CODES[answer] == result.code, f"{told}: {result}"
            if answer == "refused":
                assert result.err.startswith("lynceus: "), told
                assert 1 == len(result.err.splitlines()), told
                continue
            assert (answer, answer == "allow") == (result.data["effect"], result.data["allowed"]), told
            if more and more[0]:
                assert more[0] in result.data["rule"]["origin"], f"{told}: {result.out}"


def _patterns() -> list[t.Any]:
    return [
        pytest.param(kind, *row, id=f"{param.id}: {row[0]} on {row[1]!a}")
        for param in table("rbac_patterns")
        for kind in ("glob", "regex")
        for row in param.values[0].get(kind, ())
    ]


@pytest.mark.parametrize(("kind", "pattern", "text", "hits"), _patterns())
def test_patterns_match_as_the_rule_says(kind: str, pattern: str, text: str, hits: t.Any, tmp_path: Path) -> None:
    """A pattern of objects, in quotes in the policy, hits the texts of the table and no others."""
    quoted = pattern.replace('"', '""')
    line = f'p, alice, applications, get, "{quoted}", allow'
    data = {"policy.csv": line, "policy.matchMode": kind}
    path = write(tmp_path / "policy.yaml", config_map("argocd-rbac-cm", data))
    caller = read_caller({"sub": "alice"}, ("groups",)).subject
    assert caller is not None
    for mode, answer in per_mode(hits).items():
        current, findings = generation(path, mode)
        refused = any(found.severity == "error" for found in findings)
        decision = Guard(current).can(caller, "applications", "get", text)
        told = "refused" if refused else str(decision.allowed)
        assert answer.capitalize() == told.capitalize(), f"{mode}: {findings} {decision.reason}"


def test_every_mode_is_asked() -> None:
    """The tables speak of both modes that there are."""
    assert {"strict", "compat"} == set(MODES)
