"""Roles of projects: their lines, globs over names, groups, central bindings, and who holds a name."""

import pytest

from model.application import read_application
from policy.guard import Guard, Subject, named
from policy.rbac.holding import holds, way_to
from tests.policy.rbac_world import both, generation_of, guard_of, project, role

SHOP = project(
    "ecommerce",
    role(
        "developer",
        "p, proj:ecommerce:developer, applications, get, ecommerce/*, allow",
        "p, proj:ecommerce:developer, applications, sync, ecommerce/*-dev, allow",
        "p, proj:ecommerce:developer, applications, sync, ecommerce/*-staging, allow",
        groups=["shop-developers"],
    ),
    role("admin", "p, proj:ecommerce:admin, applications, *, ecommerce/*, allow", groups=["shop-leads"]),
)


@pytest.mark.row(91)
@pytest.mark.parametrize(
    ("who", "action", "target", "expected"),
    [
        ("developer", "get", "ecommerce/checkout-prod", True),
        ("developer", "get", "payments/api", False),
        ("developer", "delete", "ecommerce/checkout-dev", False),
        ("admin", "delete", "ecommerce/checkout-prod", True),
        ("admin", "action/apps/Deployment/restart", "ecommerce/ns/checkout-prod", True),
        ("admin", "get", "payments/api", False),
    ],
)
def test_each_line_of_a_role_counts_in_its_project(who: str, action: str, target: str, expected: bool) -> None:
    """Asked with a token of the role, in both modes."""
    token = named(f"proj:ecommerce:{who}")
    assert [expected] * 2 == [
        g.can(token, "applications", action, target).allowed for g in both("", SHOP, project("payments"))
    ]


def test_a_token_elsewhere_has_what_the_default_role_allows() -> None:
    """As every caller has, in both modes; its own global lines do not count there."""
    data = {"policy.csv": "p, proj:ecommerce:admin, applications, sync, */*, allow", "policy.default": "role:readonly"}
    for guard in both(data, SHOP, project("payments")):
        token = named("proj:ecommerce:admin")
        assert [True, False] == [guard.can(token, "applications", a, "payments/api").allowed for a in ("get", "sync")]


@pytest.mark.parametrize("resource", ["clusters", "repositories"])
def test_global_lines_of_a_token_count_for_urls_of_no_project(resource: str) -> None:
    """What stands before the slash of https://… is no project that the token would be kept out of."""
    for guard in both(f"p, proj:ecommerce:admin, {resource}, get, *, allow", SHOP, project("payments")):
        token = named("proj:ecommerce:admin")
        asked = ("https://h:8443/x", "ecommerce/https://h/x", "payments/https://h/x")
        assert [True, True, False] == [guard.can(token, resource, "get", target).allowed for target in asked]


@pytest.mark.row(92)
@pytest.mark.parametrize(
    ("name", "expected"),
    [("checkout-dev", True), ("checkout-staging", True), ("checkout-prod", False), ("checkout-dev-2", False)],
)
def test_globs_over_names_of_applications(name: str, expected: bool) -> None:
    """checkout-dev may be synced, checkout-prod may not."""
    subject = Subject("u", ("shop-developers",))
    asked = ("applications", "sync", f"ecommerce/{name}")
    assert [expected] * 2 == [guard.can(subject, *asked).allowed for guard in both("", SHOP)]


@pytest.mark.row(93)
def test_groups_of_a_role() -> None:
    """Members may sync and the way to the line is named; others may not."""
    asked = ("applications", "sync", "ecommerce/checkout-dev")
    guard = guard_of("", SHOP)
    member, other = (guard.can(Subject("u", (group,)), *asked) for group in ("shop-developers", "payments-developers"))
    assert (True, False) == (member.allowed, other.allowed)
    assert ("u", "shop-developers", "proj:ecommerce:developer") == member.rule.path
    assert "AppProject ecommerce: spec.roles[0].policies[1]:1" == member.rule.origin


@pytest.mark.row(100)
def test_a_central_line_binds_a_role_of_a_project() -> None:
    """As group and as user; outside the project the binding gives nothing."""
    text = "g, payments-developers, proj:ecommerce:developer\ng, bob, proj:ecommerce:admin"
    for guard in both(text, SHOP, project("payments")):
        asks = [
            guard.can(Subject("u", ("payments-developers",)), "applications", "sync", "ecommerce/checkout-dev"),
            guard.can(Subject("bob"), "applications", "delete", "ecommerce/checkout-prod"),
            guard.can(Subject("u", ("payments-developers",)), "applications", "sync", "ecommerce/checkout-prod"),
            guard.can(Subject("bob"), "applications", "delete", "payments/api"),
        ]
        assert [True, True, False, False] == [answer.allowed for answer in asks]


@pytest.mark.row(101)
def test_no_right_of_kubernetes_stands_against_a_refusal() -> None:
    """Who may write Applications in the cluster still needs a line here, and the refusal names the default."""
    app = read_application(
        b'{"metadata": {"name": "web", "namespace": "argocd"}, "spec": {"project": "ecommerce", "destination": '
        b'{"server": "https://kubernetes.default.svc", "namespace": "shop"}, "source": {"repoURL": "https://git/r"}}}'
    )
    target = app.rbac_object("argocd")
    guard = guard_of("g, system:masters, role:readonly", SHOP)
    answer = guard.can(Subject("kubernetes-admin", ("system:masters",)), "applications", "sync", target)
    assert (False, "default") == (answer.allowed, answer.rule.kind)
    assert guard.can(Subject("u", ("shop-leads",)), "applications", "sync", target).allowed


HOLDERS = "g, sre, role:oncall\ng, role:oncall, role:breaker\ng, dana, role:breaker\ng, team, proj:ecommerce:admin"


@pytest.mark.parametrize(
    ("subject", "name", "project_name", "expected"),
    [
        (Subject("dana"), "dana", "", ("dana",)),
        (Subject("dana"), "role:breaker", "", ("dana", "role:breaker")),
        (Subject("u", ("sre",)), "sre", "", ("u", "sre")),
        (Subject("u", ("sre",)), "role:breaker", "", ("u", "sre", "role:oncall", "role:breaker")),
        (Subject("u", ("sre",)), "role:admin", "", ()),
        (Subject("u", ("role:breaker",)), "role:breaker", "", ()),
        (Subject("role:breaker"), "role:breaker", "", ()),
        (named("role:oncall"), "role:breaker", "", ("role:oncall", "role:breaker")),
        (Subject("u"), "role:readonly", "", ()),
        (Subject(), "", "", ()),
        (Subject("", ("sre",)), "sre", "", ()),
        (Subject("u", ("shop-leads",)), "proj:ecommerce:admin", "", ()),
        (
            Subject("u", ("shop-leads",)),
            "proj:ecommerce:admin",
            "ecommerce",
            ("u", "shop-leads", "proj:ecommerce:admin"),
        ),
        (named("proj:ecommerce:admin"), "proj:ecommerce:admin", "ecommerce", ("proj:ecommerce:admin",)),
    ],
)
def test_who_holds_a_name(subject: Subject, name: str, project_name: str, expected: tuple[str, ...]) -> None:
    """By being it, by having it as a group, or over g lines; not by the default role, and not by being called so."""
    data = {"policy.csv": HOLDERS, "policy.default": "role:readonly"}
    engine = generation_of(data, SHOP)[0].engine
    assert (expected, bool(expected)) == (
        way_to(engine, subject, name, project_name),
        holds(engine, subject, name, project_name),
    )


def test_names_are_held_over_ten_hops_at_most() -> None:
    """As everywhere in the role graph."""
    chain = "\n".join(f"g, r{n}, r{n + 1}" for n in range(12))
    engine = generation_of(chain)[0].engine
    assert [True, False] == [holds(engine, Subject("r0"), name) for name in ("r10", "r11")]


def test_a_layer_is_an_overlay() -> None:
    """A global deny stands against a role of the project, and the other way round."""
    text = "p, shop-leads, applications, delete, */*-prod, deny\np, boss, applications, sync, */*, allow"
    layer = project("p", role("r", "p, proj:p:r, applications, *, p/*, allow", groups=["shop-leads"]))
    for guard in (Guard(generation_of(text, layer, mode=mode)[0]) for mode in ("strict", "compat")):
        subject = Subject("u", ("shop-leads",))
        assert [True, False] == [
            guard.can(subject, "applications", "delete", f"p/{n}").allowed for n in ("a-dev", "a-prod")
        ]
