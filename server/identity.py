"""Bearer tokens from a file -> Subjects. No sessions, no cookies; whoever has no token is nobody.

The file has the form of Kubernetes' static token file, with the uid left out or given:
``token,user``, ``token,user,"group1,group2"`` or ``token,user,uid,"group1,group2"``, one line each; lines that begin
with # are comments. Only digests of the tokens are kept. The file is read again when it changes.
Source: Kubernetes documentation, "Authenticating", static token file.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import logging
import threading
import typing as t
from pathlib import Path

from model.errors import InvalidSettings
from policy.rbac.claims import read_caller
from policy.subjects import KUBERNETES, RESERVED, Subject

LONGEST_FILE = 1 << 20
"""Bytes; some ten thousand tokens."""
SHORTEST_TOKEN = 16
"""Characters; a shorter one can be guessed."""

_LOG = logging.getLogger(__name__)
_Stamp = tuple[int, int, int]


class TokenFile:
    """The people and robots of one token file."""

    def __init__(self, path: Path | None) -> None:
        """Read the file.

        Args:
            path: the token file; None, or a file that is not there, switches the API off.

        Raises:
            InvalidSettings: a line of the file cannot be used.
        """
        self._path, self._lock = path, threading.Lock()
        self._stamp: _Stamp | None = None
        self._known: tuple[tuple[bytes, Subject], ...] = ()
        self._missing = True
        if problems := self._read_if_changed():
            raise problems[0]

    @property
    def off(self) -> str:
        """Why the API is off; empty when it is on."""
        self._read_if_changed()
        if self._path is None:
            return "the API is off: no token file was given"
        return f"the API is off: the token file {self._path} is not there" if self._missing else ""

    def subject(self, authorization: str) -> Subject | None:
        """Return who has the bearer token of an Authorization header, or None.

        Every line is compared, whether an earlier one matched or not, so the time tells nothing.
        """
        scheme, _, token = authorization.strip().partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            return None
        self._read_if_changed()
        digest, found = _digest(token.strip()), None
        for known, subject in self._known:
            if hmac.compare_digest(known, digest):
                found = subject
        return found

    def _read_if_changed(self) -> list[InvalidSettings]:
        """Read the file again when it is another one; lines that cannot be used are left out and logged."""
        with self._lock:
            stamp = self._look()
            if stamp == self._stamp:
                return []
            self._stamp, self._missing = stamp, stamp is None
            self._known, problems = _read(self._path) if stamp and self._path else ((), [])
        for problem in problems:
            _LOG.error("A line of the token file was left out", extra={"problem": str(problem)})
        return problems

    def _look(self) -> _Stamp | None:
        try:
            status = self._path.stat() if self._path else None
        except OSError:
            return None
        return (status.st_mtime_ns, status.st_size, status.st_ino) if status else None


def _read(path: Path) -> tuple[tuple[tuple[bytes, Subject], ...], list[InvalidSettings]]:
    """Return (digest, Subject) for each good line, and what is wrong with the others."""
    try:
        with path.open("rb") as stream:
            data = stream.read(LONGEST_FILE + 1)
        lines = data.decode("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as failure:
        return (), [InvalidSettings(f"token file {path}", "", type(failure).__name__, "a readable UTF-8 file")]
    if len(data) > LONGEST_FILE:
        return (), [InvalidSettings(f"token file {path}", "", "more than 1 MiB", "a smaller file")]
    known: dict[bytes, Subject] = {}
    problems: list[InvalidSettings] = []
    for number, line in enumerate(lines, start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            try:
                digest, subject = _line(line, f"{path}:{number}", known)
                known[digest] = subject
            except InvalidSettings as problem:
                problems.append(problem)
    return tuple(known.items()), problems


def _line(line: str, where: str, known: t.Container[bytes]) -> tuple[bytes, Subject]:
    """Return digest and Subject of one line; no token appears in an error."""
    try:
        fields = [field.strip() for field in next(csv.reader([line], strict=True, skipinitialspace=True))]
    except csv.Error:
        raise InvalidSettings(where, "", "a line that is no CSV", "token,user,groups") from None
    if not 2 <= len(fields) <= 4:
        raise InvalidSettings(where, "", f"{len(fields)} fields", 'token,user[,uid],"group1,group2"')
    token, user = fields[0], fields[1]
    groups = tuple(group.strip() for group in fields[-1].split(",") if group.strip()) if len(fields) > 2 else ()
    if len(token) < SHORTEST_TOKEN:
        raise InvalidSettings(where, "token", f"{len(token)} characters", f"{SHORTEST_TOKEN} or more")
    if not user:
        raise InvalidSettings(where, "user", "nothing", "a user name")
    for name in (user, *groups):
        if name.startswith((*RESERVED, KUBERNETES)):
            wanted = "a name that no role, project token or Kubernetes user can have"
            raise InvalidSettings(where, "user or group", repr(name), wanted)
    digest = _digest(token)
    if digest in known:
        raise InvalidSettings(where, "token", "the token of an earlier line", "a token of its own")
    caller = read_caller({"sub": user, "groups": list(groups)}, ("groups",))
    if caller.subject is None:
        raise InvalidSettings(where, "user or group", "one that cannot be a caller", caller.problem)
    return digest, caller.subject


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
