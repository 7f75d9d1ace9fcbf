"""The annotation argocd.argoproj.io/manifest-generate-paths: which changed files concern an Application. Pure.

Source: Argo CD docs, "Manifest Paths Annotation"; util/app/path/path.go, GetSourceRefreshPaths and AppFilesHaveChanged.
"""

from __future__ import annotations

import functools
import posixpath
import re
import typing as t

import re2

from model.application import Application
from model.source import Source

ANNOTATION = "argocd.argoproj.io/manifest-generate-paths"
LONGEST = 8192
"""Characters of the annotation that are read; a longer one counts as absent."""


def concerned(app: Application, source: Source, files: frozenset[str] | None) -> bool:
    """Say whether changed files are under the paths that the Application names.

    Args:
        app: has the annotation: paths relative to the source's folder, from the root with a slash, or globs, with
            ``;`` between them. Without it, or with an empty one, every change concerns it.
        source: the source whose repository was pushed to.
        files: paths in the repository; None or none at all: everything may have changed.
    """
    text = app.metadata.annotation(ANNOTATION)
    wanted = wanted_paths(text, source.path) if len(text) <= LONGEST else ()
    if not files or not wanted:
        return True
    matches = _matcher(wanted)
    return any(matches(name) for name in files)


def wanted_paths(text: str, folder: str) -> tuple[str, ...]:
    """Return the paths of the annotation from the root of the repository, each beginning with a slash."""
    found: list[str] = []
    for item in filter(None, (part.strip() for part in text.split(";"))):
        whole = item if item.startswith("/") else posixpath.join("/", folder, item)
        found.append(posixpath.normpath("/" + whole.lstrip("/")))
    return tuple(found)


@functools.lru_cache(maxsize=4096)
def _matcher(wanted: tuple[str, ...]) -> t.Callable[[str], bool]:
    """Return whether a file is one of the paths, lies under one, or matches one as a glob."""
    exact = frozenset(wanted)
    folders = tuple(path.rstrip("/") + "/" for path in wanted)
    globs = [_glob(path) for path in wanted if re.search(r"[*?\[\\]", path)]
    usable = [glob for glob in globs if glob is not None]

    def matches(name: str) -> bool:
        path = posixpath.normpath("/" + name.lstrip("/"))
        return path in exact or path.startswith(folders) or any(glob.fullmatch(path) for glob in usable)

    return matches


def _glob(pattern: str) -> t.Any:
    """Compile Go's filepath.Match, in which ``*`` stays inside one folder; None for one that cannot be read."""
    out: list[str] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*":
            out.append("[^/]*")
        elif char == "?":
            out.append("[^/]")
        elif char == "\\" and at < len(pattern):
            out.append(re2.escape(pattern[at]))
            at += 1
        elif char == "[":
            end = pattern.find("]", at + 1)
            if end < 0:
                return None
            out.append(_class(pattern[at:end]))
            at = end + 1
        else:
            out.append(re2.escape(char))
    try:
        return re2.compile("(?s)" + "".join(out))
    except re2.error:
        return None


def _class(body: str) -> str:
    negated = body.startswith("^")
    members = re.sub(r"([\\\[\]^&~|])", r"\\\1", body[negated:])
    return f"[{'^' if negated else ''}{members}]"
