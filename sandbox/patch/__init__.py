"""The three kinds of patch that need no field ownership: JSON Patch, JSON Merge Patch, strategic merge patch.

Each takes an object and a patch and returns a new object; inputs are never changed. Server-side apply is in
``sandbox.managed``.
"""

from sandbox.patch.errors import PatchError
from sandbox.patch.json_patch import apply_json
from sandbox.patch.merge import apply_merge
from sandbox.patch.strategic import apply_strategic

__all__ = ["PatchError", "apply_json", "apply_merge", "apply_strategic"]
