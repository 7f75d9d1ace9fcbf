"""Policy CSV: composition, quotes, and findings with places."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.settings import RbacSettings
from policy.findings import errors_of
from policy.rbac.compiled import compile_policy
from policy.rbac.csvline import CsvError, read_record
from policy.rbac.scopes import groups_of, read_scopes


def _policy(text: str, mode: str = "strict", **more: str):
    return compile_policy(RbacSettings(csv=(("policy.csv", text),), **more), mode=mode)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("p, a ,b", ["p", "a ", "b"]),
        ('g, "a, b", c', ["g", "a, b", "c"]),
        ('g, "a ""x"" b",c', ["g", 'a "x" b', "c"]),
        ("a,,b,", ["a", "", "b", ""]),
        ('a, ""', ["a", ""]),
        ("\u00a0a,\u3000b", ["a", "b"]),
    ],
)
def test_records_are_read_as_go_reads_them(line: str, expected: list[str]) -> None:
    """Leading blanks of a field go, trailing ones stay; quotes hold commas and doubled quotes."""
    assert expected == read_record(line)


@pytest.mark.parametrize(("line", "column"), [('a,b"c', 4), ('a,"b', 3), ('a,"b" ,c', 6), ('"a"b,c', 4)])
def test_wrong_quotes_have_a_column(line: str, column: int) -> None:
    """A bare quote, an open quote and text behind a closing one are errors with their column."""
    with pytest.raises(CsvError) as failure:
        read_record(line)
    assert column == failure.value.column


@pytest.mark.row(94)
def test_comments_and_blank_lines_are_kept_out_and_lines_counted() -> None:
    """Comments and blanks mean nothing, CRLF is fine, and places keep the line numbers of the file."""
    policy, findings = _policy("# p, x, y\r\n\r\n  p, role:a, applications, get, */*, allow\r\n\t# c\ng, bob, role:a")
    assert ((), 1) == (findings, len(policy.rules.by_subject["role:a"]))
    assert "argocd-rbac-cm policy.csv:3" == policy.rules.by_subject["role:a"][0].origin


@pytest.mark.parametrize(
    ("text", "code", "where"),
    [
        ("p, a, applications, get, */*", "rbac-fields", ":1:1"),
        ("p, a, applications, get, */*, allow, x", "rbac-fields", ":1:1"),
        ("\n\ng, a", "rbac-fields", ":3:1"),
        ("p2, a, applications, get, */*, allow", "rbac-kind", ":1:1"),
        ("P, a, applications, get, */*, allow", "rbac-kind", ":1:1"),
        ("\ufeffp, a, applications, get, */*, allow", "rbac-kind", ":1:1"),
        ("free text", "rbac-kind", ":1:1"),
        ('p, "a, applications', "rbac-csv", ":1:4"),
        ("p, a, applications, get, */*, Allow", "rbac-effect", ":1:31"),
        ("p, a, applications, get, */*, deny # no", "rbac-effect", ":1:31"),
        ("p, a, applications, sync, [a-, deny", "rbac-pattern", ":1:27"),
        ("p, a, applications, sync, [a-zA-Z]*, allow", "rbac-pattern", ":1:27"),
        ("p, a, aplications, sync, */*, deny", "rbac-resource", ":1:7"),
        ("p, a, applications, snyc, */*, deny", "rbac-action", ":1:21"),
        ("p, a , applications, sync, */*, deny", "rbac-blank", ":1:4"),
        ("p, a, applications, sync, \x00, deny", "rbac-pattern", ":1:27"),
    ],
)
def test_a_mistake_keeps_the_text_out_of_force(text: str, code: str, where: str) -> None:
    """Each mistake that could open a door is an error with key, line and column."""
    policy, findings = _policy(text)
    assert (None, code, f"argocd-rbac-cm policy.csv{where}") == (
        policy,
        errors_of(findings)[0].code,
        errors_of(findings)[0].where,
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("p, a, aplications, sync, */*, allow", "rbac-resource"),
        ("p, a, applications, snyc, */*, allow", "rbac-action"),
        ("p, a , applications, sync, */*, allow", "rbac-blank"),
        ("g, a, role: admin", "rbac-blank"),
        ("g, a, role:admin # boss", "rbac-comment"),
        ("r, anything", "rbac-inert"),
        ("p, , applications, sync, */*, allow", "rbac-subject"),
    ],
)
def test_a_mistake_that_grants_less_is_a_warning(text: str, code: str) -> None:
    """The text comes into force, and somebody is told."""
    policy, findings = _policy(text)
    assert (True, [code]) == (policy is not None, [finding.code for finding in findings])


def test_upstream_takes_inert_lines() -> None:
    """compat: unknown effects and broken globs are inert, as in Argo CD; wrong fields are errors there too."""
    policy, findings = _policy("p, a, applications, sync, [a-, deny\np, a, applications, sync, */*, alow", "compat")
    assert (True, ()) == (policy is not None, errors_of(findings))
    assert _policy("p, a, b", "compat")[0] is None


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"match_mode": "Regex"}, "rbac-match-mode"),
        ({"scopes": "{a: b}"}, "rbac-scopes"),
        ({"scopes": "[1]"}, "rbac-scopes"),
    ],
)
def test_the_config_map_is_one_unit(more: dict[str, str], code: str) -> None:
    """A wrong match mode or scopes keep the default role and the text out of force as well."""
    policy, findings = _policy("", default_role="role:admin", **more)
    assert (None, [code]) == (policy, [finding.code for finding in errors_of(findings)])


def test_errors_are_never_crowded_out() -> None:
    """A thousand warnings before it do not hide an error."""
    assert _policy("g, a, role: x\n" * 1000 + "p, broken")[0] is None


@pytest.mark.parametrize(
    ("text", "expected"), [("", ("groups",)), ("[a, b]", ("a", "b")), ("groups", ("groups",)), ("- x", ("x",))]
)
def test_scopes(text: str, expected: tuple[str, ...]) -> None:
    """A YAML list in a string, or the plain word of the documentation."""
    assert expected == read_scopes(text)


def test_odd_claims_are_dropped() -> None:
    """A single text is one group and not its letters; other values and empty texts are none."""
    claims = {"groups": "admins", "email": ["a@b", None, {}, ""], "n": 5}
    assert ("admins", "a@b") == groups_of(claims, ("groups", "email", "n", "absent"))


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda b: b.decode("latin-1")))
def test_no_text_raises(text: str) -> None:
    """Any text gives a policy or findings, in both modes and dialects."""
    for mode in ("strict", "compat"):
        for match_mode in ("glob", "regex"):
            policy, findings = _policy(text, mode, match_mode=match_mode, scopes=text[:20])
            assert (policy is None) == bool(errors_of(findings))
