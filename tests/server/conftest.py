"""One served application per test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.support import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A served application with three Applications behind it."""
    with Bench(tmp_path) as served:
        yield served
