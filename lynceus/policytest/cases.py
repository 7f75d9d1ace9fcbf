"""What a test file asks and expects, typed: one struct for each kind of question. Data only.

lynceus.policytest.reading makes these from YAML, lynceus.policytest.answers answers them.
"""

from __future__ import annotations

import datetime as dt
import typing as t

import msgspec

from model.application import Application, Destination
from model.durations import format_time
from model.urls import display_url
from policy.findings import Mode
from policy.subjects import Subject

Trigger = t.Literal["automated", "manual", "healing"]
Word = t.Literal["allow", "deny", "open", "closed", "invalid", "found"]
NEVER = "never"


class Can(msgspec.Struct, frozen=True):
    """May the subject do the action? RBAC alone."""

    subject: Subject
    resource: str
    action: str
    target: str

    @property
    def title(self) -> str:
        """The question in a few words."""
        return f"can {self.subject.label} {self.action} {self.resource} {self.target}".rstrip()


class Sync(msgspec.Struct, frozen=True):
    """May a sync of the Application run: windows, and RBAC when somebody asks for it?"""

    app: Application
    trigger: Trigger
    started: dt.datetime | None = None
    by: Subject | None = None
    break_glass: str = ""

    @property
    def title(self) -> str:
        """The question in a few words."""
        by = f" by {self.by.label}" if self.by else ""
        glass = " through break-glass" if self.break_glass else ""
        return f"{self.trigger} sync of {_named(self.app)}{by}{glass}"


class Permitted(msgspec.Struct, frozen=True):
    """Does the AppProject permit the Application as a whole?"""

    app: Application

    @property
    def title(self) -> str:
        """The question in a few words."""
        return f"is {_named(self.app)} permitted in project {self.app.spec.project or 'default'}"


class FromSource(msgspec.Struct, frozen=True):
    """May Applications of the project come from the repository?"""

    project: str
    repo: str

    @property
    def title(self) -> str:
        """The question in a few words."""
        return f"source {display_url(self.repo)} in project {self.project}"


class ToDestination(msgspec.Struct, frozen=True):
    """May Applications of the project go to the namespace of the cluster?"""

    project: str
    destination: Destination

    @property
    def title(self) -> str:
        """The question in a few words."""
        cluster = self.destination.name or self.destination.server
        return f"destination {cluster} {self.destination.namespace} in project {self.project}"


class OfKind(msgspec.Struct, frozen=True):
    """May the Application apply or prune the object? Without a namespace it is cluster-scoped."""

    app: Application
    group: str
    kind: str
    namespace: str
    name: str

    @property
    def title(self) -> str:
        """The question in a few words."""
        kind = f"{self.group}/{self.kind}" if self.group else self.kind
        return " ".join(filter(None, (f"resource {kind}", self.namespace, self.name, "of", _named(self.app))))


class WindowState(msgspec.Struct, frozen=True):
    """Is the window open?"""

    project: str
    window: str
    """Where it stands: ``AppProject shop: spec.syncWindows[0]``."""

    @property
    def title(self) -> str:
        """The question in a few words."""
        return f"window {self.window}"


class Lint(msgspec.Struct, frozen=True):
    """Which findings does the policy have?"""

    codes: tuple[str, ...] | None
    """Exactly these, repeated as often as they occur; None: not asked."""
    includes: tuple[str, ...]
    where: str
    """Only findings whose place contains this."""

    @property
    def title(self) -> str:
        """The question in a few words."""
        return f"findings {self.where}".rstrip()


Question = Can | Sync | Permitted | FromSource | ToDestination | OfKind | WindowState | Lint


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """What the case must answer; fields left out are not compared."""

    word: Word
    rule: str = ""
    """Part of the deciding rule, `origin: text`."""
    origin: str | None = None
    """The whole place of the deciding rule."""
    text: str | None = None
    """The whole text of the deciding rule."""
    reason: str = ""
    """Part of the reason."""
    path: tuple[str, ...] | None = None
    """How the subject reached the rule, with or without the subject itself."""
    until: dt.datetime | t.Literal["never"] | None = None
    overrode: str = ""
    """Part of the rule that break-glass passed over."""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One question with what it must answer."""

    name: str
    group: str
    line: int
    question: Question
    expected: Expected
    at: dt.datetime | None
    mode: Mode

    @property
    def full_name(self) -> str:
        """What `--run` looks at."""
        return f"{self.group} / {self.name}"


def title_of(question: Question, at: dt.datetime | None) -> str:
    """Return the name of a case that has none; the instant is part of it where the answer depends on it."""
    timed = isinstance(question, Sync | WindowState)
    return f"{question.title} at {format_time(at)}" if timed and at else question.title


def _named(app: Application) -> str:
    return app.metadata.name or "an application"
