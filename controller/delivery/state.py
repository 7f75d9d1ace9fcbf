"""What is remembered of one Application between two of its versions, and over restarts. Data only.

No URL and nothing else that can hold a credential stands here, for the memory is a ConfigMap: repositories are told
apart by digests. Made by `tracker`, kept by `shell`, written by `memory`.
"""

from __future__ import annotations

import hashlib

import msgspec

PAST = 10
"""Earlier deployments that are remembered, to know a rollback (Argo CD keeps as many in status.history)."""


class Place(msgspec.Struct, frozen=True, omit_defaults=True, array_like=True):
    """Where a source is read from."""

    repo: str = ""
    """Digest of the repository's URL; empty for what is no Git repository (a chart)."""
    paths: tuple[str, ...] = ()
    """Files and folders that the source is made of; empty: the whole repository."""


class Deployed(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is, was or shall be deployed: a commit for each source, and what else the sources say."""

    revisions: tuple[str, ...] = ()
    sources: str = ""
    """Digest of the sources; empty where they are not known."""
    places: tuple[Place, ...] = ()
    """One for each revision; empty where the sources are not known."""

    def same(self, other: Deployed | None) -> bool:
        """Say whether both are the same commits of the same sources; unknown sources count as the same."""
        if other is None or self.revisions != other.revisions:
            return False
        return self.sources == other.sources or not (self.sources and other.sources)

    @property
    def mark(self) -> str:
        """A short text that stands for it."""
        text = ",".join((*self.revisions, self.sources))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


class Seen(msgspec.Struct, frozen=True, omit_defaults=True):
    """A target that is not deployed yet."""

    what: Deployed
    at: float
    """When the push of it was received, or a comparison with it was first seen."""
    blocked: float = 0.0
    """Seconds so far in which policy kept it back."""
    blocked_since: float | None = None


class Underway(msgspec.Struct, frozen=True, omit_defaults=True):
    """A deployment whose sync succeeded and whose health is waited for."""

    what: Deployed
    seen_at: float
    synced_at: float
    known_at: float = 0.0
    """When it was seen that the sync had ended: a comparison that began later is one of what was synced."""
    before: Deployed | None = None
    """What was deployed before; None for the first deployment."""
    blocked: float | None = None
    """None: not automated, so that nothing could be kept back."""
    again: bool = False
    """It was deployed before, so that no commit made the change."""
    rollback: bool = False
    sick: bool = False
    """It was Degraded before the sync and has not been anything else since."""
    differs: bool = False
    """After the sync the cluster still was not what this commit says."""
    reconciled_at: str = ""
    """status.reconciledAt that was there before the sync ended: a comparison of that time says nothing of it."""


class State(msgspec.Struct, omit_defaults=True):
    """One Application. The tracker copies it and changes the copy."""

    uid: str = ""
    project: str = ""
    sync: str = ""
    """Synced or OutOfSync, whichever was seen last; empty: neither yet."""
    synced: Deployed | None = None
    """The target with which it was Synced last."""
    drift_since: float | None = None
    drift_counted: bool = False
    """The beginning of this drift was seen, so its end is told too."""
    health: str = ""
    health_time: str = ""
    """status.health.lastTransitionTime as it stood with that health."""
    unhealthy_since: float | None = None
    failing_since: float | None = None
    """The first failure since it was last Synced and Healthy."""
    failed_at: float | None = None
    """A sync failed, and it is not known yet whether it left the Application Synced and Healthy."""
    counted: str = ""
    """The finished operation that was counted last."""
    attempts_of: str = ""
    """The operation whose attempts are counted."""
    attempts: int = 0
    """How many failed attempts of it were counted."""
    last: Deployed | None = None
    """What was deployed last: a sync of everything that succeeded."""
    there: Deployed | None = None
    """What the cluster has: what was deployed last, or what it was found to be Synced with since then, as with a commit
    that changes nothing of this Application."""
    base: Deployed | None = None
    """What was there when the operation of `attempts_of` began."""
    tried: Deployed | None = None
    """What the last sync of everything brought, or tried to."""
    deployed_at: float | None = None
    """When the last sync of everything that succeeded ended."""
    past: tuple[str, ...] = ()
    """Marks of what was deployed, `last` among them, in the order of their first deployments."""
    seen: Seen | None = None
    underway: Underway | None = None
