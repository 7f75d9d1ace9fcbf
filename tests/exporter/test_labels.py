"""What may stand in a label."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from exporter.labels import LONGEST_VALUE, clean, escaped, repository


@pytest.mark.parametrize(
    ("url", "label"),
    [
        ("https://github.com/argoproj/argocd-example-apps.git", "https://github.com/argoproj/argocd-example-apps"),
        ("https://GitHub.com/Argoproj/Apps", "https://github.com/argoproj/apps"),
        ("git@github.com:argoproj/apps.git", "git@github.com/argoproj/apps"),
        ("ssh://git@github.com/argoproj/apps", "git@github.com/argoproj/apps"),
        ("https://user:LYN-CANARY@host/x", "https://host/x"),
        ("https://LYN-CANARY@host/x.git", "https://host/x"),
        ("ssh://LYN-CANARY@host/x.git", "host/x"),
        ("https://u:p@w@host/x", "https://host/x"),
        ("https://host/x?token=LYN-CANARY", "https://host/x"),
        ("", ""),
        ("no url at all", "no url at all"),
    ],
)
def test_a_repository_is_shown_in_argo_cds_form_without_credentials(url: str, label: str) -> None:
    """Both spellings of one repository are one label, and no user or password is in it."""
    assert label == repository(url)
    assert label == repository(label)


@given(st.text())
def test_no_text_breaks_an_exposition(text: str) -> None:
    """Whatever stands in a label comes back from Prometheus' text format, cleaned."""
    line = f'm{{label="{escaped(text)}"}} 1\n'
    (family,) = text_string_to_metric_families(line.encode().decode())
    assert clean(text) == family.samples[0].labels["label"]


@given(st.text(alphabet=st.characters(codec=None)))
def test_cleaned_text_is_utf8_and_bounded(text: str) -> None:
    """Lone surrogates, control characters and endless text are mended."""
    cleaned = clean(text)
    assert len(cleaned.encode("utf-8")) <= 4 * LONGEST_VALUE
    assert cleaned == clean(cleaned)
    assert not {c for c in cleaned if ord(c) < 0x20} - {"\n"}


@pytest.mark.parametrize("text", ["a" * 200_000 + "@", "a://" * 50_000 + "@", "://" + "@" * 200_000, "a@" * 100_000])
def test_endless_text_takes_no_endless_time(text: str) -> None:
    """What comes from outside is as long as somebody likes."""
    began = time.monotonic()
    repository(text)
    clean(text)
    assert time.monotonic() - began < 5
