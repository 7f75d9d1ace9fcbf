"""Reading lynceus-cm and the annotation: shapes, unknown fields, what cannot be read, and the way back to text."""

# ruff: noqa: E501 - tables of cases, one case to a place

import json
import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model import yamltext
from model.additions import (
    ANNOTATION,
    AddedWindow,
    Freeze,
    LabelSelector,
    Requirement,
    read_additions,
    read_project_windows,
    write_freeze,
)
from model.project import AppProject, read_project

WINDOWS = """
- name: xmas
  kind: deny
  projects: ["*"]
  from: 2026-12-20T00:00
  until: 2026-12-27T00:00:00Z
  timeZone: Europe/Amsterdam
  labelSelector:
    matchLabels: {tier: backend}
    matchExpressions: [{key: env, operator: In, values: [prod]}]
  exclude: {applications: [status-page]}
  expires: 2027-01-01
  override: ["role:sre"]
  heal: true
"""


def project(annotation: str) -> AppProject:
    return read_project(json.dumps({"metadata": {"name": "shop", "annotations": {ANNOTATION: annotation}}}).encode())


def test_every_field_is_read_and_times_stay_text() -> None:
    """The wire names are camelCase, from and until are the ends of the one-off form."""
    found = read_additions({"windows": WINDOWS}, "7")
    window = found.windows[0]
    labels = LabelSelector(
        match_labels={"tier": "backend"}, match_expressions=(Requirement(key="env", operator="In", values=("prod",)),)
    )
    assert ((), "7", ("windows",)) == (found.problems, found.generation, found.keys)
    assert ("xmas", "2026-12-20T00:00", "2026-12-27T00:00:00Z", "2027-01-01") == (
        window.name,
        window.start,
        window.end,
        window.expires,
    )
    assert (labels, ("status-page",), ("role:sre",), True) == (
        window.label_selector,
        window.exclude.applications,
        window.override,
        window.heal,
    )


@pytest.mark.parametrize(
    ("entry", "where", "text", "projects"),
    [
        ("kindd: deny", "lynceus-cm windows[0]", "unknown field 'kindd'", ("*",)),
        ("kind: deny", "lynceus-cm windows[0].projects", "no projects", ("*",)),
        ("{projects: [a], kindd: deny}", "lynceus-cm windows[0]", "unknown field 'kindd'", ("a",)),
        ("{projects: [a], broken: x}", "lynceus-cm windows[0]", "unknown field 'broken'", ("a",)),
        ("{projects: a, kind: deny}", "lynceus-cm windows[0].projects", "found str", ("*",)),
        ("{projects: [a], manualSync: 'yes'}", "lynceus-cm windows[0].manualSync", "found str", ("a",)),
        ("{projects: [a], labelSelector: {labels: {}}}", "lynceus-cm windows[0].labelSelector", "Object contains unknown field 'labels'", ("a",)),
        ("{projects: [a], labelSelector: {matchExpressions: [{operator: In}]}}", "lynceus-cm windows[0].labelSelector.matchExpressions[0]", "Object missing required field 'key'", ("a",)),
        ("{projects: [a], schedule: 5}", "lynceus-cm windows[0].schedule", "found int", ("a",)),
        ("3", "lynceus-cm windows[0]", "found a plain value", ("*",)),
    ],
)  # fmt: skip
def test_an_entry_of_another_shape_is_kept_as_broken(
    entry: str, where: str, text: str, projects: tuple[str, ...]
) -> None:
    """It is told with its place, and may concern the projects that it names, or else all."""
    found = read_additions({"windows": f"- {entry}"}, "")
    assert (where, text) == (found.problems[0].where, found.problems[0].text)
    assert (text, projects) == (found.windows[0].broken, found.windows[0].projects)


@pytest.mark.parametrize(
    "text", ["[", "a: b", "5", "- &a x\n- *a", "- a: 1\n  a: 2", "- 1: x", "[" * 30 + "]" * 30, "- !!python/object:os.system {}", "--- []\n--- []", "- \x00"]
)  # fmt: skip
def test_a_key_that_cannot_be_read_is_told(text: str) -> None:
    """No YAML, no list, aliases, keys twice or deep nesting: the key is unreadable, and its text is not quoted."""
    found = read_additions({"windows": text}, "")
    assert (("windows",), "additions-unreadable", 1) == (found.unreadable, found.problems[0].code, len(found.problems))


def test_annotation_windows_have_no_projects() -> None:
    """An AppProject's own windows are for itself; another shape is None, which is not the empty list."""
    good, problems = read_project_windows(project("- {name: a, kind: deny, schedule: '0 0 * * *', duration: 1h}"))
    assert (("a",), ()) == (tuple(window.name for window in good), problems)
    named, problems = read_project_windows(project("- {name: a, projects: [other]}"))
    assert ((), "projects in an AppProject's own windows") == (named[0].projects, named[0].broken)
    assert (None, "AppProject shop: lynceus.io/sync-windows") == (
        (found := read_project_windows(project("x: y")))[0],
        found[1][0].where,
    )
    assert ((), ()) == read_project_windows(project(""))


def test_freezes_and_break_glass() -> None:
    """Records are read key by key; null fields are absent; a broken entry of breakGlass gives nobody anything."""
    data = {
        "freeze.b": "{reason: db move, person: ann, start: '2026-01-01T00:00:00Z', end: '2026-01-02T00:00:00Z', labelSelector: null}",
        "freeze.a": "nothing",
        "breakGlass": "[{roles: ['role:sre'], projects: [shop]}, {roles: x}, {}]",
        "other": "[",
    }
    found = read_additions(data, "")
    assert ["a", "b"] == [freeze.id for freeze in found.freezes]
    assert ("found a plain value", "", ("*",)) == (
        found.freezes[0].broken,
        found.freezes[1].broken,
        found.freezes[1].projects,
    )
    assert [("role:sre",)] == [entry.roles for entry in found.break_glass]
    assert ("freeze.a",) == found.unreadable


TEXT = st.text(max_size=12)
NAMES = st.lists(TEXT, max_size=3).map(tuple)


@given(
    st.builds(
        Freeze, id=st.from_regex(r"[a-z0-9-]{1,10}", fullmatch=True), reason=TEXT, person=TEXT, start=TEXT, end=TEXT, projects=NAMES,
        applications=NAMES, override=NAMES, manual=st.booleans(), heal=st.booleans(), stopped=TEXT, stop_reason=TEXT,
        label_selector=st.none() | st.builds(LabelSelector, match_labels=st.dictionaries(TEXT, TEXT, max_size=2)),
    )
)  # fmt: skip
def test_a_written_freeze_reads_the_same(freeze: Freeze) -> None:
    """What is written into the ConfigMap is what is read from it, whatever the texts hold."""
    found = read_additions({f"freeze.{freeze.id}": write_freeze(freeze)}, "")
    assert ((freeze,), ()) == (found.freezes, found.problems)


@settings(deadline=None)
@given(st.text(), st.text(), st.text())
def test_reading_is_total(windows: str, glass: str, freeze: str) -> None:
    """Any text in any key gives an answer."""
    found = read_additions({"windows": windows, "breakGlass": glass, "freeze.x": freeze}, "")
    assert 1 == len(found.freezes)
    read_project_windows(project(windows))


JSON: st.SearchStrategy[t.Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("ab*[!: é", max_size=5), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "kind", "projects", "labelSelector", "exclude", "from", "x"]), inner, max_size=4), max_leaves=8
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(JSON, max_size=4))
def test_no_entry_is_lost(entries: list[t.Any]) -> None:
    """Each entry of the list becomes a window, good or broken: leaving one out would let syncs through."""
    found = read_additions({"windows": json.dumps(entries)}, "")
    assert len(entries) == len(found.windows)
    assert all(isinstance(window, AddedWindow) and (window.projects or window.broken) for window in found.windows)


def test_yaml_errors_have_a_place() -> None:
    """Line and column, and none of the text."""
    with pytest.raises(ValueError, match=r"^line 2, column 4: a key stands twice$"):
        yamltext.load("{a: SECRET,\n   a: 2}")


def test_a_key_that_is_not_read_is_told() -> None:
    """What was meant to block and stands under a misspelt key must not be missed in silence."""
    found = read_additions({"Windows": "[]", "freeze": "{}", "windows": "[]"}, "7")
    assert ["lynceus-cm 'Windows'", "lynceus-cm 'freeze'"] == [one.where for one in found.problems]
    assert {"additions-key"} == {one.code for one in found.problems}
    assert (("windows",), ()) == (found.keys, found.unreadable)
