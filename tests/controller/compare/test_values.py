"""Spellings that mean the same value."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.compare.ignore import remove
from controller.compare.paths import MISSING, Element, Item, spell, write
from controller.compare.values import is_empty, quantity


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1000m", 1),
        (1, 1),
        (0.5, Fraction(1, 2)),
        ("1Ki", 1024),
        ("1024Mi", 2**30),
        ("1e3", 1000),
        ("1E3", 1000),
        ("1E", 10**18),
        ("1.5G", 1_500_000_000),
        (".5", Fraction(1, 2)),
        ("5.", 5),
        ("-1k", -1000),
        ("1n", Fraction(1, 10**9)),
        ("0.1n", Fraction(1, 10**9)),
    ],
)
def test_quantities(text: str | float, expected: Fraction) -> None:
    """Amounts mean what Kubernetes means, rounded up to nano."""
    assert expected == quantity(text)


@pytest.mark.parametrize("text", ["", "x", "1 Gi", "1KB", "1ki", "--1", "1e", "1mm", True, None, "٣", [], "1\n"])
def test_not_quantities(text: object) -> None:
    """Anything else is no amount."""
    assert quantity(text) is None


@given(st.integers(min_value=-(10**12), max_value=10**12))
def test_units_are_consistent(number: int) -> None:
    """The same amount in milli, plain and kilo is equal."""
    assert quantity(f"{number * 1000}m") == quantity(number) == quantity(f"{number}e0")
    assert quantity(f"{number}k") == quantity(number * 1000)


@pytest.mark.parametrize("value", [None, "", 0, False, [], {}, {"a": {"b": ""}}])
def test_empty(value: object) -> None:
    """What a typed API leaves out."""
    assert is_empty(value)


def test_not_empty() -> None:
    """An item in a list counts, even an empty one."""
    assert not is_empty([{}])


def test_paths_are_spelt() -> None:
    """Names with dots are quoted, list items are named by their keys."""
    path = ("spec", "ports", Item((("port", 53), ("protocol", "UDP"))), "a.b/c", 0, Element("x"))

    assert 'spec.ports[port=53,protocol=UDP]["a.b/c"][0]["x"]' == spell(path)


def test_write_leaves_its_input() -> None:
    """A place is set, made or removed in a copy."""
    before = {"a": [{"name": "x", "v": 1}], "b": {"c": 1}}

    assert {"a": [{"name": "x", "v": 2}], "b": {"c": 1}} == write(before, ("a", Item((("name", "x"),)), "v"), 2)
    assert {"a": [{"name": "x", "v": 1}], "b": {}} == write(before, ("b", "c"), MISSING)
    assert {"a": [{"name": "x", "v": 1}], "b": {"c": 1, "d": {"e": 3}}} == write(before, ("b", "d", "e"), 3)
    assert {"a": [{"name": "x", "v": 1}], "b": {"c": 1}} == before


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab01/~"), inner, max_size=3),
    max_leaves=10,
)


@given(
    st.dictionaries(st.sampled_from("ab01"), json_values, max_size=3),
    st.lists(st.lists(st.sampled_from("ab01"), min_size=1, max_size=3).map(tuple), max_size=3),
)
def test_removing_twice_removes_no_more_from_mappings(obj: dict[str, object], pointers: list[tuple[str, ...]]) -> None:
    """Missing paths are no error, and the input is left as it was."""
    before = repr(obj)
    remove(obj, pointers)

    assert before == repr(obj)
