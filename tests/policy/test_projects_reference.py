"""Sources, destinations, kinds: a compiled project answers as the naive reference; strict is never more open."""

import json
import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.project import read_project
from model.secrets import Cluster
from policy.findings import Mode
from policy.projects import permit
from policy.projects.compiled import Project
from tests.policy import reference_projects as reference

MODES: list[Mode] = ["strict", "compat"]
MODE = pytest.mark.parametrize("mode", MODES)


def compiled(mode: Mode, **spec: t.Any) -> Project:
    return Project(read_project(json.dumps({"metadata": {"name": "p"}, "spec": spec}).encode()), mode)


HOSTS = ["https://h/", "git@h:", "ssh://git@h/", "oci://h/"]
SEGMENTS = st.lists(st.sampled_from(["a", "b", "ab", "a-b"]), min_size=1, max_size=3).map("/".join)
URLS = st.builds(
    lambda host, path, end: host + path + end, st.sampled_from(HOSTS), SEGMENTS, st.sampled_from(["", ".git"])
)
WILD = st.lists(st.sampled_from(["a", "b", "ab", "*", "**", "a*", "?"]), min_size=1, max_size=3).map("/".join)
SOURCES = st.lists(
    st.builds(
        lambda no, url: no + url,
        st.sampled_from(["", "", "!"]),
        st.sampled_from(["*"]) | st.builds(str.__add__, st.sampled_from(HOSTS), WILD),
    ),
    max_size=4,
)


@MODE
@settings(max_examples=300, deadline=None)
@given(entries=SOURCES, url=URLS)
def test_sources_as_the_reference(mode: Mode, entries: list[str], url: str) -> None:
    """Any list and any repository: the same answer, with a rule, and a way out of a refusal."""
    answer = permit.source(compiled(mode, sourceRepos=entries), url)
    assert reference.source(entries, url, strict=mode == "strict") == answer.allowed
    assert answer.rule is not None
    assert answer.allowed or answer.remedy


PART = st.builds(
    str.__add__, st.sampled_from(["", "", "!"]), st.sampled_from(["", "a", "b", "ab", "*", "a*", "*b", "a*b*"])
)
ENTRIES = st.lists(st.builds(reference.Entry, PART, PART, PART), max_size=4)
VALUE = st.sampled_from(["a", "b", "ab", "abb"])


@MODE
@settings(max_examples=500, deadline=None)
@given(entries=ENTRIES, name=VALUE | st.just(""), server=VALUE, namespace=VALUE | st.just(""))
def test_destinations_as_the_reference(
    mode: Mode, entries: list[reference.Entry], name: str, server: str, namespace: str
) -> None:
    """Any list, any cluster under its two names, any namespace: the same answer, with a rule and a way out."""
    project = compiled(mode, destinations=[entry._asdict() for entry in entries])
    answer = permit.destination(project, Cluster(name=name, server=server), namespace, "")
    assert reference.destination(entries, name, server, namespace, strict=mode == "strict") == answer.allowed
    assert answer.rule is not None
    assert answer.allowed or answer.remedy


SPELLINGS = st.tuples(
    st.sampled_from(["https://h/", "https://h:443/", "https://u@h/", "HTTPS://H//", "ssh://git@h:22/", "git@h:", "*"]),
    st.sampled_from(["a", "a/", "a//b", "A.git", "a.git/", "*", "**", "?", ""]),
).map("".join)
ODD_SOURCES = st.lists(st.builds(str.__add__, st.sampled_from(["", "", "!"]), SPELLINGS), max_size=4)
SERVERS = st.sampled_from(["https://p", "https://P/", "https://q", "*", "!https://P", "!https://p/", "!*"])


@settings(max_examples=500, deadline=None)
@given(
    urls=ODD_SOURCES,
    url=SPELLINGS,
    servers=st.lists(SERVERS, max_size=3),
    server=st.sampled_from(["https://p", "https://P/"]),
)
def test_strict_permits_no_other_spelling(urls: list[str], url: str, servers: list[str], server: str) -> None:
    """Slashes, ports, users and case only ever refuse more than in Argo CD."""
    spec = {"destinations": [{"server": each, "namespace": "*"} for each in servers], "sourceRepos": urls}
    strict, compat = (compiled(mode, **spec) for mode in MODES)
    cluster = Cluster(name="", server=server)
    assert permit.source(strict, url).allowed <= permit.source(compat, url).allowed
    went = [permit.destination(project, cluster, "x", "").allowed for project in (strict, compat)]
    assert went[0] <= went[1]


@settings(max_examples=500, deadline=None)
@given(entries=ENTRIES, name=VALUE | st.just(""), server=VALUE, namespace=VALUE | st.just(""), urls=SOURCES, url=URLS)
def test_strict_permits_nothing_that_argo_cd_refuses(
    entries: list[reference.Entry], name: str, server: str, namespace: str, urls: list[str], url: str
) -> None:
    """Where strict says yes, compat says yes."""
    spec = {"destinations": [entry._asdict() for entry in entries], "sourceRepos": urls}
    cluster = Cluster(name=name, server=server)
    strict, compat = (compiled(mode, **spec) for mode in MODES)
    went = [permit.destination(project, cluster, namespace, "").allowed for project in (strict, compat)]
    came = [permit.source(project, url).allowed for project in (strict, compat)]
    assert went[0] <= went[1]
    assert came[0] <= came[1]


ITEM = st.tuples(
    st.sampled_from(["", "a", "a.b", "*", "a*"]),
    st.sampled_from(["K", "L", "KL", "*", "K?", "K*"]),
    st.sampled_from(["", "", "x", "x*"]),
)
LIST = st.none() | st.lists(ITEM, max_size=3)


@MODE
@settings(max_examples=300, deadline=None)
@given(
    white=LIST,
    black=LIST,
    group=st.sampled_from(["", "a", "a.b"]),
    kind=st.sampled_from(["K", "L", "KL"]),
    namespaced=st.booleans(),
)
def test_kinds_as_the_reference(
    mode: Mode, white: reference.Kinds | None, black: reference.Kinds | None, group: str, kind: str, namespaced: bool
) -> None:
    """Any pair of lists, absent and empty ones too, for both scopes: the same answer."""
    scope = "namespace" if namespaced else "cluster"

    def listed(items: reference.Kinds | None) -> list[dict[str, str]] | None:
        named = [(g, k, "" if namespaced else n) for g, k, n in items or []]
        return None if items is None else [{"group": g, "kind": k, "name": n} for g, k, n in named]

    spec = {f"{scope}ResourceWhitelist": listed(white), f"{scope}ResourceBlacklist": listed(black)}
    answer = permit.kind(compiled(mode, **spec), group, kind, namespaced=namespaced, name="x1")
    assert reference.kind(white, black, group, kind, "x1", namespaced=namespaced) == answer.allowed
    assert answer.allowed or answer.remedy
