"""Where credentials for an API server come from: kubeconfig, the pod's service account, a cluster Secret.

Only this module imports the `kubernetes` package, and only inside functions: importing it costs most of a second,
which the commands that need no cluster must not pay. Programs named in a kubeconfig (exec plugins, auth providers)
are not started unless the caller allows it. Called by `controller.kube.client`.
"""

from __future__ import annotations

import ipaddress
import os
import typing as t
import urllib.parse
import urllib.request
from pathlib import Path

from model.errors import InvalidSettings
from model.secrets import Cluster

if t.TYPE_CHECKING:
    import urllib3

    Configuration = t.Any

IN_CLUSTER_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"  # noqa: S105 - a path
Loader = t.Callable[[], "Configuration"]
"""Reads the credentials afresh; called at the start and after each 401."""

POOL_SIZE = 64
"""Connections kept open per pool: above the number of watched kinds, so that no watch reconnects for want of a slot."""


class Access:
    """Credentials and connection pool of one API server; thread-safe, because `renew` swaps whole values."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader
        self._configuration = loader()
        self.server: str = str(self._configuration.host).rstrip("/")
        self.pool = _pool(self._configuration)

    def headers(self) -> dict[str, str]:
        """Return the Authorization header, read again from a rotated token file when it is due."""
        token = self._configuration.get_api_key_with_prefix("BearerToken", "authorization")
        return {"Authorization": token} if token else {}

    def renew(self) -> None:
        """Read the credentials again; a client certificate may have changed too, so the pool is new."""
        self._configuration = self._loader()
        self.pool = _pool(self._configuration)


def _pool(configuration: Configuration) -> urllib3.PoolManager:
    """Return the connection pool that the official client builds: CA, client certificate, proxy, server name."""
    from kubernetes.client.rest import RESTClientObject

    of_environment = configuration.proxy in urllib.request.getproxies().values()
    if of_environment and _is_loopback(urllib.parse.urlsplit(configuration.host).hostname or ""):
        configuration.proxy = None
    return RESTClientObject(configuration).pool_manager


def _is_loopback(host: str) -> bool:
    """Say whether a host is this machine, to which no proxy of the environment leads.

    Source: golang.org/x/net/http/httpproxy, which kubectl and Argo CD use.
    """
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _configuration() -> Configuration:
    """Return an empty configuration that keeps connections alive and never retries by itself."""
    from kubernetes.client.configuration import Configuration as Official

    configuration = Official()
    configuration.connection_pool_maxsize = POOL_SIZE
    configuration.keep_alive = True
    configuration.retries = False
    return configuration


def loader_for(path: str | None, context: str | None, *, allow_exec: bool) -> Loader:
    """Choose the source of credentials as kubectl does, with the pod's own account before the home directory.

    Args:
        path: a kubeconfig file, or several joined by the path separator; None: ``KUBECONFIG``, else the service
            account of the pod, else ``~/.kube/config``.
        context: the context to use; None: the current one.
        allow_exec: whether programs named in the kubeconfig may be started.
    """
    chosen = path or os.environ.get("KUBECONFIG")
    if not chosen and context is None and Path(IN_CLUSTER_TOKEN).exists():
        return _load_in_cluster
    return lambda: _load_kubeconfig(chosen or str(Path.home() / ".kube" / "config"), context, allow_exec=allow_exec)


def _load_in_cluster() -> Configuration:
    """Read the service account of the pod."""
    from kubernetes.config import ConfigException, incluster_config

    official: t.Any = incluster_config
    configuration = _configuration()
    try:
        official.load_incluster_config(client_configuration=configuration)
    except (ConfigException, OSError) as failure:
        raise InvalidSettings("service account of the pod", "", str(failure), "a mounted token and CA") from None
    return configuration


def _load_kubeconfig(path: str, context: str | None, *, allow_exec: bool) -> Configuration:
    """Read a kubeconfig; an error names the file and never its content."""
    from kubernetes.config import ConfigException, kube_config

    official: t.Any = kube_config
    where = f"kubeconfig {path}"
    if not any(Path(part).expanduser().is_file() for part in path.split(os.pathsep) if part):
        raise InvalidSettings(where, "", "no such file", "a kubeconfig (--kubeconfig or KUBECONFIG)")
    try:
        merged = official.KubeConfigMerger(path).config
        if merged is None:
            raise ConfigException("no configuration found")
        _refuse_programs(merged.value, where, context, allow_exec=allow_exec)
        return _load_merged(merged, context)
    except InvalidSettings:
        raise
    except ConfigException as failure:
        raise InvalidSettings(where, "", str(failure)[:200], "a kubeconfig with this context") from None
    except Exception as failure:  # noqa: BLE001 - the library lets YAML, key and type errors through
        raise InvalidSettings(where, "", type(failure).__name__, "a readable kubeconfig") from None


def _load_merged(merged: t.Any, context: str | None) -> Configuration:
    """Fill a configuration from the merged kubeconfig; relative paths count from the file that holds them."""
    from kubernetes.config import kube_config

    official: t.Any = kube_config
    configuration = _configuration()
    loader = official.KubeConfigLoader(config_dict=merged, active_context=context, config_base_path=None)
    loader.load_and_set(configuration)
    return configuration


def _refuse_programs(config: dict[str, t.Any], where: str, context: str | None, *, allow_exec: bool) -> None:
    """Raise InvalidSettings when the chosen user would start a program."""
    wanted = context or config.get("current-context")
    user = next((_value(c, "context", "user") for c in config.get("contexts") or () if _name(c) == wanted), None)
    entry = next((u for u in config.get("users") or () if _name(u) == user), None)
    settings = (_plain(entry).get("user") or {}) if entry else {}
    for key in ("exec", "auth-provider"):
        if key in settings and not allow_exec:
            raise InvalidSettings(
                where, f"users[{user}].user.{key}", "a program to start", "a token or client certificate"
            )


def _plain(node: t.Any) -> dict[str, t.Any]:
    return t.cast("dict[str, t.Any]", getattr(node, "value", node))


def _name(node: t.Any) -> t.Any:
    return _plain(node).get("name")


def _value(node: t.Any, outer: str, inner: str) -> t.Any:
    return (_plain(node).get(outer) or {}).get(inner)


def cluster_loader(cluster: Cluster) -> Loader:
    """Return the loader for a cluster Secret (Argo CD: ClusterConfig).

    Raises:
        InvalidSettings: the Secret asks for a program or a cloud login, which are not started.
    """
    where = f"cluster {cluster.name or cluster.server}"
    for key in ("execProviderConfig", "awsAuthConfig"):
        if cluster.config.get(key):
            raise InvalidSettings(where, f"config.{key}", "a program to start", "bearerToken or tlsClientConfig")
    document = _kubeconfig_of(cluster)

    def load() -> Configuration:
        from kubernetes.config import ConfigException, kube_config

        official: t.Any = kube_config
        configuration = _configuration()
        try:
            official.load_kube_config_from_dict(document, client_configuration=configuration, persist_config=False)
        except (ConfigException, ValueError) as failure:
            raise InvalidSettings(where, "config", type(failure).__name__, "base64 certificates and a token") from None
        return configuration

    return load


def _kubeconfig_of(cluster: Cluster) -> dict[str, t.Any]:
    """Write the cluster Secret as a kubeconfig, which the official loader understands."""
    config, tls = cluster.config, cluster.config.get("tlsClientConfig") or {}
    server: dict[str, t.Any] = {"server": cluster.server, "insecure-skip-tls-verify": bool(tls.get("insecure"))}
    user: dict[str, t.Any] = {}
    for target, key, value in (
        (server, "certificate-authority-data", tls.get("caData")),
        (server, "tls-server-name", tls.get("serverName")),
        (user, "client-certificate-data", tls.get("certData")),
        (user, "client-key-data", tls.get("keyData")),
        (user, "token", config.get("bearerToken")),
        (user, "username", config.get("username")),
        (user, "password", config.get("password")),
    ):
        if value:
            target[key] = value
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "x",
        "clusters": [{"name": "x", "cluster": server}],
        "users": [{"name": "x", "user": user}],
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
    }
