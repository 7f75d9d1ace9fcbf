"""The rules of AppProjects once more, as plainly as they can be said: loops and one pattern matcher by trial.

Shares nothing with policy.projects but the data types. Only for short texts over letters, `/`, `*`, `?` and `{a,b}`.
"""

from __future__ import annotations

import re
import typing as t


def glob(pattern: str, text: str, separator: str = "") -> bool:
    """Match by trying every split; ``*`` stops at the separator, ``**`` does not."""
    if not pattern:
        return not text
    if pattern.startswith("**"):
        return any(glob(pattern[2:], text[n:], separator) for n in range(len(text) + 1))
    if pattern[0] == "*":
        stop = text.find(separator) if separator and separator in text else len(text)
        return any(glob(pattern[1:], text[n:], separator) for n in range(stop + 1))
    if not text or (pattern[0] == "?" and text[0] == separator):
        return False
    return pattern[0] in ("?", text[0]) and glob(pattern[1:], text[1:], separator)


def simple_form(url: str) -> str:
    """Return the common form of URLs that are well-formed: https, scp and ssh."""
    text = url.strip().lower()
    text = text[:-4] if text.endswith(".git") else text
    if text.startswith("ssh://"):
        return text[6:]
    if re.fullmatch(r"[^/:]*@[^@]+", text) and "://" not in text:
        return text.replace(":", "/", 1)
    return text


def source(entries: t.Sequence[str], url: str, *, strict: bool) -> bool:
    """May an Application come from the repository?"""
    value, permitted = simple_form(url), False
    for entry in entries:
        pattern = simple_form(entry.removeprefix("!"))
        everything = pattern == "*" and (strict or not entry.startswith("!"))
        hit = everything or glob(pattern, value, "/")
        if entry.startswith("!"):
            if hit:
                return False
            permitted = permitted or not strict
        elif hit:
            permitted = True
    return permitted


class Entry(t.NamedTuple):
    """An entry of destinations."""

    name: str
    server: str
    namespace: str


def destination(entries: t.Sequence[Entry], name: str, server: str, namespace: str, *, strict: bool) -> bool:
    """May objects go to this namespace of the cluster?"""
    permitted = False
    for entry in entries:
        by_name = bool(name) and _means(entry.name, name)
        by_server = bool(server) and _means(entry.server, server)
        inside = _means(entry.namespace, namespace)
        hit = (by_name or by_server) and inside
        denies_name = entry.name.startswith("!") and not by_name
        denies_server = entry.server.startswith("!") and not by_server and inside
        denies_namespace = entry.namespace.startswith("!") and not inside and by_server
        if strict:
            positive_name = by_name and not entry.name.startswith("!")
            positive_server = by_server and not entry.server.startswith("!")
            denies_server = entry.server.startswith("!") and not by_server
            denies_server = denies_server and (inside or entry.namespace.startswith("!"))
            somewhere = by_server or by_name or not (entry.server or entry.name)
            denies_namespace = entry.namespace.startswith("!") and not inside and somewhere
            if denies_name or denies_server or denies_namespace:
                return False
            permitted |= (positive_name or positive_server) and inside and not entry.namespace.startswith("!")
        elif hit:
            permitted = True
        elif denies_name or denies_server or denies_namespace:
            return False
    return permitted


def _means(pattern: str, value: str) -> bool:
    if pattern.startswith("!"):
        return not glob(pattern[1:], value)
    return glob(pattern, value)


Kinds = list[tuple[str, str, str]]
"""(group, kind, name) of a list."""


def kind(white: Kinds | None, black: Kinds | None, group: str, name: str, obj: str, *, namespaced: bool) -> bool:
    """May objects of this kind be synced? No names in namespaced lists here."""

    def listed(items: Kinds | None) -> bool:
        return any(
            glob(k, name, "/") and glob(g, group, "/") and (not n or namespaced or glob(n, obj, "/"))
            for g, k, n in items or []
        )

    if namespaced and white is None:
        return not listed(black)
    return listed(white) and not listed(black)
