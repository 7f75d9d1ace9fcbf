"""Hostile repositories, URLs and revisions; broken mirrors; credentials. Nothing of the machine leaks, nothing runs."""

import http.server
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.cage import Cage
from controller.sources.git import door, mirror
from model.errors import InvalidSpec, RenderError, SourceError, SourceUnavailable
from model.events import GitRequestFinished
from model.secrets import Credentials, Repository
from model.source import Source
from tests.controller.sources.conftest import Stage
from tests.controller.sources.test_service import config_map, names
from tests.stage.git import GitServer, Link, Repo, clean_environment

CANARY = "lyn-canary-7f3a"


@pytest.fixture
def repo(git_server: GitServer) -> Repo:
    """A repository with one application in the folder a."""
    made = git_server.create("shop")
    made.push({"a/one.yaml": config_map("one")})
    return made


def refused(stage: Stage, repo: Repo, path: str = "a") -> str:
    """Render and return the text of the refusal, in which no canary stands."""
    text = str(stage.refusal(lambda: stage.render(Source(repo_url=repo.url, path=path))))
    assert CANARY not in text
    return text


@pytest.mark.parametrize("length", [1, 3])
def test_a_linked_manifest_cannot_leave_the_repository(repo: Repo, stage: Stage, tmp_path: Path, length: int) -> None:
    """Directly and through a chain, absolute and relative; the error names the link only."""
    canary = tmp_path / "canary.yaml"
    canary.write_text(config_map(CANARY))
    depth = "../" * 12
    for target in (str(canary), f"{depth}{str(canary).lstrip('/')}"):
        files: dict[str, object] = {f"a/leak{n}.yaml": Link(f"leak{n + 1}.yaml") for n in range(length - 1)}
        repo.push({**files, f"a/leak{length - 1}.yaml": Link(target)})  # type: ignore[dict-item]
        stage.service.resolve(Source(repo_url=repo.url, path="a"), "default", force=True)
        text = refused(stage, repo)
        assert "a/leak0.yaml: a symbolic link that leads out of the repository" in text
        assert str(tmp_path) not in text.replace(repo.url, "")


def test_a_link_to_another_mirror_is_refused(repo: Repo, stage: Stage, git_server: GitServer) -> None:
    """A valid manifest of another repository in the cache is as far away as any other file."""
    other = git_server.create("other")
    other.push({"a/x.yaml": config_map(CANARY)})
    stage.render(Source(repo_url=other.url, path="a"))
    (folder,) = (stage.folder / "git").iterdir()
    repo.push({"a/leak.yaml": Link(f"{folder}/HEAD")})
    assert "leads out of the repository" in refused(stage, repo)


def test_a_linked_folder_cannot_leave_the_repository(repo: Repo, stage: Stage) -> None:
    """The path itself, or a part of it, as a link to the parent: refused without a listing."""
    repo.push({"overlays": Link(".."), "circle": Link("circle"), "up": Link("a/../../x")})
    for path in ("overlays/prod", "overlays", "up"):
        assert "leads out of the repository" in refused(stage, repo, path)
    assert "in a circle" in refused(stage, repo, "circle")


@pytest.mark.parametrize(
    "path", ["../../../../etc", "apps/../../..", "/etc", "apps/\0", ".git", "", "-rf", "a/.Git/config"]
)
def test_a_path_out_of_the_repository_is_an_invalid_spec(repo: Repo, stage: Stage, path: str) -> None:
    """Refused before anything is read."""
    request = stage.request(Source(repo_url=repo.url, path=path), revisions=(repo.head(),))
    assert isinstance(stage.refusal(lambda: stage.service.render(request)), InvalidSpec)


@pytest.mark.parametrize(
    "url",
    [
        "ext::sh -c touch% PWNED",
        "EXT::sh -c touch% PWNED",
        " ext::sh -c touch% PWNED",
        "fd::7",
        "--upload-pack=touch PWNED",
        "-oProxyCommand=touch PWNED",
        "ssh://-oProxyCommand=touch%20PWNED/x",
        "ssh://git@-oProxyCommand=touch/x",
        "git@-oProxyCommand=x:y",
        "/srv/other.git",
        "file:///srv/other.git",
        "../cache/x",
        ".",
        "git://127.0.0.1/x",
        "ftp://127.0.0.1/x",
        "http://user:hunter2@127.0.0.1/x",
        "http://user@127.0.0.1/x",
        "http://127.0.0.1/a/../b",
        "http://127.0.0.1/a/%2e%2e/b",
        "http://127.0.0.1/a?x",
        "http://127.0.0.1/a#x",
        "http://127.0.0.1\n/a",
        "http://127.0.0.1/%0a",
        "http://127.0.0.1/a b",
        "http://127.0.0.1/`touch PWNED`",
        "",
    ],
)
def test_no_other_transport_and_no_option_gets_through(
    stage: Stage, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused as text; nothing is started, the marker file never appears."""
    monkeypatch.chdir(tmp_path)
    refusal = stage.refusal(lambda: stage.service.resolve(Source(repo_url=url, path="a"), "default"))
    assert isinstance(refusal, InvalidSpec)
    assert "hunter2" not in str(refusal)
    assert not list(tmp_path.rglob("PWNED"))
    assert not stage.events


@pytest.mark.parametrize(
    "revision",
    [
        "--output=PWNED",
        "--upload-pack=touch PWNED",
        "--orphan=evil",
        "--exec=touch PWNED",
        "-c core.sshCommand=touch PWNED",
        "HEAD:../../x",
        "HEAD^{/(a+)+$}",
        "HEAD~1",
        "@{-1}",
        "main\n--output=PWNED",
        "main..x",
        "a b",
        "x" * 300,
        "refs/heads/main.lock",
    ],
)
def test_no_option_hides_in_a_revision(
    repo: Repo, stage: Stage, revision: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused as no ref name; no file and no branch appears."""
    monkeypatch.chdir(tmp_path)
    source = Source(repo_url=repo.url, path="a", target_revision=revision)
    assert isinstance(stage.refusal(lambda: stage.service.resolve(source, "default")), InvalidSpec)
    assert not list(tmp_path.rglob("PWNED"))


def test_dollars_in_a_url_stay_what_they_are(
    stage: Stage, git_server: GitServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No library expands variables or the home folder in a URL; the server receives the text, or nobody does."""
    monkeypatch.setenv("LYN_CANARY", CANARY)
    for name in ("$HOME/$LYN_CANARY.git", "~root/x.git"):
        stage.refusal(
            lambda n=name: stage.service.resolve(Source(repo_url=f"{git_server.url}/{n}", path="a"), "default")
        )
    assert not any(CANARY in entry.repository or "/root" in entry.repository for entry in git_server.log)


def test_config_hooks_filters_and_submodules_do_nothing(
    repo: Repo, stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Attributes, LFS pointers and submodules of a repository, and templates of the machine, start no program."""
    marker = tmp_path / "PWNED"
    template = tmp_path / "template" / "hooks"
    template.mkdir(parents=True)
    for hook in ("post-checkout", "reference-transaction", "post-merge"):
        (template / hook).write_text(f"#!/bin/sh\ntouch {marker}\n")
        (template / hook).chmod(0o755)
    config = tmp_path / "gitconfig"
    config.write_text(f'[init]\n templateDir = {template.parent}\n[core]\n fsmonitor = "touch {marker}"\n')
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(template.parent))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_ASKPASS", f"touch {marker}")
    head = repo.head()
    modules = f'[submodule "x"]\n path = a/sub\n url = ext::sh -c "touch {marker}"\n[core]\n hooksPath = {template}\n'
    repo.push({".gitmodules": modules, ".gitattributes": "* filter=evil\n", "a/lfs.bin": "version https://git-lfs"})
    add_submodule(repo, "a/sub", head)
    found = stage.render(Source(repo_url=repo.url, path="a"))
    assert ["one"] == names(found.objects)
    assert ("a/sub: a submodule, which is not followed",) == found.warnings
    assert not marker.exists()
    assert not (tmp_path / "elsewhere").exists()


def add_submodule(repo: Repo, path: str, commit: str) -> None:
    """Commit a gitlink."""
    env = {**clean_environment(), "GIT_INDEX_FILE": str(repo.path / "index")}
    for arguments in (["read-tree", "main"], ["update-index", "--add", "--cacheinfo", f"160000,{commit},{path}"]):
        subprocess.run(["git", "-C", str(repo.path), *arguments], check=True, env=env)
    tree = subprocess.run(
        ["git", "-C", str(repo.path), "write-tree"], check=True, env=env, capture_output=True, text=True
    )
    made = repo.git(
        "-c", "user.name=a", "-c", "user.email=a@b", "commit-tree", tree.stdout.strip(), "-p", "main", "-m", "x"
    )
    repo.move("main", made)


def test_local_repositories_need_an_opt_in(repo: Repo, tmp_path: Path, cage: Cage) -> None:
    """file:// works where an operator allows it, and only there."""
    made = Stage(tmp_path / "local", cage, allow_schemes=("file",))
    assert ["one"] == names(made.render(Source(repo_url=f"file://{repo.path}", path="a")).objects)
    assert isinstance(made.refusal(lambda: made.render(Source(repo_url=repo.url, path="a"))), InvalidSpec)
    made.service.close()


def secret(url: str, **fields: str) -> Repository:
    """Return a repository Secret."""
    return Repository(url=url, credentials=Credentials(**fields))  # type: ignore[arg-type]


def test_credentials_reach_the_server_and_nothing_else(
    git_server: GitServer, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A private repository is read; password and user stand in no argument, environment, event or file left behind."""
    repo = git_server.create("private", user="ada", password=f"{CANARY} '\"$x")
    repo.push({"a/one.yaml": config_map("one")})
    source = Source(repo_url=repo.url, path="a")
    assert "wants credentials" in str(stage.refusal(lambda: stage.service.resolve(source, "default")))
    stage.secrets[repo.url] = secret(repo.url, username="ada", password=f"{CANARY} '\"$x")
    seen: list[str] = []
    start = door.start

    def spy(arguments: list[str], env: dict[str, str], **options: object) -> object:
        seen.append(f"{arguments} {env}")
        return start(arguments, env, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(door, "start", spy)
    assert ["one"] == names(stage.render(source).objects)
    assert len(seen) >= 2
    assert not any(CANARY in text for text in seen)
    assert not any(CANARY in str(event) for event in stage.events)
    assert not any(CANARY.encode() in f.read_bytes() for f in stage.folder.rglob("*") if f.is_file())


def test_wrong_credentials_are_an_error_for_a_person(git_server: GitServer, stage: Stage) -> None:
    """Not something that waiting heals, and without the password."""
    repo = git_server.create("private", user="ada", password="right")
    stage.secrets[repo.url] = secret(repo.url, username="ada", password=CANARY)
    refusal = stage.refusal(lambda: stage.service.resolve(Source(repo_url=repo.url, path="a"), "default"))
    assert isinstance(refusal, SourceError)
    assert CANARY not in str(refusal)


class Listener(http.server.BaseHTTPRequestHandler):
    """Writes down what it is asked, and answers 200 with nothing."""

    seen: list[dict[str, str]]

    def do_GET(self) -> None:
        """Take the headers down."""
        self.seen.append(dict(self.headers))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on stderr."""


@pytest.fixture
def listener() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Another host, as far as HTTP is concerned."""
    seen: list[dict[str, str]] = []
    handler = type("Handler", (Listener,), {"seen": seen})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", seen
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    "fields", [{"username": "ada", "password": CANARY}, {"bearer_token": CANARY}], ids=["basic", "bearer"]
)
def test_credentials_never_follow_a_redirect(
    git_server: GitServer, stage: Stage, listener: tuple[str, list[dict[str, str]]], fields: dict[str, str]
) -> None:
    """A server that sends the client elsewhere is an error; the other host hears nothing."""
    url, seen = listener
    repo = git_server.create("private")
    stage.secrets[repo.url] = secret(repo.url, **fields)
    git_server.fail(
        "private.git", status=302, headers={"Location": f"{url}/private.git/info/refs?service=git-upload-pack"}
    )
    refusal = stage.refusal(lambda: stage.service.resolve(Source(repo_url=repo.url, path="a"), "default"))
    assert isinstance(refusal, SourceUnavailable)
    assert "redirect" in str(refusal)
    assert [] == seen


def test_a_bearer_token_is_sent_to_its_repository(stage: Stage, listener: tuple[str, list[dict[str, str]]]) -> None:
    """As an Authorization header, from a private file that is gone afterwards."""
    url, seen = listener
    stage.secrets[f"{url}/x"] = secret(f"{url}/x", bearer_token=CANARY)
    stage.refusal(lambda: stage.service.resolve(Source(repo_url=f"{url}/x", path="a"), "default"))
    assert {f"Bearer {CANARY}"} == {headers.get("Authorization") for headers in seen}
    assert [] == list((stage.folder / "private").iterdir())


def test_a_body_that_is_not_git_is_not_relayed(stage: Stage, git_server: GitServer, repo: Repo) -> None:
    """Whatever a server answers, its text is not shown: it may be of an address nobody should see."""
    git_server.fail("shop.git", status=500, body=CANARY.encode())
    text = str(stage.refusal(lambda: stage.service.resolve(Source(repo_url=repo.url, path="a"), "default")))
    assert CANARY not in text


def test_a_web_page_with_status_200_is_no_empty_repository(stage: Stage, git_server: GitServer, repo: Repo) -> None:
    """Git takes it for a list without refs; here it is an error, counted as one, and forgotten when it is over."""
    fault = git_server.fail("shop.git", status=200, headers={"Content-Type": "text/html"}, body=b"<html>Sign in</html>")
    source = Source(repo_url=repo.url, path="a", target_revision="main")
    assert "not a Git repository" in str(stage.refusal(lambda: stage.service.resolve(source, "default")))
    assert ["error"] == [e.result for e in stage.events if isinstance(e, GitRequestFinished)]
    fault.times = 0
    assert repo.head() == stage.service.resolve(source, "default", force=True)


def test_one_failure_is_shared_and_recovery_is_immediate(repo: Repo, stage: Stage, git_server: GitServer) -> None:
    """Fifty applications of a broken repository ask once; a forced question asks again and heals."""
    git_server.fail("shop.git", status=503)
    source = Source(repo_url=repo.url, path="a")
    for _ in range(50):
        assert isinstance(stage.refusal(lambda: stage.service.resolve(source, "default")), SourceUnavailable)
    assert 1 == git_server.counts("shop.git")["advertise"]
    git_server.heal()
    assert repo.head() == stage.service.resolve(source, "default", force=True)


def test_threads_that_ask_at_once_share_one_request(repo: Repo, stage: Stage, git_server: GitServer) -> None:
    """Twenty forced questions that wait for one another need two requests at most."""
    git_server.fail("shop.git", delay=0.2, kinds=("advertise",))
    source = Source(repo_url=repo.url, path="a")
    threads = [
        threading.Thread(target=stage.service.resolve, args=(source, "x"), kwargs={"force": True}) for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(e, GitRequestFinished) for e in stage.events) <= 2


def test_a_slow_server_is_given_up_on(
    repo: Repo, stage: Stage, git_server: GitServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the deadline the process group is killed; the next question works."""
    monkeypatch.setattr(mirror, "LIST_SECONDS", 0.5)
    fault = git_server.fail("shop.git", delay=3)
    source = Source(repo_url=repo.url, path="a")
    refusal = stage.refusal(lambda: stage.service.resolve(source, "default"))
    assert "did not answer in time" in str(refusal)
    fault.delay = 0
    monkeypatch.setattr(mirror, "LIST_SECONDS", 30.0)
    assert repo.head() == stage.service.resolve(source, "default", force=True)


def test_rewritten_history_is_the_truth(repo: Repo, stage: Stage) -> None:
    """A forced push to an unrelated root and to an older commit: the new head is what is rendered."""
    first = repo.head()
    source = Source(repo_url=repo.url, path="a")
    stage.render(source)
    repo.push({"a/new.yaml": config_map("new")}, orphan=True)
    stage.service.resolve(source, "default", force=True)
    assert ["new"] == names(stage.render(source).objects)
    repo.move("main", first)
    assert first == stage.service.resolve(source, "default", force=True)
    assert ["one"] == names(stage.render(source).objects)


def test_a_commit_that_is_gone_is_said_to_be_unavailable(repo: Repo, stage: Stage) -> None:
    """A rollback to a commit that neither the mirror nor the server has is refused clearly."""
    request = stage.request(Source(repo_url=repo.url, path="a"), revisions=("1" * 40,))
    refusal = stage.refusal(lambda: stage.service.render(request))
    assert isinstance(refusal, SourceError)
    assert "does not have, or does not give out, the revision" in str(refusal)


@pytest.mark.parametrize("change", ["branch", "folder", "repository", "empty"])
def test_what_was_deleted_is_an_error_and_not_zero_objects(
    repo: Repo, stage: Stage, change: str, git_server: GitServer
) -> None:
    """A branch, a folder, the whole repository, everything in it."""
    source = Source(repo_url=repo.url, path="a", target_revision="main")
    stage.render(source)
    if change == "branch":
        repo.push({"b": "c"}, branch="other")
        repo.delete_branch("main")
    elif change == "folder":
        repo.push({"a": None, "b/x": "y"})
    elif change == "empty":
        repo.push({}, replace=True)
    else:
        shutil.rmtree(repo.path)

    def again() -> None:
        stage.service.resolve(source, "default", force=True)
        stage.render(source)

    assert isinstance(stage.refusal(again), SourceError)


def damage_packs(folder: Path) -> None:
    """Cut all packs and loose objects in half."""
    for path in (p for p in (folder / "objects").rglob("*") if p.is_file() and p.suffix != ".idx"):
        path.chmod(0o644)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("damage", ["packs", "head", "everything", "locks", "config"])
def test_a_damaged_mirror_is_made_again(repo: Repo, stage: Stage, damage: str, cage: Cage) -> None:
    """Whatever is broken in the cache folder, the next start reads the remote's truth without a hand."""
    source = Source(repo_url=repo.url, path="a")
    stage.render(source)
    stage.service.close()
    (folder,) = (stage.folder / "git").iterdir()
    match damage:
        case "packs":
            damage_packs(folder)
        case "head":
            (folder / "HEAD").unlink()
        case "config":
            (folder / "config").write_text("[[[")
        case "everything":
            shutil.rmtree(folder / "objects")
        case "locks":
            for name in (
                "shallow.lock",
                "packed-refs.lock",
                "refs/heads/main.lock",
                "config.lock",
                "objects/pack/tmp_pack_x",
            ):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_text("")
    repo.push({"a/two.yaml": config_map("two")})
    again = Stage(stage.folder, cage)
    assert ["one", "two"] == names(again.render(source).objects)
    assert not list(folder.rglob("tmp_pack_*"))
    again.service.close()


def test_a_mirror_that_breaks_while_it_is_used_is_made_again(repo: Repo, stage: Stage) -> None:
    """Reading stops in the middle: cloned again, and rendered, in the same call."""
    source = Source(repo_url=repo.url, path="a")
    stage.render(source)
    (folder,) = (stage.folder / "git").iterdir()
    stage.service.close()
    damage_packs(folder)
    assert ["one"] == names(stage.render(source, no_cache=True).objects)


def test_a_killed_reader_is_replaced(repo: Repo, stage: Stage) -> None:
    """The kept-open cat-file may die at any time."""
    source = Source(repo_url=repo.url, path="a")
    stage.render(source)
    ((_, shared),) = stage.service._repositories._shared.items()
    process = shared.mirror.reader._process.proc
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    repo.push({"a/two.yaml": config_map("two")})
    stage.service.resolve(source, "default", force=True)
    assert ["one", "two"] == names(stage.render(source).objects)


def test_a_fetch_that_is_cut_leaves_nothing_behind(repo: Repo, stage: Stage, git_server: GitServer) -> None:
    """The connection breaks in the pack: an error, then the next try works and no half pack stays."""
    repo.push({f"a/big{n}.txt": os.urandom(20_000) for n in range(5)})
    source = Source(repo_url=repo.url, path="a")
    stage.service.resolve(source, "default")
    fault = git_server.fail("shop.git", cut_after=30_000, kinds=("fetch",))
    assert isinstance(stage.refusal(lambda: stage.render(source)), SourceUnavailable)
    fault.times = 0
    assert ["one"] == names(stage.render(source).objects)
    assert not list((stage.folder / "git").rglob("tmp_pack_*"))


def test_repositories_that_differ_in_case_are_two(git_server: GitServer, stage: Stage) -> None:
    """Neither shows a manifest of the other."""
    for name in ("case", "Case"):
        git_server.create(name).push(
            {"a/x.yaml": config_map(f"of-{name}".lower() + ("-upper" if name == "Case" else ""))}
        )
    found = [
        names(stage.render(Source(repo_url=f"{git_server.url}/{n}.git", path="a")).objects) for n in ("case", "Case")
    ]
    assert [["of-case"], ["of-case-upper"]] == found


def test_a_project_without_credentials_does_not_read_the_mirror_of_one_with(
    git_server: GitServer, stage: Stage
) -> None:
    """Knowing a commit id is no permission."""
    repo = git_server.create("private", user="ada", password="pw")
    commit = repo.push({"a/one.yaml": config_map("one")})
    source = Source(repo_url=repo.url, path="a")
    stage.secrets[repo.url] = secret(repo.url, username="ada", password="pw")
    stage.render(source)
    stage.secrets.clear()
    request = stage.request(source, revisions=(commit,))
    assert "wants credentials" in str(stage.refusal(lambda: stage.service.render(request)))


def test_a_tree_with_a_git_folder_is_not_accepted(repo: Repo, stage: Stage) -> None:
    """Git's own check of fetched objects refuses what no honest client makes."""
    blob = repo.git("hash-object", "-w", "--stdin", input=b"x")
    tree = repo.git(
        "hash-object", "-t", "tree", "-w", "--literally", "--stdin", input=b"100644 .git\0" + bytes.fromhex(blob)
    )
    made = repo.git("-c", "user.name=a", "-c", "user.email=a@b", "commit-tree", tree, "-m", "x")
    repo.move("main", made)
    assert isinstance(
        stage.refusal(lambda: stage.render(Source(repo_url=repo.url, path="."))), SourceUnavailable | SourceError
    )


def test_an_old_gitpython_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Versions with published command injections do not start."""
    monkeypatch.setattr("git.__version__", "3.1.58")
    with pytest.raises(SourceUnavailable, match=r"GitPython 3\.1\.58 has known vulnerabilities; 3\.2\.1 or later"):
        door.check_version()


def test_the_environment_of_git_is_written_from_scratch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of this process' environment is passed on, neither Git's variables nor tokens."""
    monkeypatch.setenv("LYN_CANARY", CANARY)
    monkeypatch.setenv("GIT_SSH_COMMAND", "touch PWNED")
    env = door.environment(str(tmp_path), ("https",))
    out = door.run(["-c", "alias.show-env=!env", "show-env"], env, timeout=10).decode()
    assert CANARY not in out
    assert "GIT_ALLOW_PROTOCOL=https\n" in out
    assert "GIT_SSH_COMMAND=ssh -F /dev/null -oBatchMode=yes\n" in out


def test_a_runaway_git_is_killed_with_its_children(tmp_path: Path) -> None:
    """The deadline ends the group, the output limit too."""
    env, sleep = door.environment(str(tmp_path), ()), f"sleep 61.{os.getpid()}"  # another run's is none of ours
    with pytest.raises(door.GitTimeoutError):
        door.run(["-c", f"alias.hang=!{sleep} & {sleep}", "hang"], env, timeout=0.3)
    listing = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert sleep not in listing.splitlines()
    with pytest.raises(door.GitTimeoutError):
        door.run(["-c", "alias.yes=!yes", "yes"], env, timeout=10, limit=100_000)


def test_slow_and_fast_repositories_do_not_wait_for_each_other(git_server: GitServer, stage: Stage, repo: Repo) -> None:
    """While one server hangs, another repository is resolved and rendered."""
    git_server.create("slow")
    fault = git_server.fail("slow.git", delay=2)
    slow = Source(repo_url=f"{git_server.url}/slow.git", path="a")
    thread = threading.Thread(target=lambda: stage.refusal(lambda: stage.service.resolve(slow, "default")))
    thread.start()
    assert ["one"] == names(stage.render(Source(repo_url=repo.url, path="a")).objects)
    assert thread.is_alive()
    fault.delay = 0
    thread.join()


def test_a_read_only_cache_folder_says_so(repo: Repo, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is no reason for a traceback, and no damaged mirror."""

    def full(*_: object, **__: object) -> bytes:
        raise door.GitError(128, "fatal: write error: No space left on device\nfatal: index-pack failed")

    source = Source(repo_url=repo.url, path="a")
    commit = stage.service.resolve(source, "default")
    monkeypatch.setattr(door, "run", full)
    refusal = stage.refusal(lambda: stage.service.render(stage.request(source, revisions=(commit,))))
    assert isinstance(refusal, SourceUnavailable)
    assert "disk full or read-only" in str(refusal)


def test_render_errors_are_not_source_errors(repo: Repo, stage: Stage) -> None:
    """The loop tells what a person must fix in Git from what must be fixed in the Application."""
    repo.push({"a/one.yaml": "apiVersion: v1\nkind: [\nmetadata: {}"})
    assert isinstance(stage.refusal(lambda: stage.render(Source(repo_url=repo.url, path="a"))), RenderError)
