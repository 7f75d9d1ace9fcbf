"""Sets the demo's stage and clears it away: cluster, repository, Lynceus; on somebody's own cluster also namespaces."""

from __future__ import annotations

import contextlib
import dataclasses
import secrets
import typing as t
from pathlib import Path

import click

from controller.kube.client import KubeClient
from lynceus.commands.crds import manifests
from lynceus.demo.clearing import CRDS, Clearing, insist
from lynceus.demo.cluster import DemoCluster
from lynceus.demo.repository import DemoRepository
from lynceus.demo.world import APPLICATIONS, World, read_manifest
from lynceus.embedded import embedded_cluster
from lynceus.options import RunOptions
from lynceus.wiring import Lynceus

PEOPLE: t.Final = {"developer": "shop-developers", "operator": "shop-operators"}
"""User of the API -> group."""
POLL: t.Final = "3s"
"""timeout.reconciliation of the demo: a push is seen within that time, with no webhook."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Given:
    """Somebody's own cluster, and how to get in."""

    kubeconfig: Path
    context: str | None = None
    """None: the current one."""
    allow_exec: bool = False
    """Start the credential plugin that the kubeconfig names."""


class Stage:
    """A context manager: entered, everything runs; left, everything that was made is gone.

    Args:
        folder: an empty one, which the caller removes.
        given: the cluster to use; None: an embedded one.
        port: of /metrics; 0: a free one.
        repository: what is deployed instead of the story's own.
    """

    def __init__(self, folder: Path, given: Given | None, port: int, *, repository: str | None) -> None:
        self._folder, self._given, self._port, self._own_repository = folder, given, port, repository
        mark = secrets.token_hex(3)
        self.control = "argocd" if given is None else f"lynceus-demo-{mark}"
        self.prefix = "" if given is None else f"lynceus-demo-{mark}-"
        self.tokens = {user: secrets.token_urlsafe(24) for user in PEOPLE}
        self._exits = contextlib.ExitStack()

    def __enter__(self) -> Stage:
        try:
            self._set()
        except BaseException:
            self._exits.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._exits.close()

    def _set(self) -> None:
        self._way = self._given or Given(kubeconfig=self._embedded_cluster())
        path, context, allow_exec = str(self._way.kubeconfig), self._way.context, self._way.allow_exec
        self.cluster = DemoCluster(KubeClient.from_kubeconfig(path, context, allow_exec=allow_exec))
        clearing = None if self._given is None else Clearing(self.cluster, self.control, self.prefix)
        if clearing:
            click.echo(f"Everything is made in namespaces that begin with {self.control}, and removed at the end.")
        self._install_crds(clearing)
        if clearing:
            self._exits.callback(insist, clearing.namespaces)
        self.cluster.create_namespace(self.control)
        if self._own_repository is None:
            self.repository = DemoRepository(self._folder)
        self._configure()
        self.lynceus = Lynceus(self._options())
        self._exits.callback(self.lynceus.stop)
        if clearing:
            self._exits.callback(insist, clearing.applications)
            self._exits.callback(click.echo, "\nClearing away what was made on the cluster …")
        self.lynceus.start()
        if self._own_repository is None:
            self._hand_in_applications()

    def _embedded_cluster(self) -> Path:
        click.echo("Starting an embedded cluster and Lynceus …")
        home = self._folder / "cluster"
        home.mkdir()
        server = embedded_cluster(home)
        server.start()
        self._exits.callback(server.stop)
        return Path(server.kubeconfig)

    def _install_crds(self, clearing: Clearing | None) -> None:
        missing = [name for name in CRDS if not self.cluster.exists("CustomResourceDefinition", "", name)]
        if not missing:
            return
        if clearing:
            click.echo("The cluster lacks the CRDs of Argo CD: they are installed, and removed at the end as well.")
            self._exits.callback(insist, clearing.crds, missing)
        for text in manifests():
            if any(f"name: {name}" in text for name in missing):
                self.cluster.apply(text)
        self.cluster.wait_established(missing)

    def _configure(self) -> None:
        """Write argocd-cm, argocd-rbac-cm, the project and the token file."""
        settings = {"timeout.reconciliation": POLL, "timeout.reconciliation.jitter": "0s"}
        if self._given is not None:
            settings["installationID"] = self.control
        self.cluster.set_config("argocd-cm", self.control, settings)
        lines = [f'{self.tokens[user]},{user},"{group}"' for user, group in PEOPLE.items()]
        self._token_file.touch(mode=0o600)
        self._token_file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        if self._own_repository is None:
            self.cluster.apply(self._manifest("project.yaml"))
            self.cluster.set_config("argocd-rbac-cm", self.control, {"policy.csv": self._manifest("policy.csv")})
        else:
            self.cluster.set_config("argocd-rbac-cm", self.control, {"policy.default": "role:admin"})

    def _manifest(self, name: str) -> str:
        return read_manifest(name, repository=self.repository.url, control=self.control, prefix=self.prefix)

    @property
    def _token_file(self) -> Path:
        return self._folder / "tokens.csv"

    def _options(self) -> RunOptions:
        return RunOptions(
            cache_dir=self._folder / "mirrors",
            kubeconfig=self._way.kubeconfig,
            context=self._way.context,
            allow_exec=self._way.allow_exec,
            namespace=self.control,
            metrics_port=self._port,
            api_port=0,
            token_file=self._token_file,
            allow_schemes=("https", "ssh", "file")
            if self._own_repository is None
            else ("https", "ssh", "http", "file"),
        )

    def _hand_in_applications(self) -> None:
        for document in self._manifest("applications.yaml").split("---\n"):
            if any(f"  name: {self.prefix}{name}\n" in document for name in self._shown()):
                self.cluster.apply(document)

    def _shown(self) -> tuple[str, ...]:
        return APPLICATIONS if has_kustomize() else tuple(name for name in APPLICATIONS if name != "storefront")

    def world(self) -> World:
        """Return what the steps play with, and say what cannot be shown here."""
        if not has_kustomize():
            click.secho("    - storefront is left out: neither kustomize nor kubectl is installed", fg="yellow")
        return World(
            cluster=self.cluster,
            reach=self._reach(),
            repository=self.repository,
            control=self.control,
            prefix=self.prefix,
            applications=self._shown(),
            metrics_url=f"{self.lynceus.metrics_server.url}/metrics",
            api_url=self.lynceus.api_server.url,
            tokens=self.tokens,
        )

    def _reach(self) -> tuple[str, ...]:
        way, context = self._way, ("--context", self._way.context) if self._way.context else ()
        return ("--kubeconfig", str(way.kubeconfig), *context, *(("--allow-exec",) if way.allow_exec else ()))

    def addresses(self) -> tuple[tuple[str, str], ...]:
        """Return what a person can look at while the demo stays up; the kubeconfig is the way to the token."""
        context = f" --context {self._way.context}" if self._way.context else ""
        return (
            ("metrics", f"{self.lynceus.metrics_server.url}/metrics"),
            ("API", f"{self.lynceus.api_server.url}/api/v1/applications"),
            ("API tokens", str(self._token_file)),
            ("kubectl", f"export KUBECONFIG={self._way.kubeconfig}"),
            ("", f"kubectl{context} get applications -n {self.control}"),
        )


def has_kustomize() -> bool:
    """Tell whether a kustomize or kubectl can be found, as the renderer looks for them."""
    from controller.sources.kustomize_tool import find_tool

    return find_tool() is not None
