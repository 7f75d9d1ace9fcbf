"""Whatever stands in a test file: it runs, or one clear line says why not."""

import copy
import typing as t
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lynceus.policytest import junit, marked, report
from lynceus.policytest.load import load
from lynceus.policytest.run import run
from model.errors import InvalidInput
from tests.architecture.support import ROOT

FOLDER = ROOT / "examples" / "policy"
FILES = {path.name: marked.plain(marked.parse(path.read_text(), path.name)[0]) for path in FOLDER.glob("*.test.yaml")}
ODD = (
    None,
    True,
    3,
    1.5,
    "",
    "x",
    "*",
    "\x07",
    "2026-12-24T11:00:00Z",
    "never",
    "role:a",
    [],
    ["x"],
    [3],
    {},
    {"x": 1},
    [[]],
)


def places(value: t.Any, path: tuple[t.Any, ...] = ()) -> t.Iterator[tuple[t.Any, ...]]:
    """Every place inside a value, as keys and indices."""
    if path:
        yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inside:
        yield from places(item, (*path, key))


PLACES = {name: list(places(value)) for name, value in FILES.items()}


@st.composite
def spoilt(draw: st.DrawFn) -> t.Any:
    """One of the example files with up to three values replaced by odd ones."""
    name = draw(st.sampled_from(sorted(FILES)))
    value = copy.deepcopy(FILES[name])
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(PLACES[name]))
        inner = value
        try:
            for step in path[:-1]:
                inner = inner[step]
            inner[path[-1]] = draw(st.sampled_from(ODD))
        except (TypeError, KeyError, IndexError):
            continue
    return value


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the examples."""
    root = tmp_path_factory.mktemp("examples")
    for source in (FOLDER, ROOT / "examples" / "argocd"):
        (root / source.name).mkdir()
        for path in source.glob("*.*"):
            (root / source.name / path.name).write_bytes(path.read_bytes())
    return root / "policy"


@given(spoilt())
@settings(
    max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
def test_spoilt_files_run_or_are_refused(folder: Path, value: t.Any) -> None:
    """No value in the wrong place raises anything but one line of our own, and each result can be reported."""
    path = folder / "spoilt.yaml"
    path.write_text(yaml.safe_dump(value))

    try:
        result = run(load(str(path)), lambda _: True, lambda: 0.0)
    except InvalidInput as failure:
        assert "\n" not in str(failure)
        return

    assert list(report.lines_of(result))
    assert junit.to_xml([result])


@given(st.text(max_size=200))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_text_is_read_or_refused(folder: Path, text: str) -> None:
    """Text that is no test file is refused."""
    path = folder / "text.yaml"
    path.write_text(text, encoding="utf-8", errors="replace")

    with pytest.raises(InvalidInput):
        load(str(path))
