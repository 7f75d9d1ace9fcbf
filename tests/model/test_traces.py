"""model.traces: ids that every process works out alike."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.meta import NamespacedName
from model.traces import deployment_revision, deployment_span_id, deployment_trace_id

KEY = NamespacedName("argocd", "guestbook")
COMMIT = "d7927a27b4533926b7d86b5f249cd9ebe7625e90"
NAMES = st.builds(NamespacedName, st.text(min_size=1), st.text(min_size=1))


def test_ids_are_the_same_in_every_process() -> None:
    """The ids are fixed for ever: a restart, a replica or a later version must work out the same."""
    assert "bd0ca368af5a0476d6fe4c54e54818a8" == deployment_trace_id(KEY, COMMIT)
    assert "bc16de92207fea91" == deployment_span_id(KEY, COMMIT)


@given(NAMES, st.text())
def test_ids_have_the_form_of_the_standard(key: NamespacedName, revision: str) -> None:
    """Whatever the names hold, an id is lower-case hexadecimal of the right length and not zero."""
    assert re.fullmatch("[0-9a-f]{32}", deployment_trace_id(key, revision))
    assert re.fullmatch("[0-9a-f]{16}", deployment_span_id(key, revision))


@pytest.mark.parametrize(
    ("key", "revision"),
    [
        (NamespacedName("argocd", "guestbook2"), COMMIT),
        (NamespacedName("argocd2", "guestbook"), COMMIT),
        (NamespacedName("argocdg", "uestbook"), COMMIT),
        (KEY, COMMIT[:-1] + "1"),
    ],
)
def test_each_part_counts(key: NamespacedName, revision: str) -> None:
    """Another Application or another commit is another trace."""
    assert deployment_trace_id(KEY, COMMIT) != deployment_trace_id(key, revision)
    assert deployment_span_id(KEY, COMMIT) != deployment_span_id(key, revision)


def test_an_id_is_never_all_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    """A digest that begins with zeros gives the smallest valid id."""

    class Zeros:
        def hexdigest(self) -> str:
            return "0" * 64

    monkeypatch.setattr("model.traces.hashlib.sha256", lambda data: Zeros())
    assert "0" * 31 + "1" == deployment_trace_id(KEY, COMMIT)
    assert "0" * 15 + "1" == deployment_span_id(KEY, COMMIT)


def test_several_sources_are_one_revision() -> None:
    """A commit in any of the sources is another deployment; one source's commit stands for itself."""
    assert COMMIT == deployment_revision((COMMIT,))
    assert deployment_revision(("a", "b")) != deployment_revision(("a", "c"))
