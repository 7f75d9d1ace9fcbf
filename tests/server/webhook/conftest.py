"""One served application with webhooks per test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.webhook.support import HookBench


@pytest.fixture
def hooks(tmp_path: Path) -> Iterator[HookBench]:
    """A served application whose webhooks are on for all Git servers; two Applications of two repositories."""
    with HookBench(tmp_path) as served:
        yield served
