"""Every reader of text that somebody else wrote, as a target for fuzzing, with a corpus of good texts to start from.

A target takes any bytes and asks its reader, and the decisions behind it. It may end quietly or with the error that the
reader promises; anything else is a finding.
"""

from __future__ import annotations

import datetime as dt
import json
import typing as t

import msgspec

from model.additions import CONFIG_MAP, read_additions, read_project_windows
from model.application import Application, read_application
from model.durations import format_duration, format_time, parse_duration, parse_time
from model.errors import InvalidInput
from model.meta import ObjectMeta
from model.project import AppProject, ProjectSpec, SyncWindow, read_project
from model.settings import RbacSettings, read_rbac_settings, read_settings
from model.urls import canonical_url, display_url
from policy.findings import Mode
from policy.generation import build
from policy.guard import Guard, Subject
from policy.patterns import PatternError, glob, path_match, regex
from policy.rbac.claims import read_caller
from policy.rbac.scopes import read_scopes
from policy.windows import Target, Window, judge, to_decision
from policy.windows.moment import EARLIEST, LATEST
from policy.windows.schedule import latest_start, next_start, parse_schedule
from policy.windows.zones import find_zone
from tests.policy.proofs import corpus

NOW = dt.datetime(2026, 3, 29, 0, 59, 59, 999_999, tzinfo=dt.UTC)
INSTANTS = (NOW, dt.datetime(1, 1, 2, tzinfo=dt.UTC), dt.datetime(9999, 12, 31, 23, 59, tzinfo=dt.UTC))
"""Before a change of clocks, and near both ends of what Python can tell."""
SUBJECT = Subject("alice", ("devs", "my-org:ops"))
MODES: tuple[Mode, ...] = ("strict", "compat")


def _text(data: bytes) -> str:
    """Return bytes as text; half of them keep what is no UTF-8 as half characters, which JSON can carry."""
    return data.decode("utf-8", "surrogateescape" if len(data) % 2 else "replace")


def _promised(read: t.Callable[[str], object], text: str, *errors: type[Exception]) -> object:
    """Ask a reader; None when it refuses with its own error of one line (a subclass of that error is none)."""
    try:
        return read(text)
    except errors as failure:
        assert type(failure) in errors or isinstance(failure, InvalidInput), f"{type(failure).__name__}: {failure}"
        assert str(failure), "an error without a word"
        assert "\n" not in str(failure), "an error of several lines"
        return None


def policy_csv(data: bytes) -> None:
    """A policy text, in both modes and both match modes."""
    text = _text(data)
    mode, match = MODES[len(text) % 2], ("glob", "regex")[len(text) // 2 % 2]
    settings = RbacSettings(csv=(("policy.csv", text),), match_mode=match, default_role="role:dev")
    _ask_rbac(Guard(build(settings, (), mode=mode)[0]))


def rbac_config_map(data: bytes) -> None:
    """Keys and values of argocd-rbac-cm."""
    parts = _text(data).split("\x00")
    settings = read_rbac_settings(dict(zip(parts[::2], parts[1::2], strict=False)), "7")
    _ask_rbac(Guard(build(settings, (), mode=MODES[len(parts) // 2 % 2])[0]))


def _ask_rbac(guard: Guard) -> None:
    for resource, action, target in (("applications", "sync", "shop/web"), ("projects", "get", "shop"), ("", "", "")):
        decision = guard.can(SUBJECT, resource, action, target)
        assert decision.reason
        assert decision.generation == guard.current.id


def globs(data: bytes) -> None:
    """Patterns of both glob dialects, and a text to match."""
    pattern, _, value = _text(data).partition("\x00")
    for build_pattern in (glob, path_match, lambda text: glob(text, "/")):
        compiled = _promised(build_pattern, pattern, PatternError)
        if compiled is not None:
            assert compiled.matches(value or pattern) in (True, False)  # type: ignore[attr-defined]


def expressions(data: bytes) -> None:
    """Regular expressions, and a text to match."""
    pattern, _, value = _text(data).partition("\x00")
    for anchored in (True, False):
        compiled = _promised(lambda text: regex(text, anchored=anchored), pattern, PatternError)  # noqa: B023
        if compiled is not None:
            assert compiled.matches(value or pattern) in (True, False)  # type: ignore[attr-defined]


def schedules(data: bytes) -> None:
    """A schedule, and its starts around odd instants."""
    schedule = _promised(parse_schedule, _text(data), ValueError)
    if schedule is not None:
        zone = find_zone("Europe/Amsterdam") if len(data) % 3 == 0 else None
        for now in INSTANTS:
            found = latest_start(schedule, now, zone, dt.timedelta(days=40))  # type: ignore[arg-type]
            assert found is None or found <= max(now, EARLIEST)
            found = next_start(schedule, now, zone, dt.timedelta(days=40))  # type: ignore[arg-type]
            assert found is None or found > now or now > LATEST


def durations(data: bytes) -> None:
    """A Go duration; one that is read can be written and read again."""
    value = _promised(parse_duration, _text(data), ValueError)
    if value is not None:
        assert value == parse_duration(format_duration(value))  # type: ignore[arg-type]


def times(data: bytes) -> None:
    """An RFC 3339 time; one that is read can be written."""
    value = _promised(parse_time, _text(data), ValueError)
    if value is not None:
        assert format_time(value)  # type: ignore[arg-type]


def zones(data: bytes) -> None:
    """The name of a zone."""
    _promised(find_zone, _text(data), ValueError)


def urls(data: bytes) -> None:
    """A repository URL; the canonical form has no password, blank or query."""
    text = _text(data)
    assert len(display_url(text)) <= 200
    canonical = _promised(canonical_url, text, InvalidInput)
    assert canonical is None or not set(" ?#%\n\\").intersection(t.cast("str", canonical)) or "%" in text


def scopes(data: bytes) -> None:
    """The scopes text."""
    _promised(read_scopes, _text(data), ValueError)


def windows(data: bytes) -> None:
    """One entry of spec.syncWindows."""
    try:
        spec = msgspec.json.decode(data, type=SyncWindow)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return
    for mode in MODES:
        window = Window(spec, "AppProject p: spec.syncWindows[0]", 0, mode)
        for now in INSTANTS:
            started = now - dt.timedelta(hours=1) if now is NOW else None
            found = judge([window], Target("web", "shop", ("prod",)), now, manual=len(data) % 2 == 0, started=started)
            assert found.next_change is None or found.next_change > now or now > LATEST
            assert to_decision(found, manual=False).reason


APPLICATION = read_application(corpus.APPLICATIONS[0])
PROJECT = read_project(corpus.PROJECTS[0])


def projects(data: bytes) -> None:
    """An AppProject; one that can be read gives decisions."""
    project = _promised(lambda _: read_project(data), "", InvalidInput)
    if project is not None:
        spec = t.cast("AppProject", project)
        named = msgspec.structs.replace(spec, metadata=msgspec.structs.replace(spec.metadata, name="shop"))
        guard = Guard(build(RbacSettings(), [named], mode=MODES[len(data) % 2])[0])
        _ask_guard(guard, APPLICATION, len(data) % 4 == 0)


def applications(data: bytes) -> None:
    """An Application; one that can be read is decided upon."""
    app = _promised(lambda _: read_application(data), "", InvalidInput)
    if app is not None:
        _ask_guard(GUARDS[MODES[len(data) % 2]], t.cast("Application", app), len(data) % 4 == 0)


GUARDS = {mode: Guard(build(RbacSettings(csv=corpus.POLICY), [PROJECT], mode=mode)[0]) for mode in MODES}


def _ask_guard(guard: Guard, app: Application, manual: bool) -> None:
    answers = [
        guard.may_use(app),
        guard.may_apply(app, group="apps", kind="Deployment", namespaced=True, namespace="shop", name="web"),
        guard.may_apply(app, group="", kind="Namespace", namespaced=False, namespace="", name="shop"),
        guard.may_sync(app, now=NOW, manual=manual, subject=SUBJECT if manual else None),
    ]
    assert all(answer.reason and answer.generation == guard.current.id for answer in answers)


def additions(data: bytes) -> None:
    """Keys and values of lynceus-cm; what cannot be read blocks."""
    parts = _text(data).split("\x00")
    found = read_additions(dict(zip(parts[::2], parts[1::2], strict=False)), "7")
    assert all(problem.where.startswith(CONFIG_MAP) for problem in found.problems)
    guard = Guard(build(RbacSettings(), [PROJECT], mode=MODES[len(data) % 2], additions=found)[0])
    answer = guard.may_sync(APPLICATION, now=NOW, manual=len(data) % 4 == 0)
    assert answer.reason
    assert not (any(freeze.broken for freeze in found.freezes) and answer.allowed), "a broken freeze lets through"


def annotations(data: bytes) -> None:
    """The annotation of an AppProject with windows of its own."""
    metadata = ObjectMeta(name="shop", annotations={"lynceus.io/sync-windows": _text(data)})
    project = AppProject(metadata=metadata, spec=ProjectSpec(source_repos=["*"]))
    found, _ = read_project_windows(project)
    guard = Guard(build(RbacSettings(), [project], mode=MODES[len(data) % 2])[0])
    answer = guard.may_sync(APPLICATION, now=NOW, manual=False)
    assert answer.reason
    assert not (found is None and answer.allowed), "an annotation that cannot be read lets through"


def claims(data: bytes) -> None:
    """The claims of a token, and the scopes text behind a NUL."""
    body, _, names = data.partition(b"\x00")
    try:
        found = json.loads(body)
        wanted = read_scopes(names.decode())
    except (ValueError, RecursionError):
        return
    if isinstance(found, dict):
        for mode in MODES:
            caller = read_caller(found, wanted, mode=mode, project_token=len(data) % 3 == 0)
            if caller.subject is not None:
                GUARDS[mode].can(caller.subject, "applications", "get", "shop/web")


def settings(data: bytes) -> None:
    """Keys and values of argocd-cm."""
    parts = _text(data).split("\x00")
    read_settings(dict(zip(parts[::2], parts[1::2], strict=False)))


TARGETS: dict[str, tuple[t.Callable[[bytes], None], tuple[bytes, ...]]] = {
    "policy-csv": (policy_csv, corpus.POLICIES),
    "rbac-config-map": (rbac_config_map, corpus.RBAC_CONFIG_MAPS),
    "globs": (globs, corpus.GLOBS),
    "expressions": (expressions, corpus.EXPRESSIONS),
    "schedules": (schedules, corpus.SCHEDULES),
    "durations": (durations, corpus.DURATIONS),
    "times": (times, corpus.TIMES),
    "zones": (zones, corpus.ZONES),
    "urls": (urls, corpus.URLS),
    "scopes": (scopes, corpus.SCOPES),
    "windows": (windows, corpus.WINDOWS),
    "projects": (projects, corpus.PROJECTS),
    "applications": (applications, corpus.APPLICATIONS),
    "additions": (additions, corpus.ADDITIONS),
    "annotations": (annotations, corpus.ANNOTATIONS),
    "claims": (claims, corpus.CLAIMS),
    "settings": (settings, corpus.SETTINGS),
}
"""Name -> (target, corpus)."""
