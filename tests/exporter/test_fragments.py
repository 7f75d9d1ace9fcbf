"""Ready-made lines in blocks: always the same bytes as written from scratch."""

from __future__ import annotations

import gzip
import threading

from hypothesis import given
from hypothesis import strategies as st

from exporter.catalogue import BY_NAME
from exporter.fragments import BLOCK, FragmentFamily, Line, Seats, gzip_member
from exporter.labels import escaped

CONDITION = BY_NAME["argocd_app_condition"]
SYNC = BY_NAME["argocd_app_sync_total"]


def text(family: FragmentFamily) -> bytes:
    return b"".join(family.parts(openmetrics=False, gzip=False))


@given(st.lists(st.tuples(st.integers(0, 8), st.none() | st.integers(0, 3), st.booleans()), max_size=60))
def test_any_history_ends_in_the_lines_of_its_last_state(history: list[tuple[int, int | None, bool]]) -> None:
    """Puts, changes, removals and scrapes in any order: the body is the header and one line per living key."""
    family, expected = FragmentFamily(CONDITION), dict[int, bytes]()
    for number, value, scrape in history:
        if value is None:
            family.remove(number)
            expected.pop(number, None)
        else:
            family.put(number, f"{number} {value}\n".encode())
            expected[number] = f"{number} {value}\n".encode()
        if scrape:
            assert text(family) == gzip.decompress(b"".join(family.parts(openmetrics=False, gzip=True)))
    assert text(family).startswith(family.header)
    assert sorted(expected.values()) == sorted(text(family).removeprefix(family.header).splitlines(keepends=True))


def test_only_the_block_that_changed_is_made_again() -> None:
    """Three blocks: a change in one leaves the joined bytes and gzip members of the others in place."""
    family = FragmentFamily(CONDITION)
    for number in range(3 * BLOCK):
        family.put(number, f"line {number}\n".encode())
    before = family.parts(openmetrics=False, gzip=True)
    assert 4 == len(before)
    assert [True] * 4 == [a is b for a, b in zip(before, family.parts(openmetrics=False, gzip=True), strict=True)]
    family.put(BLOCK, b"other\n")
    family.put(0, b"line 0\n")
    after = family.parts(openmetrics=False, gzip=True)
    assert [True, True, False, True] == [a is b for a, b in zip(before, after, strict=True)]


def test_empty_blocks_go() -> None:
    """A shrinking fleet gives its blocks back."""
    family = FragmentFamily(CONDITION)
    for number in range(3 * BLOCK):
        family.put(number, b"x\n")
    for number in range(BLOCK, 3 * BLOCK):
        family.remove(number)
    assert 2 == len(family.parts(openmetrics=False, gzip=False))
    for number in range(BLOCK):
        family.remove(number)
    assert [family.header] == family.parts(openmetrics=False, gzip=False)
    assert (0, 0) == (family.lines, family._bytes)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 20)), max_size=80))
def test_seats_are_handed_out_once_and_the_lowest_first(history: list[tuple[bool, int]]) -> None:
    """Whoever sits keeps the seat; the highest is never beyond the number of those who ever sat together."""
    seats, taken, most = Seats(), set[int](), 0
    for comes, which in history:
        if comes:
            seat = seats.take()
            assert seat not in taken
            assert seat == min(set(range(len(taken) + 1)) - taken)
            taken.add(seat)
            most = max(most, len(taken))
        elif which in taken:
            taken.remove(which)
            seats.give(which)
        assert not taken or max(taken) < most


def test_a_full_family_drops_lines_and_says_how_many() -> None:
    """Neither more lines nor more bytes than it may have; room that is given back is used again."""
    family = FragmentFamily(CONDITION, most_lines=4, most_bytes=20)
    assert 0 == family.put(0, b"a\nb\nc\n")
    assert 1 == family.put(1, b"d\ne\n")
    assert 3 == family.put(2, b"f\ng\nh\n")
    assert b"a\nb\nc\nd\n" == text(family).removeprefix(family.header)
    assert 0 == family.put(0, b"")
    assert 0 == family.put(1, b"d\ne\n")
    assert 1 == family.put(2, b"f" * 30 + b"\n")
    assert b"d\ne\n" == text(family).removeprefix(family.header)
    assert (2, 4) == (family.lines, family._bytes)
    family.clear()
    assert [family.header] == family.parts(openmetrics=False, gzip=False)


def test_a_scrape_that_packs_keeps_no_plain_lines() -> None:
    """Prometheus asks for gzip; the joined lines would be most of the memory."""
    family = FragmentFamily(CONDITION)
    family.put(0, b"x\n")
    family.parts(openmetrics=False, gzip=True)
    (block,) = family._blocks.values()
    assert (None, True) == (block.plain, block.member is not None)


def test_counters_have_a_name_for_each_format() -> None:
    """OpenMetrics' HELP and TYPE lines name the family without _total."""
    family = FragmentFamily(SYNC)
    assert b"# TYPE argocd_app_sync_total counter\n" in family.parts(openmetrics=False, gzip=False)[0]
    assert b"# TYPE argocd_app_sync counter\n" in family.parts(openmetrics=True, gzip=False)[0]


def test_a_line_has_sorted_escaped_labels() -> None:
    """As prometheus_client writes it."""
    expected = 'argocd_app_condition{condition="",name="a\\"b\\\\c\\nd",namespace="n",project="p\ufffd"} 2.0\n'
    assert expected == Line(CONDITION).write(("n", 'a"b\\c\nd', "p\ud800", ""), 2)
    labels = BY_NAME["argocd_app_labels"]
    wider = 'argocd_app_labels{label_team="t",name="w",namespace="n",project="p"} 1.0\n'
    assert wider == Line(labels, ("label_team",)).write(("n", "w", "p", "t"), 1)


@given(st.lists(st.text(alphabet=st.characters(codec=None)), min_size=4, max_size=4))
def test_the_short_way_of_writing_a_line_is_the_long_one(values: list[str]) -> None:
    """Values that need no mending are not looked at one by one; the line is the same."""
    by_label = {label: escaped(value) for label, value in zip(CONDITION.labels, values, strict=True)}
    pairs = ",".join(f'{label}="{by_label[label]}"' for label in sorted(by_label))
    assert f"argocd_app_condition{{{pairs}}} 1.0\n" == Line(CONDITION).write(values, 1)


def test_gzip_members_are_reproducible_and_may_follow_one_another() -> None:
    """No time stamp in them; a reader sees one stream."""
    assert gzip_member(b"a") == gzip_member(b"a")
    assert b"ab" == gzip.decompress(gzip_member(b"a") + gzip_member(b"b"))


def test_scrapes_during_changes_are_whole() -> None:
    """Every line of a body is a line that somebody wrote, once per key, while four writers are at work."""
    family, done = FragmentFamily(CONDITION), threading.Event()
    for number in range(2 * BLOCK):
        family.put(number, f"{number} 0\n".encode())

    def write(part: int) -> None:
        value = 0
        while not done.is_set():
            value += 1
            for number in range(part, 2 * BLOCK, 97):
                family.put(number, f"{number} {value}\n".encode())

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
