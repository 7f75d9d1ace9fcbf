"""Tests of which files of which repositories are asked about."""

from __future__ import annotations

import msgspec

from controller.delivery import questions
from controller.delivery.historian import HowFarBehind
from controller.delivery.places import places
from controller.delivery.state import Deployed, Place, State
from model.source import HelmSource, Source
from tests.controller.delivery.story import A, B, C, Story, running

GIT = "https://git.example/a.git"


def paths(*sources: Source) -> list[tuple[str, ...]]:
    """Return the paths of each source."""
    return [place.paths for place in places(sources)]


def test_a_source_is_its_folder() -> None:
    """The root is the whole repository, which is asked for without a path."""
    assert [("shop",)] == paths(Source(repo_url=GIT, path="shop"))
    assert [("a/b",)] == paths(Source(repo_url=GIT, path="./a//b/"))
    assert [()] == paths(Source(repo_url=GIT, path="."))
    assert [()] == paths(Source(repo_url=GIT, path="../out"))


def test_value_files_outside_the_folder_count_too() -> None:
    """Those inside it are in it; a pattern counts as the folder above it; a URL is no file of the repository."""
    files = ["values.yaml", "../common/values.yaml", "/global.yaml", "https://x.example/v.yaml", "../env/*/v.yaml"]
    source = Source(repo_url=GIT, path="apps/shop", helm=HelmSource(value_files=files))
    assert [("apps/common/values.yaml", "apps/env", "apps/shop", "global.yaml")] == paths(source)


def test_a_source_that_others_refer_to_is_the_files_that_they_take() -> None:
    """`$values/prod.yaml` of a chart makes the other repository count."""
    chart = Source(
        repo_url="https://charts.example", chart="web", helm=HelmSource(value_files=["$values/env/prod.yaml"])
    )
    assert [(), ("env/prod.yaml",)] == paths(chart, Source(repo_url=GIT, ref="values"))
    assert ["", places((Source(repo_url=GIT, path="x"),))[0].repo] == [
        place.repo for place in places((chart, Source(repo_url=GIT, ref="values")))
    ]


def test_charts_and_oci_have_no_place() -> None:
    """There are no commits to count."""
    assert (Place(), Place()) == places(
        (Source(repo_url="https://charts.example", chart="web"), Source(repo_url="oci://ghcr.example/web", path="."))
    )


def test_no_url_is_remembered() -> None:
    """A URL may hold a password; what goes to the ConfigMap has digests."""
    story = Story(source={"repoURL": "https://ada:secret@git.example/shop.git", "path": "shop"})
    story.see()
    story.deploy(A)
    story.compared("OutOfSync", B)
    text = msgspec.json.encode(story.state)
    assert b"secret" not in text
    assert b"git.example" not in text


def test_behind_is_asked_for_what_is_not_deployed() -> None:
    """The tip that was compared, and what the last whole sync brought."""
    story = running()
    assert story.state is not None
    assert [] == questions.behind(story.state, story.app)
    story.compared("OutOfSync", B)
    expected = [HowFarBehind("https://git.example/shop.git", "default", A, B, ("shop",))]
    assert expected == questions.behind(story.state, story.app)


def test_behind_is_not_known() -> None:
    """Never deployed; another repository than what is deployed; a version that is no commit; only charts."""
    story = Story()
    story.compared("OutOfSync", A)
    assert story.state is not None
    assert questions.behind(story.state, story.app) is None
    story = running()
    assert story.state is not None
    story.spec["source"] = {**story.spec["source"], "repoURL": "https://git.example/other.git"}
    story.compared("OutOfSync", B)
    assert questions.behind(story.state, story.app) is None
    story = running()
    story.compared("OutOfSync", "v1.0")
    assert story.state is not None
    assert questions.behind(story.state, story.app) is None
    assert questions.behind(State(), Story().app) is None


def test_behind_of_several_sources() -> None:
    """Each Git source that moved is a question; a chart is none."""
    sources = [
        {"repoURL": "https://charts.example", "chart": "web", "targetRevision": "1.0.0"},
        {"repoURL": GIT, "path": "a", "targetRevision": "main"},
        {"repoURL": "https://git.example/b.git", "path": "b", "targetRevision": "main"},
    ]
    story = Story(source=None, sources=sources)
    story.see()
    story.compared("OutOfSync", ["1.0.0", A, A])
    story.begin(["1.0.0", A, A])
    story.finish()
    story.compared("Synced", ["1.0.0", A, A])
    story.compared("OutOfSync", ["1.1.0", A, C])
    assert story.state is not None
    expected = [HowFarBehind("https://git.example/b.git", "default", A, C, ("b",))]
    assert expected == questions.behind(story.state, story.app)


def test_a_source_whose_url_is_gone_is_not_asked() -> None:
    """The Application follows another repository now: nobody knows the old one's URL."""
    story = running()
    asked = [q for event in story.deploy(B) for q in getattr(event, "questions", ())]
    assert 1 == len(questions.commit_times(story.app, asked) or [])
    story.spec["source"] = {**story.spec["source"], "repoURL": "https://git.example/other.git"}
    assert questions.commit_times(story.app, asked) is None
    assert [] == questions.commit_times(story.app, [])


def test_the_same_is_the_same_whatever_is_not_known() -> None:
    """Sources that are not known are no difference."""
    known, unknown = Deployed(revisions=(A,), sources="x"), Deployed(revisions=(A,))
    assert known.same(unknown)
    assert unknown.same(known)
    assert not known.same(Deployed(revisions=(A,), sources="y"))
    assert not known.same(Deployed(revisions=(B,), sources="x"))
    assert not known.same(None)
