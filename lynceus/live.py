"""What governs, read from a cluster once, for commands that answer about it: least rights, bounded, no watch, no write.

What a question cannot do without (the ConfigMaps, the AppProjects) must be readable; without Applications or cluster
Secrets the answer goes on and says what is missing. Every failure is one line. The `kubernetes` package is imported
only when a cluster is read.
"""

from __future__ import annotations

import typing as t

import msgspec

from lynceus.bundle import CONFIG_MAPS, Found, Live, assemble
from model.errors import (
    Forbidden,
    Gone,
    InvalidInput,
    InvalidSettings,
    LynceusError,
    NotFound,
    Unauthenticated,
)
from model.meta import JSON
from model.secrets import SECRET_TYPE_LABEL

if t.TYPE_CHECKING:
    from controller.kube.client import KubeClient
    from controller.kube.discovery import ApiResource

PAGE = 500
"""Objects a page, as client-go's pager."""
MOST_PAGES = 400
"""Pages of one list: 200,000 objects, far more than an API server holds of a kind that people write."""
RESTARTS = 3
"""A list begins again when its continue token grew too old; more often means that the server cannot keep up."""


class _ListMeta(msgspec.Struct, frozen=True, rename="camel"):
    next_page: str = msgspec.field(name="continue", default="")


class _Page(msgspec.Struct, frozen=True):
    metadata: _ListMeta = _ListMeta()
    items: list[JSON] | None = None


def read_live(
    kubeconfig: str | None,
    namespace: str,
    *,
    context: str | None = None,
    allow_exec: bool = False,
    applications: bool = True,
    clusters: bool = True,
) -> Live:
    """Read what governs from a cluster.

    Args:
        kubeconfig: a file; None: ``KUBECONFIG``, else the pod's service account, else ``~/.kube/config``.
        namespace: the control namespace.
        context: of the kubeconfig; None: its current one.
        allow_exec: start the credential plugin that the kubeconfig names.
        applications: read the Applications, too: of all namespaces when that is permitted, else of the control one.
        clusters: read the cluster Secrets, too; their credentials are not kept.

    Raises:
        InvalidSettings: the cluster does not answer, refuses the credentials, or something needed may not be read.
    """
    from controller.kube.client import KubeClient

    client = KubeClient.from_kubeconfig(kubeconfig, context, allow_exec=allow_exec)
    return _Reader(client, namespace).read(applications=applications, clusters=clusters)


class _Reader:
    """Reads one cluster."""

    def __init__(self, client: KubeClient, namespace: str) -> None:
        self.client, self.namespace = client, namespace
        self.where = f"cluster {client.server}"
        self.notes: list[str] = []

    def read(self, *, applications: bool, clusters: bool) -> Live:
        from controller.governance import CONFIG_MAP, SECRET
        from controller.writer import APPLICATIONS, PROJECTS

        objects = [found for name in CONFIG_MAPS for found in self._config_map(CONFIG_MAP, name)]
        objects += self._permitted(PROJECTS, self.namespace) or []
        if clusters:
            objects += self._spared(SECRET, label=f"{SECRET_TYPE_LABEL}=cluster")
        if applications:
            objects += self._applications(APPLICATIONS)
        live = assemble(objects, where=self.where, refuse=self._refused)
        return msgspec.structs.replace(live, notes=(*self.notes, *live.settings.problems), has_rbac=True,
                                       has_rbac_keys=True)  # fmt: skip

    def _refused(self, failure: InvalidInput) -> None:
        self.notes.append(str(failure))

    def _config_map(self, resource: ApiResource, name: str) -> t.Iterator[Found]:
        """Yield a ConfigMap; one that does not exist is an empty one."""
        what = f"ConfigMap {self.namespace}/{name}"
        try:
            raw = self.client.get(resource, self.namespace, name)
        except NotFound:
            return
        except LynceusError as failure:
            raise self._failure(what, f"get on configmaps in namespace {self.namespace}", failure) from None
        yield Found(msgspec.json.decode(raw), f"{self.where}: {what}")

    def _spared(self, resource: ApiResource, label: str = "") -> list[Found]:
        """Return a list that the answer can do without; a note says when it is missing."""
        without = f"{resource.plural} in namespace {self.namespace} may not be read and count as none"
        return self._permitted(resource, self.namespace, label, without=without) or []

    def _applications(self, resource: ApiResource) -> list[Found]:
        """Return the Applications of all namespaces, else those of the control namespace with a note."""
        without = "Applications of other namespaces may not be read and are left out"
        found = self._permitted(resource, "", without=without)
        return self._spared(resource) if found is None else found

    def _permitted(
        self, resource: ApiResource, namespace: str, label: str = "", *, without: str = ""
    ) -> list[Found] | None:
        """Return a list; when it may not be read, None and the note `without`, or a failure if there is none."""
        right = self._right(resource, namespace)
        try:
            return self._list(resource, namespace, label)
        except NotFound:
            self.notes.append(f"{self.where}: knows no {resource.plural}.{resource.group}, so there are none")
            return []
        except LynceusError as failure:
            if not without or not isinstance(failure, Forbidden):
                raise self._failure(resource.plural, right, failure) from None
        self.notes.append(f"{self.where}: {without}, expected the right to {right}")
        return None

    def _list(self, resource: ApiResource, namespace: str, label: str = "") -> list[Found]:
        """Return a complete list; begun again when it changed too much on the way."""
        for _ in range(RESTARTS):
            try:
                return self._pages(resource, namespace, label)
            except Gone:
                continue
        raise InvalidSettings(
            self.where, resource.plural, "a list that changes all the time", "a list that can be read"
        )

    def _pages(self, resource: ApiResource, namespace: str, label: str) -> list[Found]:
        found: list[Found] = []
        query: dict[str, str | int | bool] = {"limit": PAGE} | ({"labelSelector": label} if label else {})
        for _ in range(MOST_PAGES):
            raw = self.client.request("GET", resource.path(namespace), query=query, kind=f"{resource.kind}List")
            page = msgspec.json.decode(raw, type=_Page)
            for item in page.items or []:
                item.setdefault("kind", resource.kind)
                item.setdefault("apiVersion", resource.api_version)
                found.append(Found(item, self.where))
            if not page.metadata.next_page:
                return found
            query["continue"] = page.metadata.next_page
        raise InvalidSettings(self.where, resource.plural, "an endless list", f"at most {PAGE * MOST_PAGES} objects")

    def _right(self, resource: ApiResource, namespace: str) -> str:
        group = f".{resource.group}" if resource.group else ""
        place = f"in namespace {namespace}" if namespace else "in all namespaces"
        return f"list {resource.plural}{group} {place}"

    def _failure(self, what: str, right: str, failure: LynceusError) -> InvalidSettings:
        """Say in one line why the cluster cannot be read."""
        if isinstance(failure, InvalidSettings):
            return failure
        if isinstance(failure, Forbidden):
            return InvalidSettings(self.where, what, "no permission to read", f"the right to {right}")
        if isinstance(failure, Unauthenticated):
            return InvalidSettings(self.where, what, "credentials that are refused", "valid ones in the kubeconfig")
        return InvalidSettings(self.where, what, f"no usable answer ({failure})", "a reachable API server")
