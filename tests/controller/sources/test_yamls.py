"""Kubernetes' YAML rules, checked against the real library, and the limits that keep a hostile text harmless."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.sources.yamls import MAX_DEPTH, YamlError, parse, parse_one

helm_python = pytest.importorskip("helm_python")
PLAIN = " ".join(
    [
        "yes y n No on Off ~ null NULL = 012 0o12 08 1e3 -.5 12:30 2026-01-01 1_000 +12 0x1F -0x1f 0b11 1.",
        "1.0 .5 1e400 _1 1__0 0_8 -0 1.5e3 . + .e1 0x +.5 tRue 1e21 0777 0o8 00 -012 +0o7 1_0.5 .1e2 .1_0 0b2",
        "1.2.3 22:22 67.9.0 -",
    ]
).split(" ")


@pytest.mark.parametrize("text", PLAIN)
def test_plain_scalars_read_as_kubernetes_reads_them(text: str) -> None:
    """Each spelling gives what sigs.k8s.io/yaml gives, kind and value."""
    if text == "-":
        text = "'-'"
    wanted = helm_python.values_from_yaml(f"k: {text}\n")
    assert json.dumps(wanted) == json.dumps(parse_one(f"k: {text}\n".encode(), "x"))


@pytest.mark.parametrize("key", ["y", "1", "1.5", "1e3", "012", "true", ".5", "1_000", "1.0", "1e21", "a b", "'y'"])
def test_keys_become_text_as_in_kubernetes(key: str) -> None:
    """Boolean and number keys are text on the wire."""
    assert helm_python.values_from_yaml(f"{key}: v\n") == parse_one(f"{key}: v\n".encode(), "x")


@given(st.text(alphabet="0123456789+-_.eExXoObB:", min_size=1, max_size=9))
def test_number_like_scalars_agree_with_the_real_library(text: str) -> None:
    """Whatever looks like a number is one exactly when Kubernetes says so."""
    try:
        wanted = helm_python.values_from_yaml(f"k: {text}\n")
    except Exception:
        return  # not YAML at all, or not a mapping: other tests
    if isinstance(wanted.get("k"), (int, float)) and abs(wanted["k"]) > 2**53:
        return  # the library passes numbers through a float64
    try:
        found = parse_one(f"k: {text}\n".encode(), "x")
    except YamlError:
        return  # stricter: duplicate keys and the like
    assert json.dumps(wanted) == json.dumps(found)


TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_json_is_yaml(value: object) -> None:
    """A JSON text means the same to both."""
    assert value == parse_one(json.dumps(value, ensure_ascii=False).encode(), "x")


def test_merges_fill_what_a_mapping_does_not_say() -> None:
    """<< takes mappings and lists of mappings; explicit keys and earlier merges win."""
    text = b"a: &a {x: 1, v: 1}\nb: &b {v: 2, z: 2}\nc:\n  <<: [*a, *b]\n  x: 3\n"
    assert {"x": 3, "v": 1, "z": 2} == parse_one(text, "x")["c"]


def test_several_documents_and_empty_ones() -> None:
    """Empty documents are left out, lines are those of the first node."""
    assert [({"a": 1}, 2), ({"b": 2}, 6)] == [tuple(d) for d in parse(b"---\na: 1\n---\n# none\n---\nb: 2\n", "x")]


def test_utf16_is_decoded() -> None:
    """Files of Windows tools are read."""
    assert {"a": "é"} == parse_one("a: é\n".encode("utf-16"), "x")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("a: 1\na: 2", "x:2:1: a key that stands twice"),
        ("kind: A\n'kind': B", "x:2:1: a key that stands twice"),
        ("1: a\n'1': b", "x:2:1: a key that stands twice"),
        ("a: .nan", "x:1:4: an infinity or NaN"),
        ("~: a", "x:1:1: a null key"),
        ("? [a]\n: b", "x:1:3: a list or mapping as a key"),
        ("a: *b", "x:1:4: an alias"),
        ("a: &a [*a]", "x:1:8: an alias"),
        ("a: !!python/object/apply:os.system [SECRET]", "x:1:4: a tag"),
        ("a: !!python/name:os.system ''", "x:1:4: a tag"),
        ("a: !!set {SECRET}", "x:1:4: a tag"),
        ("a: !!timestamp 2001-01-01", "x:1:4: a tag"),
        ("a: !!binary '***'", "x:1:4: !!binary"),
        ("a: 'SECRET", "x:1:11: found unexpected end of stream"),
        ("a: SECRET: b", "x:1:10: mapping values are not allowed"),
        ("%YAML 1.2\n---\na: 1", "x:1:1: a %YAML header"),
        ("a: \x00SECRET", "x: holds a character"),
        ('a: "\\ud800SECRET"', "x:1:"),
        ("a: @SECRET", "x:1:4: found character that cannot start any token"),
    ],
)
def test_what_kubernetes_cannot_carry_is_refused_with_a_position(text: str, rule: str) -> None:
    """The error names file, line, column and rule, and never a piece of the text."""
    with pytest.raises(YamlError) as caught:
        parse(text.encode(), "x")
    assert str(caught.value).startswith(rule)
    assert "SECRET" not in str(caught.value)


def test_bytes_that_are_no_text_are_refused() -> None:
    """Latin-1 is not guessed."""
    with pytest.raises(YamlError, match=r"x:2: byte 5 is not valid utf-8"):
        parse(b"a: 1\n\xe9", "x")


@pytest.mark.parametrize(
    "text",
    [b"[" * 200_000, b"- " * 100_000, b"? " * 100_000, b"{a: " * 100_000, b"[" * 100_000 + b"]" * 100_000],
    ids=["brackets", "dashes", "question marks", "braces", "balanced"],
)
def test_deep_nesting_is_stopped_at_once(text: bytes) -> None:
    """What crashes the usual loader ends with a rule after a few hundred levels."""
    with pytest.raises(YamlError, match=f"deeper than {MAX_DEPTH} levels|as a key"):
        parse(text, "x")


def test_an_alias_bomb_is_counted_as_if_it_were_unpacked() -> None:
    """Nine aliases of nine aliases, seven levels: refused at parse, before anybody serialises it."""
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 8)]
    with pytest.raises(YamlError, match="aliases that stand for more than"):
        parse("\n".join(lines).encode(), "x")


def test_a_merge_bomb_is_counted() -> None:
    """Repeated merges of a large mapping stop at the same limit."""
    base = "base: &b {" + ",".join(f"k{n}: 1" for n in range(2000)) + "}\n"
    with pytest.raises(YamlError, match="aliases that stand for more than"):
        parse((base + "".join(f"m{n}: {{<<: [*b,*b,*b,*b]}}\n" for n in range(300))).encode(), "x")


def test_many_digits_are_no_way_to_hang() -> None:
    """Five thousand digits stay text, as an overflowing float does in Go."""
    assert "9" * 5000 == parse_one(b"a: " + b"9" * 5000, "x")["a"]


def test_large_texts_are_refused_by_size() -> None:
    """Nothing is parsed of a text beyond the limit."""
    with pytest.raises(YamlError, match="11 bytes, more than the limit of 10"):
        parse(b"a: 12345678", "x", max_bytes=10)
