"""`lynceus project`: each question with its rule, rendered objects, what the files add, traps, formats, exit codes."""

import json
from pathlib import Path

import pytest
import yaml

from tests.lynceus.test_commands_policy import APP, run

PROJECT = """
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: shop, namespace: argocd, labels: {tier: prod}}
spec:
  sourceRepos: ["https://github.com/acme/payments-*"]
  destinations: [{name: production, namespace: "payments-*"}]
  namespaceResourceBlacklist: [{group: "", kind: ResourceQuota}]
"""
GLOBAL = """
apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-cm, namespace: argocd}
data:
  globalProjects: "[{projectName: base, labelSelector: {matchLabels: {tier: prod}}}]"
  application.sync.impersonation.enabled: "true"
---
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: base, namespace: argocd}
spec:
  clusterResourceWhitelist: [{group: "", kind: Namespace}]
  destinationServiceAccounts: [{server: "*", namespace: "payments-*", defaultServiceAccount: deployer}]
"""
MANIFESTS = """
{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}}
---
{apiVersion: v1, kind: ResourceQuota, metadata: {name: mine}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: payments-x}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: away, namespace: kube-system}}
---
{apiVersion: x.io/v1, kind: Widget, metadata: {name: w}}
"""
SECRET = """
---
apiVersion: v1
kind: Secret
metadata: {name: prod, labels: {argocd.argoproj.io/secret-type: cluster}}
stringData: {name: production, server: "https://prod:6443"}
"""
CRD = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.x.io}
spec: {group: x.io, scope: Namespaced, names: {kind: Widget}}
"""
SECRETS = """
apiVersion: v1
kind: Secret
metadata: {name: repo, namespace: argocd, labels: {argocd.argoproj.io/secret-type: repository}}
stringData: {url: https://github.com/acme/web, project: shop}
---
apiVersion: v1
kind: Secret
metadata: {name: cluster, namespace: argocd, labels: {argocd.argoproj.io/secret-type: cluster}}
stringData: {name: production, server: "https://production:6443", project: shop}
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name, text in {"app": APP, "project": PROJECT, "global": GLOBAL, "objects": MANIFESTS, "crd": CRD}.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    (tmp_path / "secrets.yaml").write_text(SECRETS)
    return tmp_path


def test_each_question_has_its_rule(files: Path) -> None:
    """Source and destination of a permitted Application, each with the entry that says so."""
    code, out, _ = run(files, "project", "check", "app.yaml", "--project-file", "project.yaml")
    lines = [line.split() for line in out.splitlines()]
    assert 0 == code
    assert ["web:", "allow:"] == lines[0][:2]
    assert ["source", "destination"] == [line[0] for line in lines[2:]]
    assert all("AppProject shop: spec." in line for line in out.splitlines())


def test_rendered_objects_are_judged_as_in_a_sync(files: Path) -> None:
    """Kinds, namespaces and unknown scopes refuse with rule and remedy, and the exit code says so."""
    ask = (
        "project",
        "check",
        "app.yaml",
        "--project-file",
        "project.yaml",
        "--manifests",
        "objects.yaml",
        "-o",
        "json",
    )
    code, out, _ = run(files, *ask)
    (record,) = json.loads(out)
    found = {each["about"]: each for each in record["checks"] if each["asked"] == "object"}
    assert 1 == code
    assert {
        "apps/Deployment payments-x/web": True,
        "ResourceQuota payments-x/mine": False,
        "Namespace payments-x": False,
        "ConfigMap kube-system/away": False,
        "x.io/Widget w": False,
    } == {about: each["allowed"] for about, each in found.items()}
    quota = found["ResourceQuota payments-x/mine"]
    assert "AppProject shop: spec.namespaceResourceBlacklist[0]" == quota["rule"]["origin"]
    assert all(each["remedy"] for each in found.values() if not each["allowed"])
    _, out, _ = run(files, *ask, "--manifests", "crd.yaml")
    assert {"x.io/Widget payments-x/w": True}.items() <= {
        each["about"]: each["allowed"] for each in json.loads(out)[0]["checks"]
    }.items()


def test_what_other_files_add_counts(files: Path) -> None:
    """The global project of argocd-cm gives a kind and a service account; Secrets give a source and a cluster."""
    ask = ["project", "check", "app.yaml", "--manifests", "objects.yaml", "-o", "yaml"]
    ask += [word for name in ("project", "global") for word in ("--project-file", f"{name}.yaml")]
    _, out, _ = run(files, *ask)
    (record,) = yaml.safe_load(out)
    checks = {each["about"]: each for each in record["checks"]}
    assert "AppProject base: spec.clusterResourceWhitelist[0]" == checks["Namespace payments-x"]["rule"]["origin"]
    assert (
        "AppProject base: spec.destinationServiceAccounts[0]"
        == (checks["system:serviceaccount:payments-x:deployer"]["rule"]["origin"])
    )
    assert {"project-global-effect"} == {finding["code"] for finding in record["findings"]}
    (files / "other.yaml").write_text(
        APP.replace("payments-api.git", "web").replace("name: production", "server: https://production:6443")
    )
    with_secrets = ("--project-file", "secrets.yaml", "--project-file", "project.yaml")
    assert (1, 0) == (
        run(files, "project", "check", "other.yaml", "--project-file", "project.yaml")[0],
        run(files, "project", "check", "other.yaml", *with_secrets)[0],
    )


def test_lint_names_place_and_fix(files: Path) -> None:
    """A misspelt list is an error; a project without traps exits 0."""
    (files / "bad.yaml").write_text(PROJECT.replace("namespaceResourceBlacklist", "namespaceResourceBlackList"))
    good, bad = run(files, "project", "lint", "project.yaml"), run(files, "project", "lint", "bad.yaml", "-o", "json")
    record = json.loads(bad[1])
    assert (0, "project.yaml: 0 errors, 0 warnings\n") == good[:2]
    assert (1, False) == (bad[0], record["valid"])
    assert ("project-unknown-field", "namespaceResourceBlacklist") == (
        record["findings"][0]["code"],
        record["findings"][0]["fix"],
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("project", "lint", "app.yaml"), "expected at least one"),
        (("project", "check", "app.yaml", "--manifests", "broken.yaml"), "rendered manifests"),
        (("project", "check", "app.yaml", "--manifests", "nowhere.yaml"), "nowhere.yaml"),
    ],
)
def test_unusable_files_exit_2_with_one_line(files: Path, arguments: tuple[str, ...], message: str) -> None:
    """The line names the file or the option and what would be right."""
    (files / "broken.yaml").write_text("{kind: ConfigMap}")
    code, out, err = run(files, *arguments, *(() if "lint" in arguments else ("--project-file", "project.yaml")))
    assert (2, "", 1) == (code, out, len(err.splitlines()))
    assert message in err


@pytest.mark.parametrize("wanted", ["name: in-cluster", "server: https://kubernetes.default.svc"])
@pytest.mark.parametrize("entry", ["name: in-cluster", "server: https://kubernetes.default.svc"])
def test_the_local_cluster_is_known_under_both_names(files: Path, wanted: str, entry: str) -> None:
    """Without a Secret and without --cluster, however the Application and the project spell it."""
    (files / "app.yaml").write_text(APP.replace("name: production", wanted))
    (files / "project.yaml").write_text(PROJECT.replace("name: production", entry))
    code, out, _ = run(files, "project", "check", "app.yaml", "--project-file", "project.yaml")
    assert 0 == code, out


@pytest.mark.parametrize("wanted", ["name: production", "server: https://prod:6443", "server: https://PROD:6443/"])
def test_a_cluster_of_a_secret_is_known_in_every_spelling(files: Path, wanted: str) -> None:
    """What the Application calls it is no second cluster beside the one of the Secret."""
    (files / "app.yaml").write_text(APP.replace("name: production", wanted))
    (files / "project.yaml").write_text(PROJECT + SECRET)
    code, out, _ = run(files, "project", "check", "app.yaml", "--project-file", "project.yaml")
    assert 0 == code, out


def test_a_project_that_stands_twice_is_refused_unless_both_are_one(files: Path) -> None:
    """The same text in two files is no question; which of two others counts would be a guess."""
    (files / "again.yaml").write_text(PROJECT)
    words = ("project", "check", "app.yaml", "--project-file", "project.yaml", "--project-file", "again.yaml")
    assert 0 == run(files, *words)[0]
    (files / "again.yaml").write_text(PROJECT.replace("payments-*", "*"))
    code, out, err = run(files, *words)
    assert (2, "") == (code, out)
    assert "lynceus: again.yaml: found AppProject shop again, otherwise than in project.yaml, " in err


def test_a_folder_of_projects_is_read(files: Path) -> None:
    """All YAML and JSON files in it count."""
    (files / "policy").mkdir()
    (files / "policy" / "shop.yaml").write_text(PROJECT)
    assert 0 == run(files, "project", "check", "app.yaml", "--project-file", "policy")[0]
    assert 0 == run(files, "project", "lint", "policy")[0]


def test_the_first_answer_is_the_first_refusal(files: Path) -> None:
    """Exit code, first line and the data above the checks say the same, also when only an object is refused."""
    words = ("project", "check", "app.yaml", "--project-file", "project.yaml", "--manifests", "objects.yaml")
    code, out, _ = run(files, *words)
    assert (1, "web: deny: kind ResourceQuota is refused by") == (code, out[:43])
    found = json.loads(run(files, *words, "-o", "json")[1])[0]
    assert (False, "AppProject shop: spec.namespaceResourceBlacklist[0]") == (found["allowed"], found["rule"]["origin"])
