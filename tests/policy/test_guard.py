"""The guard: AppProject rules, windows and RBAC as one generation, and what happens to malformed parts."""

# ruff: noqa: E501 - tables of cases, one case to a place

import datetime as dt
import json
import subprocess
import sys
import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.application import Application, read_application
from model.errors import InvalidInput
from model.project import AppProject, read_project
from model.secrets import Cluster
from model.settings import GlobalProject, RbacSettings, read_rbac_settings
from policy.guard import Guard, Subject, build, errors_of

NOW = dt.datetime(2026, 6, 15, 12, tzinfo=dt.UTC)
LOCAL = "https://kubernetes.default.svc"
OPEN: dict[str, t.Any] = {"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}]}


def project(name: str = "p", labels: dict[str, str] | None = None, **spec: t.Any) -> AppProject:
    return read_project(json.dumps({"metadata": {"name": name, "labels": labels or {}}, "spec": OPEN | spec}).encode())


def application(namespace: str = "argocd", **spec: t.Any) -> Application:
    base = {"project": "p", "source": {"repoURL": "https://h/x"}, "destination": {"server": LOCAL, "namespace": "shop"}}
    return read_application(
        json.dumps({"metadata": {"name": "web", "namespace": namespace}, "spec": base | spec}).encode()
    )


def guard(
    *projects: AppProject, clusters: tuple[Cluster, ...] = (), rbac: RbacSettings | None = None, **more: t.Any
) -> Guard:
    return Guard(build(rbac or RbacSettings(), projects, clusters, **more)[0])


@pytest.mark.row(17)
def test_a_missing_project_denies_everything() -> None:
    """The refusal names the Application's field and the project."""
    asked, app = guard(), application()
    answers = [asked.may_use(app), asked.may_sync(app, now=NOW, manual=True),
               asked.may_apply(app, group="", kind="Pod", namespaced=True, namespace="shop", name="x")]  # fmt: skip
    assert [False] * 3 == [answer.allowed for answer in answers]
    assert "Application argocd/web: spec.project: project p does not exist in namespace argocd" == answers[0].reason


@pytest.mark.row(14)
@pytest.mark.parametrize(
    ("namespaces", "allowed"),
    [
        (None, False),
        ([], False),
        (["ns-a"], False),
        (["ns-b"], True),
        (["ns-*"], True),
        (["/^ns-(a|b)$/"], True),
        (["/s-b/"], False),
        (["/"], False),
        (["/(?=x)/"], False),
    ],
)
def test_applications_elsewhere_need_source_namespaces(namespaces: list[str] | None, allowed: bool) -> None:
    """The control namespace always may; another one only when the project lists it, expressions anchored."""
    asked = guard(project(sourceNamespaces=namespaces))
    assert (True, allowed) == (asked.may_use(application()).allowed, asked.may_use(application("ns-b")).allowed)
    assert allowed == asked.may_sync(application("ns-b"), now=NOW, manual=True).allowed


@pytest.mark.row(87)
@pytest.mark.parametrize(
    ("repos", "url", "allowed"),
    [
        (["https://github.com/acme/web"], "https://GitHub.com/acme/web.git", True),
        (["https://github.com/acme/payments-*"], "https://github.com/acme/payments-api.git", True),
        (["https://github.com/acme/payments-*"], "https://github.com/acme/web", False),
        (["https://github.com/acme/*"], "https://github.com/acme/a/b", False),
        (["https://github.com/acme/**"], "https://github.com/acme/a/b", True),
        (["https://github.com/acme/*"], "https://github.com/acme/../evil/r", False),
        (["https://github.com/acme/*"], "https://github.com/acme/%2e%2e/evil/r", False),
        (["*", "!https://github.com/acme/secret"], "https://github.com/acme/SECRET.git/", False),
        (["*", "!https://github.com/acme/secret"], "https://github.com:443/acme//secret", False),
        (["*", "!https://github.com/acme/secret"], "https://github.com/acme/web", True),
        (["!https://github.com/acme/secret"], "https://github.com/acme/web", False),
        (["git@github.com:acme/*"], "ssh://git@github.com/acme/web", True),
        (["ssh://git@h:acme/x"], "ssh://git@h:evil/y", False),
        ([], "https://h/x", False),
    ],
)
def test_sources(repos: list[str], url: str, allowed: bool) -> None:
    """Exact and pattern, all spellings of one repository alike, a negation that hits wins and one that misses gives nothing."""
    answer = guard(project(sourceRepos=repos)).may_use(application(source={"repoURL": url}))
    assert allowed == answer.allowed
    assert "spec.sourceRepos" in answer.reason or "repository URL" in answer.reason


def test_every_source_is_checked_and_two_fields_are_refused() -> None:
    """One forbidden source among several refuses; source beside sources leaves open which one is used."""
    asked = guard(project(sourceRepos=["https://h/x"]))
    good, bad = {"repoURL": "https://h/x"}, {"repoURL": "https://h/evil"}
    found = [asked.may_use(application(**spec)).allowed for spec in
             ({"source": None, "sources": [good, bad]}, {"source": good, "sources": [good]}, {"source": None, "sources": [good, good]})]  # fmt: skip
    assert [False, False, True] == found


@pytest.mark.row(88)
@pytest.mark.parametrize(
    ("destinations", "namespace", "allowed"),
    [
        ([{"server": LOCAL, "namespace": "shop"}], "shop", True),
        ([{"server": LOCAL, "namespace": "payments-*"}], "payments-api", True),
        ([{"server": LOCAL, "namespace": "payments-*"}], "shop", False),
        ([{"server": "*", "namespace": "*"}, {"server": LOCAL, "namespace": "!kube-system"}], "kube-system", False),
        ([{"server": "*", "namespace": "*"}, {"server": "*", "namespace": "!kube-*"}], "shop", True),
        ([{"server": "*", "namespace": "*"}, {"server": "!" + LOCAL, "namespace": "*"}], "shop", False),
        ([{"server": "*", "namespace": "!kube-system"}], "shop", False),
        ([{"name": "in-cluster", "namespace": "*"}], "shop", True),
        ([{"name": "in-cluster", "namespace": "*"}, {"name": "!in-cluster", "namespace": "shop"}], "shop", False),
        ([{"server": "*", "namespace": ""}], "shop", False),
        ([], "shop", False),
    ],
)
def test_destinations(destinations: list[dict[str, str]], namespace: str, allowed: bool) -> None:
    """Exact and pattern, by name or server alike; an entry with ! refuses what it names and allows nothing."""
    answer = guard(project(destinations=destinations)).may_use(
        application(destination={"server": LOCAL, "namespace": namespace})
    )
    assert allowed == answer.allowed
    assert "spec.destinations" in answer.reason


@pytest.mark.parametrize(
    "destination", [{"name": "prod"}, {"server": "https://prod:6443"}, {"server": "https://PROD:6443/"}]
)
def test_name_and_server_are_one_identity(destination: dict[str, str]) -> None:
    """An Application that says the name and one that says the server get the same answer of project and window."""
    windows = [{"kind": "deny", "schedule": "* * * * *", "duration": "1h", "clusters": ["prod"]}]
    asked = guard(
        project(destinations=[{"name": "prod", "namespace": "*"}], syncWindows=windows),
        clusters=(Cluster(name="prod", server="https://prod:6443"),),
    )
    app = application(destination=destination | {"namespace": "shop"})
    assert (True, False) == (asked.may_use(app).allowed, asked.may_sync(app, now=NOW, manual=True).allowed)


@pytest.mark.parametrize("destination", [{}, {"name": "nope"}, {"name": "in-cluster", "server": "https://other"}])
def test_unclear_destinations_are_refused(destination: dict[str, str]) -> None:
    """Neither field, an unknown cluster, or two fields that mean different clusters."""
    assert not guard(project()).may_use(application(destination=destination)).allowed


@pytest.mark.parametrize(
    ("destinations", "more", "allowed"),
    [
        ([{"server": "*", "namespace": "*"}], {}, False),
        ([{"server": "*", "namespace": "argo*"}], {}, False),
        ([{"server": "*", "namespace": "argocd"}], {}, True),
        ([{"server": "*", "namespace": "*"}], {"protect_control_namespace": False}, True),
        ([{"server": "*", "namespace": "*"}], {"mode": "compat"}, True),
    ],
)
def test_the_control_namespace_needs_to_be_named(
    destinations: list[dict[str, str]], more: dict[str, t.Any], allowed: bool
) -> None:
    """A wildcard does not include the namespace that holds the policy itself; a switch and compat say otherwise."""
    asked = guard(project(destinations=destinations), **more)
    answer = asked.may_apply(
        application(), group="", kind="ConfigMap", namespaced=True, namespace="argocd", name="argocd-rbac-cm"
    )
    assert allowed == answer.allowed


@pytest.mark.row(89, 90)
@pytest.mark.parametrize(
    ("spec", "group", "kind", "namespaced", "allowed"),
    [
        ({}, "apps", "Deployment", True, True),
        ({}, "", "Namespace", False, False),
        ({"clusterResourceWhitelist": []}, "", "Namespace", False, False),
        ({"clusterResourceWhitelist": [{"group": "", "kind": "Namespace"}]}, "", "Namespace", False, True),
        (
            {"clusterResourceWhitelist": [{"group": "", "kind": "Namespace"}]},
            "rbac.authorization.k8s.io",
            "ClusterRole",
            False,
            False,
        ),
        (
            {"clusterResourceWhitelist": [{"group": "", "kind": "Namespace", "name": "team-*"}]},
            "",
            "Namespace",
            False,
            False,
        ),
        (
            {
                "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
                "clusterResourceBlacklist": [{"group": "*", "kind": "ClusterRole*"}],
            },
            "rbac.authorization.k8s.io",
            "ClusterRoleBinding",
            False,
            False,
        ),
        ({"namespaceResourceWhitelist": []}, "apps", "Deployment", True, False),
        ({"namespaceResourceWhitelist": [{"group": "*", "kind": "*"}]}, "apps", "Deployment", True, True),
        ({"namespaceResourceWhitelist": [{"group": "apps", "kind": "Deployment"}]}, "apps", "Deployment", True, True),
        ({"namespaceResourceWhitelist": [{"group": "apps", "kind": "Deployment"}]}, "", "Secret", True, False),
        ({"namespaceResourceWhitelist": [{"group": "apps", "kind": "deployment"}]}, "apps", "Deployment", True, False),
        ({"namespaceResourceBlacklist": [{"group": "", "kind": "Secret"}]}, "", "Secret", True, False),
    ],
)
def test_kinds(spec: dict[str, t.Any], group: str, kind: str, namespaced: bool, allowed: bool) -> None:
    """Absent and empty lists mean different things; blacklists win; case counts; each refusal names its list."""
    answer = guard(project(**spec)).may_apply(
        application(), group=group, kind=kind, namespaced=namespaced, namespace="shop" if namespaced else "", name="x"
    )
    assert allowed == answer.allowed
    assert answer.allowed or "ResourceWhitelist" in answer.rule.origin or "ResourceBlacklist" in answer.rule.origin


@pytest.mark.row(90)
def test_an_object_outside_its_destinations_is_refused() -> None:
    """The namespace of each object is checked, not only that of the Application."""
    asked = guard(project(destinations=[{"server": LOCAL, "namespace": "shop"}]))
    found = [asked.may_apply(application(), group="", kind="ConfigMap", namespaced=True, namespace=ns, name="x").allowed
             for ns in ("shop", "kube-system", " shop", "shop\n", "")]  # fmt: skip
    assert [True, False, False, False, False] == found


def test_a_broken_deny_list_keeps_the_last_good_project() -> None:
    """A blacklist pattern that does not compile would deny nothing: the earlier form stays, or all is denied."""
    good = project(clusterResourceWhitelist=[{"group": "*", "kind": "*"}])
    bad = project(
        clusterResourceWhitelist=[{"group": "*", "kind": "*"}],
        clusterResourceBlacklist=[{"group": "*", "kind": "[Node"}],
    )
    first, _ = build(RbacSettings(), [good])
    kept, findings = build(RbacSettings(), [bad], previous=first)
    alone, _ = build(RbacSettings(), [bad])
    assert ["project-pattern"] == [finding.code for finding in errors_of(findings)]
    assert (True, False) == (Guard(kept).may_use(application()).allowed, Guard(alone).may_use(application()).allowed)


def test_global_projects_are_inherited() -> None:
    """Windows and lists of a global project count in the projects that its selector takes, under its own name."""
    windows = [{"kind": "deny", "schedule": "* * * * *", "duration": "1h", "applications": ["*"]}]
    base = project("base", syncWindows=windows, namespaceResourceBlacklist=[{"group": "", "kind": "Secret"}])
    rules = (GlobalProject(project_name="base", match_labels={"tier": "prod"}),)
    taken, other = (guard(project(labels=labels), base, global_projects=rules) for labels in ({"tier": "prod"}, {}))
    answer = taken.may_sync(application(), now=NOW, manual=False)
    assert (False, "AppProject base: spec.syncWindows[0]") == (answer.allowed, answer.rule.origin)
    assert other.may_sync(application(), now=NOW, manual=False).allowed
    assert not taken.may_apply(
        application(), group="", kind="Secret", namespaced=True, namespace="shop", name="x"
    ).allowed


def test_a_malformed_policy_keeps_the_last_good_one() -> None:
    """Decisions before and after a bad edit are the same; a good edit comes into force; nothing of the bad one does."""
    rbac = lambda text, default="": read_rbac_settings({"policy.csv": text, "policy.default": default}, text)  # noqa: E731
    good, findings = build(rbac("p, u, applications, sync, p/*, allow"), [project()])
    bad, errors = build(rbac("p, u, applications, sync", "role:admin"), [project()], previous=good)
    later, _ = build(rbac("p, u, applications, get, p/*, allow"), [project()], previous=bad)
    ask = lambda generation, name: Guard(generation).can(Subject(name), "applications", "sync", "p/web").allowed  # noqa: E731
    assert ((), 1) == (findings, len(errors_of(errors)))
    assert [True, True, False] == [ask(generation, "u") for generation in (good, bad, later)]
    assert [False, False, False] == [ask(generation, "stranger") for generation in (good, bad, later)]
    assert 3 == len({good.id, bad.id, later.id})


def test_without_any_good_policy_nothing_is_synced() -> None:
    """At the start a malformed policy denies syncs and callers; so does a guard that was given nothing."""
    broken = guard(project(), rbac=RbacSettings(csv=(("policy.csv", "x"),), default_role="role:admin"))
    for asked in (broken, Guard()):
        assert not asked.may_sync(application(), now=NOW, manual=False).allowed
        assert not asked.can(Subject("admin"), "applications", "get", "p/web").allowed


def test_a_sync_needs_the_right_and_an_open_window() -> None:
    """RBAC is asked first, then the windows; the object has three parts outside the control namespace."""
    windows = [{"kind": "deny", "schedule": "0 12 * * *", "duration": "1h", "applications": ["*"], "manualSync": True}]
    rbac = RbacSettings(csv=(("policy.csv", "p, u, applications, sync, p/web, allow"),))
    asked = guard(project(syncWindows=windows, sourceNamespaces=["ns-b"]), rbac=rbac)
    at = {"now": NOW, "subject": Subject("u")}
    assert asked.may_sync(application(), manual=True, **at).allowed
    blocked = asked.may_sync(application(), manual=False, **at)
    assert ("window", NOW + dt.timedelta(hours=1)) == (blocked.rule.kind, blocked.until)
    assert not asked.may_sync(application("ns-b"), manual=True, **at).allowed


def test_remembered_answers_end_at_the_edge() -> None:
    """An answer from memory is never older than the state of a window."""
    asked = guard(
        project(syncWindows=[{"kind": "deny", "schedule": "0 12 * * *", "duration": "1h", "applications": ["*"]}])
    )
    found = [
        asked.may_sync(application(), now=NOW + dt.timedelta(minutes=m), manual=False).allowed
        for m in (-1, 0, 59, 60, 30, -30)
    ]
    assert [True, False, False, True, False, True] == found


def test_each_decision_carries_its_generation() -> None:
    """A swap changes the id in the answers, also with the same question."""
    asked = guard(project())
    before = asked.may_use(application()).generation
    asked.swap(build(RbacSettings(default_role="role:admin"), [project()])[0])
    assert before != asked.may_use(application()).generation


VALUES = st.recursive(st.none() | st.booleans() | st.text(max_size=6), lambda x: st.lists(x, max_size=3), max_leaves=5)
FIELDS = [
    "sourceRepos",
    "sourceNamespaces",
    "destinations",
    "roles",
    "clusterResourceWhitelist",
    "namespaceResourceBlacklist",
    "syncWindows",
]
ITEMS = st.dictionaries(
    st.sampled_from(
        [
            "server",
            "namespace",
            "name",
            "group",
            "kind",
            "policies",
            "groups",
            "schedule",
            "duration",
            "timeZone",
            "clusters",
        ]
    ),
    VALUES,
    max_size=4,
)


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(st.sampled_from(FIELDS), st.lists(ITEMS | st.text(max_size=8), max_size=3), max_size=4),
    st.text(max_size=60),
)
def test_build_is_total(spec: dict[str, t.Any], text: str) -> None:
    """Any project that can be read and any policy text give a generation that answers."""
    try:
        odd = read_project(json.dumps({"metadata": {"name": "p"}, "spec": spec}).encode())
    except InvalidInput:
        return
    for mode in ("strict", "compat"):
        asked = guard(odd, rbac=RbacSettings(csv=(("policy.csv", text),)), mode=mode)
        assert asked.may_use(application()).reason
        assert asked.may_sync(application(), now=NOW, manual=False, subject=Subject(text[:5], (text,))).reason


def test_policy_brings_no_client_along() -> None:
    """Importing the guard loads neither kubernetes nor git nor flask."""
    code = "import sys, policy.guard; print([m for m in ('kubernetes', 'git', 'flask', 'prometheus_client') if m in sys.modules])"
    assert (
        "[]" == subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    )
