"""Which files of which repositories an Application is made of, for questions to Git. Pure.

Called by `evidence` (to remember them) and `questions` (to ask).
"""

from __future__ import annotations

import hashlib

from controller.delivery.state import Place
from controller.sources.paths import join_inside, parent
from model.source import Source

_GLOB = frozenset("*?[")
WHOLE = ""
"""The path that stands for the whole repository."""


def places(sources: tuple[Source, ...]) -> tuple[Place, ...]:
    """Return where each source is read from.

    A source's own folder and the value files outside it that its Helm options name; of a source that others refer to
    (`ref`) the value files that they take from it. A source without a Git repository (chart, OCI) has no place.
    """
    return tuple(Place(repo(source), _paths(source, sources)) if repo(source) else Place() for source in sources)


def repo(source: Source) -> str:
    """Return the digest that stands for a source's Git repository; empty when it has none."""
    url = source.repo_url
    if not url or source.chart or url.lower().startswith("oci://"):
        return ""
    return hashlib.sha256(url.encode()).hexdigest()[:16]


def _paths(source: Source, sources: tuple[Source, ...]) -> tuple[str, ...]:
    """Return the paths that count, none of them inside another; empty for the whole repository."""
    found: set[str] = set()
    own = join_inside("", source.path) if source.path else None
    if own is not None:
        found.add(own)
        found.update(path for text in _files(source, "") if (path := join_inside(own, _literal(text))) is not None)
    if source.ref:
        names = [text for other in sources for text in _files(other, source.ref)]
        found.update(path for text in names if (path := join_inside("", _literal(text))) is not None)
    if not found or WHOLE in found:
        return ()
    return tuple(sorted(path for path in found if not any(_inside(path, other) for other in found)))


def _files(source: Source, ref: str) -> list[str]:
    """Return the value files that a source takes from the source of that name; empty name: its own."""
    files = (source.helm.value_files if source.helm else None) or []
    if not ref:
        return [text for text in files if not text.startswith("$")]
    return [text[len(ref) + 2 :] for text in files if text.startswith(f"${ref}/")]


def _literal(text: str) -> str:
    """Return the path, or of a pattern the folder above its first wildcard."""
    at = next((i for i, character in enumerate(text) if character in _GLOB), None)
    return text if at is None else parent(text[:at]) or "/"


def _inside(path: str, other: str) -> bool:
    return path != other and path.startswith(f"{other}/")
