"""Is a live object well, by the rules Argo CD has for the built-in kinds? And the application as a whole?

Pure: decoded objects in, states out. No clock: what a controller has not reported yet is Progressing, and only the
controller's own deadline makes it Degraded. Called by the loop and by sync (waves wait for health).
"""

from __future__ import annotations

from controller.health.aggregate import ResourceHealth, aggregate, worst
from controller.health.assess import assess

__all__ = ["ResourceHealth", "aggregate", "assess", "worst"]
