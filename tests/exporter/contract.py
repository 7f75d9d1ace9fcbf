"""The table of what Argo CD exports, as the tests read it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import yaml


class Family(msgspec.Struct, frozen=True):
    """One family of Argo CD's."""

    type: str
    labels: tuple[str, ...]
    buckets: tuple[float, ...] = ()
    adds: tuple[str, ...] = ()

    @property
    def fixed(self) -> set[str]:
        """The labels that every sample has."""
        return {label for label in (*self.labels, *self.adds) if not label.endswith("*")}

    @property
    def open(self) -> bool:
        """Whether an option may ask for more labels."""
        return any(label.endswith("*") for label in self.labels)


class Contract(msgspec.Struct, frozen=True):
    """All of them."""

    required: dict[str, Family]
    optional: dict[str, Family]
    absent: dict[str, Family]
    promtool_allows: tuple[str, ...]


CONTRACT = msgspec.convert(
    yaml.safe_load(Path(__file__).with_name("contract.yaml").read_text(encoding="utf-8")), Contract
)

NO_SERIES = {"argocd_appset_reconcile": "ApplicationSets are read and not reconciled"}
"""Required families that have no series in this version, and why."""
