"""Field ownership as the API server keeps it: server-side apply, and the tracking of every other write.

``apply`` merges a configuration and settles who owns what; ``track_update`` notes who wrote what by a create, an
update or a patch. Both are functions of their arguments: no store, no clock, no defaults.
"""

from sandbox.managed.merging import TypedPatchError
from sandbox.managed.ownership import ApplyConflict, apply, track_update

__all__ = ["ApplyConflict", "TypedPatchError", "apply", "track_update"]
