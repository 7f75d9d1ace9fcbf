"""Repository and cluster Secrets, read into typed values and looked up; what cannot be used is told, never guessed.

Called by controller.governance, which feeds it from a watch, and by whoever needs credentials for a repository. No
value of a Secret ever goes into a message.
"""

from __future__ import annotations

import base64
import binascii
import threading
import typing as t

import msgspec

from model.errors import InvalidSettings, LynceusError
from model.secrets import SECRET_TYPE_LABEL, Cluster, Credentials, Repository
from model.urls import canonical_url


class _Meta(msgspec.Struct, frozen=True):
    name: str
    namespace: str = ""
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class _Secret(msgspec.Struct, frozen=True):
    metadata: _Meta
    data: dict[str, str] | None = None


_secrets = msgspec.json.Decoder(_Secret)

Entry = Repository | Cluster


def read_secret(raw: bytes) -> Entry | None:
    """Read one labelled Secret; None for types that are used elsewhere (repository-write, …).

    Raises:
        InvalidSettings: a field that is needed is missing or cannot be read; names the Secret and the key.
    """
    secret = _secrets.decode(raw)
    where = f"Secret {secret.metadata.namespace}/{secret.metadata.name}"
    kind = (secret.metadata.labels or {}).get(SECRET_TYPE_LABEL, "")
    if kind not in ("repository", "repo-creds", "cluster"):
        return None
    data = {key: _text(value, where, key) for key, value in (secret.data or {}).items()}
    if kind == "cluster":
        return _cluster(data, secret.metadata.labels or {}, where)
    return _repository(data, where, template=kind == "repo-creds")


class SecretBook:
    """All repositories and clusters that the Secrets of the control namespace name; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[str, Entry] = {}

    def put(self, name: str, entry: Entry | None) -> None:
        """Take the content of the Secret `name`, or forget it."""
        with self._lock:
            if entry is None:
                self._entries.pop(name, None)
            else:
                self._entries[name] = entry

    def names(self) -> set[str]:
        """Return the names of the Secrets that hold an entry."""
        with self._lock:
            return set(self._entries)

    def clusters(self) -> tuple[Cluster, ...]:
        """Return all clusters, sorted by name."""
        with self._lock:
            found = [e for e in self._entries.values() if isinstance(e, Cluster)]
        return tuple(sorted(found, key=lambda c: (c.name, c.server)))

    def repositories(self) -> tuple[Repository, ...]:
        """Return all repositories, without credential templates, sorted by URL."""
        with self._lock:
            found = [e for e in self._entries.values() if isinstance(e, Repository) and not e.template]
        return tuple(sorted(found, key=lambda r: (r.url, r.project)))

    def repository(self, url: str, project: str) -> Repository | None:
        """Return the entry for a repository as an Application of `project` may use it, None when there is none.

        An entry of the project itself goes before one without a project; one of another project is not used. Where the
        entry has no credentials, those of the longest matching repo-creds prefix are added.
        """
        wanted = _canonical(url)
        with self._lock:
            entries = [e for e in self._entries.values() if isinstance(e, Repository) and e.project in ("", project)]
        own = [e for e in entries if not e.template and _canonical(e.url) == wanted]
        best = max(own, key=lambda e: (e.project == project and bool(project), e.name), default=None)
        if best is not None and not best.credentials.empty:
            return best
        template = max(
            (e for e in entries if e.template and _covers(e, wanted)), key=lambda e: len(e.url), default=None
        )
        if template is None:
            return best
        if best is None:
            return msgspec.structs.replace(template, url=url, template=False)
        return msgspec.structs.replace(best, credentials=template.credentials)


def _covers(template: Repository, wanted: str) -> bool:
    """Say whether a prefix of repo-creds covers a canonical URL, at the border of a path segment."""
    prefix = _canonical(template.url).rstrip("/")
    return wanted == prefix or wanted.startswith((prefix + "/", prefix + ":"))


def _canonical(url: str) -> str:
    try:
        return canonical_url(url)
    except LynceusError:
        return url


def _repository(data: t.Mapping[str, str], where: str, *, template: bool) -> Repository:
    kind = data.get("type") or "git"
    if kind not in ("git", "helm", "oci"):
        raise InvalidSettings(where, "type", kind[:20], "git, helm or oci")
    if not data.get("url"):
        raise InvalidSettings(where, "url", "nothing", "the URL of the repository")
    credentials = Credentials(
        username=data.get("username", ""),
        password=data.get("password", ""),
        bearer_token=data.get("bearerToken", ""),
        ssh_private_key=data.get("sshPrivateKey", ""),
        tls_client_cert_data=data.get("tlsClientCertData", ""),
        tls_client_cert_key=data.get("tlsClientCertKey", ""),
        insecure=_flag(data, "insecure", where) or _flag(data, "insecureIgnoreHostKey", where),
    )
    return Repository(
        url=data["url"].strip(),
        type=t.cast("t.Literal['git', 'helm', 'oci']", kind),
        name=data.get("name", ""),
        project=data.get("project", ""),
        template=template,
        credentials=credentials,
    )


def _cluster(data: t.Mapping[str, str], labels: dict[str, str], where: str) -> Cluster:
    server = data.get("server", "").strip().rstrip("/")
    if not server:
        raise InvalidSettings(where, "server", "nothing", "the URL of the API server")
    try:
        config = msgspec.json.decode(data.get("config") or "{}", type=dict[str, t.Any])
    except (msgspec.MsgspecError, RecursionError):
        raise InvalidSettings(where, "config", "something else", "a JSON object") from None
    return Cluster(
        name=data.get("name", "").strip() or server,
        server=server,
        namespaces=tuple(n.strip() for n in data.get("namespaces", "").split(",") if n.strip()),
        cluster_resources=_flag(data, "clusterResources", where),
        project=data.get("project", ""),
        labels=labels,
        config=config,
    )


def _flag(data: t.Mapping[str, str], key: str, where: str) -> bool:
    text = data.get(key, "").strip()
    if text in ("", "false", "False", "FALSE", "f", "F", "0"):
        return False
    if text in ("true", "True", "TRUE", "t", "T", "1"):
        return True
    raise InvalidSettings(where, key, "something else", "true or false")


def _text(value: str, where: str, key: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise InvalidSettings(where, key, "bytes that are no text", "text in UTF-8") from None
