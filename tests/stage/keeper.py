"""The process that owns one control plane: starts it, and ends it when its last user is gone.

Run as a script by control_plane.attach, never imported by tests. It says "ready" or one line of error on stdout, then
waits for an exclusive lock on the file on which every user holds a shared one. The kernel frees a lock with its holder,
so a crash, a kill -9 and Ctrl-C end the servers too; and a kill -9 of this process ends them through PR_SET_PDEATHSIG.
"""

import ctypes
import json
import os
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import FrameType

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.stage.locks import EXCLUSIVE, acquire

START_SECONDS = 90.0
"""A cold start takes six seconds on an idle machine; a loaded one gets fifteen times that."""
ATTEMPTS = 3
"""A port that was free may be taken before its server binds it."""
PR_SET_PDEATHSIG = 1
USERS = {
    "admin": "system:masters",
    "lynceus": "system:masters",
    "lynceus-2": "system:masters",
    "argocd": "system:masters",
    "alice": "developers",
    "bob": "operators",
}
"""User and its group. Everybody but alice and bob may do everything; those two start with no rights at all."""
NODE = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {
        "name": "node-1",
        "annotations": {"kwok.x-k8s.io/node": "fake"},
        "labels": {"kubernetes.io/hostname": "node-1", "kubernetes.io/os": "linux"},
    },
    "status": {
        "allocatable": {"cpu": "640", "memory": "2560Gi", "pods": "10000"},
        "capacity": {"cpu": "640", "memory": "2560Gi", "pods": "10000"},
    },
}


class StartError(Exception):
    """The control plane did not come up; the text names the log to read."""


class ControlPlane:
    """The five processes and their files in one folder."""

    def __init__(self, directory: Path, assets: Path) -> None:
        self.directory = directory
        self.assets = assets
        self.children: list[subprocess.Popen[bytes]] = []
        self.url = ""
        self.tokens = {name: secrets.token_hex(16) for name in USERS}

    def start(self) -> None:
        """Start everything; the API server answers /readyz when this returns."""
        self._write_credentials()
        for attempt in range(ATTEMPTS):
            try:
                self._start_servers()
                break
            except StartError:
                self.kill()
                if attempt == ATTEMPTS - 1:
                    raise
        self._start_controllers()
        self._call("POST", "/api/v1/nodes", NODE)

    def kill(self) -> None:
        """End every process at once: nothing of theirs is kept."""
        for child in reversed(self.children):
            child.kill()
        for child in self.children:
            child.wait()
        self.children.clear()

    def _write_credentials(self) -> None:
        lines = [f"{token},{name},{name},{USERS[name]}" for name, token in self.tokens.items()]
        write_secret(self.directory / "tokens.csv", "\n".join(lines) + "\n")
        make_key(self.directory / "service-account.key")

    def _start_servers(self) -> None:
        client, peer, api = free_ports(3)
        shutil.rmtree(self.directory / "etcd", ignore_errors=True)
        self._spawn(
            "etcd",
            "--data-dir=etcd",
            "--unsafe-no-fsync",
            *(f"--{kind}-client-urls=http://127.0.0.1:{client}" for kind in ("listen", "advertise")),
            f"--listen-peer-urls=http://127.0.0.1:{peer}",
            f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
            f"--initial-cluster=default=http://127.0.0.1:{peer}",
        )
        self._spawn(
            "kube-apiserver",
            f"--etcd-servers=http://127.0.0.1:{client}",
            f"--secure-port={api}",
            "--bind-address=127.0.0.1",
            "--advertise-address=192.0.2.1",  # nobody is told; without it a machine with no network cannot start it
            "--cert-dir=certs",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--authorization-mode=Node,RBAC",
            "--token-auth-file=tokens.csv",
            "--allow-privileged",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--service-account-key-file=service-account.key",
            "--service-account-signing-key-file=service-account.key",
            "--disable-admission-plugins=ServiceAccount",
            "--endpoint-reconciler-type=none",
        )
        self.url = f"https://127.0.0.1:{api}"
        self._wait_ready()
        for name in USERS:
            self._write_kubeconfig(name)

    def _start_controllers(self) -> None:
        own = "--kubeconfig=kubeconfig"
        self._spawn(
            "kube-controller-manager",
            own,
            "--authentication-kubeconfig=kubeconfig",
            "--authorization-kubeconfig=kubeconfig",
            "--service-account-private-key-file=service-account.key",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            "--secure-port=0",
            "--controllers=*,-nodeipam",
        )
        self._spawn("kube-scheduler", own, "--leader-elect=false", "--bind-address=127.0.0.1", "--secure-port=0")
        self._spawn("kwok", own, "--manage-all-nodes", "--node-lease-duration-seconds=40")

    def _spawn(self, name: str, *arguments: str) -> None:
        with (self.directory / f"{name}.log").open("ab") as log:
            child = subprocess.Popen(
                [str(self.assets / name), *arguments],
                cwd=self.directory,
                env={"HOME": str(self.directory), "PATH": os.environ.get("PATH", "")},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent,
            )
        self.children.append(child)

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            for child, name in zip(self.children, ("etcd", "kube-apiserver"), strict=False):
                if child.poll() is not None:
                    raise StartError(f"{name} ended with exit code {child.returncode}; see {name}.log")
            if self._is_ready():
                return
            time.sleep(0.05)
        raise StartError(f"kube-apiserver is not ready after {START_SECONDS:.0f} s; see kube-apiserver.log")

    def _is_ready(self) -> bool:
        try:
            self._call("GET", "/readyz")
            self._call("GET", "/api/v1/namespaces/default")
        except (OSError, urllib.error.URLError):
            return False
        return True

    def _call(self, method: str, path: str, body: object = None) -> bytes:
        request = urllib.request.Request(self.url + path, method=method)
        request.add_header("Authorization", f"Bearer {self.tokens['admin']}")
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        context = ssl.create_default_context(cafile=str(self.directory / "certs" / "apiserver.crt"))
        with urllib.request.urlopen(request, timeout=10, context=context) as answer:
            return bytes(answer.read())

    def _write_kubeconfig(self, name: str) -> None:
        path = self.directory / ("kubeconfig" if name == "admin" else f"kubeconfig-{name}")
        cluster = {"server": self.url, "certificate-authority": str(self.directory / "certs" / "apiserver.crt")}
        write_secret(path, kubeconfig(cluster, name, self.tokens[name]))


def kubeconfig(cluster: dict[str, str], user: str, token: str) -> str:
    """The text of a kubeconfig with one context; JSON, which is YAML too."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "stage", "cluster": cluster}],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": "stage", "context": {"cluster": "stage", "user": user, "namespace": "default"}}],
        "current-context": "stage",
    }
    return json.dumps(content, indent=1)


def write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner may read."""
    path.touch(mode=0o600)
    path.write_text(text)


def make_key(path: Path) -> None:
    """Make the RSA key that signs ServiceAccount tokens, by openssl or by ssh-keygen."""
    if shutil.which("openssl"):
        command = ["openssl", "genrsa", "-out", str(path), "2048"]
    elif shutil.which("ssh-keygen"):
        command = ["ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "", "-f", str(path)]
    else:
        raise StartError("neither openssl nor ssh-keygen is on PATH; one of them makes the ServiceAccount key")
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True)


def free_ports(count: int) -> list[int]:
    """Ports that the system calls free, all different."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def die_with_parent() -> None:
    """Ask the kernel to kill this process when the keeper ends, however it ends."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def clean(directory: Path) -> None:
    """Remove the folder; its logs stay in DIRECTORY-logs when a test asked for that."""
    if (directory / "keep-logs").exists():
        kept = directory.with_name(directory.name + "-logs")
        kept.mkdir(exist_ok=True)
        for log in directory.glob("*.log"):
            shutil.copy(log, kept / log.name)
    shutil.rmtree(directory, ignore_errors=True)


def stop_on_signal(number: int, frame: FrameType | None) -> None:
    """Turn SIGTERM into an orderly end."""
    raise SystemExit(128 + number)


def main(directory: Path, assets: Path) -> int:
    """Start, report, wait for the last user, end."""
    signal.signal(signal.SIGTERM, stop_on_signal)
    plane = ControlPlane(directory, assets)
    lock_file = directory.with_name(directory.name + ".lock")
    try:
        plane.start()
        (directory / "started").touch()
        print("ready", flush=True)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        acquire(lock_file, EXCLUSIVE)
        return 0
    except (StartError, OSError, subprocess.SubprocessError) as error:
        (directory / "keep-logs").touch()
        print(f"the control plane did not start: {error} (logs: {directory}-logs)", flush=True)
        return 1
    finally:
        plane.kill()
        clean(directory)
        lock_file.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
