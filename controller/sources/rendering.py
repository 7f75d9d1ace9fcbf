"""One source at one commit to finished manifests, by the tool that it asks for. Called by `service` on a cache miss."""

from __future__ import annotations

from controller.cage import Cage
from controller.sources import detect
from controller.sources.directory import render_directory
from controller.sources.helm import render_helm
from controller.sources.inputs import Inputs, Product
from controller.sources.kustomize import render_kustomize
from controller.sources.kustomize_tool import Tool
from model.errors import RenderError
from model.states import SourceType


class Renderer:
    """Knows the tools."""

    def __init__(self, cage: Cage, kustomize: Tool | None) -> None:
        self._cage, self._kustomize = cage, kustomize

    def render(self, inputs: Inputs) -> Product:
        """Render one source.

        Raises:
            SourceError: the path does not exist, or a link leads out of the repository.
            RenderError: the tool cannot make manifests of it.
            InvalidSpec: the source's settings cannot be used.
        """
        inputs.source = detect.with_overrides(inputs)
        tool = detect.tool_of(inputs, inputs.source)
        if tool is SourceType.DIRECTORY:
            return render_directory(inputs, self._cage)
        if tool is SourceType.HELM:
            return render_helm(inputs, self._cage)
        if tool is SourceType.KUSTOMIZE:
            return render_kustomize(inputs, self._cage, self._kustomize)
        raise RenderError(f"{inputs.tree.label}: source.{tool.value.lower()} is not supported yet")
