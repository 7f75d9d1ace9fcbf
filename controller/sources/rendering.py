"""One source at one commit to finished manifests, by the tool that it asks for. Called by `service` on a cache miss."""

from __future__ import annotations

from controller.cage import Cage
from controller.sources import detect
from controller.sources.directory import render_directory
from controller.sources.inputs import Inputs, Product
from model.errors import RenderError
from model.states import SourceType


class Renderer:
    """Knows the tools."""

    def __init__(self, cage: Cage) -> None:
        self._cage = cage

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
        raise RenderError(f"{inputs.tree.label}: source.{tool.value.lower()} is not supported yet")
