"""Credentials for one git command, in private files that live as long as the command. Called by `mirror`.

Nothing secret stands in an argument, a URL or an environment variable: git asks a helper script, which reads a file
with mode 0600; bearer tokens and TLS client certificates stand in a configuration file of the same kind.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import tempfile
import typing as t
from pathlib import Path

from model.secrets import Credentials, Repository

_ASKPASS = """#!/bin/sh
case "$1" in
Username*) exec cat "$(dirname "$0")/username" ;;
*) exec cat "$(dirname "$0")/password" ;;
esac
"""


@contextlib.contextmanager
def prepared(repository: Repository | None, url: str, folder: Path) -> t.Iterator[dict[str, str]]:
    """Yield the environment additions with which git finds the credentials; their files vanish afterwards.

    Args:
        repository: the Secret that matches the URL, or None.
        url: the validated URL, to which a bearer token is bound.
        folder: where the private folder may be made.
    """
    if repository is None or (repository.credentials.empty and not repository.credentials.insecure):
        yield {}
        return
    private = Path(tempfile.mkdtemp(prefix="ask-", dir=folder))
    try:
        yield _write(repository.credentials, url, private)
    finally:
        shutil.rmtree(private, ignore_errors=True)


def _write(credentials: Credentials, url: str, private: Path) -> dict[str, str]:
    env: dict[str, str] = {}
    if credentials.username or credentials.password:
        _file(private / "username", credentials.username or "x-access-token")
        _file(private / "password", credentials.password)
        _file(private / "askpass", _ASKPASS, 0o700)
        env["GIT_ASKPASS"] = str(private / "askpass")
    config = _config(credentials, url, private)
    if config:
        _file(private / "config", config)
        env["GIT_CONFIG_GLOBAL"] = str(private / "config")
    if credentials.ssh_private_key:
        _file(private / "key", credentials.ssh_private_key.rstrip("\n") + "\n")
        env["GIT_SSH_COMMAND"] = _ssh(private / "key", credentials.insecure)
    return env


def _config(credentials: Credentials, url: str, private: Path) -> str:
    """Return the text of a git configuration file, or empty text."""
    lines: list[str] = []
    if credentials.bearer_token:
        lines.append(f"extraHeader = {_quoted('Authorization: Bearer ' + credentials.bearer_token)}")
    if credentials.tls_client_cert_data:
        _file(private / "client.crt", credentials.tls_client_cert_data)
        _file(private / "client.key", credentials.tls_client_cert_key)
        lines += [
            f"sslCert = {_quoted(str(private / 'client.crt'))}",
            f"sslKey = {_quoted(str(private / 'client.key'))}",
        ]
    if credentials.insecure:
        lines.append("sslVerify = false")
    return f"[http {_quoted(url)}]\n" + "".join(f"\t{line}\n" for line in lines) if lines else ""


def _ssh(key: Path, insecure: bool) -> str:
    checking = (
        "-oStrictHostKeyChecking=no -oUserKnownHostsFile=/dev/null" if insecure else "-oStrictHostKeyChecking=yes"
    )
    return f"ssh -F /dev/null -oBatchMode=yes -oIdentitiesOnly=yes -i {shlex.quote(str(key))} {checking}"


def _quoted(text: str) -> str:
    """Quote a value for git's configuration format; line breaks cannot be carried and are dropped."""
    clean = "".join(c for c in text if c not in "\r\n\0")
    return '"' + clean.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _file(path: Path, text: str, mode: int = 0o600) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as stream:
        stream.write(text)
