"""What keeps a sync from running, in one word, for every kind of answer of the guard."""

import typing as t

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.application import Application
from model.decision import Rule, deny
from model.project import AppProject
from model.settings import RbacSettings, RbacSwitches
from policy.generation import build
from policy.guard import Guard, Subject, empty
from policy.rbac import deeds
from tests.policy.added_support import FREEZE, application, ask, at, entry, generation, once, project

NOON = at("2026-06-15T12:00")


def window(kind: str, schedule: str = "0 12 * * *", **more: t.Any) -> dict[str, t.Any]:
    return {"kind": kind, "schedule": schedule, "duration": "1h", "applications": ["*"]} | more


@pytest.mark.parametrize(
    ("windows", "block"),
    [
        (None, ""),
        ([window("deny", "0 9 * * *")], ""),
        ([window("allow")], ""),
        ([window("deny")], "window_deny"),
        ([window("allow", "0 9 * * *")], "outside_allow"),
        ([window("deny"), window("allow")], "window_deny"),
        ([window("deny"), window("allow", "0 9 * * *")], "window_deny"),
        ([window("deny", "0 9 * * *"), window("allow", "0 9 * * *")], "outside_allow"),
        ([window("deny", "61 * * * *")], "window_deny"),
        ([window("allow", "61 * * * *")], "outside_allow"),
        ([window("blah")], "window_deny"),
    ],
)
def test_windows_of_argo_cd(windows: t.Any, block: str) -> None:
    """An open deny is window_deny, whatever else there is; no open allow among allows is outside_allow."""
    assert block == ask({}, windows=windows).block


@pytest.mark.parametrize(
    ("data", "windows", "block"),
    [
        ({"windows": entry()}, None, "window_deny"),
        ({"windows": entry(kind="allow", schedule="0 9 * * *")}, None, "outside_allow"),
        ({"windows": once("2026-06-15T12:00:00Z", "2026-06-15T13:00:00Z")}, None, "window_deny"),
        ({"windows": "["}, None, "window_deny"),
        (FREEZE, None, "freeze"),
        (FREEZE, [window("allow")], "freeze"),
        (FREEZE, [window("allow", "0 9 * * *")], "freeze"),
        ({"freeze.f1": "["}, None, "freeze"),
    ],
)
def test_added_windows_and_freezes(data: dict[str, str], windows: t.Any, block: str) -> None:
    """They are told apart as Argo CD's are; an unreadable freeze counts as a freeze, an unreadable list as a deny."""
    assert block == ask(data, windows=windows).block


def test_what_a_window_lets_through_is_not_blocked() -> None:
    """manualSync, and break-glass: an allowed answer has no block, though it names what was passed over."""
    found = ask({}, windows=[window("deny", manualSync=True)], manual=True)
    assert "" == found.block
    data = FREEZE | {"breakGlass": '[{"roles": ["role:sre"]}]'}
    passed = ask(data, manual=True, subject=Subject("bob"), break_glass="db is down")
    assert ("freeze", "") == (passed.overrode.kind if passed.overrode else "", passed.block)


def test_a_refused_break_glass_keeps_its_block() -> None:
    """Who may not pass is still told what is in the way."""
    found = ask(FREEZE, manual=True, subject=Subject("alice"), break_glass="please")
    assert "freeze" == found.block
    outside = ask({}, windows=[window("allow", "0 9 * * *")], manual=True, subject=Subject("alice"), break_glass="x")
    assert "outside_allow" == outside.block


def test_rbac_and_the_lack_of_a_policy() -> None:
    """A deny line, no line, a deed that is switched off, and no usable policy: all are RBAC's."""
    assert "rbac" == ask({}, manual=True, subject=Subject("eve")).block
    csv = "p, eve, applications, *, */*, allow\np, eve, applications, sync, */*, deny\n"
    denying = Guard(build(RbacSettings(csv=(("policy.csv", csv),)), [project()], ())[0])
    assert "rbac" == denying.may_sync(application(), now=NOON, manual=True, subject=Subject("eve")).block
    assert "rbac" == denying.can(Subject("eve"), "applications", "sync", "shop/web").block
    assert "rbac" == Guard(empty()).can(Subject("eve"), "applications", "get", "shop/web").block
    malformed = Guard(build(RbacSettings(match_mode="none"), [project()], ())[0])
    assert "rbac" == malformed.may_sync(application(), now=NOON, manual=True).block
    off = deeds.judge(deeds.Deed(steps=(), off="switched off"), lambda *_: deny("never asked"))
    assert ("rbac", False) == (off.block, off.allowed)


def elsewhere() -> Application:
    app = application()
    return msgspec.structs.replace(app, metadata=msgspec.structs.replace(app.metadata, namespace="other"))


def strict_project(**spec: t.Any) -> AppProject:
    found = project()
    return msgspec.structs.replace(found, spec=msgspec.structs.replace(found.spec, **spec))


@pytest.mark.parametrize(
    ("app", "projects"),
    [
        (application(), (project("other"),)),
        (application(), (strict_project(source_repos=()),)),
        (application(), (strict_project(destinations=()),)),
        (elsewhere(), (project(),)),
    ],
    ids=["missing", "source", "destination", "namespace"],
)
def test_what_a_project_refuses(app: Application, projects: tuple[AppProject, ...]) -> None:
    """A missing project, and each of its limits, is the project's."""
    guard = Guard(generation(None, *projects))
    assert "project" == guard.may_use(app).block


def test_a_kind_that_nothing_permits_is_the_projects() -> None:
    """A refusal without a rule (the destination does not serve the kind) is counted with the project's."""
    assert "project" == deny("the destination has no such kind, so nothing permits it").block


@given(st.sampled_from(["rbac", "project", "window", "freeze", "settings", "default"]), st.booleans())
def test_every_refusal_has_a_block(kind: t.Any, outside: bool) -> None:
    """Whatever the rule, a refusal says which kind of thing it was."""
    found = deny("no", Rule(kind=kind, origin="here"), outside=outside)
    assert found.block in ("window_deny", "outside_allow", "freeze", "rbac", "project")


def test_switches_do_not_matter_here() -> None:
    """An ordinary deed asks RBAC, whose answer keeps its block."""
    deed = deeds.sync("shop/web", RbacSwitches())
    guard = Guard(generation({}))
    assert "rbac" == deeds.judge(deed, lambda *asked: guard.can(Subject("eve"), *asked)).block
