"""Helm charts in Git, against the real helm where it is installed."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from controller.sources.yamls import parse
from model.errors import InvalidSpec, RenderError
from model.source import HelmFileParameter, HelmParameter, HelmSource, Source
from tests.controller.sources.conftest import Stage
from tests.stage.git import GitServer, Link, Repo

CANARY = "lyn-canary-9c1e"
CHART = "apiVersion: v2\nname: web\nversion: 0.1.0\n"
TEMPLATE = """apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-web
  namespace: {{ .Release.Namespace }}
data:
  values: {{ .Values | toJson | quote }}
  tag: {{ .Values.image.tag | quote }}
"""
VALUES = "image: {repository: web, tag: '1.0', pull: {policy: Always}}\nreplicas: 1\n"


@pytest.fixture
def repo(git_server: GitServer) -> Repo:
    """The usual layout: charts, environments and applications apart, and a file that no chart may see."""
    made = git_server.create("config")
    made.push(
        {
            "helm/web/Chart.yaml": CHART,
            "helm/web/values.yaml": VALUES,
            "helm/web/values-prod.yaml": "replicas: 3\nimage: {tag: '2.0'}\n",
            "helm/web/templates/cm.yaml": TEMPLATE,
            "helm/web/templates/NOTES.txt": "Thank you for {{ .Release.Name }}",
            "environments/production/web.yaml": "replicas: 5\n",
            "environments/dev/web.yaml": "replicas: 2\n",
            "apps/web.yaml": "{}",
        }
    )
    return made


def values_of(stage: Stage, repo: Repo, **helm: Any) -> dict[str, Any]:
    """Render the chart and return the values that it saw."""
    source = Source(repo_url=repo.url, path="helm/web", helm=HelmSource(**helm) if helm else None)
    (rendered,) = stage.render(source).objects
    found: dict[str, Any] = json.loads(json.loads(rendered)["data"]["values"])
    return found


@pytest.mark.row(34, 43)
def test_a_chart_is_detected_and_rendered_but_not_installed(repo: Repo, stage: Stage) -> None:
    """Chart.yaml is enough; the notes are dropped; nothing but objects comes out."""
    found = stage.render(Source(repo_url=repo.url, path="helm/web"))
    assert ("Helm",) == found.source_types
    assert ["ConfigMap"] == [json.loads(o)["kind"] for o in found.objects]


@pytest.mark.row(25)
def test_the_release_name_is_the_applications_unless_it_is_given(repo: Repo, stage: Stage) -> None:
    """And the namespace is that of the destination."""
    for helm, wanted in ((HelmSource(), "shop-web"), (HelmSource(release_name="other"), "other-web")):
        (text,) = stage.render(Source(repo_url=repo.url, path="helm/web", helm=helm)).objects
        assert {"name": wanted, "namespace": "shop-ns"} == json.loads(text)["metadata"]


@pytest.mark.row(26)
def test_values_override_defaults_and_merge(repo: Repo, stage: Stage) -> None:
    """Nested keys that are not named stay; valuesObject wins over values."""
    found = values_of(stage, repo, values="image:\n  tag: '3.0'\n")
    assert {"repository": "web", "tag": "3.0", "pull": {"policy": "Always"}} == found["image"]
    assert 7 == values_of(stage, repo, values="replicas: 6", values_object={"replicas": 7})["replicas"]


@pytest.mark.row(27)
def test_of_several_value_files_the_last_wins(repo: Repo, stage: Stage) -> None:
    """values.yaml, then values-prod.yaml."""
    assert 3 == values_of(stage, repo, value_files=["values.yaml", "values-prod.yaml"])["replicas"]
    assert 1 == values_of(stage, repo, value_files=["values-prod.yaml", "values.yaml"])["replicas"]


@pytest.mark.row(28, 44)
@pytest.mark.parametrize(
    "file",
    [
        "../../environments/production/web.yaml",
        "/environments/production/web.yaml",
        "../web/../../environments/production/web.yaml",
    ],
)
def test_value_files_reach_over_folders_of_the_repository(repo: Repo, stage: Stage, file: str) -> None:
    """The layout with helm/, environments/ and apps/ works as printed; a change of the far file is seen."""
    assert 5 == values_of(stage, repo, value_files=[file])["replicas"]
    repo.push({"environments/production/web.yaml": "replicas: 6\n"})
    stage.service.resolve(Source(repo_url=repo.url, path="x"), "default", force=True)
    assert 6 == values_of(stage, repo, value_files=[file])["replicas"]


@pytest.mark.row(28)
@pytest.mark.parametrize(
    "file",
    [
        "../../../../../proc/self/environ",
        "../../../outside.yaml",
        "/../outside.yaml",
        "$other/../../x",
        "$values",
        "file:///etc/hostname",
        "https://127.0.0.1/values.yaml",
        "../../.git/config",
        "a\0b",
        "/",
    ],
)
@pytest.mark.parametrize("field", ["value_files", "file_parameters"])
def test_a_file_outside_the_repository_is_refused_before_anything_is_opened(
    repo: Repo, stage: Stage, file: str, field: str
) -> None:
    """Value files and file parameters alike, as an invalid spec."""
    value: Any = [file] if field == "value_files" else [HelmFileParameter(name="x", path=file)]
    source = Source(repo_url=repo.url, path="helm/web", helm=HelmSource(**{field: value}))
    assert isinstance(stage.refusal(lambda: stage.render(source)), InvalidSpec)


def test_the_refusal_does_not_tell_whether_the_file_exists(repo: Repo, stage: Stage, tmp_path: Path) -> None:
    """The same words for a file that is there and for one that is not."""
    (tmp_path / "here").write_text("a: b")

    def text(file: Path) -> str:
        path = "../" * 20 + str(file).lstrip("/")
        source = Source(repo_url=repo.url, path="helm/web", helm=HelmSource(value_files=[path]))
        return str(stage.refusal(lambda: stage.render(source))).replace("gone", "here")

    assert text(tmp_path / "here") == text(tmp_path / "gone")


def test_a_value_file_that_does_not_exist(repo: Repo, stage: Stage) -> None:
    """An error with its place, unless the source says otherwise; its later appearance is seen."""
    source = Source(repo_url=repo.url, path="helm/web", helm=HelmSource(value_files=["nope.yaml"]))
    assert "helm.valueFiles[0]: helm/web/nope.yaml does not exist" in str(stage.refusal(lambda: stage.render(source)))
    options = {"value_files": ["../late.yaml"], "ignore_missing_value_files": True}
    assert 1 == values_of(stage, repo, **options)["replicas"]
    repo.push({"helm/late.yaml": "replicas: 9"})
    stage.service.resolve(source, "default", force=True)
    assert 9 == values_of(stage, repo, **options)["replicas"]


@pytest.mark.row(29)
def test_parameters_override_everything_and_stay_what_they_are(repo: Repo, stage: Stage) -> None:
    """--set with dots and lists, --set-string, the build environment, a version that stays text."""
    found = values_of(
        stage,
        repo,
        value_files=["values-prod.yaml"],
        values="image: {tag: '3.0'}",
        parameters=[
            HelmParameter(name="image.tag", value="1.2.0"),
            HelmParameter(name="replicas", value="4"),
            HelmParameter(name="text", value="4", force_string=True),
            HelmParameter(name="list[1].name", value="a,b"),
            HelmParameter(name="both", value="{x,y}"),
            HelmParameter(name="app", value="$ARGOCD_APP_NAME-${ARGOCD_APP_NAMESPACE}-$$x-$UNKNOWN"),
        ],
        file_parameters=[HelmFileParameter(name="file", path="../../environments/dev/web.yaml")],
    )
    assert {"repository": "web", "tag": "1.2.0", "pull": {"policy": "Always"}} == found["image"]
    assert (4, "4", "shop-shop-ns-$x-") == (found["replicas"], found["text"], found["app"])
    assert ([None, {"name": "a,b"}], ["x", "y"], "replicas: 2\n") == (found["list"], found["both"], found["file"])


def test_a_parameter_that_is_no_expression_is_named(repo: Repo, stage: Stage) -> None:
    """With its index."""
    source = Source(
        repo_url=repo.url, path="helm/web", helm=HelmSource(parameters=[HelmParameter(name="a[x]", value="1")])
    )
    assert "helm.parameters[0]" in str(stage.refusal(lambda: stage.render(source)))


def test_values_of_another_repository(repo: Repo, stage: Stage, git_server: GitServer) -> None:
    """$ref/file is the root of the source of that name; its changes are seen, an unknown name lists the known ones."""
    other = git_server.create("values")
    other.push({"env/prod.yaml": "replicas: 8\n"})
    chart = Source(repo_url=repo.url, path="helm/web", helm=HelmSource(value_files=["$vals/env/prod.yaml"]))
    sources = (chart, Source(repo_url=other.url, ref="vals"))
    (text,) = stage.render(*sources).objects
    assert 8 == json.loads(json.loads(text)["data"]["values"])["replicas"]
    other.push({"env/prod.yaml": "replicas: 9\n"})
    stage.service.resolve(sources[1], "default", force=True)
    (text,) = stage.render(*sources).objects
    assert 9 == json.loads(json.loads(text)["data"]["values"])["replicas"]
    wrong = Source(repo_url=repo.url, path="helm/web", helm=HelmSource(value_files=["$val/env/prod.yaml"]))
    assert "(known: $vals)" in str(stage.refusal(lambda: stage.render(wrong, sources[1])))


def test_the_clusters_versions_reach_the_chart_and_its_key(repo: Repo, stage: Stage) -> None:
    """A chart that asks is rendered again after an upgrade; one that does not ask is not."""
    source = Source(repo_url=repo.url, path="helm/web")
    assert stage.render(source).key == stage.render(source, kube_version="v1.20.0", api_versions=("x/v1",)).key
    template = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  v: {{ .Capabilities.KubeVersion.Version }}\n"
    )
    template += '  has: {{ .Capabilities.APIVersions.Has "x/v1/Y" | quote }}\n'
    repo.push({"helm/web/templates/cm.yaml": template})
    stage.service.resolve(source, "default", force=True)
    for version, versions, has in (("v1.36.1", ("v1",), "false"), ("v1.20.0-gke.7", ("v1", "x/v1/Y"), "true")):
        (text,) = stage.render(source, kube_version=version, api_versions=versions).objects
        assert {"v": version.partition("-")[0], "has": has} == json.loads(text)["data"]


def test_a_revision_in_the_parameters_makes_the_key_depend_on_the_commit(repo: Repo, stage: Stage) -> None:
    """And its absence does not."""
    helm = HelmSource(parameters=[HelmParameter(name="rev", value="$ARGOCD_APP_REVISION_SHORT")])
    source, plain = Source(repo_url=repo.url, path="helm/web", helm=helm), Source(repo_url=repo.url, path="helm/web")
    before = stage.render(source).key, stage.render(plain).key
    commit = repo.push({"README.md": "x"})
    stage.service.resolve(source, "default", force=True)
    after = stage.render(source).key, stage.render(plain).key
    assert (False, True) == (before[0] == after[0], before[1] == after[1])
    assert commit[:7] == values_of(stage, repo, parameters=helm.parameters)["rev"]


def test_crds_and_test_hooks_are_chosen_by_the_source(repo: Repo, stage: Stage) -> None:
    """CRDs are included and test hooks kept unless the source skips them; other hooks stay with their annotations."""
    crd = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: xs.example.com}\n"
    hook = 'apiVersion: batch/v1\nkind: Job\nmetadata: {name: %s, annotations: {helm.sh/hook: "%s"}}\n'
    repo.push(
        {
            "helm/web/crds/x.yaml": crd,
            "helm/web/templates/test.yaml": hook % ("test", "test"),
            "helm/web/templates/hook.yaml": hook % ("hook", "pre-install,pre-upgrade"),
        }
    )

    def kinds(**helm: Any) -> list[str]:
        found = stage.render(Source(repo_url=repo.url, path="helm/web", helm=HelmSource(**helm))).objects
        return [json.loads(o)["metadata"]["name"] for o in found]

    assert ["xs.example.com", "shop-web", "hook", "test"] == kinds()
    assert ["shop-web", "hook"] == kinds(skip_crds=True, skip_tests=True)


def test_crds_of_a_subchart_that_is_off_are_left_out(repo: Repo, stage: Stage) -> None:
    """As its templates are."""
    crd = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: xs.example.com}\n"
    repo.push(
        {
            "helm/web/Chart.yaml": CHART + "dependencies: [{name: crds, version: 0.1.0, condition: crds.enabled}]\n",
            "helm/web/charts/crds/Chart.yaml": "apiVersion: v2\nname: crds\nversion: 0.1.0\n",
            "helm/web/charts/crds/crds/x.yaml": crd,
        }
    )
    for enabled, count in ((True, 2), (False, 1)):
        helm = HelmSource(values_object={"crds": {"enabled": enabled}})
        assert count == len(stage.render(Source(repo_url=repo.url, path="helm/web", helm=helm)).objects)


def test_a_schema_is_checked_unless_the_source_says_no(repo: Repo, stage: Stage) -> None:
    """values.schema.json."""
    repo.push({"helm/web/values.schema.json": json.dumps({"properties": {"replicas": {"type": "string"}}})})
    source = Source(repo_url=repo.url, path="helm/web")
    assert "replicas" in str(stage.refusal(lambda: stage.render(source)))
    assert 1 == values_of(stage, repo, skip_schema_validation=True)["replicas"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"helm/web/templates/cm.yaml": '{{ fail "no image" }}'}, "no image"),
        ({"helm/web/templates/cm.yaml": "{{ .Values.x.y.z }}"}, "web/templates/cm.yaml:1:10"),
        ({"helm/web/templates/cm.yaml": "{{ nope }}"}, "nope"),
        ({"helm/web/templates/cm.yaml": "apiVersion: v1\nkind: [\n"}, ": web/templates/cm.yaml:3:1: did not find"),
        ({"helm/web/templates/cm.yaml": "kind: A\nkind: B"}, "stands twice"),
        ({"helm/web/Chart.yaml": "name: x"}, "chart helm/web"),
        ({"helm/web/values.yaml": f"a: {CANARY}: b"}, "chart helm/web"),
        (
            {"helm/web/Chart.yaml": CHART + "dependencies: [{name: db, version: 1.x.x, repository: 'https://x'}]"},
            "dependency db",
        ),
    ],
    ids=["fail", "nil", "parse", "yaml", "duplicate", "chart", "values", "dependency"],
)
def test_a_chart_that_does_not_render_says_why(repo: Repo, stage: Stage, files: dict[str, str], message: str) -> None:
    """On one line, without the private folder's name."""
    repo.push(files)  # type: ignore[arg-type]
    refusal = stage.refusal(lambda: stage.render(Source(repo_url=repo.url, path="helm/web")))
    assert isinstance(refusal, RenderError)
    assert message in str(refusal)
    assert "/tmp" not in str(refusal)
    assert CANARY not in str(refusal)


def test_a_bad_value_file_shows_its_place_and_not_its_content(repo: Repo, stage: Stage) -> None:
    """The usual YAML error would quote the line."""
    repo.push({"helm/web/secret.yaml": f"password: {CANARY}: x\n"})
    source = Source(repo_url=repo.url, path="helm/web", helm=HelmSource(value_files=["secret.yaml"]))
    text = str(stage.refusal(lambda: stage.render(source)))
    assert "helm/web/secret.yaml:1:" in text
    assert CANARY not in text


@pytest.mark.parametrize("target", ["/etc", "../../../../../../etc/passwd", "/proc/self/environ"])
def test_a_chart_cannot_read_files_of_the_machine(repo: Repo, stage: Stage, target: str) -> None:
    """Links out of the repository are refused before the chart is loaded; .Files sees only the chart."""
    repo.push({"helm/web/files/leak": Link(target)})
    assert "leads out of the repository" in str(
        stage.refusal(lambda: stage.render(Source(repo_url=repo.url, path="helm/web")))
    )


def test_a_chart_sees_no_environment_and_no_other_folder(
    repo: Repo, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no env and no expandenv; .Files stops at the chart's folder."""
    monkeypatch.setenv("LYN_CANARY", CANARY)
    template = 'data: {x: {{ .Files.Get "../../apps/web.yaml" | quote }}}\n'
    template = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\n{template}"
    repo.push({"helm/web/templates/cm.yaml": template})
    (text,) = stage.render(Source(repo_url=repo.url, path="helm/web")).objects
    assert {"x": ""} == json.loads(text)["data"]
    repo.push({"helm/web/templates/cm.yaml": '{{ env "LYN_CANARY" }}'})
    stage.service.resolve(Source(repo_url=repo.url, path="x"), "default", force=True)
    assert CANARY not in str(stage.refusal(lambda: stage.render(Source(repo_url=repo.url, path="helm/web"))))


def test_settings_that_cannot_be_used_are_named(repo: Repo, stage: Stage) -> None:
    """A release name that Helm would refuse, a version of Helm that is gone, a version that is none."""
    for helm, field in (
        (HelmSource(release_name="Not Valid"), "helm.releaseName"),
        (HelmSource(version="2"), "helm.version"),
    ):
        source = Source(repo_url=repo.url, path="helm/web", helm=helm)
        assert field in str(stage.refusal(lambda s=source: stage.render(s)))


def helm_program() -> str:
    """Return the real helm, or empty text."""
    assets = os.environ.get("KUBEBUILDER_ASSETS") or str(Path.home() / ".cache/lynceus/envtest")
    return shutil.which("helm", path=f"{os.environ['PATH']}{os.pathsep}{assets}") or ""


def parameters(*pairs: tuple[str, str]) -> list[HelmParameter]:
    """Return helm.parameters."""
    return [HelmParameter(name=name, value=value) for name, value in pairs]


ORACLE: list[tuple[str, list[str], dict[str, Any]]] = [
    ("plain", [], {}),
    ("prod", ["-f", "values-prod.yaml"], {"value_files": ["values-prod.yaml"]}),
    (
        "set",
        ["--set", "replicas=4,image.tag=1.2.0"],
        {"parameters": parameters(("replicas", "4"), ("image.tag", "1.2.0"))},
    ),
    ("null", ["--set", "image.pull=null"], {"parameters": parameters(("image.pull", "null"))}),
    ("list", ["--set", "a={x,2},b[1].c=z"], {"parameters": parameters(("a", "{x,2}"), ("b[1].c", "z"))}),
]


@pytest.mark.parametrize(("arguments", "helm"), [c[1:] for c in ORACLE], ids=[c[0] for c in ORACLE])
def test_the_real_helm_renders_the_same(
    repo: Repo, stage: Stage, tmp_path: Path, arguments: list[str], helm: dict[str, Any]
) -> None:
    """`helm template` of the checked-out chart gives the same objects."""
    assert_same_as_helm(repo, stage, tmp_path, "helm/web", arguments, HelmSource(**helm))


@pytest.mark.row(34)
@pytest.mark.parametrize("path", ["helm-guestbook", "blue-green", "apps"])
def test_argo_cds_examples_render_as_by_the_real_helm(examples: Repo, stage: Stage, tmp_path: Path, path: str) -> None:
    """Real charts."""
    assert_same_as_helm(examples, stage, tmp_path, path, [], None)


def assert_same_as_helm(
    repo: Repo, stage: Stage, tmp_path: Path, path: str, arguments: list[str], helm: HelmSource | None
) -> None:
    """Render a chart both ways and compare."""
    program = helm_program()
    if not program:
        pytest.skip("helm is not installed: put it on PATH or into KUBEBUILDER_ASSETS")
    subprocess.run(["git", "clone", "-q", str(repo.path), str(tmp_path / "out")], check=True)
    command = [program, "template", "shop", ".", "--namespace", "shop-ns", "--include-crds", *arguments]
    env = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    done = subprocess.run(command, cwd=tmp_path / "out" / path, capture_output=True, check=True, env=env)
    found = stage.render(Source(repo_url=repo.url, path=path, helm=helm))
    wanted = [d.value for d in parse(done.stdout, "helm")]
    assert sorted(map(json.dumps, wanted)) == sorted(json.dumps(json.loads(o)) for o in found.objects)
