"""Globs in both dialects, regular expressions, and that no pattern stalls."""

import fnmatch
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.patterns import PatternError, glob, path_match, regex


@pytest.mark.parametrize(
    ("pattern", "hits", "misses"),
    [
        ("*", ["", "a", "a/b"], []),
        ("", [""], ["a"]),
        ("abc", ["abc"], ["ab", "abcd", "ABC"]),
        ("a*", ["a", "a/b/c"], ["ba"]),
        ("*/*", ["a/b", "/", "a/b/c"], ["a"]),
        ("*-prod", ["x-prod"], ["x-prod2"]),
        ("a*z", ["az", "a/z"], ["a", "aza"]),
        ("aba*aba", ["abaaba"], ["aba", "ababa"]),
        ("p?d", ["pod", "p/d"], ["pd"]),
        ("{a,b*}x", ["ax", "bcx"], ["x"]),
        ("x{a,{b,c}}", ["xa", "xb", "xc"], ["x", "xd"]),
        ("{a,", ["a", ""], ["b"]),
        ("}", ["}"], []),
        ("a,b", ["a,b"], ["a"]),
        ("[abc]x", ["ax", "cx"], ["dx", "x"]),
        ("[!abc]", ["d"], ["a", "de"]),
        ("[a-c]", ["b"], ["d"]),
        ("[!a-c]", ["d"], ["b"]),
        ("[ab-c]", ["a", "b", "-", "c"], ["d"]),
        ("a\\*", ["a*"], ["ab"]),
        ("!a", ["!a"], ["b"]),
        ("a.b", ["a.b"], ["axb"]),
        ("*\nx", ["a\nx"], []),
    ],
)
def test_globs_of_rbac_and_windows(pattern: str, hits: list[str], misses: list[str]) -> None:
    """Stars cross slashes, the whole text must match, case counts, a leading exclamation mark is literal."""
    compiled = glob(pattern)
    assert (hits, []) == ([x for x in hits if compiled.matches(x)], [x for x in misses if compiled.matches(x)])


@pytest.mark.parametrize("pattern", ["[a-zA-Z]", "[]", "[", "[a", "[!]", "[z-a]", "x" * 5000, "\x00", "\udc80"])
def test_globs_that_upstream_does_not_compile_are_errors(pattern: str) -> None:
    """Two ranges, empty and open classes, reversed ranges, and what is no text."""
    with pytest.raises(PatternError):
        glob(pattern)


def test_a_separator_stops_a_single_star() -> None:
    """In source repositories one star stays in its segment, two cross."""
    one, two = glob("https://h/*/x", "/"), glob("https://h/**", "/")
    assert (True, False, True) == (
        one.matches("https://h/a/x"),
        one.matches("https://h/a/b/x"),
        two.matches("https://h/a/b"),
    )


@pytest.mark.parametrize(
    ("pattern", "hits", "misses"),
    [
        ("*", ["Pod", ""], ["a/b"]),
        ("Pod*", ["Pod", "PodMonitor"], ["pod"]),
        ("[A-CX]?", ["Ax", "Xx"], ["Dx"]),
        ("[^a]", ["b"], ["a"]),
        ("[b-a]", [], ["a", "b"]),
        ("{a,b}", ["{a,b}"], ["a"]),
        ("a\\*", ["a*"], ["ab"]),
    ],
)
def test_kind_patterns_follow_path_match(pattern: str, hits: list[str], misses: list[str]) -> None:
    """Kind lists know several ranges in a class and no braces."""
    compiled = path_match(pattern)
    assert (hits, []) == ([x for x in hits if compiled.matches(x)], [x for x in misses if compiled.matches(x)])


@pytest.mark.parametrize("pattern", ["[", "[]a]", "[-a]", "a\\", "[a-]", "[a"])
def test_what_path_match_calls_bad_is_an_error(pattern: str) -> None:
    """Malformed classes and a final backslash do not compile."""
    with pytest.raises(PatternError):
        path_match(pattern)


@pytest.mark.parametrize("pattern", ["(", "*", "a++", "(?=a)", "(a)\\1", "a{2000}"])
def test_expressions_outside_re2_are_errors(pattern: str) -> None:
    """Lookaround, back-references and unclosed groups are refused, as Go refuses them."""
    with pytest.raises(PatternError):
        regex(pattern, anchored=True)


def test_expressions_search_upstream_and_match_whole_in_strict() -> None:
    """`applications` finds itself in applicationsets only when not anchored."""
    assert (False, True) == tuple(regex("application.", anchored=a).matches("applicationsets") for a in (True, False))


@given(st.text("ab*?/", max_size=8), st.text("ab/\n", max_size=8))
def test_plain_globs_agree_with_fnmatch(pattern: str, text: str) -> None:
    """On stars and question marks alone the dialect is that of the shell."""
    assert bool(re.match(fnmatch.translate(pattern), text)) == glob(pattern).matches(text)


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_pattern_raises_anything_but_our_error(pattern: str, text: str) -> None:
    """Any pattern compiles or raises PatternError; a compiled one answers for any text."""
    for build in (glob, path_match, lambda p: glob(p, "/"), lambda p: regex(p, anchored=False)):
        try:
            assert build(pattern).matches(text) in (True, False)
        except PatternError as failure:
            assert str(failure)


@pytest.mark.parametrize("pattern", ["*a*a*a*a*a*a*a*b", "{a,{a,{a,{a,a}}}}*{a,{a,a}}*b", "?*?*?*?*?*?*?*b"])
def test_many_stars_end(pattern: str) -> None:
    """Seven stars against 120 characters are answered; a backtracking engine would need minutes."""
    assert glob(pattern).matches("a" * 120) is False


@pytest.mark.parametrize("pattern", ["(a+)+$", "(.*)*x", "(a|aa)+b"])
def test_nested_repetition_ends(pattern: str) -> None:
    """Expressions that stall other engines are answered."""
    assert regex(pattern, anchored=True).matches("a" * 120 + "!") is False
