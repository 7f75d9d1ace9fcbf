"""Helm's --set grammar."""

import pytest

from controller.sources.strvals import SetError, parse_into, set_text


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a=1", {"a": 1}),
        ("a=1.2.0", {"a": "1.2.0"}),
        ("a=1.5", {"a": "1.5"}),
        ("a=true,b=null,c=", {"a": True, "b": None, "c": ""}),
        ("a=0,b=012,c=-5,d=+5,e=00", {"a": 0, "b": "012", "c": -5, "d": 5, "e": "00"}),
        ("a.b.c=x", {"a": {"b": {"c": "x"}}}),
        ("a[1].b=x", {"a": [None, {"b": "x"}]}),
        ("a[0][1]=x", {"a": [[None, "x"]]}),
        ("a={1,b,}", {"a": [1, "b", ""]}),
        ("a={},b=2", {"a": [], "b": 2}),
        (r"a\.b=x\,y", {"a.b": "x,y"}),
        (r"nodeSelector.kubernetes\.io/role=master", {"nodeSelector": {"kubernetes.io/role": "master"}}),
        ("a=b=c", {"a": "b=c"}),
        ("a=9223372036854775808", {"a": "9223372036854775808"}),
    ],
)
def test_expressions_read_as_helm_reads_them(text: str, values: dict[str, object]) -> None:
    """Dots, lists, escapes and types."""
    found: dict[str, object] = {}
    parse_into(found, text)
    assert values == found


def test_existing_values_are_merged_into() -> None:
    """A list keeps its other members, a mapping its other keys."""
    values = {"a": [1, 2], "b": {"c": 1}}
    parse_into(values, "a[1]=x,b.d=2")
    assert {"a": [1, "x"], "b": {"c": 1, "d": 2}} == values


def test_force_string_keeps_text() -> None:
    """--set-string makes no numbers."""
    values: dict[str, object] = {}
    parse_into(values, "a=1,b=true", as_text=True)
    assert {"a": "1", "b": "true"} == values


def test_a_files_content_is_not_parsed() -> None:
    """--set-file takes the content as it is."""
    values: dict[str, object] = {}
    set_text(values, "a.b", "x,y={z}")
    assert {"a": {"b": "x,y={z}"}} == values


@pytest.mark.parametrize(
    "text", ["a", "=1", "a[x]=1", "a[0]b=1", "a={1", "a[99999999]=1", "a[-1]=1", ".a=1", "a." * 50 + "b=1"]
)
def test_nonsense_is_refused(text: str) -> None:
    """With the position."""
    with pytest.raises(SetError):
        parse_into({}, text)
