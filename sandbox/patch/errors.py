"""The one error of this package."""

from __future__ import annotations


class PatchError(ValueError):
    """The patch cannot be applied; the text is what the server puts into its Status."""

    def __init__(self, message: str, *, code: int = 422) -> None:
        super().__init__(message)
        self.code = code
        """The HTTP status: 400 when the patch itself is malformed, 422 when it does not fit the object,
        500 where the real server fails on it."""
