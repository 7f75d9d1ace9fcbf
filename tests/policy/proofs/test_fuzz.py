"""No bytes raise anything but our own error, and no decision is missing: a seeded slice of the long fuzz."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.policy.proofs import THOROUGH
from tests.policy.proofs.fuzz import run
from tests.policy.proofs.strategies import examples
from tests.policy.proofs.targets import TARGETS

EACH = pytest.mark.parametrize("name", list(TARGETS))


@EACH
def test_mutated_texts_are_answered(name: str) -> None:
    """Good texts with something changed are read, or refused with one line; what is read gives decisions."""
    report = run(name, 300 * THOROUGH, 7)
    assert ({}, 300 * THOROUGH) == (report.findings, report.cases)


@EACH
@examples(15)
@given(
    data=st.one_of(
        st.binary(max_size=200), st.text(max_size=80).map(lambda text: text.encode("utf-8", "surrogatepass"))
    )
)
def test_any_bytes_are_answered(name: str, data: bytes) -> None:
    """Bytes of no form at all likewise."""
    TARGETS[name][0](data)
    assert data is not None


@EACH
def test_the_corpus_is_good(name: str) -> None:
    """What mutation starts from is answered without a finding."""
    target, corpus = TARGETS[name]
    for data in corpus:
        target(data)
    assert corpus
