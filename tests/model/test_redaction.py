"""model.redaction: what must not leave the process, whatever text it hides in."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.redaction import HIDDEN, names_a_secret, redacted, shown, without_userinfo

WORDS = st.text(st.sampled_from("abcXYZ019:-_.~%!$&*+'"), min_size=1, max_size=20)


@given(st.text(max_size=30), WORDS, st.text(st.sampled_from("a@b/ \n\"'"), max_size=30))
def test_userinfo_never_stays(before: str, secret: str, after: str) -> None:
    """Whatever stands around a URL, its user and password go."""
    text = f"{before} https://user:SECRET{secret}@git.example/x{after}"
    assert "SECRET" not in redacted(text)
    assert "git.example/x" in redacted(text)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BASIC", "Basic"])
def test_headers_lose_what_they_carry(scheme: str) -> None:
    """The scheme stays, so that the line can be understood."""
    assert f"Authorization: {scheme} {HIDDEN}, next" == redacted(f"Authorization: {scheme} abcdefgh12345=, next")


@pytest.mark.parametrize(
    "text", ["", "a@b.example", "git@github.com:org/repo", "https://git.example/x", "the bearer of"]
)
def test_other_text_stays(text: str) -> None:
    """Mail addresses, SSH users and plain words are no secrets."""
    assert text == redacted(text)


def test_userinfo_leaves_every_url_of_a_text() -> None:
    """Messages of Git quote URLs with whatever was in them; words stay, those of headers too."""
    said = "Basic explanation: https://u:LYN-CANARY@host/x and ssh://LYN-CANARY@host/y not found, ask ops@example.org"
    expected = "Basic explanation: https://host/x and ssh://host/y not found, ask ops@example.org"
    assert expected == without_userinfo(said)


@pytest.mark.parametrize("text", ["a" * 200_000 + "@", "a://" * 50_000 + "@", "://" + "@" * 200_000, "a@" * 100_000])
def test_whole_answers_take_no_endless_time(text: str) -> None:
    """They are searched without being cut, and are as long as somebody likes."""
    began = time.monotonic()
    without_userinfo(text)
    assert time.monotonic() - began < 5


def test_cut_text_has_lost_its_secrets_first() -> None:
    """Cutting between password and @ would leave the password."""
    text = "see https://user:" + "s" * 600 + "@git.example/x"
    assert "see https://git.example/x" == shown(text, 500)
    assert "ssss" not in shown("see https://user:" + "s" * 50_000 + "@git.example/x", 500)


@pytest.mark.parametrize(
    "text", ["a" * 1_000_000 + "@", "a://" * 250_000 + "@", "a:" * 500_000 + "//@", "x://" + "@a" * 500_000]
)
def test_megabytes_take_no_time(text: str) -> None:
    """Text made to be slow to search is cut before it is."""
    began = time.process_time()
    shown(text, 500)
    assert time.process_time() - began < 1


@pytest.mark.parametrize("field", ["password", "apiToken", "Authorization", "ssh_private_key", "client_secret"])
def test_fields_that_name_a_secret(field: str) -> None:
    """Known by their names."""
    assert names_a_secret(field)


@pytest.mark.parametrize("field", ["application", "generation", "reason", "key", "trace_id", "secret_name"])
def test_fields_that_name_none(field: str) -> None:
    """What logs are full of is shown."""
    assert not names_a_secret(field)
