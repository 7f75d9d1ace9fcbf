"""What a failed git command means, in our words: nothing that a server printed is relayed. Pure; called by `mirror`."""

from __future__ import annotations

import re

from controller.sources.git.door import GitError, GitTimeoutError
from model.errors import LynceusError, SourceError, SourceUnavailable

_TABLE: tuple[tuple[str, type[LynceusError], str], ...] = (
    (r"could not resolve host(name)?", SourceUnavailable, "its host name does not resolve"),
    (r"connection refused", SourceUnavailable, "the connection was refused"),
    (r"timed out|too slow|operation too slow", SourceUnavailable, "it did not answer in time"),
    (r"certificate|\bssl|gnutls|\btls\b", SourceUnavailable, "its TLS certificate or connection is not accepted"),
    (r"host key verification failed", SourceUnavailable, "its SSH host key is not among the known hosts"),
    (
        r"redirect|returned error: 30[0-9]",
        SourceUnavailable,
        "it answers with a redirect, which is not followed",
    ),
    (
        r"authentication failed|could not read (username|password)|permission denied|returned error: 40[13]",
        SourceError,
        "it wants credentials, or does not accept those of its repository Secret",
    ),
    (
        r"repository .*not found|does not exist|does not appear to be a git repository|not found: did you run"
        r"|returned error: 404",
        SourceError,
        "no such repository, or no permission to see it",
    ),
    (r"transport '.*' not allowed", SourceError, "its transport is not allowed"),
    (
        r"no space left|disk quota|read-only file system",
        SourceUnavailable,
        "the cache folder cannot be written: disk full or read-only",
    ),
    (
        r"not our ref|couldn't find remote ref|unadvertised object",
        SourceError,
        "the server does not have, or does not give out, the revision",
    ),
    (
        r"connection reset|hung up|early eof|returned error: 5|broken pipe|empty reply|failed to connect"
        r"|couldn't connect|network is unreachable|no route",
        SourceUnavailable,
        "the connection failed",
    ),
)
_CORRUPT = re.compile(
    r"corrupt|bad object|not a git repository|index-pack failed|packfile|invalid object|unable to read"
    r"|missing blob|missing tree|inflate|loose object|unresolved deltas|bad tree|dubious ownership|bad config"
    r"|\.lock': file exists"
    r"|unable to create '.*\.lock'"
    r"|did not send all necessary objects|shallow file has changed|could not parse object|object file .* is empty"
)
_SPACE = re.compile(r"no space left|disk quota|read-only file system")


def classify(failure: GitError, shown_url: str) -> LynceusError:
    """Return the error for the user: SourceError when a person must act, SourceUnavailable when waiting may help."""
    if isinstance(failure, GitTimeoutError):
        return SourceUnavailable(f"repository {shown_url}: it did not answer in time, or sent more than is accepted")
    text = failure.stderr.lower()
    for pattern, kind, meaning in _TABLE:
        if re.search(pattern, text):
            return kind(f"repository {shown_url}: {meaning}")
    return SourceUnavailable(f"repository {shown_url}: git failed with exit code {failure.code}")


def looks_corrupt(failure: GitError) -> bool:
    """Say whether the local mirror may be broken, so that cloning again can help."""
    text = failure.stderr.lower()
    return not isinstance(failure, GitTimeoutError) and bool(_CORRUPT.search(text)) and not _SPACE.search(text)
