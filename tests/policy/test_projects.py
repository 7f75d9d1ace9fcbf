"""What else an AppProject says, in both modes: Secrets, global projects, accounts, orphans, signatures, near misses."""

# ruff: noqa: E501 - tables of cases, one case to a place

import json
import typing as t

import pytest

from model.application import Application, read_application
from model.decision import Decision
from model.meta import ResourceKey
from model.project import AppProject
from model.secrets import Cluster, Repository
from model.settings import GlobalProject, RbacSettings, read_settings
from policy.findings import Mode
from policy.generation import Generation, build
from policy.guard import Guard, Subject, errors_of
from policy.projects import permit
from tests.policy.test_guard import LOCAL, NOW, application, project
from tests.policy.test_projects_lists import PROD, compiled, entry, item


def generation(*projects: AppProject, **more: t.Any) -> Generation:
    return build(RbacSettings(), projects, more.pop("clusters", ()), **more)[0]


@pytest.mark.parametrize("mode", ["strict", "compat"])
def test_secrets_of_a_project_add_to_it(mode: Mode) -> None:
    """A repository and a cluster with a project are a source and a destination of that project and of no other."""
    scoped = Cluster(name="team", server="https://team", project="p", namespaces=("one", "two"))
    repositories = (
        Repository(url="https://h/own.git", project="p"),
        Repository(url="https://h/", project="p", template=True),
    )
    closed = {"sourceRepos": [], "destinations": []}
    asked = Guard(
        generation(project(**closed), project("q", **closed), clusters=[scoped], repositories=repositories, mode=mode)
    )

    def use(name: str, url: str, namespace: str) -> bool:
        spec = {"project": name, "source": {"repoURL": url}, "destination": {"name": "team", "namespace": namespace}}
        return asked.may_use(application(**spec)).allowed

    found = [
        use("p", "https://h/own", "one"),
        use("p", "https://h/own", "three"),
        use("p", "https://h/else", "one"),
        use("q", "https://h/own", "one"),
    ]
    assert [True, False, False, False] == found


def test_a_scoped_cluster_without_namespaces_does_not_open_the_control_namespace() -> None:
    """What a Secret adds is a wildcard, and the control namespace needs an entry that names it."""
    own = Cluster(name="in-cluster", server=LOCAL, project="p")
    asked = Guard(generation(project(destinations=[]), clusters=[own]))
    found = [
        asked.may_use(application(destination={"server": LOCAL, "namespace": ns})).allowed for ns in ("shop", "argocd")
    ]
    assert [True, False] == found


@pytest.mark.parametrize("mode", ["strict", "compat"])
def test_only_scoped_clusters(mode: Mode) -> None:
    """After a hit the cluster must be scoped to the project, by name or by server; the refusal says how."""
    clusters = [Cluster(name="mine", server="https://mine", project="p"), Cluster(name="free", server="https://free")]
    asked = Guard(generation(project(permitOnlyProjectScopedClusters=True), clusters=clusters, mode=mode))
    answers = [asked.may_use(application(destination={"name": name, "namespace": "shop"})) for name in ("mine", "free")]
    assert [True, False] == [answer.allowed for answer in answers]
    assert "AppProject p: spec.permitOnlyProjectScopedClusters" == (answers[1].rule and answers[1].rule.origin)
    assert "set project: p in the cluster's Secret" == answers[1].remedy


RULES = (GlobalProject(project_name="base", match_labels={"tier": "prod"}),)


def inheriting(base: dict[str, t.Any], own: dict[str, t.Any], mode: Mode = "strict") -> Guard:
    closed: dict[str, t.Any] = {"sourceRepos": [], "destinations": []}
    parts = project("p", labels={"tier": "prod"}, **(closed | own)), project("base", **(closed | base))
    return Guard(generation(*parts, global_projects=RULES, mode=mode))


@pytest.mark.parametrize("mode", ["strict", "compat"])
def test_what_a_global_project_gives(mode: Mode) -> None:
    """Sources, destinations, windows, kind lists and accounts are appended."""
    base = {
        "sourceRepos": ["https://h/x"],
        "destinations": [{"server": LOCAL, "namespace": "shop"}],
        "syncWindows": [{"kind": "deny", "schedule": "* * * * *", "duration": "1h", "applications": ["*"]}],
        "clusterResourceWhitelist": [{"group": "", "kind": "Namespace"}],
        "destinationServiceAccounts": [{"server": "*", "namespace": "*", "defaultServiceAccount": "deployer"}],
    }
    asked, app = inheriting(base, {}, mode), application()
    namespace = asked.may_apply(app, group="", kind="Namespace", namespaced=False, namespace="", name="x")
    assert [True, True, False] == [
        asked.may_use(app).allowed,
        namespace.allowed,
        asked.may_sync(app, now=NOW, manual=False).allowed,
    ]
    assert "system:serviceaccount:shop:deployer" == asked.service_account(app).user


@pytest.mark.parametrize("mode", ["strict", "compat"])
def test_what_a_global_project_does_not_give(mode: Mode) -> None:
    """Source namespaces, signature keys and orphan rules stay its own."""
    open_lists = {"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}]}
    base = {"sourceNamespaces": ["*"], "signatureKeys": [{"keyID": "A"}], "orphanedResources": {}}
    asked = inheriting(base, open_lists, mode)
    assert not asked.may_use(application("elsewhere")).allowed
    assert asked.may_sync(application(), now=NOW, manual=True).allowed
    assert not asked.orphan_rules(application()).watched


@pytest.mark.parametrize(("base", "allowed"), [([{"group": "", "kind": "ConfigMap"}], False), ([], True), (None, True)])
def test_an_inherited_whitelist_narrows(base: list[dict[str, str]] | None, allowed: bool) -> None:
    """A whitelist appended to none turns all into only these; an empty one appended changes nothing."""
    open_lists = {"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}]}
    asked = inheriting({"namespaceResourceWhitelist": base}, open_lists)
    answer = asked.may_apply(application(), group="", kind="Secret", namespaced=True, namespace="shop", name="x")
    assert allowed == answer.allowed


BAD_SELECTORS = [
    GlobalProject(project_name="base", match_expressions=({"key": "tier", "operator": "Equals", "values": ["x"]},)),
    GlobalProject(project_name="base", match_expressions=({"key": "tier", "operator": "In"},)),
    GlobalProject(project_name="base", match_expressions=({"key": "tier", "operator": "Exists", "values": ["x"]},)),
    GlobalProject(project_name="base", match_expressions=("tier",)),  # type: ignore[arg-type]
    GlobalProject(project_name="base", match_labels={"no such key!": "x"}),
    GlobalProject(project_name="missing"),
]


@pytest.mark.parametrize("rule", BAD_SELECTORS)
def test_an_inheritance_that_is_not_known_fails_closed(rule: GlobalProject) -> None:
    """Strict uses no project that may inherit from it and says so; compat goes on without it, as upstream does."""
    parts = [project(), project("base")]
    app = application()
    refused = Guard(generation(*parts, global_projects=[rule])).may_use(app)
    assert (False, True) == (refused.allowed, "globalProjects of argocd-cm" in refused.reason)
    assert Guard(generation(*parts, global_projects=[rule], mode="compat")).may_use(app).allowed


def test_broken_global_projects_keep_the_last_good_form() -> None:
    """An unreadable text or selector leaves who inherits what as it was; without an earlier form nothing is used."""
    windows = [{"kind": "deny", "schedule": "* * * * *", "duration": "1h", "applications": ["*"]}]
    parts = [project(labels={"tier": "prod"}), project("base", syncWindows=windows)]
    good = generation(*parts, global_projects=RULES)
    for broken in (None, [BAD_SELECTORS[0]]):
        later, findings = build(RbacSettings(), parts, global_projects=broken, previous=good)
        assert "spec.syncWindows[0]" in Guard(later).may_sync(application(), now=NOW, manual=False).reason
        assert ["project-global"] == [finding.code for finding in errors_of(findings)]
        assert not Guard(generation(*parts, global_projects=broken)).may_use(application()).allowed


@pytest.mark.parametrize(
    "text", ["{", "- 1", "projectName: x", "- {labelSelector: {}}", "- {projectName: 3}", "[" * 70_000]
)
def test_global_projects_that_cannot_be_read_are_told(text: str) -> None:
    """Such a text is a problem of argocd-cm and is not taken for an empty list."""
    settings = read_settings({"globalProjects": text})
    assert (False, 1) == (settings.global_projects_readable, len(settings.problems))
    assert read_settings({}).global_projects_readable


def test_a_malformed_global_project_closes_its_heirs() -> None:
    """The refusal of an heir names the global project that is malformed."""
    base = project("base", clusterResourceBlacklist=[{"group": "*", "kind": "[Node"}])
    answer = Guard(generation(project(labels={"tier": "prod"}), base, global_projects=RULES)).may_use(application())
    assert (False, True) == (answer.allowed, "its global project base is malformed" in answer.reason)


def accounts(*entries: tuple[str, str, str]) -> list[dict[str, str]]:
    return [{"server": s, "namespace": n, "defaultServiceAccount": a} for s, n, a in entries]


@pytest.mark.parametrize(
    ("entries", "namespace", "user", "problem"),
    [
        ([("*", "shop", "first"), ("*", "*", "second")], "shop", "shop:first", ""),
        ([("*", "shop", "first"), ("*", "*", "second")], "other", "other:second", ""),
        ([("*", "*", "ops:deployer")], "shop", "ops:deployer", ""),
        ([(LOCAL, "sh*", "x")], "shop", "shop:x", ""),
        ([("https://elsewhere", "*", "x")], "shop", "", ""),
        ([("*", "", "x")], "", "argocd:x", ""),
        ([], "shop", "", ""),
        ([("*", "*", "bad*name")], "shop", "", "invalid chars"),
        ([("*", "*", "a/b")], "shop", "", "invalid chars"),
        ([("*", "*", "  ")], "shop", "", "invalid chars"),
        ([("[", "*", "x")], "shop", "", "invalid glob pattern for destination server"),
        ([("*", "[", "x")], "shop", "", "invalid glob pattern for destination namespace"),
        ([("*", "*", "good"), ("[", "*", "x")], "shop", "shop:good", ""),
    ],
)
def test_service_accounts(entries: list[tuple[str, str, str]], namespace: str, user: str, problem: str) -> None:
    """The first match decides; NAME stands in the destination's or the Application's namespace; errors where they are reached."""
    for mode in ("strict", "compat"):
        asked = Guard(generation(project(destinationServiceAccounts=accounts(*entries)), mode=mode))
        found = asked.service_account(application(destination={"server": LOCAL, "namespace": namespace}))
        assert (f"system:serviceaccount:{user}" if user else "") == found.user
        assert problem in found.problem
        assert bool(problem) == bool(found.problem)


@pytest.mark.parametrize("account", ["a:b:c", "A", "a b", "-a", "ns:"])
def test_what_is_no_service_account_is_refused_in_strict(account: str) -> None:
    """Upstream sends such names to the API server; strict stops before."""
    spec = {"destinationServiceAccounts": accounts(("*", "*", account))}
    strict, compat = (
        Guard(generation(project(**spec), mode=mode)).service_account(application()) for mode in ("strict", "compat")
    )
    assert ("", True) == (strict.user, "is neither NAME nor NAMESPACE:NAME" in strict.problem)
    assert compat.user.startswith("system:serviceaccount:")


def orphan(kind: str, name: str, group: str = "", namespace: str = "shop") -> ResourceKey:
    return ResourceKey(group, kind, namespace, name)


@pytest.mark.parametrize(
    ("ignore", "key", "ignored"),
    [
        ([], orphan("Service", "kubernetes", namespace="default"), True),
        ([], orphan("Service", "kubernetes"), False),
        ([], orphan("ServiceAccount", "default"), True),
        ([], orphan("ConfigMap", "kube-root-ca.crt"), True),
        ([{"kind": "ConfigMap"}], orphan("ConfigMap", "x"), True),
        ([{"name": "x*"}], orphan("Secret", "xy"), True),
        ([{"kind": "Deployment"}], orphan("Deployment", "x", "apps"), False),
        ([{"group": "apps"}], orphan("Deployment", "x", "apps"), True),
        ([{"group": "*", "kind": "D*", "name": "x"}], orphan("Deployment", "x", "apps"), True),
        ([{"kind": "[", "name": "x"}], orphan("Deployment", "x"), False),
    ],
)
def test_ignored_orphans(ignore: list[dict[str, str]], key: ResourceKey, ignored: bool) -> None:
    """Three objects are always there; an entry compares its group always, kind and name only when they are set."""
    assert ignored == bool(compiled(orphanedResources={"ignore": ignore}).orphans.ignored(key))


@pytest.mark.parametrize(
    ("spec", "watched", "warn"),
    [(None, False, False), ({}, True, True), ({"warn": True}, True, True), ({"warn": False}, True, False)],
)
def test_orphans_are_told_of_unless_switched_off(spec: dict[str, t.Any] | None, watched: bool, warn: bool) -> None:
    """No section: not looked for; a section without warn: warned of."""
    rules = compiled(orphanedResources=spec).orphans
    assert (watched, warn) == (rules.watched, rules.warn)


def signed(url: str = "https://h/x", mode: Mode = "strict", **spec: t.Any) -> Decision:
    asked = Guard(generation(project(**spec), mode=mode))
    return asked.may_sync(application(source={"repoURL": url}), now=NOW, manual=True)


def policies(*entries: t.Any) -> dict[str, t.Any]:
    return {"sourceIntegrity": {"git": {"policies": list(entries)}}}


@pytest.mark.parametrize(
    ("spec", "allowed"),
    [
        ({"signatureKeys": []}, True),
        ({"signatureKeys": [{"keyID": "4AEE18F83AFDEB23"}]}, False),
        ({"sourceIntegrity": {}}, True),
        (policies(), True),
        (policies({"repos": [{"url": "https://h/*"}], "gpg": {"mode": "head", "keys": ["A"]}}), False),
        (policies({"repos": ["https://h/*"], "gpg": {"mode": "strict"}}), False),
        (policies({"repos": [{"url": "https://other/*"}], "gpg": {"mode": "head"}}), True),
        (policies({"repos": [{"url": "*"}], "gpg": {"mode": "none"}}), True),
        (policies({"repos": [{"url": "["}], "gpg": {"mode": "head"}}), False),
        (policies({"repos": [{"url": "*"}]}), False),
        (policies("what"), False),
        ({"sourceIntegrity": {"oci": {}}}, False),
    ],
)
def test_signatures_are_not_taken_for_verified(spec: dict[str, t.Any], allowed: bool) -> None:
    """Strict does not sync what has to be signed, also where nobody can read what is asked; compat syncs and says so."""
    strict, compat = signed(**spec), signed(mode="compat", **spec)
    assert (allowed, True) == (strict.allowed, compat.allowed)
    assert (not allowed) == any("signatures are not verified" in reason for reason in compat.reasons)
    if not allowed:
        assert "signatures are not verified" in strict.reason
        assert strict.remedy


def test_signature_keys_beside_source_integrity() -> None:
    """Argo CD looks at sourceIntegrity.git alone as soon as it is there; strict does not drop a demand for it."""
    spec = {"sourceIntegrity": {"git": {"policies": []}}, "signatureKeys": [{"keyID": "A"}]}
    strict, compat = signed(**spec), signed(mode="compat", **spec)
    assert (False, True, ()) == (strict.allowed, compat.allowed, compat.reasons)


def near(answer: Decision) -> str:
    return "\n".join(answer.reasons)


def test_a_refusal_names_what_came_near() -> None:
    """The entries about the same host, cluster, namespace or kind, with what each of them lacks."""
    whole = compiled(
        sourceRepos=["https://h/acme/*", "https://elsewhere/*"],
        destinations=[entry("https://prod:6443", "shop"), entry("https://test", "web"), entry("*", "!x")],
        namespaceResourceWhitelist=[item("Deployment", "extensions"), item("secret")],
        clusterResourceWhitelist=[item("ConfigMap"), item("Namespace", name="team-*")],
    )
    assert "spec.sourceRepos[0]: https://h/acme/* does not reach so deep" in near(
        permit.source(whole, "https://h/acme/a/b")
    )
    there = near(permit.destination(whole, PROD, "web", ""))
    assert "spec.destinations[0]: https://prod:6443 shop means this cluster, but not namespace web" in there
    assert "spec.destinations[1]: https://test web means this namespace, but not cluster prod" in there
    assert "spec.destinations[2]: * !x only refuses" in there

    def ask(group: str, kind: str, namespaced: bool) -> str:
        return near(permit.kind(whole, group, kind, namespaced=namespaced, name="x"))

    assert "has this kind in group extensions, the object's group is apps" in ask("apps", "Deployment", True)
    assert "differs in case" in ask("", "Secret", True)
    assert "stands in the other list; ConfigMap is namespaced" in ask("", "ConfigMap", True)
    assert "means other names than x" in ask("", "Namespace", False)


def test_every_source_of_several_is_asked() -> None:
    """One source that is not permitted refuses the Application and names the source."""
    asked = Guard(generation(project(sourceRepos=["https://h/x"])))
    app: Application = read_application(
        json.dumps({
            "metadata": {"name": "web", "namespace": "argocd"},
            "spec": {"project": "p", "destination": {"server": LOCAL, "namespace": "shop"},
                     "sources": [{"repoURL": "https://h/x"}, {"repoURL": "https://h/values", "ref": "values"}]},
        }).encode()
    )  # fmt: skip
    answer = asked.may_use(app)
    assert (False, True) == (answer.allowed, "https://h/values" in answer.reason)


ROLE = {
    "name": "developer",
    "groups": ["payments-developers"],
    "policies": [
        "p, proj:ecommerce:developer, applications, get, ecommerce/*, allow",
        "p, proj:ecommerce:developer, applications, sync, ecommerce/*-dev, allow",
        "p, proj:ecommerce:developer, applications, sync, ecommerce/*-staging, allow",
    ],
}


@pytest.mark.row(91, 92, 93)
@pytest.mark.parametrize("mode", ["strict", "compat"])
def test_the_roles_of_a_project(mode: Mode) -> None:
    """A member of the bound group may what each line says in the project, somebody else and another name may not."""
    asked = Guard(generation(project("ecommerce", roles=[ROLE]), project("other"), mode=mode))
    member, stranger = Subject("ann", ("payments-developers",)), Subject("bob", ("payments-readers",))

    def may(who: Subject, action: str, name: str) -> bool:
        return asked.can(who, "applications", action, name).allowed

    wanted = [
        ("get", "checkout-prod"),
        ("sync", "checkout-dev"),
        ("sync", "checkout-staging"),
        ("sync", "checkout-prod"),
    ]
    assert [True, True, True, False] == [may(member, action, f"ecommerce/{name}") for action, name in wanted]
    assert [False] * 4 == [may(stranger, action, f"ecommerce/{name}") for action, name in wanted]
    assert not may(member, "sync", "other/checkout-dev")


@pytest.mark.parametrize("mode", ["strict", "compat"])
def test_a_destination_with_name_and_server_is_refused(mode: Mode) -> None:
    """Even when both mean the same cluster, as upstream: an Application says the one or the other."""
    asked = Guard(generation(project(), clusters=[Cluster(name="prod", server="https://prod:6443")], mode=mode))
    both = application(destination={"name": "prod", "server": "https://prod:6443", "namespace": "shop"})
    assert "has name and server, expected one of them" in asked.may_use(both).reason
    assert not asked.may_use(both).allowed


@pytest.mark.parametrize("mode", ["strict", "compat"])
def test_a_permitted_object_names_the_entry_of_its_kind(mode: Mode) -> None:
    """The answer also says by which destination; a refused destination is the answer alone."""
    asked = Guard(generation(project(namespaceResourceWhitelist=[item("Secret")]), mode=mode))

    def apply(namespace: str, name_of_kind: str) -> Decision:
        return asked.may_apply(
            application(), group="", kind=name_of_kind, namespaced=True, namespace=namespace, name="a"
        )

    found = apply("shop", "Secret")
    assert "AppProject p: spec.namespaceResourceWhitelist[0]" == (found.rule and found.rule.origin)
    assert "spec.destinations[0]" in found.reason
