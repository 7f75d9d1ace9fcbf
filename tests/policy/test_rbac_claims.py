"""From claims to Subjects: identifier, scopes, odd values, tokens of projects, callers of Kubernetes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.guard import Subject
from policy.rbac.claims import MOST_GROUPS, read_caller
from policy.rbac.scopes import groups_of, read_scopes
from policy.subjects import from_kubernetes, project_of_token
from tests.policy.rbac_world import guard_of

SCOPES = ("groups",)


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"sub": "alice"}, "alice"),
        ({"sub": "x", "federated_claims": {"user_id": "alice"}}, "alice"),
        ({"sub": "alice", "federated_claims": {"user_id": ""}}, "alice"),
        ({"sub": "alice", "federated_claims": {"user_id": 7}}, "alice"),
        ({"sub": "alice", "federated_claims": "user_id"}, "alice"),
        ({"sub": "alice", "email": "a@b"}, "alice"),
    ],
)
def test_who_speaks(claims: dict[str, object], name: str) -> None:
    """The federated user when there is one, else the subject; e-mail only counts as a group by scopes."""
    assert [Subject(name)] * 2 == [read_caller(claims, SCOPES, mode=mode).subject for mode in ("strict", "compat")]


@pytest.mark.parametrize(
    ("value", "strict", "compat"),
    [
        (["a", "b"], ("a", "b"), ("a", "b")),
        ("admins", ("admins",), ("admins",)),
        ("a, b", ("a, b",), ("a, b",)),
        ("", (), ("",)),
        (["a", None, {}, "", 3, ["b"], "a"], ("a",), ("a", "", "a")),
        ({"a": "b"}, (), ()),
        (None, (), ()),
        (True, (), ()),
    ],
)
def test_groups_of_odd_claims(value: object, strict: tuple[str, ...], compat: tuple[str, ...]) -> None:
    """A text is one group and not its letters; what is no text is dropped, and in strict what is empty."""
    claims = {"groups": value}
    assert (strict, compat) == (groups_of(claims, SCOPES), groups_of(claims, SCOPES, mode="compat"))


def test_scopes_are_plain_names_in_their_order() -> None:
    """Claims are taken in the order of the scopes; a dotted name leads nowhere."""
    claims = {"groups": ["g"], "email": "a@b", "realm": {"roles": ["r"]}}
    assert ("a@b", "g") == groups_of(claims, ("email", "realm.roles", "realm", "groups"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ("groups",)),
        ("  ", ("groups",)),
        ("null", ("groups",)),
        ("[]", ()),
        ("[groups, email]", ("groups", "email")),
        ("- email", ("email",)),
        ("email", ("email",)),
    ],
)
def test_texts_of_scopes(text: str, expected: tuple[str, ...]) -> None:
    """An empty text means groups, an empty list means none."""
    assert expected == read_scopes(text)


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"sub": ""},
        {"sub": "  "},
        {"sub": None},
        {"sub": 7},
        {"sub": ["alice"]},
        {"sub": "a\nb"},
        {"sub": "x" * 2000},
        {"sub": "alice", "groups": [f"g{n}" for n in range(10_000)]},
        {"groups": ["admins"]},
    ],
)
def test_tokens_that_name_nobody_are_refused(claims: dict[str, object]) -> None:
    """CVE-2026-23990, CVE-2022-29165: no subject is no caller, whatever groups stand beside; upstream takes them."""
    refused = read_caller(claims, SCOPES)
    assert (None, True) == (refused.subject, refused.problem.startswith("the token"))
    assert read_caller(claims, SCOPES, mode="compat").subject is not None


def test_the_most_groups_that_are_taken() -> None:
    """A few thousand groups are a caller's, ten thousand are not."""
    groups = [f"g{n}" for n in range(MOST_GROUPS)]
    assert tuple(groups) == read_caller({"sub": "a", "groups": groups}, SCOPES).subject.groups


def test_project_tokens_are_said_to_be_such_by_who_issued_them() -> None:
    """A user of the identity provider named proj:p:dev is a user; a token of ours must name a role."""
    claims = {"sub": "proj:p:dev", "groups": ["g"]}
    assert [Subject("proj:p:dev", ("g",)), Subject("proj:p:dev", (), "token")] == [
        read_caller(claims, SCOPES, project_token=own).subject for own in (False, True)
    ]
    for name in ("alice", "proj:p", "proj:p:", "proj::dev", "proj:p:dev:x"):
        assert read_caller({"sub": name}, SCOPES, project_token=True).subject is None


@pytest.mark.parametrize(
    ("name", "expected"), [("proj:p:r", "p"), ("proj:p:", "p"), ("proj:p", None), ("proj:a:b:c", None), ("x:p:r", None)]
)
def test_names_of_project_roles(name: str, expected: str | None) -> None:
    """Exactly three parts, the first of them proj."""
    assert expected == project_of_token(name)


@pytest.mark.row(101)
@pytest.mark.parametrize("name", ["admin", "role:admin", "proj:p:dev", "system:admin"])
def test_names_of_kubernetes_give_nothing_by_themselves(name: str) -> None:
    """A certificate may name itself anything, and be admin of the cluster; a policy must mean it with k8s: before."""
    guard = guard_of("g, ops, role:admin\ng, k8s:alice, role:admin")
    asked = ("applications", "sync", "p/x")
    caller = from_kubernetes(name, (name, "ops", "system:masters"))
    assert [False, True] == [guard.can(who, *asked).allowed for who in (caller, from_kubernetes("alice"))]
    assert Subject() == from_kubernetes("", ("ops",))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from(["sub", "groups", "email", "federated_claims", "user_id"]), JSON),
    st.lists(st.sampled_from(["groups", "email", "sub", ""]), max_size=3),
    st.booleans(),
)
def test_no_claims_raise(claims: dict[str, object], scopes: list[str], token: bool) -> None:
    """Any claims give a caller with texts, or one line that says what is wrong."""
    for mode in ("strict", "compat"):
        caller = read_caller(claims, scopes, mode=mode, project_token=token)
        assert (caller.subject is None) == bool(caller.problem)
        assert caller.subject is None or all(isinstance(n, str) for n in (caller.subject.name, *caller.subject.groups))
