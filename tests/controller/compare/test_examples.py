"""The example applications that every Argo CD user knows: applied on a real API server, they are in sync at once."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from controller.health import assess
from model.meta import JSON
from tests.controller.compare.support import Bench
from tests.controller.compare.test_applied import WAYS
from tests.stage.control_plane import find_assets


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory, examples_bundle: Path) -> Path:
    folder = tmp_path_factory.mktemp("examples") / "repo"
    subprocess.run(["git", "clone", "--quiet", examples_bundle, folder], check=True)
    return folder


def tool(name: str) -> str:
    """Return the path of a render tool, or skip with one line."""
    found = shutil.which(name) or shutil.which(name, path=str(find_assets()))
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def rendered(folder: Path) -> list[JSON]:
    """Render a folder as its files ask for."""
    if (folder / "kustomization.yaml").exists():
        text = subprocess.run([tool("kustomize"), "build", folder], check=True, capture_output=True, text=True).stdout
    elif (folder / "Chart.yaml").exists():
        text = subprocess.run([tool("helm"), "template", folder], check=True, capture_output=True, text=True).stdout
    else:
        text = "\n---\n".join(path.read_text() for path in sorted(folder.glob("*.yaml")))
    objects = [document for document in yaml.safe_load_all(text) if document]
    return [obj for obj in objects if obj["kind"] != "Namespace"]


@WAYS
@pytest.mark.parametrize("name", ["guestbook", "kustomize-guestbook", "helm-guestbook", "sock-shop"])
def test_example_applications_are_in_sync(bench: Bench, examples: Path, name: str, server_side: bool) -> None:
    """Nothing differs after the apply, and every object is healthy or says what it waits for."""
    documents = rendered(examples / name)
    for document in documents:
        document["metadata"].pop("namespace", None)
    targets = bench.targets(documents)
    bench.apply(targets, server_side=server_side)
    states = [state for target in targets if (state := assess(bench.live(target)))]

    assert len(targets) >= 2
    assert {} == bench.differences(targets, server_side=server_side)
    assert [] == [state for state in states if state.status not in ("Healthy", "Progressing")]
    assert [] == [state for state in states if state.status == "Progressing" and not state.message]
