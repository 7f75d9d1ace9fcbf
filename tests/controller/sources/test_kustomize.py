"""Kustomizations in Git, against the real kustomize where it is installed."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from controller.sources.kustomize_tool import find_tool
from controller.sources.yamls import parse
from model.errors import InvalidSpec, RenderError, SourceError
from model.events import RenderFinished
from model.settings import Settings
from model.source import KustomizeReplica, KustomizeSource, Source
from tests.controller.sources.conftest import Stage
from tests.stage.git import GitServer, Link, Repo

CANARY = "lyn-canary-31de"
DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "nginx:1.25", ports: [{containerPort: 80}]}]}
"""
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n"
PRODUCTION = """resources: [../../base]
namespace: production
images: [{name: nginx, newTag: "1.27"}]
patches:
  - target: {kind: Deployment, name: web}
    patch: |-
      - op: replace
        path: /spec/replicas
        value: 3
  - path: memory.yaml
configMapGenerator:
  - {name: settings, files: [app.properties, nested.txt=conf/other.txt], envs: [vars.env], literals: [a=b]}
commonAnnotations: {note: "yes"}
"""
MEMORY = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {template: {spec: {containers: [{name: web, resources: {limits: {memory: 64Mi}}}]}}}
"""
COMPONENT = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnamePrefix: extra-\n"
FILES = {
    "base/kustomization.yaml": "resources: [deployment.yaml, service.yaml]\n",
    "base/deployment.yaml": DEPLOYMENT,
    "base/service.yaml": SERVICE,
    "overlays/staging/kustomization.yaml": "resources: [../../base]\nnameSuffix: -staging\n",
    "overlays/production/kustomization.yaml": PRODUCTION,
    "overlays/production/memory.yaml": MEMORY,
    "overlays/production/app.properties": "x=1\n",
    "overlays/production/conf/other.txt": "other",
    "overlays/production/vars.env": "v=2\n",
    "components/extra/kustomization.yaml": COMPONENT,
}

pytestmark = pytest.mark.skipif(find_tool() is None, reason="neither kustomize nor kubectl is installed")


@pytest.fixture
def repo(git_server: GitServer) -> Repo:
    """A base, two overlays and a component."""
    made = git_server.create("layout")
    made.push(FILES)  # type: ignore[arg-type]
    return made


def render(stage: Stage, repo: Repo, path: str = "overlays/production", **fields: Any) -> dict[str, Any]:
    """Render and return the objects by kind."""
    source = Source(repo_url=repo.url, path=path, kustomize=KustomizeSource(**fields) if fields else None)
    stage.service.resolve(source, "default", force=True)
    return {json.loads(o)["kind"]: json.loads(o) for o in stage.render(source).objects}


@pytest.mark.row(36, 45)
def test_base_and_overlays_are_detected_and_built(repo: Repo, stage: Stage) -> None:
    """The layout base, overlays/staging, overlays/production works as printed."""
    assert "web-staging" == render(stage, repo, "overlays/staging")["Deployment"]["metadata"]["name"]
    found = render(stage, repo)["Deployment"]
    assert ("production", 3) == (found["metadata"]["namespace"], found["spec"]["replicas"])
    container = found["spec"]["template"]["spec"]["containers"][0]
    assert ("nginx:1.27", "64Mi") == (container["image"], container["resources"]["limits"]["memory"])


@pytest.mark.row(37)
@pytest.mark.parametrize("path", ["base", "overlays/staging", "overlays/production"])
def test_the_output_is_that_of_the_binary(repo: Repo, stage: Stage, tmp_path: Path, path: str) -> None:
    """The tool run by hand in a checkout gives the same objects."""
    assert_same_as_binary(repo, stage, tmp_path, path)


@pytest.mark.row(36)
@pytest.mark.parametrize("path", ["sock-shop", "kustomize-guestbook", "pre-post-sync"])
def test_argo_cds_examples_build_as_by_the_binary(examples: Repo, stage: Stage, tmp_path: Path, path: str) -> None:
    """Real input."""
    assert_same_as_binary(examples, stage, tmp_path, path)


def assert_same_as_binary(repo: Repo, stage: Stage, tmp_path: Path, path: str) -> None:
    """Build a path both ways and compare."""
    tool = find_tool()
    assert tool is not None
    subprocess.run(["git", "clone", "-q", str(repo.path), str(tmp_path / "out")], check=True)
    done = subprocess.run([*tool.command, str(tmp_path / "out" / path)], capture_output=True, check=True)
    found = stage.render(Source(repo_url=repo.url, path=path))
    assert ("Kustomize",) == found.source_types
    assert [d.value for d in parse(done.stdout, "kustomize")] == [json.loads(o) for o in found.objects]


def test_overrides_of_the_source_are_applied(repo: Repo, stage: Stage) -> None:
    """Prefix, suffix, images, replicas, labels, annotations, namespace, patches and components, on a private copy."""
    found = render(
        stage,
        repo,
        name_prefix="p-",
        name_suffix="-s",
        images=["nginx=registry:5000/nginx:1.28"],
        replicas=[KustomizeReplica(name="web", count="5")],
        common_labels={"team": "$ARGOCD_APP_NAME"},
        common_annotations={"raw": "$ARGOCD_APP_NAME"},
        namespace="elsewhere",
        patches=[
            {"target": {"kind": "Service"}, "patch": '[{"op": "add", "path": "/spec/type", "value": "NodePort"}]'}
        ],
        components=["../../components/extra"],
    )
    deployment = found["Deployment"]
    assert "extra-p-web-s" == deployment["metadata"]["name"].replace("p-extra-", "extra-p-")
    assert ("elsewhere", 5) == (deployment["metadata"]["namespace"], deployment["spec"]["replicas"])
    assert "registry:5000/nginx:1.28" == deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    assert ("shop", "shop") == (
        deployment["metadata"]["labels"]["team"],
        deployment["spec"]["selector"]["matchLabels"]["team"],
    )
    assert {"note": "yes", "raw": "$ARGOCD_APP_NAME"} == deployment["metadata"]["annotations"]
    assert "NodePort" == found["Service"]["spec"]["type"]


def test_labels_without_selectors_and_forced_annotations(repo: Repo, stage: Stage) -> None:
    """The switches of Argo CD."""
    found = render(stage, repo, common_labels={"team": "a"}, label_without_selector=True)["Deployment"]
    assert ("a", {"app": "web"}) == (found["metadata"]["labels"]["team"], found["spec"]["selector"]["matchLabels"])
    options: dict[str, Any] = {"common_annotations": {"note": "$ARGOCD_APP_NAME"}, "common_annotations_envsubst": True}
    source = Source(repo_url=repo.url, path="overlays/production", kustomize=KustomizeSource(**options))
    assert "commonAnnotations: found 'note' already there" in str(stage.refusal(lambda: stage.render(source)))
    found = render(stage, repo, **options, force_common_annotations=True)["Deployment"]
    assert {"note": "shop"} == found["metadata"]["annotations"]


def test_a_missing_component_may_be_ignored(repo: Repo, stage: Stage) -> None:
    """When the source says so; otherwise it is named."""
    options: dict[str, Any] = {"components": ["../../components/none"]}
    source = Source(repo_url=repo.url, path="base", kustomize=KustomizeSource(components=["../components/none"]))
    assert "components/none does not exist" in str(stage.refusal(lambda: stage.render(source)))
    assert "Deployment" in render(stage, repo, **options, ignore_missing_components=True)


@pytest.mark.parametrize(
    ("path", "content", "result"),
    [
        ("base/service.yaml", SERVICE.replace("port: 80", "port: 81"), "miss"),
        ("overlays/production/conf/other.txt", "changed", "miss"),
        ("overlays/production/kustomization.yaml", PRODUCTION + "nameSuffix: -x\n", "miss"),
        ("overlays/production/README.md", "x", "hit"),
        ("overlays/staging/kustomization.yaml", "resources: [../../base]\n", "hit"),
        ("components/extra/kustomization.yaml", "kind: Component\n", "hit"),
    ],
)
def test_only_a_change_of_what_was_read_builds_again(
    repo: Repo, stage: Stage, path: str, content: str, result: str
) -> None:
    """The closure of bases, patches and generator files is the key; the rest of the repository is not."""
    render(stage, repo)
    repo.push({path: content})
    stage.events.clear()
    render(stage, repo)
    assert [result] == [e.result for e in stage.events if isinstance(e, RenderFinished)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("resources: [https://127.0.0.1/x.yaml]", "remote bases are not fetched"),
        ("resources: ['github.com/org/repo//base?ref=v1']", "does not exist in the repository; remote bases"),
        ("resources: ['git@github.com:org/repo.git']", "remote bases are not fetched"),
        ("bases: ['ssh://git@host/x']", "remote bases are not fetched"),
        ("Resources: [https://127.0.0.1/x.yaml]", "found 'Resources', expected resources"),
        ("re\u017fources: [https://127.0.0.1/x.yaml]", "expected resources"),
        ("resources: [../../../etc/passwd]", "does not stay inside the repository"),
        ("resources: [/etc/passwd]", "does not stay inside the repository"),
        ("resources: [nope.yaml]", "'nope.yaml' does not exist"),
        ("resources: [../circle]", "refers to itself"),
        ("resources: [../../components]", "found none, expected one of"),
        ("patches: [{path: /etc/passwd}]", "does not stay inside the repository"),
        ("patchesStrategicMerge: [../../../x.yaml]", "does not stay inside the repository"),
        ("patchesJson6902: [{path: nope.yaml, target: {kind: Service, name: x}}]", "is not a file of the repository"),
        ("configMapGenerator: [{name: x, files: [/proc/self/environ]}]", "does not stay inside the repository"),
        ("configMapGenerator: [{name: x, Files: [/proc/self/environ]}]", "found 'Files', expected files"),
        ("secretGenerator: [{name: x, envs: [../../../etc/hostname]}]", "does not stay inside the repository"),
        ("configMapGenerator: [{name: x, files: ['a=/etc/hostname']}]", "does not stay inside the repository"),
        ("generators: ['{apiVersion: builtin,kind: ConfigMapGenerator,files: [/etc/hostname]}']", "does not stay"),
        ("helmCharts: [{name: x, repo: https://x}]", "charts inside a kustomization are not supported yet"),
        ("openapi: {path: https://127.0.0.1/x}", "remote bases are not fetched"),
        ("- a", "expected one mapping"),
        ("a: [", "kustomization.yaml:"),
        ("unknownField: 1", "unknownField"),
        ("patches: [{target: {kind: Nope}, patch: '{'}]", "kustomization overlays/circle"),
    ],
)  # fmt: skip
def test_what_leaves_the_repository_or_is_broken_is_refused(
    repo: Repo, stage: Stage, content: str, message: str
) -> None:
    """Before anything is opened, with file and field, on one line."""
    repo.push({"overlays/circle/kustomization.yaml": content})
    refusal = stage.refusal(lambda: stage.render(Source(repo_url=repo.url, path="overlays/circle")))
    assert isinstance(refusal, RenderError)
    assert message in str(refusal)
    assert "/tmp/" not in str(refusal)


@pytest.mark.parametrize(
    "content",
    [
        f"password: {CANARY}: x",
        f"apiVersion: v1\nkind: Secret\nstringData: {{p: {CANARY}}}",
        f"apiVersion: v1\nkind: Secret\nmetadata: {{name: x}}\nstringData: {{p: {CANARY}, p: again}}",
        f"apiVersion: v1\nkind: Secret\nmetadata: {{name: [{CANARY}]}}",
        CANARY,
    ],
    ids=["yaml", "no name", "duplicate key", "name", "text"],
)
def test_a_broken_resource_shows_nothing_of_its_content(repo: Repo, stage: Stage, content: str) -> None:
    """It may be a Secret; the tool's message names the file or the line."""
    repo.push({"base/service.yaml": content})
    text = str(stage.refusal(lambda: stage.render(Source(repo_url=repo.url, path="base"))))
    assert "kustomization base: " in text
    assert CANARY not in text
    assert "/tmp/" not in text


def test_links_out_of_the_repository_are_refused(repo: Repo, stage: Stage) -> None:
    """Also through a base."""
    repo.push({"base/service.yaml": Link("../../../../../etc/passwd")})
    refusal = stage.refusal(lambda: stage.render(Source(repo_url=repo.url, path="overlays/staging")))
    assert isinstance(refusal, SourceError)
    assert "base/service.yaml: a symbolic link that leads out of the repository" in str(refusal)


@pytest.mark.parametrize(
    "options",
    [
        KustomizeSource(components=["../../../x"]),
        KustomizeSource(components=["/etc"]),
        KustomizeSource(patches=[{"path": "../../../etc/passwd"}]),
        KustomizeSource(patches=[{"path": "/etc/passwd"}]),
        KustomizeSource(images=["a b="]),
        KustomizeSource(replicas=[KustomizeReplica(name="web", count="many")]),
    ],
)
def test_overrides_that_cannot_be_right_are_refused(repo: Repo, stage: Stage, options: KustomizeSource) -> None:
    """As an invalid spec."""
    if options.images:
        options = KustomizeSource(images=["@@@"])
    source = Source(repo_url=repo.url, path="base", kustomize=options)
    assert isinstance(stage.refusal(lambda: stage.render(source)), InvalidSpec)


@pytest.mark.parametrize(
    "flags", ["--enable-helm", "--enable-exec", "--load-restrictor LoadRestrictionsNone", "-o /tmp/x"]
)
def test_build_options_that_open_doors_are_refused(repo: Repo, stage: Stage, flags: str) -> None:
    """Naming the setting."""
    source = Source(repo_url=repo.url, path="base")
    settings = Settings(kustomize_build_options=flags)
    assert "kustomize.buildOptions" in str(stage.refusal(lambda: stage.render(source, settings=settings)))


def test_without_a_tool_the_condition_says_so(repo: Repo, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """One clear line."""
    monkeypatch.setattr(stage.service._renderer, "_kustomize", None)
    text = str(stage.refusal(lambda: stage.render(Source(repo_url=repo.url, path="base"))))
    assert "neither kustomize nor kubectl is installed" in text


def test_the_tool_is_found_where_it_may_be(tmp_path: Path) -> None:
    """A kustomize on PATH first, then in KUBEBUILDER_ASSETS."""
    for name in ("one", "two"):
        program = tmp_path / name / "kustomize"
        program.parent.mkdir()
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    first = find_tool({"PATH": str(tmp_path / "one"), "KUBEBUILDER_ASSETS": str(tmp_path / "two")})
    second = find_tool({"PATH": "", "KUBEBUILDER_ASSETS": str(tmp_path / "two")})
    assert first is not None
    assert second is not None
    assert (str(tmp_path / "one/kustomize"), "build") == first.command
    assert str(tmp_path / "two/kustomize") == second.command[0]


def test_nothing_of_the_environment_reaches_the_output(
    repo: Repo, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An env entry without a value would be filled from the environment of the process."""
    monkeypatch.setenv("LYN_CANARY", CANARY)
    repo.push(
        {
            "overlays/staging/kustomization.yaml": "configMapGenerator: [{name: x, envs: [e.env]}]",
            "overlays/staging/e.env": "LYN_CANARY\n",
        }
    )
    found = stage.render(Source(repo_url=repo.url, path="overlays/staging")).objects
    assert not any(CANARY.encode() in text for text in found)


def test_a_build_leaves_no_folder_behind(
    repo: Repo, stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Private copies go, also after an error."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    render(stage, repo)
    repo.push({"base/kustomization.yaml": "unknownField: 1"})
    stage.service.resolve(Source(repo_url=repo.url, path="base"), "default", force=True)
    stage.refusal(lambda: stage.render(Source(repo_url=repo.url, path="base")))
    assert [] == os.listdir(scratch)
    shutil.rmtree(scratch)
