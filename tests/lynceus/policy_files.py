"""A small policy in a folder, and what runs a test file over it."""

from pathlib import Path

from lynceus.policytest.load import load
from lynceus.policytest.run import FileResult, run

CSV = """p, role:dev, applications, sync, shop/*, allow
p, role:dev, applications, sync, shop/secret, deny
p, role:dev, applications, get, shop/*, allow
g, acme:dev, role:dev
"""
OBJECTS = """
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: shop, namespace: argocd}
spec:
  sourceRepos: ["https://git.example.com/shop-*"]
  destinations: [{name: production, namespace: "shop-*"}]
  namespaceResourceBlacklist: [{group: "", kind: Secret}]
  roles:
  - {name: ci, policies: ["p, proj:shop:ci, applications, sync, shop/web, allow"], groups: [acme-ci]}
  syncWindows:
  - {kind: allow, schedule: "0 9 * * *", duration: 8h, applications: ["*"], manualSync: true, description: Office}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: web, namespace: argocd}
spec:
  project: shop
  source: {repoURL: https://git.example.com/shop-web.git, path: .}
  destination: {server: https://production.example.com, namespace: shop-web}
"""
HEAD = """policy: policy.csv
projects: objects.yaml
applications: objects.yaml
clusters: [{name: production, server: "https://production.example.com"}]
at: 2026-11-18T12:00:00Z
tests:
- name: group
  cases:
"""
"""What a test file begins with; the cases follow, indented by two. The first stands in line 9."""


def write(folder: Path, cases: str = "", head: str = HEAD, **files: str) -> str:
    """Write the policy and a test file; returns the path of the latter."""
    (folder / "policy.csv").write_text(CSV)
    (folder / "objects.yaml").write_text(OBJECTS)
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
    path = folder / "a.test.yaml"
    path.write_text(head + cases)
    return str(path)


def judge(folder: Path, cases: str, head: str = HEAD, **files: str) -> FileResult:
    """Run a test file."""
    return run(load(write(folder, cases, head, **files)), lambda _: True, lambda: 0.0)


def differences(result: FileResult) -> list[str]:
    """All lines in which answers differ from what was expected."""
    return [line for outcome in result.outcomes for line in outcome.differences]
