"""A source service over a real Git server, with everything that it publishes."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from controller.cage import Cage
from controller.clock import SystemClock
from controller.sources.service import RenderRequest, SourceService
from model.errors import LynceusError
from model.events import Event
from model.secrets import Repository
from model.settings import Settings
from model.source import Source


class Stage:
    """The service under test and what it told."""

    def __init__(self, folder: Path, cage: Cage, **options: object) -> None:
        self.folder = folder
        self.events: list[Event] = []
        self.moved: list[str] = []
        self.secrets: dict[str, Repository] = {}
        options = {"allow_schemes": ("http", "https", "ssh"), "interval_seconds": 3600.0, **options}
        self.service = SourceService(
            cache_dir=folder,
            repositories=lambda url, _: self.secrets.get(url),
            cage=cage,
            publish=self.events.append,
            clock=SystemClock(),
            on_moved=self.moved.append,
            **options,  # type: ignore[arg-type]
        )

    def request(self, *sources: Source, revisions: tuple[str, ...] = (), **fields: object) -> RenderRequest:
        """Make a render request; revisions are resolved when they are not given."""
        found = revisions or tuple(self.service.resolve(s, "default") for s in sources)
        values: dict[str, object] = {
            "app_name": "shop", "instance": "shop", "namespace": "shop-ns", "project": "default",
            "kube_version": "v1.36.1", "api_versions": ("v1", "apps/v1"), "settings": Settings(), **fields,
        }  # fmt: skip
        return RenderRequest(sources=sources, revisions=found, **values)  # type: ignore[arg-type]

    def render(self, *sources: Source, **fields: object):  # type: ignore[no-untyped-def]
        """Resolve and render."""
        return self.service.render(self.request(*sources, **fields))

    def refusal(self, action: Callable[[], object]) -> LynceusError:
        """Return the error of ours that an action ends with."""
        with pytest.raises(LynceusError) as caught:
            action()
        assert "\n" not in str(caught.value)
        return caught.value


@pytest.fixture(scope="session")
def cage() -> Iterator[Cage]:
    """One warm pool for all tests that do not harm it."""
    shared = Cage(workers=1, timeout_seconds=60)
    yield shared
    shared.close()


@pytest.fixture
def stage(tmp_path: Path, cage: Cage) -> Iterator[Stage]:
    """A service with an empty cache folder."""
    made = Stage(tmp_path / "cache", cage)
    yield made
    made.service.close()
