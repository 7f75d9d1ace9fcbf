"""The overrides of source.kustomize, applied to a kustomization's content. Pure; called by `kustomize`.

Source: Argo CD util/kustomize/kustomize.go, which calls `kustomize edit` for most of them, in this order.
"""

from __future__ import annotations

import re
import typing as t

from controller.sources.paths import shown
from model.errors import InvalidSpec, RenderError
from model.source import KustomizeSource

Content = dict[str, t.Any]
Substitute = t.Callable[[str], str]

_IMAGE = re.compile(
    r"(?:(?P<old>[^=]+)=)?(?P<new>[^@]*?)(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]*))?(?:@(?P<digest>[^@]+))?"
)


def edited(content: Content, options: KustomizeSource, substitute: Substitute, where: str) -> Content:
    """Return the content with all overrides.

    Args:
        content: of the kustomization in the source's path.
        options: source.kustomize.
        substitute: replaces the build environment's names.
        where: repository and file, for errors.

    Raises:
        InvalidSpec: an override that cannot be read.
        RenderError: a label or annotation that the kustomization sets already, without force.
    """
    content = dict(content)
    for key, value in (("namePrefix", options.name_prefix), ("nameSuffix", options.name_suffix)):
        if value:
            content[key] = value
    for image in options.images or ():
        content["images"] = _with_image(content.get("images"), substitute(image))
    for replica in options.replicas or ():
        content["replicas"] = _with_named(
            content.get("replicas"), {"name": replica.name, "count": _count(replica.count)}
        )
    _labels(content, options, substitute, where)
    _annotations(content, options, substitute, where)
    if options.namespace:
        content["namespace"] = options.namespace
    if options.patches:
        content["patches"] = [*(content.get("patches") or ()), *options.patches]
    if options.components:
        content["components"] = [*(content.get("components") or ()), *options.components]
    return content


def _with_image(images: t.Any, text: str) -> list[t.Any]:
    """Replace or add one ``[old=]new[:tag|@digest]``; parts that are not given stay as the file has them."""
    found = _IMAGE.fullmatch(text)
    if not found or not (found["old"] or found["new"]):
        raise InvalidSpec("source", "kustomize.images", shown(text), "[old=]new[:tag][@digest]")
    name = found["old"] or found["new"]
    old = next((i for i in images or () if isinstance(i, dict) and i.get("name") == name), {})
    entry: Content = {"name": name}
    if found["old"] and found["new"] and found["new"] != "*":
        entry["newName"] = found["new"]
    elif old.get("newName"):
        entry["newName"] = old["newName"]
    for key, part in (("newTag", "tag"), ("digest", "digest")):
        if found[part]:
            entry[key] = found[part]
    if not found["tag"] and not found["digest"]:
        entry |= {key: old[key] for key in ("newTag", "digest") if old.get(key)}
    return _with_named(images, entry)


def _with_named(items: t.Any, entry: Content) -> list[t.Any]:
    """Return the list with `entry` in the place of the one of its name, or at the end."""
    kept = list(items) if isinstance(items, list) else []
    for index, item in enumerate(kept):
        if isinstance(item, dict) and item.get("name") == entry["name"]:
            kept[index] = entry
            return kept
    return [*kept, entry]


def _count(value: int | str) -> int:
    if isinstance(value, str) and not value.isdigit():
        raise InvalidSpec("source", "kustomize.replicas.count", shown(value), "a whole number")
    return int(value)


def _labels(content: Content, options: KustomizeSource, substitute: Substitute, where: str) -> None:
    labels = {key: substitute(value) for key, value in (options.common_labels or {}).items()}
    if not labels:
        return
    if not options.label_without_selector:
        old = content.get("commonLabels") or {}
        _refuse_taken(old, labels, options.force_common_labels, f"{where}: commonLabels", "forceCommonLabels")
        content["commonLabels"] = {**old, **labels}
        return
    added: Content = {"pairs": labels, "includeSelectors": False}
    if options.label_include_templates:
        added["includeTemplates"] = True
    content["labels"] = [*(content.get("labels") or ()), added]


def _annotations(content: Content, options: KustomizeSource, substitute: Substitute, where: str) -> None:
    change = substitute if options.common_annotations_envsubst else str
    annotations = {key: change(value) for key, value in (options.common_annotations or {}).items()}
    if not annotations:
        return
    old = content.get("commonAnnotations") or {}
    _refuse_taken(
        old, annotations, options.force_common_annotations, f"{where}: commonAnnotations", "forceCommonAnnotations"
    )
    content["commonAnnotations"] = {**old, **annotations}


def _refuse_taken(old: t.Any, new: Content, force: bool, where: str, switch: str) -> None:
    taken = sorted(set(old) & set(new)) if isinstance(old, dict) else []
    if taken and not force:
        raise RenderError(
            f"{where}: found {shown(taken[0])} already there, expected it free (or set kustomize.{switch})"
        )
