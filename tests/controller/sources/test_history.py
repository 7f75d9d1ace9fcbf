"""Tests of the questions about commits: how far behind, and since when."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.cage import Cage
from controller.clock import SystemClock
from controller.sources.git import history
from controller.sources.git.history import Behind
from controller.sources.git.mirror import Mirror
from controller.sources.service import SourceService
from model.errors import LynceusError, SourceError, SourceUnavailable
from tests.stage.git import GitServer, Repo


@pytest.fixture
def sources(tmp_path: Path) -> Iterator[SourceService]:
    """A service with an empty cache."""
    service = SourceService(
        cache_dir=tmp_path / "mirrors",
        repositories=lambda url, project: None,
        cage=Cage(),
        publish=lambda event: None,
        clock=SystemClock(),
        allow_schemes=("http",),
    )
    yield service
    service.close()


@pytest.fixture
def repo(git_server: GitServer) -> Repo:
    """A repository with four commits, of which two touch shop."""
    return git_server.create("apps")


def pushed(repo: Repo) -> list[str]:
    """Push commits at 1000, 2000, …: shop, web, shop, web."""
    names = ("shop", "web", "shop", "web")
    return [repo.push({f"{name}/a.yaml": f"n: {n}\n"}, when=1000 * (n + 1)) for n, name in enumerate(names)]


def test_commits_that_touch_the_path_are_counted(sources: SourceService, repo: Repo) -> None:
    """Somebody else's commits in the same repository do not count; the oldest gives its time."""
    a, b, c, d = pushed(repo)
    assert Behind(1, 3000.0) == sources.behind(repo.url, "default", a, d, ["shop"])
    assert Behind(3, 2000.0) == sources.behind(repo.url, "default", a, d, [])
    assert Behind(2, 2000.0) == sources.behind(repo.url, "default", a, d, ["web"])
    assert Behind(0, None) == sources.behind(repo.url, "default", c, d, ["shop"])
    assert Behind(0, None) == sources.behind(repo.url, "default", b, b, ["shop"])


def test_a_target_that_is_older_leaves_nothing_to_deploy(sources: SourceService, repo: Repo) -> None:
    """A branch that was set back has no commit that is not deployed."""
    a, *_, d = pushed(repo)
    assert Behind(0, None) == sources.behind(repo.url, "default", d, a, [])


def test_a_path_is_taken_literally(sources: SourceService, repo: Repo) -> None:
    """Wildcards and magic words of pathspecs are names of files here, and an option is no option."""
    a, *_, d = pushed(repo)
    for path in ("sh*", ":(exclude)web", ":/", "--all", "-n1"):
        assert Behind(0, None) == sources.behind(repo.url, "default", a, d, [path])


def test_a_merged_branch_counts_as_its_merge(sources: SourceService, repo: Repo) -> None:
    """An old commit that was merged a minute ago waits for a minute, not for as long as it is old."""
    base = repo.push({"shop/a.yaml": "n: 0\n"}, when=1000)
    repo.git("branch", "work", base)
    repo.push({"shop/b.yaml": "n: 1\n"}, branch="work", when=2000)
    repo.push({"shop/c.yaml": "n: 2\n"}, branch="work", when=3000)
    main = repo.push({"web/a.yaml": "n: 3\n"}, when=4000)
    tree = repo.git("merge-tree", "--write-tree", "main", "work").split("\n")[0]
    stamp = "Ada <ada@example.com> 9000 +0000"
    text = f"tree {tree}\nparent {main}\nparent {repo.head('work')}\nauthor {stamp}\ncommitter {stamp}\n\nMerge\n"
    merge = repo.git("hash-object", "-t", "commit", "-w", "--stdin", input=text.encode())
    repo.move("main", merge)
    assert Behind(1, 9000.0) == sources.behind(repo.url, "default", base, merge, ["shop"])
    assert Behind(2, 4000.0) == sources.behind(repo.url, "default", base, merge, [])
    assert 9000.0 == sources.commit_time(repo.url, "default", merge, base, ["shop"])


def test_more_commits_than_are_counted(sources: SourceService, repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """The number is a lower bound then, and the oldest is the oldest that was counted."""
    monkeypatch.setattr(history, "MOST_COMMITS", 2)
    a, *_, d = pushed(repo)
    assert Behind(2, 3000.0) == sources.behind(repo.url, "default", a, d, [])


def test_the_time_is_that_of_the_change_to_the_path(sources: SourceService, repo: Repo) -> None:
    """A newer commit to another folder does not make the change look younger."""
    a, b, c, d = pushed(repo)
    assert 3000.0 == sources.commit_time(repo.url, "default", d, a, ["shop"])
    assert 4000.0 == sources.commit_time(repo.url, "default", d, a, [])
    assert 4000.0 == sources.commit_time(repo.url, "default", d, "", ["shop"])
    assert 4000.0 == sources.commit_time(repo.url, "default", d, c, ["shop"])
    assert 2000.0 == sources.commit_time(repo.url, "default", b, a, ["shop"])


def test_a_commit_whose_predecessor_was_rewritten_away(sources: SourceService, repo: Repo) -> None:
    """After a forced push nobody has what was deployed before: then it is the commit's own time."""
    *_, d = pushed(repo)
    assert 4000.0 == sources.commit_time(repo.url, "default", d, "f" * 40, ["shop"])


def test_only_full_commit_ids_are_asked_for(sources: SourceService, repo: Repo) -> None:
    """A branch, an abbreviation, an option or a range is refused before git is started."""
    a, *_ = pushed(repo)
    for text in ("main", a[:8], "--all", f"{a}..{a}", f"{a}^", "", a.upper()):
        with pytest.raises(SourceError):
            sources.behind(repo.url, "default", a, text, [])
        with pytest.raises(SourceError):
            sources.commit_time(repo.url, "default", text, "", [])


def test_what_cannot_be_reached_has_no_answer(sources: SourceService, repo: Repo, git_server: GitServer) -> None:
    """A commit that the server does not have, and a server that does not answer, are errors and no numbers."""
    a, *_, d = pushed(repo)
    with pytest.raises(LynceusError):
        sources.commit_time(repo.url, "default", "f" * 40, "", [])
    assert 4000.0 == sources.commit_time(repo.url, "default", d, "", [])
    git_server.stop()
    assert Behind(3, 2000.0) == sources.behind(repo.url, "default", a, d, [])
    with pytest.raises(LynceusError):
        sources.behind(repo.url, "default", a, "e" * 40, [])


def test_a_server_that_is_away_is_not_asked_by_everybody(
    sources: SourceService, repo: Repo, git_server: GitServer
) -> None:
    """One fetch fails; for a while the others fail without asking, and what is here is answered."""
    a, *_, d = pushed(repo)
    assert 1000.0 == sources.commit_time(repo.url, "default", a, "", [])
    git_server.fail(status=503)
    git_server.clear_log()
    for letter in "bcdef":
        with pytest.raises(SourceUnavailable):
            sources.commit_time(repo.url, "default", letter * 40, "", [])
    assert 1 == len({request.kind for request in git_server.log})
    assert len(git_server.log) <= 2
    assert 4000.0 == sources.commit_time(repo.url, "default", d, "", [])


def test_a_commit_that_is_refused_is_not_asked_for_by_everybody(
    sources: SourceService, repo: Repo, git_server: GitServer
) -> None:
    """History was rewritten, or credentials are not accepted: many Applications ask, the server hears of it once."""
    a, *_ = pushed(repo)
    assert 1000.0 == sources.commit_time(repo.url, "default", a, "", [])
    git_server.clear_log()
    with pytest.raises(SourceError):
        sources.commit_time(repo.url, "default", "f" * 40, "", [])
    asked = len(git_server.log)
    assert asked > 0
    for _ in range(5):
        with pytest.raises(SourceError):
            sources.behind(repo.url, "default", "f" * 40, a, [])
    assert asked == len(git_server.log)
    fresh = repo.push({"shop/a.yaml": "n: 9\n"}, when=5000)
    assert 5000.0 == sources.commit_time(repo.url, "default", fresh, "f" * 40, ["shop"])


class LateClock(SystemClock):
    """A clock that can be moved on."""

    later = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.later


def test_a_fetch_that_hung_is_not_tried_by_the_next_at_once(
    tmp_path: Path, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is left alone from its end, for it may have lasted longer than that."""
    clock = LateClock()
    tried: list[str] = []

    def hang(mirror: Mirror, repository: object, commit: str) -> None:
        tried.append(commit)
        clock.later += 300
        raise SourceUnavailable("it did not answer in time")

    monkeypatch.setattr(Mirror, "fetch", hang)
    service = SourceService(
        cache_dir=tmp_path / "mirrors",
        repositories=lambda url, project: None,
        cage=Cage(),
        publish=lambda event: None,
        clock=clock,
        allow_schemes=("http",),
    )
    for letter in "ab":
        with pytest.raises(SourceUnavailable):
            service.commit_time(repo.url, "default", letter * 40, "", [])
    assert ["a" * 40] == tried
    clock.later += 61
    with pytest.raises(SourceUnavailable):
        service.commit_time(repo.url, "default", "c" * 40, "", [])
    assert ["a" * 40, "c" * 40] == tried
    service.close()


def test_only_the_committers_line_tells_the_time(sources: SourceService, repo: Repo) -> None:
    """Neither names that look like it nor the message can stand for it."""
    author = "committer of > 7 +0000 <a@b>"
    commit = repo.push({"a": "b"}, "Say\n\ncommitter x <x@y> 5 +0000", author=author.replace(">", "", 1), when=4321)
    assert 4321.0 == sources.commit_time(repo.url, "default", commit, "", [])
