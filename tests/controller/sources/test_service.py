"""Resolve, render and cache, over real Git."""

import json

import pytest

from model.errors import InvalidSpec, RenderError, SourceError, SourceUnavailable
from model.events import GitRequestFinished, RenderFinished, RepositoryKnown
from model.settings import Settings
from model.source import DirectorySource, HelmSource, KustomizeSource, Source
from tests.controller.sources.conftest import Stage
from tests.stage.git import GitServer, Link, Repo


def config_map(name: str, **data: str) -> str:
    """Return a small manifest."""
    return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data})


def names(objects: tuple[bytes, ...]) -> list[str]:
    """Return the names of rendered objects."""
    return [json.loads(o)["metadata"]["name"] for o in objects]


@pytest.fixture
def repo(git_server: GitServer) -> Repo:
    """A repository with one application in the folder a."""
    made = git_server.create("shop")
    made.push({"a/one.yaml": config_map("one")})
    return made


@pytest.mark.row(18, 19)
def test_a_branch_is_followed(repo: Repo, stage: Stage) -> None:
    """A branch resolves to its tip, also after a push, when the newest answer is asked for."""
    first = repo.head()
    source = Source(repo_url=repo.url, path="a", target_revision="main")
    assert first == stage.service.resolve(source, "default")
    second = repo.push({"a/two.yaml": config_map("two")})
    assert first == stage.service.resolve(source, "default")
    assert second == stage.service.resolve(source, "default", force=True)
    assert [repo.url] == stage.moved
    assert ["one", "two"] == names(stage.render(source).objects)


@pytest.mark.row(18)
def test_urls_with_and_without_git_are_one_repository(repo: Repo, stage: Stage, git_server: GitServer) -> None:
    """Both spellings share the list of refs and the mirror; the server is asked once."""
    stage.service.resolve(Source(repo_url=repo.url, path="a"), "default")
    git_server.clear_log()
    short = Source(repo_url=repo.url.removesuffix(".git"), path="a")
    assert repo.head() == stage.service.resolve(short, "default")
    assert 0 == len(git_server.log)


@pytest.mark.row(20)
@pytest.mark.parametrize("revision", ["", "HEAD"])
def test_head_is_the_default_branch_of_the_remote(git_server: GitServer, stage: Stage, revision: str) -> None:
    """Also when it is not called main, and when nothing is written."""
    repo = git_server.create("odd", default="trunk")
    repo.push({"a/main.yaml": config_map("main")}, branch="main")
    wanted = repo.push({"a/trunk.yaml": config_map("trunk")}, branch="trunk")
    source = Source(repo_url=repo.url, path="a", target_revision=revision)
    assert wanted == stage.service.resolve(source, "default")
    assert ["trunk"] == names(stage.render(source).objects)


@pytest.mark.row(21)
@pytest.mark.parametrize("annotated", [True, False], ids=["annotated", "light"])
def test_a_tag_follows_the_tag_and_a_commit_never_moves(repo: Repo, stage: Stage, annotated: bool) -> None:
    """Both resolve to a full commit id, annotated tags to the commit that they stand for."""
    first = repo.head()
    repo.tag("v1", annotated=annotated)
    second = repo.push({"a/two.yaml": config_map("two")})
    tag, commit = (Source(repo_url=repo.url, path="a", target_revision=r) for r in ("v1", first))
    assert [first, first] == [stage.service.resolve(s, "default", force=True) for s in (tag, commit)]
    repo.tag("v1", second, annotated=annotated)
    assert [second, first] == [stage.service.resolve(s, "default", force=True) for s in (tag, commit)]


@pytest.mark.parametrize(
    "revision", ["refs/heads/main", "heads/main", "SHORT", "1.*", "^1.0.0", "v1.2.0", "refs/lyn/x", "UPPER"]
)
def test_other_spellings_of_a_revision(repo: Repo, stage: Stage, revision: str) -> None:
    """Full and short ref names, version constraints over tags, refs outside heads and tags, abbreviated ids."""
    old = repo.head()
    wanted = repo.push({"a/two.yaml": config_map("two")})
    repo.tag("v1.1.0", old)
    repo.tag("v1.2.0", wanted)
    repo.tag("v2.0.0-rc.1", old)
    repo.git("update-ref", "refs/lyn/x", wanted)
    text = {"SHORT": wanted[:8], "UPPER": wanted.upper()}.get(revision, revision)
    assert wanted == stage.service.resolve(Source(repo_url=repo.url, path="a", target_revision=text), "default")


def test_an_abbreviated_id_that_no_ref_names_is_looked_up(repo: Repo, stage: Stage) -> None:
    """An older commit is found by its first digits after a fetch."""
    old = repo.head()
    repo.push({"a/two.yaml": config_map("two")})
    source = Source(repo_url=repo.url, path="a", target_revision=old[:9])
    assert old == stage.service.resolve(source, "default")


def test_a_branch_beats_a_tag_of_its_name(repo: Repo, stage: Stage) -> None:
    """The first in the remote's listing wins, as in Argo CD."""
    old = repo.head()
    repo.tag("both", old)
    wanted = repo.push({"b": "x"}, branch="both")
    assert wanted == stage.service.resolve(Source(repo_url=repo.url, path="a", target_revision="both"), "default")


def test_a_new_branch_is_found_although_the_list_is_cached(
    repo: Repo, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that an older list does not have is asked for again."""
    monkeypatch.setattr("controller.sources.repositories.STALE_SECONDS", 0.0)
    stage.service.resolve(Source(repo_url=repo.url, path="a"), "default")
    wanted = repo.push({"a/x.yaml": config_map("x")}, branch="fresh")
    assert wanted == stage.service.resolve(Source(repo_url=repo.url, path="a", target_revision="fresh"), "default")


@pytest.mark.row(23)
def test_only_the_path_is_rendered_and_a_missing_one_is_an_error(repo: Repo, stage: Stage) -> None:
    """Another folder contributes nothing; a folder that is not there is an error, not zero objects."""
    repo.push({"b/two.yaml": config_map("two"), "file": "x"})
    assert ["one"] == names(stage.render(Source(repo_url=repo.url, path="a")).objects)
    for path, text in (
        ("c", "path c does not exist"),
        ("file", "path file is not a folder"),
        ("file/x", "does not exist"),
    ):
        refusal = stage.refusal(lambda p=path: stage.render(Source(repo_url=repo.url, path=p)))
        assert isinstance(refusal, SourceError)
        assert text in str(refusal)


@pytest.mark.row(39)
def test_a_directory_takes_yaml_and_json_of_one_level(repo: Repo, stage: Stage) -> None:
    """All .yaml, .yml and .json files in lexical order, many documents in each; sub-folders only when asked for."""
    repo.push(
        {
            "a/one.yaml": f"{config_map('one')}\n---\n---\n{config_map('uno')}",
            "a/b.yml": config_map("b"),
            "a/c.json": config_map("c"),
            "a/README.md": "no manifest",
            "a/skip.yaml": f"# +argocd:skip-file-rendering\n{config_map('skipped')}",
            "a/values.yaml": "{not a manifest",
            "a/settings.yaml": "replicas: 3\n---\n- x",
            "a/sub/d.yaml": config_map("d"),
        }
    )
    flat = stage.render(Source(repo_url=repo.url, path="a"))
    assert ["b", "c", "one", "uno"] == names(flat.objects)
    assert ("Directory",) == flat.source_types
    assert 2 == len(flat.warnings)
    deep = Source(repo_url=repo.url, path="a", directory=DirectorySource(recurse=True))
    assert ["b", "c", "one", "uno", "d"] == names(stage.render(deep).objects)


@pytest.mark.parametrize(
    ("include", "exclude", "wanted"),
    [
        ("*.yml", "", ["b"]),
        ("{one,x/c}.*", "", ["one", "c"]),
        ("", "x/*", ["b", "one"]),
        ("*", "*.y?ml", ["b"]),
        ("[a-o]*", "", ["b", "one"]),
        ("[!b]*", "", ["one", "c"]),
    ],
)
def test_include_and_exclude_are_globs(repo: Repo, stage: Stage, include: str, exclude: str, wanted: list[str]) -> None:
    """Matched against the path below the source's; a star crosses slashes; exclude is asked first."""
    repo.push({"a/b.yml": config_map("b"), "a/x/c.yaml": config_map("c")})
    options = DirectorySource(recurse=True, include=include, exclude=exclude)
    assert wanted == names(stage.render(Source(repo_url=repo.url, path="a", directory=options)).objects)


def test_a_commit_elsewhere_in_the_repository_is_a_hit(repo: Repo, stage: Stage) -> None:
    """A push that touches one of fifty folders renders one application, after one fetch and one ls-remote."""
    repo.push({f"apps/app-{n}/cm.yaml": config_map(f"app-{n}") for n in range(50)})
    sources = [Source(repo_url=repo.url, path=f"apps/app-{n}") for n in range(50)]
    before = [stage.render(s) for s in sources]
    repo.push({"apps/app-7/cm.yaml": config_map("new")})
    stage.events.clear()
    stage.service.resolve(sources[0], "default", force=True)
    after = [stage.render(s) for s in sources]
    assert [7] == [n for n in range(50) if before[n].key != after[n].key]
    assert ["new"] == names(after[7].objects)
    assert 1 == sum(e.result == "miss" for e in stage.events if isinstance(e, RenderFinished))
    assert ["ls-remote", "fetch"] == [e.request_type for e in stage.events if isinstance(e, GitRequestFinished)]


def test_a_key_names_all_that_was_read(repo: Repo, stage: Stage) -> None:
    """Equal inputs have equal keys, also in another process; a hard refresh renders again and comes to the same key."""
    source = Source(repo_url=repo.url, path="a")
    first = stage.render(source)
    assert first == stage.render(source, no_cache=True)
    other = Stage(stage.folder.parent / "other", stage.service._renderer._cage)
    assert first.key == other.render(source).key
    other.service.close()
    assert ["miss", "miss"] == [e.result for e in stage.events if isinstance(e, RenderFinished)]
    assert first.key != stage.render(source, project="other").key


def test_cluster_facts_do_not_touch_plain_manifests(repo: Repo, stage: Stage) -> None:
    """A new CRD or an upgrade of the cluster renders no directory again."""
    source = Source(repo_url=repo.url, path="a")
    first = stage.render(source)
    assert first.key == stage.render(source, kube_version="v1.37.0", api_versions=("x/v1",)).key


def test_overrides_lie_beside_the_manifests(repo: Repo, stage: Stage) -> None:
    """.argocd-source.yaml changes options, the one of the application wins, and neither can change where it points."""
    repo.push(
        {"a/x/c.yaml": config_map("c"), "a/.argocd-source.yaml": "directory: {recurse: true}\npath: b\nrepoURL: evil"}
    )
    source = Source(repo_url=repo.url, path="a")
    assert ["one", "c"] == names(stage.render(source).objects)
    repo.push({"a/.argocd-source-shop.yaml": "directory: {recurse: false}"})
    stage.service.resolve(source, "default", force=True)
    assert ["one"] == names(stage.render(source).objects)


def test_lists_are_flattened_and_each_member_checked(repo: Repo, stage: Stage) -> None:
    """A List and a typed list are their members; members of a typed list inherit their kind."""
    member = json.loads(config_map("m"))
    typed = {"apiVersion": "v1", "kind": "ConfigMapList", "items": [{"metadata": {"name": "t"}}]}
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": [member]}) + "\n---\n" + json.dumps(typed)
    empty = json.dumps({"apiVersion": "v1", "kind": "List", "items": None})
    repo.push({"a/list.yaml": text, "a/none.yaml": empty, "a/one.yaml": None})
    found = [json.loads(o) for o in stage.render(Source(repo_url=repo.url, path="a")).objects]
    assert [("ConfigMap", "m"), ("ConfigMap", "t")] == [(o["kind"], o["metadata"]["name"]) for o in found]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("apiVersion: v1\nkind: List\nitems: [{kind: List, items: []}]", "items[0]: found a list inside a list"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nkind: Secret", ":4:1: a key that stands twice"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: 0123}", "metadata.name: found a number, expected text"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: null}", "metadata.name: found nothing"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: [a]}", "metadata.name: found a list"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ../x}", "expected a name without / and %"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: x", "metadata: found text, expected a mapping"),
        (
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: {b: no}}",
            "annotations['b']: found a boolean",
        ),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: a-}", "found on an object that is no hook"),
        ("kind: ConfigMap\nmetadata: {name: a}", "apiVersion: found nothing"),
        ("- {apiVersion: v1, kind: a, metadata: {}}", "found a list, expected a Kubernetes object"),
        ("apiVersion kind metadata", "found text, expected a Kubernetes object"),
        ("apiVersion: v1\nkind: x\nmetadata: {\n  SECRET", "a.yaml:"),
    ],
)
def test_what_is_no_object_is_refused_with_its_place(repo: Repo, stage: Stage, text: str, message: str) -> None:
    """One line: repository, file, line, path, what was found; nothing of the content."""
    repo.push({"a/a.yaml": text})
    refusal = stage.refusal(lambda: stage.render(Source(repo_url=repo.url, path="a")))
    assert isinstance(refusal, RenderError)
    assert message in str(refusal)
    assert "SECRET" not in str(refusal)
    assert str(refusal).startswith(f"repository {repo.url} at ")


def test_annotations_without_a_value_are_empty_text(repo: Repo, stage: Stage) -> None:
    """Charts write them often, and the API server reads them so."""
    repo.push({"a/one.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: {b: }, labels: }"})
    metadata = json.loads(stage.render(Source(repo_url=repo.url, path="a")).objects[0])["metadata"]
    assert {"name": "a", "annotations": {"b": ""}, "labels": None} == metadata


def test_too_many_objects_and_too_large_ones_are_refused(
    repo: Repo, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A limit error, and nothing is returned in part."""
    monkeypatch.setattr("controller.sources.objects.MAX_OBJECTS", 3)
    monkeypatch.setattr("controller.sources.objects.MAX_OBJECT_BYTES", 1000)
    repo.push(
        {
            "a/many.yaml": "\n---\n".join(config_map(f"n{n}") for n in range(5)),
            "b/x.yaml": config_map("x", a="y" * 1000),
        }
    )
    assert "more than 3 objects" in str(stage.refusal(lambda: stage.render(Source(repo_url=repo.url, path="a"))))
    assert "the limit of 1000" in str(stage.refusal(lambda: stage.render(Source(repo_url=repo.url, path="b"))))


def test_large_files_are_refused_before_they_are_read(
    repo: Repo, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The size stands in Git's header; a file of zeros is never inflated."""
    monkeypatch.setattr("controller.sources.directory.MAX_COMBINED_BYTES", 100_000)
    repo.push({"a/zeros.yaml": b"0" * 1_000_000})
    text = str(stage.refusal(lambda: stage.render(Source(repo_url=repo.url, path="a"))))
    assert "more than the limit of 100000" in text


def test_large_manifests_are_parsed_in_the_cage(repo: Repo, stage: Stage) -> None:
    """The result is the same, also the error with its place."""
    big = config_map("big", x="y" * 200_000)
    repo.push({"a/big.yaml": big, "b/bad.yaml": f"{big}\n---\n{big[:-1]}, kind: again}}"})
    assert ["big", "one"] == names(stage.render(Source(repo_url=repo.url, path="a")).objects)
    assert "bad.yaml:3:" in str(stage.refusal(lambda: stage.render(Source(repo_url=repo.url, path="b"))))


def test_several_sources_are_concatenated(repo: Repo, stage: Stage) -> None:
    """In order; one that is only referred to contributes nothing."""
    repo.push({"b/two.yaml": config_map("two")})
    sources = [
        Source(repo_url=repo.url, path="b"),
        Source(repo_url=repo.url, ref="vals"),
        Source(repo_url=repo.url, path="a"),
    ]
    found = stage.render(*sources)
    assert ["two", "one"] == names(found.objects)
    assert ("Directory", "", "Directory") == found.source_types


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (Source(repo_url="https://x/y", chart="c"), "source.chart"),
        (Source(repo_url="oci://x/y", path="."), "OCI"),
        (Source(path="a"), "repoURL"),
        (Source(repo_url="https://x/y"), "path"),
    ],
)
def test_what_is_not_supported_yet_says_so(stage: Stage, source: Source, message: str) -> None:
    """Naming the field."""
    assert message in str(stage.refusal(lambda: stage.service.resolve(source, "default")))


def test_two_tools_in_one_source_are_refused(repo: Repo, stage: Stage) -> None:
    """Naming both."""
    source = Source(repo_url=repo.url, path="a", helm=HelmSource(), kustomize=KustomizeSource())
    refusal = stage.refusal(lambda: stage.render(source))
    assert isinstance(refusal, InvalidSpec)
    assert "helm and kustomize" in str(refusal)


def test_a_disabled_tool_means_plain_manifests(repo: Repo, stage: Stage) -> None:
    """helm.enable: "false" in argocd-cm."""
    repo.push({"a/Chart.yaml": config_map("chart")})
    source = Source(repo_url=repo.url, path="a")
    assert ["chart", "one"] == names(stage.render(source, settings=Settings(helm_enabled=False)).objects)


def test_errors_name_what_is_missing(git_server: GitServer, stage: Stage, repo: Repo) -> None:
    """A repository, a revision, an empty repository, a server: each with one line of its own and of its own kind."""
    empty = git_server.create("empty")
    cases = [
        (f"{git_server.url}/nope.git", "main", SourceError, "no such repository"),
        (repo.url, "nope", SourceError, "revision 'nope' cannot be resolved"),
        (empty.url, "", SourceError, "no branch and no tag: it is empty"),
        ("http://127.0.0.1:1/x.git", "", SourceUnavailable, "connection"),
        ("http://lynceus.invalid/x.git", "", SourceUnavailable, "does not resolve"),
    ]
    for url, revision, kind, text in cases:
        source = Source(repo_url=url, path="a", target_revision=revision)
        refusal = stage.refusal(lambda s=source: stage.service.resolve(s, "default"))
        assert kind is type(refusal), str(refusal)
        assert text in str(refusal)


def test_events_tell_every_git_request(repo: Repo, stage: Stage) -> None:
    """A repository is announced once; each request has its result and its revision."""
    stage.render(Source(repo_url=repo.url, path="a", target_revision="main"))
    stage.refusal(
        lambda: stage.service.render(stage.request(Source(repo_url=repo.url, path="a"), revisions=("0" * 40,)))
    )
    assert [RepositoryKnown(repo=repo.url)] == [e for e in stage.events if isinstance(e, RepositoryKnown)]
    requests = [(e.request_type, e.result, e.revision) for e in stage.events if isinstance(e, GitRequestFinished)]
    assert [("ls-remote", "success", "main"), ("fetch", "success", "main"), ("fetch", "error", "HEAD")] == requests


def test_commit_info_names_author_date_and_message(git_server: GitServer, stage: Stage) -> None:
    """For the web page and the history."""
    repo = git_server.create("info")
    commit = repo.push({"a": "b"}, "Subject\n\nBody", author="Ada <ada@example.com>", when=1_700_000_000)
    info = stage.service.commit_info(repo.url, commit, "default")
    assert ("Ada <ada@example.com>", "2023-11-14T22:13:20Z", "Subject\n\nBody") == (
        info.author,
        info.date,
        info.message,
    )


def test_links_inside_the_repository_are_followed(repo: Repo, stage: Stage) -> None:
    """A manifest, the path itself and a part of it may be links; a change behind one is seen."""
    repo.push({"a/link.yaml": Link("../shared/real.yaml"), "shared/real.yaml": config_map("real"), "alias": Link("a")})
    source = Source(repo_url=repo.url, path="alias")
    first = stage.render(source)
    assert ["real", "one"] == names(first.objects)
    repo.push({"shared/real.yaml": config_map("changed")})
    stage.service.resolve(source, "default", force=True)
    assert ["changed", "one"] == names(stage.render(source).objects)


@pytest.mark.parametrize(
    "path", ["guestbook", "helm-guestbook", "kustomize-guestbook", "sock-shop", "sync-waves", "helm-hooks"]
)
def test_argo_cds_examples_render(examples: Repo, stage: Stage, path: str) -> None:
    """Every object has what the next step needs; a second render is a hit with the same key."""
    source = Source(repo_url=examples.url, path=path)
    first = stage.render(source)
    assert first.objects
    for text in first.objects:
        found = json.loads(text)
        assert found["apiVersion"]
        assert found["metadata"].get("name") or found["metadata"]["generateName"]
    assert first == stage.render(source)
