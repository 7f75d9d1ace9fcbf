"""Token files."""

from __future__ import annotations

from pathlib import Path

import pytest

from model.errors import InvalidSettings
from policy.subjects import Subject
from server.identity import TokenFile
from tests.server.support import ALICE, BOB, CAROL, TOKENS, Bench


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_lines_with_and_without_uid_and_groups_are_read(tmp_path: Path) -> None:
    """Kubernetes' form and the short ones name the same people."""
    tokens = TokenFile(written(tmp_path / "t", TOKENS))
    found = [tokens.subject(f"Bearer {token}") for token in (ALICE, BOB, CAROL)]
    assert [Subject("alice", ("developers",)), Subject("bob", ("operators", "pager")), Subject("carol")] == found
    assert "" == tokens.off


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("0123456789abcdef,role:admin", "role:admin"),
        ("0123456789abcdef,proj:shop:ci", "proj:shop:ci"),
        ("0123456789abcdef,k8s:alice", "k8s:alice"),
        ('0123456789abcdef,eve,"dev,role:admin"', "role:admin"),
        ("0123456789abcdef,e\u202eve", "printable"),
        ("short,eve", "16 or more"),
        ("0123456789abcdef", "1 fields"),
        ("0123456789abcdef,", "a user name"),
        ('0123456789abcdef,eve,1,"a",extra', "5 fields"),
        ('0123456789abcdef,"eve', "no CSV"),
        ("0123456789abcdef,eve\n0123456789abcdef,mallory", "an earlier line"),
    ],
)
def test_a_line_that_cannot_be_used_stops_the_start(tmp_path: Path, line: str, named: str) -> None:
    """The error names file and line, and never the token."""
    with pytest.raises(InvalidSettings) as caught:
        TokenFile(written(tmp_path / "t", "# tokens\n" + line + "\n"))
    assert named in str(caught.value)
    assert "0123456789abcdef" not in str(caught.value)
    assert f"{tmp_path / 't'}:" in str(caught.value)


def test_a_changed_file_counts_at_once(tmp_path: Path) -> None:
    """A token taken out of the file is refused at the next request, a bad line beside it notwithstanding."""
    path = written(tmp_path / "t", TOKENS)
    tokens = TokenFile(path)
    path.write_text(f"{BOB},bob\nbad,role:admin\n")
    assert (None, Subject("bob")) == (tokens.subject(f"Bearer {ALICE}"), tokens.subject(f"Bearer {BOB}"))


@pytest.mark.parametrize("given", [None, "absent"])
def test_without_a_file_the_api_is_off_and_says_so(tmp_path: Path, given: str | None) -> None:
    """No file means nobody, not everybody."""
    tokens = TokenFile(tmp_path / given if given else None)
    assert tokens.off.startswith("the API is off: ")
    assert tokens.subject(f"Bearer {ALICE}") is None
    with Bench(tmp_path, identity=tokens) as bench:
        reply = bench.request("GET", "/api/version", ALICE)
        assert (401, tokens.off) == (reply.status, reply.json()["error"])


def test_a_file_that_goes_away_switches_the_api_off(tmp_path: Path) -> None:
    """Nobody keeps a token that can no longer be looked up."""
    path = written(tmp_path / "t", TOKENS)
    tokens = TokenFile(path)
    path.unlink()
    assert tokens.subject(f"Bearer {ALICE}") is None
    assert "is not there" in tokens.off


def test_every_line_is_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first match does not end the comparison, so that time tells nothing about the file."""
    tokens = TokenFile(written(tmp_path / "t", TOKENS))
    compared: list[bytes] = []
    monkeypatch.setattr("server.identity.hmac.compare_digest", lambda a, b: compared.append(a) or a == b)
    tokens.subject(f"Bearer {ALICE}")
    assert 3 == len(compared)
