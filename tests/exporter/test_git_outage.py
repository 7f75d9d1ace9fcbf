"""A Git server that is stopped, seen through the real source service."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.cage import Cage
from controller.clock import SystemClock
from controller.sources.service import SourceService
from exporter import Exporter
from model.errors import LynceusError
from model.source import Source
from tests.exporter.script import exporter, lines
from tests.stage.git import GitServer


@pytest.fixture
def told(tmp_path: Path) -> Iterator[tuple[SourceService, Exporter]]:
    """A source service whose events an exporter hears."""
    made = exporter()
    with contextlib.closing(Cage()) as cage:
        service = SourceService(
            cache_dir=tmp_path,
            repositories=lambda url, project: None,
            cage=cage,
            publish=made.listen,
            clock=SystemClock(),
            allow_schemes=("http",),
        )
        with contextlib.closing(service):
            yield service, made


@pytest.mark.row(183, 189)
def test_a_stopped_server_is_more_than_five_failed_fetches(
    told: tuple[SourceService, Exporter], git_server: GitServer
) -> None:
    """The counters exist at 0 before, rise by one each time the loop asks, and carry one repo label."""
    service, made = told
    repo = git_server.create("apps")
    repo.push({"web/service.yaml": "{}"}, "begin")
    source = Source(repo_url=repo.url, path="web")
    service.resolve(source, "default")

    def failed() -> list[str]:
        failing = 'request_type="fetch",result="error"'
        return [line.rsplit(" ", 1)[1] for line in lines(made, "argocd_git_request_total") if failing in line]

    assert ["0.0"] == failed()
    git_server.stop()
    for _ in range(6):
        with pytest.raises(LynceusError):
            service.resolve(source, "default", force=True)
    assert ["6.0"] == failed()
    assert 6.0 == float(lines(made, "argocd_git_lsremote_fail_total")[0].rsplit(" ", 1)[1])
