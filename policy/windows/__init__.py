"""Sync windows: the schedule dialect, zones, matching and the decision at an instant."""

from policy.windows.decide import WindowDecision as WindowDecision
from policy.windows.decide import decide as decide
from policy.windows.decide import judge as judge
from policy.windows.window import Target as Target
from policy.windows.window import Window as Window
from policy.windows.words import to_decision as to_decision
