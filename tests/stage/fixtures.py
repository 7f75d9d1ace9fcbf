"""The fixtures of the stage, loaded by tests/conftest.py for every test.

A missing part skips a test with one line that names the part; with CI set in the environment it fails instead, because
there every part is present and a skip would hide a broken set-up.
"""

import os
import re
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from tests.stage import control_plane
from tests.stage.cluster import Cluster, from_kubeconfig
from tests.stage.git import GitServer, Repo
from tests.stage.proxy import FaultProxy

PLANE = pytest.StashKey[control_plane.Attachment]()


def missing(reason: str) -> NoReturn:
    """Skip for want of a part; fail where all parts have to be there."""
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        pytest.fail(f"{reason}; in CI nothing may be missing", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def stage_plane(pytestconfig: pytest.Config) -> Iterator[control_plane.Attachment]:
    """This process's share in the control plane of the run."""
    try:
        attachment = control_plane.attach()
    except control_plane.PartMissing as lack:
        missing(str(lack))
    pytestconfig.stash[PLANE] = attachment
    yield attachment
    attachment.release()


@pytest.fixture(scope="session")
def real_cluster(stage_plane: control_plane.Attachment) -> Cluster:
    """A real Kubernetes control plane, one per test run."""
    directory = stage_plane.directory
    lines = (directory / "tokens.csv").read_text().splitlines()
    tokens = {name: token for token, name, *_ in (line.split(",") for line in lines)}
    return from_kubeconfig("real", directory / "kubeconfig", directory, tokens)


@pytest.fixture(scope="session")
def sandbox_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The embedded cluster, one per test process."""
    try:
        from sandbox.serve import Sandbox
    except ModuleNotFoundError as lack:
        missing(f"no sandbox: {lack} (installed with the extra `sandbox`)")
    directory = tmp_path_factory.mktemp("sandbox")
    sandbox = Sandbox(directory=directory)
    sandbox.start()
    try:
        yield from_kubeconfig("sandbox", Path(sandbox.kubeconfig), directory)
    finally:
        sandbox.stop()


@pytest.fixture(params=["sandbox", "real"])
def cluster(request: pytest.FixtureRequest) -> Cluster:
    """Each server in turn: the test runs twice."""
    found = request.getfixturevalue(f"{request.param}_cluster")
    assert isinstance(found, Cluster)
    return found


@pytest.fixture
def namespace(request: pytest.FixtureRequest) -> Iterator[str]:
    """A fresh namespace on the cluster that the test uses: `cluster`, else `real_cluster`, else `sandbox_cluster`."""
    names = [name for name in ("cluster", "real_cluster", "sandbox_cluster") if name in request.fixturenames]
    assert names, "the fixture `namespace` needs a cluster fixture in the same test"
    words = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())
    with request.getfixturevalue(names[0]).namespace(f"t{words.removeprefix('test')}"[:40]) as name:
        yield name


@pytest.fixture(scope="session")
def shared_git_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitServer]:
    """One Git server for many tests that create repositories of different names."""
    with GitServer(tmp_path_factory.mktemp("git")) as server:
        yield server


@pytest.fixture
def git_server(tmp_path: Path) -> Iterator[GitServer]:
    """A Git server of the test's own: it may be stopped, delayed and counted."""
    with GitServer(tmp_path / "git-server") as server:
        yield server


@pytest.fixture
def fault_proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., FaultProxy]]:
    """Give a maker of fault proxies: call it with the cluster to stand before; all stop after the test."""
    started: list[FaultProxy] = []

    def start(upstream: Cluster, **options: object) -> FaultProxy:
        proxy = FaultProxy(upstream, tmp_path_factory.mktemp("proxy"), **options)  # type: ignore[arg-type]
        started.append(proxy)
        proxy.start()
        return proxy

    yield start
    for proxy in started:
        proxy.stop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep the servers' logs when a test on the real control plane failed."""
    report = yield
    plane = item.config.stash.get(PLANE, None)
    if report.failed and plane is not None and _uses_real_cluster(item):
        plane.keep_logs()
        report.sections.append(("control plane", f"logs: {plane.directory}-logs, kept for a day"))
    return report


def _uses_real_cluster(item: pytest.Item) -> bool:
    values = getattr(item, "funcargs", {}).values()
    return any(isinstance(value, Cluster) and value.is_real for value in values)


EXAMPLES = "argocd-example-apps.bundle"


@pytest.fixture(scope="session")
def examples_bundle() -> Path:
    """A `git bundle` of argoproj/argocd-example-apps: what LYNCEUS_EXAMPLE_APPS names, else ../shared/data has it."""
    named = os.environ.get("LYNCEUS_EXAMPLE_APPS")
    path = Path(named) if named else Path(__file__).parents[3] / "shared" / "data" / EXAMPLES
    if not path.exists():
        missing(f"no {EXAMPLES}: let LYNCEUS_EXAMPLE_APPS name a clone or bundle of argoproj/argocd-example-apps")
    return path


@pytest.fixture
def examples(git_server: GitServer, examples_bundle: Path) -> Repo:
    """Argo CD's example applications on the Git server."""
    repo = git_server.create("examples", default="master")
    repo.git("fetch", "--quiet", str(examples_bundle), "+HEAD:refs/heads/master")
    return repo
