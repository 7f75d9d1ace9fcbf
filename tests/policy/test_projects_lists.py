"""The lists of AppProjects, rule by rule, in both modes: sources, destinations, kinds, source namespaces."""

# ruff: noqa: E501 - tables of cases, one case to a place

import json
import typing as t

import msgspec
import pytest

from model.decision import Decision
from model.project import read_project
from model.secrets import Cluster
from policy.findings import Mode
from policy.projects import permit
from policy.projects.compiled import Project
from policy.projects.goform import normalised

PROD = Cluster(name="prod", server="https://prod:6443")


def compiled(mode: Mode = "strict", **spec: t.Any) -> Project:
    return Project(read_project(json.dumps({"metadata": {"name": "p"}, "spec": spec}).encode()), mode)


def both(ask: t.Callable[[Project], Decision], **spec: t.Any) -> tuple[bool, bool]:
    """Return the answers (compat, strict)."""
    return ask(compiled("compat", **spec)).allowed, ask(compiled(**spec)).allowed


@pytest.mark.parametrize(
    ("url", "form"),
    [
        ("https://GitHub.com/Acme/Web.git", "https://github.com/acme/web"),
        (" git@github.com:acme/web.git ", "git@github.com/acme/web"),
        ("ssh://git@h:22/x", "git@h:22/x"),
        ("ssh://git@h:acme/x", ""),
        ("https://h/{a,b}/*", "https://h/%7Ba,b%7D/%2A"),
        ("https://h/*", "https://h/*"),
        ("https://h:*/x", ""),
        ("10.0.0.1:5000/x", ""),
        ("registry.io:5000/x", "registry.io:5000/x"),
        ("registry.io/x", "registry.io/x"),
        ("oci://r/x", "oci://r/x"),
        ("file:///srv/r.git", "file:///srv/r"),
        ("https://h//x/", "https://h//x/"),
        ("https://u:p@h/x?y#z", "https://u:p@h/x?y#z"),
        ("https://h/%zz", ""),
        ("https://h:1:2/x", ""),
        ("//:1:2/x", "//:1:2/x"),
        ("https://[::1]:80/x", "https://[::1]:80/x"),
        ("https://[h]/x", ""),
        ("*", "*"),
        ("\x01", ""),
    ],
)
def test_urls_in_the_form_of_argo_cd(url: str, form: str) -> None:
    """What Go's net/url gives back for each form of a URL; all values were taken from Go 1.26."""
    assert form == normalised(url)


@pytest.mark.row(87)
@pytest.mark.parametrize(
    ("repos", "url", "compat", "strict"),
    [
        (["*"], "https://h/x", True, True),
        (["https://h/*"], "https://h/a/b", False, False),
        (["https://h/**"], "https://h/a/b", True, True),
        (["git@h:acme/*"], "ssh://git@h/acme/x.git", True, True),
        (["https://H/Acme/*"], "https://h/acme/x", True, True),
        (["oci://registry/charts/*"], "oci://registry/charts/web", True, True),
        (["registry.io/charts"], "registry.io/charts", True, True),
        (["https://charts.example.com"], "https://charts.example.com/", False, False),
        (["*", "!https://charts.example.com"], "https://charts.example.com/", True, False),
        (["file:///srv/*"], "file:///srv/repo", True, True),
        (["*", "!https://h/secret"], "https://h/secret.git", False, False),
        (["!https://h/secret", "*"], "https://h/secret", False, False),
        (["!https://h/secret"], "https://h/web", True, False),
        (["!*", "https://h/web"], "https://h/web", True, False),
        (["https://h/{web,api}"], "https://h/web", False, False),
        (["*", "!https://h/{web,api}"], "https://h/web", True, False),
        (["https://h:*/x"], "https://h:8443/x", False, False),
        (["ssh://git@h:acme/x"], "ssh://git@other:evil/y", True, False),
        (["https://h/a"], "https://h/../h/a", False, False),
        ([], "https://h/x", False, False),
    ],
)
def test_source_repositories(repos: list[str], url: str, compat: bool, strict: bool) -> None:
    """All forms, stars, negation, and what Argo CD makes of URLs and patterns that it cannot parse."""
    assert (compat, strict) == both(lambda p: permit.source(p, url), sourceRepos=repos)


def entry(server: str = "", namespace: str = "*", name: str = "") -> dict[str, str]:
    return {"server": server, "namespace": namespace, "name": name}


@pytest.mark.row(88)
@pytest.mark.parametrize(
    ("destinations", "cluster", "namespace", "compat", "strict"),
    [
        ([entry("https://prod:6443")], PROD, "shop", True, True),
        ([entry(name="prod")], PROD, "shop", True, True),
        ([entry("https://other", name="prod")], PROD, "shop", True, True),
        ([entry("https://PROD:6443/")], PROD, "shop", False, False),
        ([entry("*"), entry("!https://PROD:6443/")], PROD, "shop", True, False),
        ([entry("*", "shop-*")], PROD, "shop-a", True, True),
        ([entry("*", "")], PROD, "shop", False, False),
        ([entry("*", "")], PROD, "", True, True),
        ([entry(namespace="shop")], PROD, "shop", False, False),
        ([entry("*", "?")], PROD, "", True, False),
        ([entry("*", "sh*hop")], PROD, "shop", True, False),
        ([entry(name="")], Cluster(name="", server="https://x"), "shop", False, False),
        ([entry("*"), entry("*", "!kube-system")], PROD, "kube-system", False, False),
        ([entry("*", "!kube-system"), entry("*")], PROD, "shop", True, True),
        ([entry("*", "!kube-system")], PROD, "shop", True, False),
        ([entry("!https://other")], PROD, "shop", True, False),
        ([entry("*"), entry("!https://prod:6443")], PROD, "shop", False, False),
        ([entry("*"), entry("!https://prod:6443", "kube-*")], PROD, "shop", True, True),
        ([entry("*"), entry(name="!prod", namespace="kube-*")], PROD, "shop", False, False),
        ([entry("*"), entry(name="!other")], Cluster(name="", server="https://x"), "shop", False, False),
        ([entry("*"), entry(name="prod", namespace="!kube-system")], PROD, "kube-system", True, False),
        ([entry("*"), entry("!https://prod:6443", "!shop")], PROD, "shop", True, False),
        ([entry("*", name="!prod")], PROD, "shop", True, False),
        ([], PROD, "shop", False, False),
    ],
)
def test_destinations(
    destinations: list[dict[str, str]], cluster: Cluster, namespace: str, compat: bool, strict: bool
) -> None:
    """Name or server, namespace, and each way in which a negation is hit or misses."""
    assert (compat, strict) == both(lambda p: permit.destination(p, cluster, namespace, ""), destinations=destinations)


class KIND(t.TypedDict, total=False):
    group: str
    kind: str
    name: str


def item(kind: str, group: str = "", name: str = "") -> KIND:
    return {"group": group, "kind": kind, "name": name}


@pytest.mark.row(89, 90)
@pytest.mark.parametrize(
    ("white", "black", "namespaced", "compat", "strict"),
    [
        (None, None, True, True, True),
        ([], None, True, False, False),
        ([item("Secret")], None, True, True, True),
        ([item("S*")], [item("Secret")], True, False, False),
        (None, [item("*", "*")], True, False, False),
        (None, [item("*", "apps")], True, True, True),
        ([item("secret")], None, True, False, False),
        ([item("{Secret,Service}")], None, True, False, False),
        ([item("[R-T]ecret")], None, True, True, True),
        ([item("[^A]*")], None, True, True, True),
        ([item("Secret", name="other")], None, True, True, False),
        (None, [item("Secret", name="other")], True, False, False),
        (None, None, False, False, False),
        ([], None, False, False, False),
        ([item("Secret")], None, False, True, True),
        ([item("Secret", name="x*")], None, False, True, True),
        ([item("Secret", name="y*")], None, False, False, False),
        ([item("*", "*")], [item("Secret", name="x1")], False, False, False),
        ([item("*", "*")], [item("Secret", name="y")], False, True, True),
    ],
)
def test_kinds(
    white: list[KIND] | None, black: list[KIND] | None, namespaced: bool, compat: bool, strict: bool
) -> None:
    """Absent and empty lists, both scopes, patterns of path.Match, names in the cluster lists only."""
    scope = "namespace" if namespaced else "cluster"
    spec = {f"{scope}ResourceWhitelist": white, f"{scope}ResourceBlacklist": black}
    assert (compat, strict) == both(lambda p: permit.kind(p, "", "Secret", namespaced=namespaced, name="x1"), **spec)


def test_an_empty_list_survives_being_written() -> None:
    """Absent means all and empty means none: both are still told apart after writing the object out."""
    for value in (None, []):
        spec = {"namespaceResourceWhitelist": value} if value is not None else {}
        read = read_project(json.dumps({"metadata": {"name": "p"}, "spec": spec}).encode())
        again = read_project(msgspec.json.encode(msgspec.structs.replace(read, raw=b"")))
        assert value == again.spec.namespace_resource_whitelist


@pytest.mark.parametrize(
    ("entry_text", "compat", "strict"),
    [("team-*", True, True), ("/^team-(a|b)$/", True, True), ("/eam-/", True, False), ("//", True, False), ("/", False, False),
     ("!other", False, False), ("/(?!x)team-a/", False, False), ("*", True, True)],
)  # fmt: skip
def test_source_namespaces(entry_text: str, compat: bool, strict: bool) -> None:
    """Globs, expressions between slashes, a lone slash and lookaround without a crash, no negation; the control namespace always."""
    asked = lambda where: lambda p: permit.namespace_of_application(p, where, "argocd")  # noqa: E731
    assert (compat, strict) == both(asked("team-a"), sourceNamespaces=[entry_text])
    assert (True, True) == both(asked("argocd"), sourceNamespaces=[])


@pytest.mark.parametrize("mode", ["strict", "compat"])
def test_source_namespaces_are_told_as_they_are_written(mode: Mode) -> None:
    """An expression keeps its slashes, in a permission and in a refusal."""
    project = compiled(mode, sourceNamespaces=["", "/^team-[0-9]+$/"])
    permitted, refused = (permit.namespace_of_application(project, name, "argocd") for name in ("team-1", "x"))
    assert "/^team-[0-9]+$/" == (permitted.rule and permitted.rule.text)
    assert refused.reason.endswith("spec.sourceNamespaces has '', /^team-[0-9]+$/")


def test_another_spelling_is_named_as_what_came_near() -> None:
    """Who is refused for a slash or a capital letter is told so; the protected namespace is another matter."""
    spelled = compiled(sourceRepos=["https://h/x/"], destinations=[entry("https://PROD:6443/")])
    answers = [permit.source(spelled, "https://h/x"), permit.destination(spelled, PROD, "shop", "")]
    assert [True, True] == ["another spelling" in answer.reasons[0] for answer in answers]
    local = compiled(destinations=[entry("https://prod:6443")])
    assert not any("spelling" in reason for reason in permit.destination(local, PROD, "argocd", "argocd").reasons)


@pytest.mark.parametrize(
    ("spec", "cluster", "missing"),
    [
        (entry(name="prod"), Cluster(name="", server="https://prod:6443"), "name"),
        (entry("https://prod:6443"), Cluster(name="prod", server=""), "server"),
    ],
)
def test_a_cluster_that_is_half_known_is_told(spec: dict[str, str], cluster: Cluster, missing: str) -> None:
    """On files the other name of a cluster is only in its Secret: who leaves that out is told."""
    answer = permit.destination(compiled(destinations=[spec]), cluster, "shop", "")
    assert not answer.allowed
    assert answer.reasons[0].endswith(f"whose {missing} is not known here: its Secret has it")
