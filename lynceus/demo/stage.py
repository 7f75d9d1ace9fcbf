"""Sets the demo's stage and clears it away: cluster, repository, Lynceus; on somebody's own cluster also namespaces."""

from __future__ import annotations

import contextlib
import secrets
import typing as t
from pathlib import Path

import click

from controller.kube.client import KubeClient
from lynceus.commands.crds import manifests
from lynceus.demo.cluster import DemoCluster
from lynceus.demo.repository import DemoRepository
from lynceus.demo.world import APPLICATIONS, World, read_manifest
from lynceus.embedded import embedded_cluster
from lynceus.options import RunOptions
from lynceus.wiring import Lynceus
from model.errors import LynceusError, NotFound

PEOPLE: t.Final = {"developer": "shop-developers", "operator": "shop-operators"}
"""User of the API -> group."""
CRDS: t.Final = ("applications.argoproj.io", "appprojects.argoproj.io", "applicationsets.argoproj.io")
POLL: t.Final = "3s"
"""timeout.reconciliation of the demo: a push is seen within that time, with no webhook."""
CLEAR_SECONDS: t.Final = 60.0


class Stage:
    """A context manager: entered, everything runs; left, everything that was made is gone."""

    def __init__(self, folder: Path, kubeconfig: Path | None, port: int, *, repository: str | None) -> None:
        self._folder, self._given, self._port, self._own_repository = folder, kubeconfig, port, repository
        mark = secrets.token_hex(3)
        self.control = "argocd" if kubeconfig is None else f"lynceus-demo-{mark}"
        self.prefix = "" if kubeconfig is None else f"lynceus-demo-{mark}-"
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
        self.kubeconfig = self._given or self._embedded_cluster()
        self.cluster = DemoCluster(KubeClient.from_kubeconfig(str(self.kubeconfig)))
        self._install_crds()
        self._exits.callback(self._remove_namespaces)
        self.cluster.create_namespace(self.control)
        if self._own_repository is None:
            self.repository = DemoRepository(self._folder)
        self._configure()
        self.lynceus = Lynceus(self._options())
        self._exits.callback(self.lynceus.stop)
        self._exits.callback(self._delete_applications)
        self.lynceus.start()
        if self._own_repository is None:
            self._hand_in_applications()

    def _embedded_cluster(self) -> Path:
        home = self._folder / "cluster"
        home.mkdir()
        server = embedded_cluster(home)
        server.start()
        self._exits.callback(server.stop)
        return Path(server.kubeconfig)

    def _install_crds(self) -> None:
        missing = [name for name in CRDS if not self.cluster.exists("CustomResourceDefinition", "", name)]
        if not missing:
            return
        for text in manifests():
            if any(f"name: {name}" in text for name in missing):
                self.cluster.apply(text)
        if self._given is not None:
            self._exits.callback(self._remove_crds, missing)
        self.cluster.wait_established(missing)

    def _remove_crds(self, names: list[str]) -> None:
        for name in names:
            self.cluster.delete("CustomResourceDefinition", "", name)

    def _remove_namespaces(self) -> None:
        if self._given is not None:
            for name in (
                *(self.prefix + application for application in APPLICATIONS),
                self.prefix + "own",
                self.control,
            ):
                with contextlib.suppress(LynceusError):
                    self.cluster.delete("Namespace", "", name)

    def _delete_applications(self) -> None:
        """Delete what was deployed while Lynceus still runs, so that the finalizers are carried out."""
        if self._given is None:
            return
        names = [self.prefix + name for name in (*APPLICATIONS, "own")]
        for name in names:
            self.cluster.delete("Application", self.control, name)
        try:
            self.cluster.wait_gone([("Application", self.control, name) for name in names], CLEAR_SECONDS)
        except LynceusError as error:  # the namespaces go all the same, and with them what was deployed
            click.secho(f"    - {error}; its finalizer is taken off", fg="yellow")
            for name in names:
                with contextlib.suppress(NotFound):
                    self.cluster.patch("Application", self.control, name, {"metadata": {"finalizers": None}})

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
            kubeconfig=self.kubeconfig,
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
            kubeconfig=self.kubeconfig,
            repository=self.repository,
            control=self.control,
            prefix=self.prefix,
            applications=self._shown(),
            metrics_url=f"{self.lynceus.metrics_server.url}/metrics",
            api_url=self.lynceus.api_server.url,
            tokens=self.tokens,
        )

    def addresses(self) -> tuple[tuple[str, str], ...]:
        """Return what a person can look at while the demo stays up; the kubeconfig is the way to the token."""
        return (
            ("metrics", f"{self.lynceus.metrics_server.url}/metrics"),
            ("API", f"{self.lynceus.api_server.url}/api/v1/applications"),
            ("API tokens", str(self._token_file)),
            ("kubectl", f"export KUBECONFIG={self.kubeconfig}"),
        )


def has_kustomize() -> bool:
    """Tell whether a kustomize or kubectl can be found, as the renderer looks for them."""
    from controller.sources.kustomize_tool import find_tool

    return find_tool() is not None
