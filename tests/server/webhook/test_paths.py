"""The annotation manifest-generate-paths. Source: Argo CD docs, "Manifest Paths Annotation"."""

from __future__ import annotations

import fnmatch
import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.source import Source
from server.webhook import paths
from tests.server.webhook.support import app


def concerned(annotation: str | None, folder: str, *files: str) -> bool:
    annotations = None if annotation is None else {paths.ANNOTATION: annotation}
    return paths.concerned(app("web", annotations=annotations), Source(path=folder), frozenset(files))


@pytest.mark.parametrize(
    ("annotation", "folder", "files", "expected"),
    [
        (None, "apps/web", ["else/x.yaml"], True),
        ("", "apps/web", ["else/x.yaml"], True),
        (";;", "apps/web", ["else/x.yaml"], True),
        (".", "apps/web", ["apps/web/a.yaml"], True),
        (".", "apps/web", ["apps/web/deep/er/a.yaml"], True),
        (".", "apps/web", ["apps/web2/a.yaml"], False),
        (".", "apps/web", ["apps/a.yaml"], False),
        (".", ".", ["anything"], True),
        (".", "", ["anything"], True),
        (".;../shared", "apps/web", ["apps/shared/x"], True),
        (". ; ../shared ", "apps/web", ["apps/shared/x"], True),
        ("../../../..", "apps/web", ["far/away"], True),
        ("/shared", "apps/web", ["shared/x"], True),
        ("/shared", "apps/web", ["apps/web/a.yaml"], False),
        ("/shared/one.yaml", "apps/web", ["shared/one.yaml"], True),
        ("/shared/one.yaml", "apps/web", ["shared/one.yaml.bak"], False),
        ("/shared/*.yaml", "apps/web", ["shared/x.yaml"], True),
        ("/shared/*.yaml", "apps/web", ["shared/deep/x.yaml"], False),
        ("*.yaml", "apps/web", ["apps/web/x.yaml"], True),
        ("/apps/*/values.yaml", "x", ["apps/web/values.yaml"], True),
        ("/shared/[ab]?.yaml", "x", ["shared/a1.yaml"], True),
        ("/shared/[^ab]?.yaml", "x", ["shared/a1.yaml"], False),
        ("/shared/[a", "x", ["shared/a"], False),
        ("/shared/\\*.yaml", "x", ["shared/x.yaml"], False),
        ("/shared/\\*.yaml", "x", ["shared/*.yaml"], True),
        ("/a.c", "x", ["abc"], False),
        ("/nothing", "x", ["a", "b", "nothing/at/all"], True),
    ],
)
def test_cases(annotation: str | None, folder: str, files: list[str], expected: bool) -> None:
    """Relative to the source's folder, from the root with a slash, exact, below, or as a glob inside one folder."""
    assert expected == concerned(annotation, folder, *files)


def test_unknown_files_concern_everybody() -> None:
    """A payload without a list of files, or an annotation too long to be read."""
    whom = app("web", annotations={paths.ANNOTATION: "/nowhere"})
    assert paths.concerned(whom, Source(path="x"), None)
    assert paths.concerned(whom, Source(path="x"), frozenset())
    assert concerned("/nowhere;" * 2000, "x", "a")


SEGMENT = st.text(alphabet="ab*?.", min_size=1, max_size=3).filter(lambda text: text not in (".", ".."))


@given(
    pattern=st.lists(SEGMENT, min_size=1, max_size=3),
    file=st.lists(st.text("ab.", min_size=1, max_size=3).filter(lambda s: s.strip(".")), min_size=1, max_size=4),
)
def test_globs_are_those_of_a_naive_reading(pattern: list[str], file: list[str]) -> None:
    """Segment by segment with fnmatch; a path also holds what lies below it, but literally."""
    text, name = "/" + "/".join(pattern), "/" + "/".join(file)
    same = len(pattern) == len(file) and all(fnmatch.fnmatchcase(f, p) for f, p in zip(file, pattern, strict=True))
    below = name == posixpath.normpath(text) or name.startswith(text + "/")
    assert (same or below) == concerned(text, "x", name.lstrip("/"))
