"""Ready-made lines in blocks: always the same bytes as written from scratch."""

from __future__ import annotations

import gzip
import threading

from hypothesis import given
from hypothesis import strategies as st

from exporter.catalogue import BY_NAME
from exporter.fragments import BLOCK, FragmentFamily, Line, gzip_member
from model.meta import NamespacedName

CONDITION = BY_NAME["argocd_app_condition"]
SYNC = BY_NAME["argocd_app_sync_total"]


def key(number: int) -> NamespacedName:
    return NamespacedName("argocd", f"app-{number}")


def text(family: FragmentFamily) -> bytes:
    return b"".join(family.parts(openmetrics=False, gzip=False))


@given(st.lists(st.tuples(st.integers(0, 8), st.none() | st.integers(0, 3), st.booleans()), max_size=60))
def test_any_history_ends_in_the_lines_of_its_last_state(history: list[tuple[int, int | None, bool]]) -> None:
    """Puts, changes, removals and scrapes in any order: the body is the header and one line per living key."""
    family, expected = FragmentFamily(CONDITION), {}
    for number, value, scrape in history:
        if value is None:
            family.remove(key(number))
            expected.pop(number, None)
        else:
            family.put(key(number), f"{number} {value}\n".encode())
            expected[number] = f"{number} {value}\n".encode()
        if scrape:
            assert text(family) == gzip.decompress(b"".join(family.parts(openmetrics=False, gzip=True)))
    assert text(family).startswith(family.header)
    assert sorted(expected.values()) == sorted(text(family).removeprefix(family.header).splitlines(keepends=True))


def test_only_the_block_that_changed_is_made_again() -> None:
    """Three blocks: a change in one leaves the joined bytes and gzip members of the others in place."""
    family = FragmentFamily(CONDITION)
    for number in range(3 * BLOCK):
        family.put(key(number), f"line {number}\n".encode())
    before = family.parts(openmetrics=False, gzip=True)
    assert 4 == len(before)
    assert [True] * 4 == [a is b for a, b in zip(before, family.parts(openmetrics=False, gzip=True), strict=True)]
    family.put(key(BLOCK), b"other\n")
    family.put(key(0), b"line 0\n")
    after = family.parts(openmetrics=False, gzip=True)
    assert [True, True, False, True] == [a is b for a, b in zip(before, after, strict=True)]


def test_room_is_used_again_and_empty_blocks_go() -> None:
    """A shrinking fleet gives its blocks back."""
    family = FragmentFamily(CONDITION)
    for number in range(2 * BLOCK):
        family.put(key(number), b"x\n")
    for number in range(0, 2 * BLOCK, 2):
        family.remove(key(number))
    for number in range(2 * BLOCK, 3 * BLOCK):
        family.put(key(number), b"y\n")
    assert 3 == len(family.parts(openmetrics=False, gzip=False))
    for number in range(3 * BLOCK):
        family.remove(key(number))
    assert [family.header] == family.parts(openmetrics=False, gzip=False)


def test_counters_have_a_name_for_each_format() -> None:
    """OpenMetrics' HELP and TYPE lines name the family without _total."""
    family = FragmentFamily(SYNC)
    assert b"# TYPE argocd_app_sync_total counter\n" in family.parts(openmetrics=False, gzip=False)[0]
    assert b"# TYPE argocd_app_sync counter\n" in family.parts(openmetrics=True, gzip=False)[0]


def test_a_line_has_sorted_escaped_labels() -> None:
    """As prometheus_client writes it."""
    labels = {"namespace": "n", "name": 'a"b\\c\nd', "project": "p\ud800", "condition": ""}
    expected = 'argocd_app_condition{condition="",name="a\\"b\\\\c\\nd",namespace="n",project="p\ufffd"} 2.0\n'
    assert expected == Line(CONDITION).write(labels, 2)


def test_gzip_members_are_reproducible_and_may_follow_one_another() -> None:
    """No time stamp in them; a reader sees one stream."""
    assert gzip_member(b"a") == gzip_member(b"a")
    assert b"ab" == gzip.decompress(gzip_member(b"a") + gzip_member(b"b"))


def test_scrapes_during_changes_are_whole() -> None:
    """Every line of a body is a line that somebody wrote, once per key, while four writers are at work."""
    family, done = FragmentFamily(CONDITION), threading.Event()
    for number in range(2 * BLOCK):
        family.put(key(number), f"{number} 0\n".encode())

    def write(part: int) -> None:
        value = 0
        while not done.is_set():
            value += 1
            for number in range(part, 2 * BLOCK, 97):
                family.put(key(number), f"{number} {value}\n".encode())

    writers = [threading.Thread(target=write, args=(part,)) for part in range(4)]
    for writer in writers:
        writer.start()
    try:
        for _ in range(20):
            body = gzip.decompress(b"".join(family.parts(openmetrics=False, gzip=True)))
            seen = [line.split()[0] for line in body.removeprefix(family.header).splitlines()]
            assert sorted(map(str, range(2 * BLOCK))) == sorted(word.decode() for word in seen)
    finally:
        done.set()
        for writer in writers:
            writer.join(5)
