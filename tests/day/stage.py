"""Where the day is played: a cluster, Git over HTTP, the whole program, Prometheus; and the hands of the people."""

from __future__ import annotations

import hashlib
import hmac
import json
import typing as t
import urllib.error
import urllib.request
from pathlib import Path

import click.testing

from lynceus.cli import cli
from lynceus.options import RunOptions
from lynceus.wiring import Lynceus
from tests.dashboards.prometheus import Prometheus, job
from tests.day import rules
from tests.scenarios.world import MERGE, Json, World
from tests.stage.git import GitServer, Repo
from tests.stage.keeper import free_ports

TOKENS = {"viewer": "viewers-token-0123456789", "admin": "admins-token-0123456789"}
WEBHOOK_SECRET = "a-secret-of-the-git-server"
POLICY = """p, role:watch, applications, get, */*, allow
p, role:watch, projects, get, *, allow
p, role:nobody, applications, delete, */*, allow
g, watchers, role:watch
g, admins, role:admin
"""


class Day:
    """The whole program with everything around it."""

    def __init__(self, world: World, git: GitServer, folder: Path) -> None:
        self.world, self.git, self.folder = world, git, folder
        self.repo: Repo = git.create("apps")
        self.quiet: Repo = git.create("quiet")
        """A repository with one commit: only people move what comes from it."""
        (self.port,) = free_ports(1)
        self.lynceus: Lynceus | None = None
        tokens = folder / "tokens.csv"
        tokens.touch(mode=0o600)
        tokens.write_text(f'{TOKENS["viewer"]},viewer,"watchers"\n{TOKENS["admin"]},admin,"admins"\n')
        self._options = RunOptions(
            cache_dir=folder / "mirrors",
            kubeconfig=world.kubeconfig,
            namespace=world.control,
            metrics_port=self.port,
            api_port=0,
            token_file=tokens,
            allow_schemes=("http", "file"),
            metrics_application_labels=("team",),
            metrics_application_conditions=("*",),
            metrics_cluster_labels=("region",),
            state_seconds=0.5,
        )

    def start(self) -> None:
        """Start the program."""
        self.lynceus = Lynceus(self._options)
        self.lynceus.start()

    def stop(self) -> None:
        """Stop the program."""
        if self.lynceus is not None:
            self.lynceus.stop()
            self.lynceus = None

    def prometheus(self) -> Prometheus:
        """Return a Prometheus that scrapes the program each second and evaluates the rules of the day."""
        folder = self.folder / "prometheus"
        folder.mkdir()
        jobs = [job("lynceus", self.port, namespace="monitored")]
        return Prometheus(folder, jobs, rules.write(folder), interval="1s")

    def ask(self, user: str, method: str, path: str, body: Json | None = None) -> int:
        """Call the API as a user; returns the status."""
        assert self.lynceus is not None
        request = urllib.request.Request(
            self.lynceus.api_server.url + path,
            method=method,
            data=json.dumps(body or {}).encode(),
            headers={"Authorization": f"Bearer {TOKENS[user]}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refusal:
            return refusal.code

    def cli(self, *arguments: str) -> str:
        """Run one of our commands against the cluster."""
        place = ("--kubeconfig", str(self.world.kubeconfig), "-n", self.world.control)
        done = click.testing.CliRunner().invoke(cli, [*arguments, *place], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    def application(self, name: str, path: str, *, project: str = "shop", **spec: t.Any) -> None:
        """Hand an Application in."""
        self.world.app(name, spec.pop("repo", self.repo), path, project=project, **spec)
        labels = {"team": "checkout", "environment": "production" if project == "shop" else "staging"}
        self.world.patch(name, {"metadata": {"labels": labels}})

    def announce(self, commit: str, files: list[str]) -> int:
        """Send what GitHub sends after a push to main; returns the status."""
        assert self.lynceus is not None
        repository = {"html_url": self.repo.url.removesuffix(".git"), "default_branch": "main"}
        commits = [{"id": commit, "added": [], "modified": files, "removed": []}]
        payload = {"ref": "refs/heads/main", "before": "0" * 40, "after": commit, "commits": commits}
        body = json.dumps({**payload, "repository": repository}).encode()
        signature = hmac.new(WEBHOOK_SECRET.encode(), body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "X-GitHub-Event": "push"}
        request = urllib.request.Request(
            self.lynceus.api_server.url + "/api/webhook",
            data=body,
            headers={**headers, "X-Hub-Signature-256": f"sha256={signature}"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)

    def secret(self, name: str, data: dict[str, str], labels: dict[str, str] | None = None) -> None:
        """Create a Secret in the control namespace."""
        metadata = {"name": name, "labels": labels or {}}
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}
        reply = self.world.cluster.request("POST", f"/api/v1/namespaces/{self.world.control}/secrets", body)
        assert reply.status == 201, reply.body[:300]

    def application_set(self, name: str, owned: int) -> None:
        """Hand an ApplicationSet in, with the status that its controller would write."""
        path = f"/apis/argoproj.io/v1alpha1/namespaces/{self.world.control}/applicationsets"
        kind = {"apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet"}
        template = {"metadata": {"name": "x"}, "spec": {"project": "shop", "destination": {}}}
        spec = {"generators": [], "template": template}
        reply = self.world.cluster.request("POST", path, {**kind, "metadata": {"name": name}, "spec": spec})
        assert reply.status == 201, reply.body[:300]
        now = "2026-01-01T00:00:00Z"
        fresh = {"type": "ResourcesUpToDate", "status": "True", "reason": "ApplicationSetUpToDate"}
        conditions = [{**fresh, "message": "", "lastTransitionTime": now}]
        resources = [{"kind": "Application", "name": f"{name}-{number}"} for number in range(owned)]
        status = {"status": {"conditions": conditions, "resources": resources}}
        for place in (f"{path}/{name}/status", f"{path}/{name}"):
            reply = self.world.cluster.request("PATCH", place, status, content_type=MERGE)
            if reply.status == 200:
                return
        raise AssertionError(reply.body[:300])

    def register_cluster(self, name: str, server: str) -> None:
        """Register a cluster."""
        data = {"name": name, "server": server, "config": '{"tlsClientConfig": {"insecure": true}}'}
        self.secret(f"cluster-{name}", data, {"argocd.argoproj.io/secret-type": "cluster", "region": "north"})
