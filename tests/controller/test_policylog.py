"""What is wrong with a policy is said once for each generation that has it."""

from __future__ import annotations

import logging
import time
import typing as t

import pytest

from controller import policylog
from controller.policylog import Loaded, PolicyLog
from model.events import Event, PolicyFindings, PolicyRules
from model.meta import ObjectMeta
from model.project import AppProject, ProjectDestination, ProjectRole, ProjectSpec, SyncWindow
from model.settings import RbacSettings
from policy.guard import Guard, Subject, build, named
from policy.rbac.listed import MOST_RULES, listed

CSV = "p, role:dev, applications, sync, */*, alow\np, role:dev, aplications, get, */*, allow\n"


def loaded(csv: str, *, schedule: str = "0 9 * * *") -> Loaded:
    """Return a generation with this text and one project."""
    window = SyncWindow(kind="deny", schedule=schedule, duration="1h", applications=["*"])
    spec = ProjectSpec(
        source_repos=["*"],
        destinations=[ProjectDestination(server="*", namespace="*")],
        sync_windows=[window],
        roles=[ProjectRole(name="ci", policies=["p, proj:shop:ci, applications, sync, shop/*, allow"])],
    )
    project = AppProject(metadata=ObjectMeta(name="shop", namespace="argocd"), spec=spec)
    rbac = RbacSettings(csv=(("policy.csv", csv),))
    generation, findings = build(rbac, [project], ())
    return Loaded(generation=generation.id, rbac=rbac, projects=(project,), findings=findings, engine=generation.engine)


def told(caplog: pytest.LogCaptureFixture) -> list[dict[str, t.Any]]:
    return [vars(record) for record in caplog.records if record.getMessage() == "policy finding"]


def test_each_finding_is_one_line_with_code_severity_and_place(caplog: pytest.LogCaptureFixture) -> None:
    """Lines of the policy and windows alike; said again only of another generation."""
    book = PolicyLog("strict")
    first = loaded(CSV, schedule="every noon")
    assert book.tell(first) == len(told(caplog))
    places = {(line["severity"], line["where"].partition(":")[0]) for line in told(caplog)}
    assert {("error", "argocd-rbac-cm policy.csv"), ("error", "AppProject shop")} <= places
    assert {first.generation} == {line["generation"] for line in told(caplog)}
    assert len(told(caplog)) == len({(line["code"], line["where"], line["found"]) for line in told(caplog)})
    assert all(line["code"] and line["expected"] for line in told(caplog))

    caplog.clear()
    assert 0 == book.tell(first)
    assert [] == told(caplog)
    book.tell(loaded(CSV))
    assert {"argocd-rbac-cm policy.csv"} == {line["where"].partition(":")[0] for line in told(caplog)}


def test_each_generation_is_counted_and_its_lines_are_listed() -> None:
    """Errors and warnings of building and of the long look; every p line by its place, once a generation."""
    published: list[Event] = []
    book = PolicyLog("strict", published.append)
    good = loaded("p, role:dev, applications, sync, shop/*, allow\ng, ann, role:dev\np, ann, logs, get, */*, deny\n")
    number = book.tell(good)
    book.tell(good)
    rules, findings = published
    assert isinstance(rules, PolicyRules)
    assert isinstance(findings, PolicyFindings)
    assert (good.generation, good.generation, number) == (
        rules.generation, findings.generation, findings.errors + findings.warnings
    )  # fmt: skip
    own = [rule for rule in rules.rules if not rule.rule.startswith("built-in")]
    assert [
        ("AppProject shop: spec.roles[0]:1", "proj:shop:ci", "projects", "get", "shop", "allow"),
        ("AppProject shop: spec.roles[0].policies[0]:1", "proj:shop:ci", "applications", "sync", "shop/*", "allow"),
        ("argocd-rbac-cm policy.csv:1", "role:dev", "applications", "sync", "shop/*", "allow"),
        ("argocd-rbac-cm policy.csv:3", "ann", "logs", "get", "*/*", "deny"),
    ] == [(r.rule, r.subject, r.resource, r.action, r.object, r.effect) for r in own]
    assert rules.rules[: len(own)] == tuple(own)
    assert {"built-in policy"} == {rule.rule.partition(":")[0] for rule in rules.rules[len(own) :]}
    assert len(rules.rules) == len({rule.rule for rule in rules.rules})

    book.tell(loaded(CSV, schedule="every noon"))
    last = published[-1]
    assert isinstance(last, PolicyFindings)
    assert (2, True) == (last.errors, last.warnings > 0)


def test_the_rule_of_a_decision_is_among_those_listed() -> None:
    """Whoever joins hits with lines finds each line that can decide, those of projects and the built-in ones too."""
    csv = "p, ann, applications, get, shop/*, allow\ng, bob, role:admin\n"
    made = loaded(csv)
    guard, places = Guard(build(made.rbac, made.projects, ())[0]), {rule.rule for rule in listed(made.engine)[0]}
    for subject, action in ((Subject("ann"), "get"), (Subject("bob"), "sync"), (named("proj:shop:ci"), "sync")):
        decision = guard.can(subject, "applications", action, "shop/web")
        assert decision.rule is not None
        assert decision.allowed
        assert decision.rule.origin in places


def test_the_list_of_lines_is_bounded(caplog: pytest.LogCaptureFixture) -> None:
    """What is left out is counted in the log; nothing is listed while no policy can be used."""
    published: list[Event] = []
    made = loaded("".join(f"p, u{n}, applications, get, shop/*, allow\n" for n in range(MOST_RULES + 5)))
    PolicyLog("strict", published.append).tell(made)
    rules = published[0]
    assert isinstance(rules, PolicyRules)
    assert MOST_RULES == len(rules.rules)
    assert [True] == [
        vars(r)["lines"] > MOST_RULES + 5 for r in caplog.records if "shown" in vars(r) and "lines" in vars(r)
    ]
    assert ((), 0) == listed(None)


def test_what_only_the_long_look_finds_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    """A role that nobody has is in force and said; building the generation did not look for it."""
    one = loaded("p, role:lonely, applications, sync, */*, allow\n")
    assert () == one.findings
    assert PolicyLog("strict").tell(one)
    assert {(logging.WARNING, "warning")} == {(line["levelno"], line["severity"]) for line in told(caplog)}


def test_a_policy_full_of_mistakes_fills_no_disk(caplog: pytest.LogCaptureFixture) -> None:
    """Lines beyond the limit are counted in one."""
    names = [
        f"p, role:r{n}, applications, sync, */*, alow\np, role:r{n}, things{n}, get, *, allow\n" for n in range(400)
    ]
    count = PolicyLog("strict").tell(loaded("".join(names)))
    assert count > policylog.MOST
    assert policylog.MOST + 1 == len(caplog.records)
    assert count == vars(caplog.records[-1])["findings"]


def test_the_thread_looks_only_through_the_newest(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Handed over at once, two generations make one look; one that cannot be looked through ends nothing."""
    monkeypatch.setattr(policylog, "PAUSE", 0.01)
    book = PolicyLog("strict")
    old, new = loaded(CSV), loaded(CSV + CSV)
    seen: list[str] = []
    tell = book.tell

    def noted(one: Loaded) -> int:
        seen.append(one.generation)
        if len(seen) == 1:
            raise RuntimeError("not this one")
        return tell(one)

    monkeypatch.setattr(book, "tell", noted)
    book.hand_over(old)
    book.hand_over(new)
    book.start()
    deadline = time.monotonic() + 5
    while not seen and time.monotonic() < deadline:
        time.sleep(0.005)
    book.hand_over(old)
    while not told(caplog) and time.monotonic() < deadline:
        time.sleep(0.005)
    book.stop()
    assert [new.generation, old.generation] == seen
    assert told(caplog)
