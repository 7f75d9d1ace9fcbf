"""Tests of the Git server of the stage."""

import subprocess
from pathlib import Path

import pytest

from tests.stage.git import Fault, GitServer, Link, Program, clean_environment


def git(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["git", *arguments],
        capture_output=True,
        text=True,
        env=clean_environment() | {"GIT_TERMINAL_PROMPT": "0"},
        check=False,
    )


def test_a_pushed_commit_can_be_cloned(git_server: GitServer, tmp_path: Path) -> None:
    """A clone holds exactly the files of the last commit, with links and executable bits."""
    repo = git_server.create("team/apps")
    repo.push(
        {"a/one.yaml": "one: 1\n", "two.bin": b"\x00\xff", "gone": "x", "run": Program("#!/bin/sh\n"), "l": Link("run")}
    )
    commit = repo.push({"a/one.yaml": "one: 2\n", "gone": None}, "Second")

    done = git("clone", repo.url, str(tmp_path / "copy"))

    assert 0 == done.returncode, done.stderr
    copy = tmp_path / "copy"
    assert {"a", "two.bin", "run", "l", ".git"} == {entry.name for entry in copy.iterdir()}
    assert "one: 2\n" == (copy / "a/one.yaml").read_text()
    assert (copy / "run").stat().st_mode & 0o100
    assert (copy / "l").is_symlink()
    assert commit == repo.head() == git("-C", str(copy), "rev-parse", "HEAD").stdout.strip()
    assert "Second" == git("-C", str(copy), "log", "-1", "--format=%s").stdout.strip()


def test_requests_are_counted_by_kind(git_server: GitServer, tmp_path: Path) -> None:
    """One ls-remote is one advertisement and one ls-refs; a clone adds fetches."""
    repo = git_server.create("apps")
    repo.push({"a": "1"})

    git("ls-remote", repo.url)

    assert {"advertise": 1, "ls-remote": 1} == dict(git_server.counts("apps.git"))
    git("clone", "--bare", repo.url, str(tmp_path / "copy"))
    assert git_server.counts("apps.git")["fetch"] >= 1
    git_server.clear_log()
    assert {} == dict(git_server.counts())


def test_a_partial_clone_works(git_server: GitServer, tmp_path: Path) -> None:
    """A clone without blobs is served, as forges do."""
    repo = git_server.create("apps")
    commit = repo.push({"a": "1"})

    done = git("clone", "--bare", "--filter=blob:none", repo.url, str(tmp_path / "copy"))

    assert 0 == done.returncode, done.stderr
    assert (
        f"?{repo.git('rev-parse', 'main:a')}"
        in git("-C", str(tmp_path / "copy"), "rev-list", "--objects", "--missing=print", commit).stdout
    )


def test_a_repository_can_ask_for_a_password(git_server: GitServer) -> None:
    """Without, or with a wrong password, git is refused; with the right one it reads."""
    repo = git_server.create("secret", user="deploy", password="word")
    repo.push({"a": "1"})
    scheme, rest = repo.url.split("//")

    assert 0 != git("ls-remote", repo.url).returncode
    assert 0 != git("ls-remote", f"{scheme}//deploy:wrong@{rest}").returncode
    assert 0 == git("ls-remote", f"{scheme}//deploy:word@{rest}").returncode
    assert "deploy" == git_server.log[-1].user


def test_history_can_be_rewritten(git_server: GitServer) -> None:
    """Branches move, tags move, and a forced push can leave no common ancestor."""
    repo = git_server.create("apps")
    first = repo.push({"a": "1"})
    repo.tag("v1")
    second = repo.push({"a": "2"})
    repo.tag("v1", second, annotated=True)

    assert second == repo.git("rev-parse", "v1^{commit}")
    third = repo.push({"b": "3"}, orphan=True)
    assert third == repo.git("rev-list", "main")
    assert "b" == repo.git("ls-tree", "--name-only", "main")
    repo.move("main", first)
    assert first == repo.head()
    assert "1" == repo.show("a")
    repo.delete_branch("main")
    assert "" == repo.head()


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (Fault(status=503), "503"),
        (Fault(status=404), "not found"),
        (Fault(cut_after=10), ""),
    ],
    ids=["unavailable", "missing", "cut"],
)
def test_faults_fail_the_client_until_healed(git_server: GitServer, fault: Fault, text: str) -> None:
    """An injected fault makes ls-remote fail; healed, it works again."""
    repo = git_server.create("apps")
    repo.push({"a": "1"})
    git_server.fail("apps.git", fault)

    done = git("ls-remote", repo.url)

    assert 0 != done.returncode
    assert text in done.stderr
    git_server.heal()
    assert 0 == git("ls-remote", repo.url).returncode


def test_a_login_page_instead_of_git_reads_as_no_refs(git_server: GitServer) -> None:
    """A page with status 200 is taken for a dumb server: git exits 0 and lists nothing: callers have to notice."""
    repo = git_server.create("apps")
    repo.push({"a": "1"})
    git_server.fail(status=200, body=b"<html>please log in</html>")

    done = git("ls-remote", repo.url)

    assert (0, "") == (done.returncode, done.stdout)


def test_a_counted_fault_ends_by_itself(git_server: GitServer) -> None:
    """A fault for two requests hits two."""
    repo = git_server.create("apps")
    git_server.fail(status=500, times=2)

    codes = [git("ls-remote", repo.url).returncode for _ in range(3)]

    assert [True, True, False] == [code != 0 for code in codes]


def test_the_server_comes_back_at_its_address(git_server: GitServer) -> None:
    """Stopped, nobody listens; started again, the same address serves the same commits."""
    repo = git_server.create("apps")
    commit = repo.push({"a": "1"})
    git_server.stop()

    assert "Failed to connect" in git("ls-remote", repo.url).stderr
    git_server.start()
    assert commit in git("ls-remote", repo.url).stdout


def test_a_git_client_can_push(git_server: GitServer, tmp_path: Path) -> None:
    """An ordinary push over HTTP arrives, chunked bodies included."""
    repo = git_server.create("apps")
    repo.push({"a": "1"})
    copy = str(tmp_path / "copy")
    git("clone", repo.url, copy)
    (tmp_path / "copy" / "big").write_bytes(bytes(range(256)) * 8000)
    git("-C", copy, "add", ".")
    git("-C", copy, "-c", "user.name=A", "-c", "user.email=a@b", "commit", "-m", "big")

    done = git("-C", copy, "-c", "http.postBuffer=1000", "push", "origin", "HEAD:main")

    assert 0 == done.returncode, done.stderr
    assert repo.head() == git("-C", copy, "rev-parse", "HEAD").stdout.strip()
    assert git_server.counts()["push"] >= 1
