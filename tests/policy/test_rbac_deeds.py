"""Which rights a deed needs, and what the switches of argocd-cm change about it."""

import pytest

from model.meta import ObjectMeta
from model.project import AppProject, ProjectDestination, ProjectSpec, ResourceRestriction
from model.settings import RbacSettings, RbacSwitches, read_settings
from policy.generation import build
from policy.guard import Guard, Subject
from policy.rbac import deeds
from policy.rbac.deeds import Deed, Thing, judge

POD = Thing("", "Pod", "shop", "web-1")
DEPLOYMENT = Thing("apps", "Deployment", "shop", "web")
OFF, INHERITED = RbacSwitches(), RbacSwitches(inherit_fine_grained=True)


def _steps(deed: Deed) -> list[list[str]]:
    return [[" ".join(ask) for ask in step] for step in deed.steps]


def _guard(*lines: str) -> Guard:
    text = "\n".join(f"p, u, {line}" for line in lines)
    return Guard(build(RbacSettings(csv=(("policy.csv", text),)), ())[0])


def _allowed(guard: Guard, deed: Deed) -> bool:
    return judge(deed, lambda *ask: guard.can(Subject("u"), *ask)).allowed


@pytest.mark.parametrize(
    ("deed", "expected"),
    [
        (deeds.change_app("p/x", "p/x"), [["applications update p/x"]]),
        (
            deeds.change_app("p/x", "q/x"),
            [["applications update q/x"], ["applications create q/x"], ["applications update p/x"]],
        ),
        (deeds.sync("p/x", OFF), [["applications sync p/x"]]),
        (deeds.sync("p/x", OFF, other_revision=True), [["applications sync p/x"]]),
        (deeds.sync("p/x", OFF, manifests=True), [["applications sync p/x"], ["applications override p/x"]]),
        (
            deeds.sync("p/x", RbacSwitches(override_for_revision=True), other_revision=True),
            [["applications sync p/x"], ["applications override p/x"]],
        ),
        (deeds.roll_back("p/x", OFF), [["applications sync p/x"]]),
        (deeds.roll_back("p/x", RbacSwitches(rollback_enforced=True)), [["applications rollback p/x"]]),
        (deeds.end_sync("p/x"), [["applications sync p/x"]]),
        (deeds.change_thing("p/x", "get", POD, OFF), [["applications get p/x"]]),
        (deeds.change_thing("p/x", "delete", POD, OFF), [["applications delete//Pod/shop/web-1 p/x"]]),
        (
            deeds.change_thing("p/x", "update", DEPLOYMENT, INHERITED),
            [["applications update p/x", "applications update/apps/Deployment/shop/web p/x"]],
        ),
        (deeds.run_action("p/x", DEPLOYMENT, "restart"), [["applications action/apps/Deployment/restart p/x"]]),
        (deeds.read_logs("p/x"), [["applications get p/x"], ["logs get p/x"]]),
        (
            deeds.run_command("p/x", RbacSwitches(exec_enabled=True)),
            [["applications get p/x"], ["exec create p/x"]],
        ),
    ],
)
def test_what_a_deed_needs(deed: Deed, expected: list[list[str]]) -> None:
    """Every step must be allowed, one way of each step suffices."""
    assert expected == _steps(deed)


@pytest.mark.parametrize(
    ("grants", "switches", "expected"),
    [
        (["applications, delete, p/*, allow"], OFF, False),
        (["applications, delete, p/*, allow"], INHERITED, True),
        (["applications, delete/*, p/*, allow"], OFF, True),
        (["applications, delete/*/Pod/*/*, p/*, allow"], OFF, True),
        (["applications, delete//Pod/shop/*, p/*, allow"], OFF, True),
        (["applications, delete/apps/*, p/*, allow"], OFF, False),
        (["applications, *, p/*, allow"], OFF, True),
        (["applications, *, p/*, allow", "applications, delete/*/Pod/*, p/*, deny"], OFF, False),
        (["applications, *, p/*, allow", "applications, delete/*/Pod/*, p/*, deny"], INHERITED, True),
    ],
)
def test_single_objects_need_the_long_action(grants: list[str], switches: RbacSwitches, expected: bool) -> None:
    """The plain right covers objects only where inheritance is on, and then a deny about a kind cannot bite."""
    assert expected == _allowed(_guard(*grants), deeds.change_thing("p/x", "delete", POD, switches))


def test_moving_an_application_needs_both_projects() -> None:
    """To update it in the old project alone, or to create it in the new one alone, is not enough."""
    both = ["applications, update, *, allow", "applications, create, q/*, allow"]
    move = deeds.change_app("p/x", "q/x")
    assert [True, False, False] == [
        _allowed(_guard(*both), move),
        _allowed(_guard(both[0]), move),
        _allowed(_guard("applications, update, q/*, allow", both[1]), move),
    ]


def test_terminals_are_off_until_switched_on() -> None:
    """Rights alone open no terminal; the refusal names the key."""
    guard = _guard("applications, get, *, allow", "exec, create, *, allow")
    refused = judge(deeds.run_command("p/x", OFF), lambda *ask: guard.can(Subject("u"), *ask))
    assert (False, True) == (refused.allowed, "exec.enabled" in refused.reason)
    assert _allowed(guard, deeds.run_command("p/x", RbacSwitches(exec_enabled=True)))


def test_logs_are_a_right_of_their_own() -> None:
    """Reading the Application does not mean reading its logs."""
    assert not _allowed(_guard("applications, get, */*, allow"), deeds.read_logs("p/x"))


def test_a_wider_project_needs_rights_on_what_it_reaches() -> None:
    """Added servers and repositories are asked for, removed ones are not; other kind lists ask for all servers."""

    def project(servers: list[str], sources: list[str], kinds: list[ResourceRestriction] | None = None) -> AppProject:
        targets = [ProjectDestination(server=server, namespace="*") for server in servers]
        spec = ProjectSpec(destinations=targets, source_repos=sources, cluster_resource_whitelist=kinds)
        return AppProject(metadata=ObjectMeta(name="p"), spec=spec)

    old = project(["https://a", "https://b"], ["r1"])
    kinds = [ResourceRestriction(group="*", kind="*")]
    assert [
        [["projects update p"]],
        [["projects update p"], ["clusters update https://c"], ["repositories update r2"]],
        [["projects update p"], ["clusters update https://a"]],
    ] == [
        _steps(deeds.change_project(old, project(["https://a"], []))),
        _steps(deeds.change_project(old, project(["https://a", "https://c"], ["r1", "r2"]))),
        _steps(deeds.change_project(old, project(["https://a"], ["r1"], kinds))),
    ]


@pytest.mark.parametrize(
    ("project", "namespace", "expected"),
    [("p", "argocd", "p/x"), ("p", "", "p/x"), ("p", "team", "p/team/x"), ("", "argocd", "default/x")],
)
def test_objects_of_applications(project: str, namespace: str, expected: str) -> None:
    """The namespace stands in the object only outside the control namespace; no project means default."""
    assert expected == deeds.object_of(project, namespace, "x", "argocd")


def test_objects_of_clusters_and_repositories() -> None:
    """The URL, with the project before it when the cluster or repository belongs to one."""
    assert ("https://c", "p/https://c") == (deeds.scoped("", "https://c"), deeds.scoped("p", "https://c"))


def test_the_switches_are_read_as_go_reads_truth_values() -> None:
    """What is no truth value is reported, and the default of Argo CD 3 stands."""
    on = read_settings(
        {
            "server.rbac.disableApplicationFineGrainedRBACInheritance": "0",
            "server.rbac.rollback.enforce.enable": "T",
            "application.sync.requireOverridePrivilegeForRevisionSync": "true",
            "exec.enabled": "true",
        }
    )
    odd = read_settings({"exec.enabled": "yes", "server.rbac.log.enforce.enable": "false"})
    assert RbacSwitches(
        inherit_fine_grained=True, rollback_enforced=True, override_for_revision=True, exec_enabled=True
    ) == (on.rbac_switches)
    assert (RbacSwitches(), 2) == (odd.rbac_switches, len(odd.problems))


def test_a_refusal_names_every_way() -> None:
    """With inheritance both the short and the long action are named."""
    guard = _guard("applications, get, p/*, allow")
    refused = judge(deeds.change_thing("p/x", "delete", POD, INHERITED), lambda *ask: guard.can(Subject("u"), *ask))
    assert "delete//Pod/shop/web-1" in refused.reason
    assert "may not delete applications p/x" in refused.reasons[0]
