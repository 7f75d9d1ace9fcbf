"""lynceus.embedded: the extra that the embedded cluster needs."""

from pathlib import Path

import pytest

from lynceus import embedded
from model.errors import LynceusError


def test_without_the_extra_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line names the missing package and the extra, and nothing is imported."""
    monkeypatch.setattr(embedded, "NEEDED", ("no_such_package_of_anybody",))
    with pytest.raises(LynceusError, match=r"needs no_such_package_of_anybody: .*lynceus\[sandbox\]"):
        embedded.embedded_cluster(tmp_path)


def test_with_the_extra_there_is_a_cluster(tmp_path: Path) -> None:
    """It is handed over unstarted; the caller starts and stops it."""
    assert tmp_path in Path(embedded.embedded_cluster(tmp_path).kubeconfig).parents
