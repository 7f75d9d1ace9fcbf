"""Kustomizations: the files that one reads are copied out, edited as the source asks, and built in the cage.

Called by `rendering`; what runs in the cage is `kustomize_worker` with the tool that `kustomize_tool` found.
"""

from __future__ import annotations

import shlex
import typing as t
from pathlib import Path

import msgspec

from controller.cage import Cage, CageError
from controller.sources import export
from controller.sources.inputs import Inputs, Product
from controller.sources.kustomize_closure import Closure
from controller.sources.kustomize_edits import edited
from controller.sources.kustomize_tool import Tool
from controller.sources.paths import child, join_inside, shown
from controller.sources.yamls import YamlError, parse_one
from model.errors import InvalidSpec, RenderError
from model.source import KustomizeSource
from model.states import SourceType

_HARMLESS = ("--load-restrictor=LoadRestrictionsRootOnly", "--reorder=none", "--reorder=legacy")


def render_kustomize(inputs: Inputs, cage: Cage, tool: Tool | None) -> Product:
    """Build a kustomization.

    Raises:
        SourceError: the path does not exist, or a link leads out of the repository.
        InvalidSpec: an override that cannot be read.
        RenderError: no tool, a remote base, or the tool's message on one line.
    """
    if tool is None:
        raise RenderError("Kustomize: neither kustomize nor kubectl is installed beside Lynceus")
    options = inputs.source.kustomize or KustomizeSource()
    if options.version:
        raise RenderError("source.kustomize.version: other Kustomize versions are not supported yet")
    flags = _flags(inputs.fact("build options"))
    closure = Closure(inputs.tree)
    closure.add_folder(inputs.path, "")
    with export.private_folder() as folder:
        content = _prepare(inputs, options, closure)
        for path, data in inputs.tree.contents(closure.files, export.MAX_BYTES).items():
            export.write(folder, path, data)
        if content is not None:
            export.write(folder, closure.kustomizations[inputs.path], msgspec.json.encode(content))
        command = [*tool.command, *flags, str(folder / inputs.path)]
        return Product(tuple(_build(inputs, cage, folder, command)), SourceType.KUSTOMIZE)


def _prepare(inputs: Inputs, options: KustomizeSource, closure: Closure) -> dict[str, t.Any] | None:
    """Return the edited kustomization, what it newly refers to added to the closure; None: no edits."""
    if options == KustomizeSource():
        return None
    path = closure.kustomizations[inputs.path]
    where = f"{inputs.tree.label}: {path}"
    try:
        content = parse_one(inputs.tree.read(path, export.MAX_BYTES) or b"", path)
    except YamlError as failure:
        raise RenderError(f"{inputs.tree.label}: {failure}") from None
    components = [c for c in options.components or () if _component(inputs, options, closure, c)]
    for index, patch in enumerate(options.patches or ()):
        _patch_file(inputs, closure, index, patch)
    kept = msgspec.structs.replace(options, components=components or None)
    return edited(content, kept, inputs.substitute, where)


def _component(inputs: Inputs, options: KustomizeSource, closure: Closure, text: str) -> bool:
    inside = join_inside(inputs.path, text) if not text.startswith("/") else None
    if inside is None:
        raise InvalidSpec("source", "kustomize.components", shown(text), "a folder inside the repository")
    if inputs.tree.locate(inside) is None:
        inputs.tree.note(inside, None)
        if options.ignore_missing_components:
            return False
        raise RenderError(f"{inputs.tree.label}: kustomize.components: {inside} does not exist")
    closure.add_folder(inside, "kustomize.components")
    return True


def _patch_file(inputs: Inputs, closure: Closure, index: int, patch: t.Any) -> None:
    path = patch.get("path") if isinstance(patch, dict) else None
    if not path:
        return
    inside = join_inside(inputs.path, path) if isinstance(path, str) and not path.startswith("/") else None
    if inside is None:
        raise InvalidSpec(
            "source", f"kustomize.patches[{index}].path", shown(str(path)), "a file inside the repository"
        )
    closure.add_file(inside, "source", f"kustomize.patches[{index}].path")


def _flags(text: str) -> list[str]:
    """Return the build options of argocd-cm; those that open files or connections or run programs are refused."""
    flags = shlex.split(text)
    for flag in flags:
        if flag not in _HARMLESS:
            raise RenderError(f"argocd-cm: kustomize.buildOptions: found {shown(flag)}, which is not supported yet")
    return flags


def _build(inputs: Inputs, cage: Cage, folder: Path, command: list[str]) -> t.Iterator[tuple[str, int, t.Any]]:
    argument = {"command": command, "folder": str(folder), "name": child(inputs.path, "(kustomize output)")}
    try:
        found = cage.call("controller.sources.kustomize_worker:build", argument)
    except CageError as failure:
        text = failure.message.replace(f"{folder}/", "").replace(str(folder), ".")
        what = text if failure.kind == "failed" else f"building it {text}"
        raise RenderError(f"{inputs.tree.label}: kustomization {inputs.path or '.'}: {what}") from None
    for name, line, value in found:
        yield name, line, msgspec.json.decode(value)
