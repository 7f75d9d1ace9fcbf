"""One server under test, seen the same way whether it is the real control plane or the sandbox.

Uses HTTP and kubectl only, none of Lynceus' own client, so that it can bear witness about that client.
"""

import base64
import contextlib
import http.client
import json
import os
import shutil
import ssl
import subprocess
import sys
import urllib.parse
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.stage.keeper import USERS

KUBECTL_SECONDS = 60.0
NAMESPACE_LENGTH = 63


@dataclass(frozen=True)
class Reply:
    """An answer of the server."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Cluster:
    """A running Kubernetes API server."""

    name: str
    """"real" or "sandbox"."""
    kubeconfig: Path
    """Kubeconfig of the user admin."""
    url: str
    token: str
    ca: Path | None
    """The certificate to trust; None on plain HTTP."""
    directory: Path
    """Scratch folder that goes with the cluster."""
    tokens: Mapping[str, str] = field(default_factory=dict)
    """User name -> token; only "admin" where the server knows no other."""

    @property
    def is_real(self) -> bool:
        """Whether this is a real kube-apiserver."""
        return self.name == "real"

    def user(self, name: str) -> Path:
        """The kubeconfig of another user.

        On the real control plane alice (group developers) and bob (operators) have no rights until the test grants
        some; lynceus, lynceus-2 and argocd may do everything. A server without that user lets admin impersonate it.
        """
        if name == "admin":
            return self.kubeconfig
        own = self.directory / f"kubeconfig-{name}"
        if not own.exists():
            content = yaml.safe_load(self.kubeconfig.read_text())
            content["users"][0]["user"] = self._user_entry(name)
            own.touch(mode=0o600)
            own.write_text(json.dumps(content))
        return own

    def _user_entry(self, name: str) -> dict[str, Any]:
        if name in self.tokens:
            return {"token": self.tokens[name]}
        return {"token": self.token, "as": name} | ({"as-groups": [USERS[name]]} if name in USERS else {})

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        user: str = "admin",
        content_type: str = "application/json",
        accept: str = "application/json",
        timeout: float = 30.0,
    ) -> Reply:
        """Send one request and read the whole answer, whatever its status.

        Args:
            method: HTTP method.
            path: Path with its query.
            body: Bytes as they are; None for none; anything else as JSON.
            user: Who asks.
            content_type: Of the body.
            accept: What is asked for.
            timeout: Seconds.
        """
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Accept": accept, "Content-Type": content_type, **self.credentials(user)}
        connection = self.connect(timeout)
        with contextlib.closing(connection):
            connection.request(method, path, body=data, headers=headers)
            answer = connection.getresponse()
            return Reply(answer.status, dict(answer.headers.items()), answer.read())

    def credentials(self, user: str) -> dict[str, str]:
        """The headers by which a user is known."""
        if user in self.tokens:
            return {"Authorization": f"Bearer {self.tokens[user]}"}
        headers = {"Authorization": f"Bearer {self.token}"}
        if user != "admin":
            headers["Impersonate-User"] = user
            headers |= {"Impersonate-Group": USERS[user]} if user in USERS else {}
        return headers

    def connect(self, timeout: float | None = 30.0) -> http.client.HTTPConnection:
        """A new connection to the server."""
        address = urllib.parse.urlsplit(self.url)
        assert address.hostname is not None
        if address.scheme == "http":
            return http.client.HTTPConnection(address.hostname, address.port, timeout=timeout)
        context = ssl.create_default_context(cafile=str(self.ca) if self.ca else None)
        return http.client.HTTPSConnection(address.hostname, address.port, timeout=timeout, context=context)

    def get(self, path: str) -> Any:
        """Read one object or list; fails unless the answer is 200."""
        reply = self.request("GET", path)
        assert reply.status == 200, f"GET {path}: {reply.status} {reply.body[:300]!r}"
        return reply.json()

    @contextlib.contextmanager
    def namespace(self, prefix: str = "test") -> Iterator[str]:
        """A fresh namespace; it is deleted afterwards, which is not waited for."""
        name = f"{prefix[: NAMESPACE_LENGTH - 9].strip('-')}-{uuid.uuid4().hex[:8]}"
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        reply = self.request("POST", "/api/v1/namespaces", body)
        assert reply.status == 201, f"namespace {name}: {reply.status} {reply.body[:300]!r}"
        try:
            yield name
        finally:
            self.request("DELETE", f"/api/v1/namespaces/{name}")

    def kubectl(
        self,
        *arguments: str,
        input: str | None = None,
        check: bool = True,
        user: str = "admin",
        timeout: float = KUBECTL_SECONDS,
        env: Mapping[str, str] | None = None,
    ) -> "subprocess.CompletedProcess[str]":
        """Run the real kubectl against this server, with text in and out.

        Args:
            arguments: As typed after `kubectl`.
            input: Standard input; None: empty.
            check: Fail the test, with what kubectl said, when it exits other than 0.
            user: Who runs it.
            timeout: Seconds before it is killed.
            env: More environment, for instance KUBE_EDITOR.
        """
        done = subprocess.run(
            [find_kubectl(), *arguments],
            input=input or "",
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            env=self.environment(user) | dict(env or {}),
        )
        if check and done.returncode != 0:
            raise AssertionError(f"kubectl {' '.join(arguments)} on {self.name}: exit {done.returncode}\n{done.stderr}")
        return done

    def environment(self, user: str = "admin") -> dict[str, str]:
        """The whole environment of a child process that talks to this server; nothing of the caller's home leaks in."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.directory),
            "KUBECONFIG": str(self.user(user)),
            "KUBECACHEDIR": str(self.directory / "kubectl-cache"),
        }


def find_kubectl() -> str:
    """The kubectl of the environment that runs the tests (of a known version), else the one on PATH."""
    pinned = Path(sys.prefix) / "bin" / "kubectl"
    found = str(pinned) if os.access(pinned, os.X_OK) else shutil.which("kubectl")
    assert found is not None, "kubectl is neither in the test environment nor on PATH"
    return found


def from_kubeconfig(name: str, path: Path, directory: Path, tokens: Mapping[str, str] | None = None) -> Cluster:
    """Read the address and the token of a kubeconfig with one context, written by our own servers."""
    content = yaml.safe_load(path.read_text())
    cluster = content["clusters"][0]["cluster"]
    authority = cluster.get("certificate-authority")
    if authority is None and "certificate-authority-data" in cluster:
        authority = directory / "ca.crt"
        authority.write_bytes(base64.b64decode(cluster["certificate-authority-data"]))
    return Cluster(
        name=name,
        kubeconfig=path,
        url=cluster["server"],
        token=content["users"][0]["user"]["token"],
        ca=Path(authority) if authority else None,
        directory=directory,
        tokens=tokens or {},
    )
