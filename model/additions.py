"""What Lynceus adds to sync windows: further windows, freezes, and who may pass them by break-glass.

They stand in the ConfigMap `lynceus-cm` (keys `windows`, `breakGlass`, `freeze.<id>`) and, for one project, in an
annotation of its AppProject. They never change what Argo CD's own fields mean. Only shapes are read here; schedules,
times and patterns are looked at by policy.windows.added. What cannot be read is never left out: it becomes an entry
that is `broken` and blocks, or a key that keeps its last good form.
"""

from __future__ import annotations

import typing as t

import msgspec
import yaml

from model import yamltext
from model.project import AppProject

CONFIG_MAP = "lynceus-cm"
"""In the control namespace."""
ANNOTATION = "lynceus.io/sync-windows"
"""Of an AppProject: a YAML list of windows for this project."""
WINDOWS_KEY, BREAK_GLASS_KEY, FREEZE_PREFIX = "windows", "breakGlass", "freeze."
EVERY = ("*",)
"""All projects."""


class _Strict(
    msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True, forbid_unknown_fields=True
):
    """Base of what Lynceus itself defines: camelCase on the wire, and a field that does not exist is a mistake."""


class Requirement(_Strict, frozen=True, kw_only=True):
    """An entry of matchExpressions, as in Kubernetes."""

    key: str
    operator: str
    """In, NotIn, Exists or DoesNotExist; anything else makes the entry invalid."""
    values: tuple[str, ...] = ()


class LabelSelector(_Strict, frozen=True, kw_only=True):
    """A Kubernetes label selector: everything in it must hold."""

    match_labels: dict[str, str] = {}
    match_expressions: tuple[Requirement, ...] = ()


class Exclusion(_Strict, frozen=True, kw_only=True):
    """Whatever of it hits is taken out of the window."""

    applications: tuple[str, ...] = ()
    """Globs on the Application's name."""
    namespaces: tuple[str, ...] = ()
    """Globs on spec.destination.namespace."""
    clusters: tuple[str, ...] = ()
    """Globs on name or server of the destination."""
    label_selector: LabelSelector | None = None


class AddedWindow(_Strict, frozen=True, kw_only=True):
    """A window beside those of Argo CD. Recurring (schedule, duration) or one-off (from, until), never both."""

    name: str = ""
    """Unique among the windows of its place; messages name it."""
    kind: str = ""
    """allow or deny."""
    projects: tuple[str, ...] = ()
    """Globs on names of AppProjects; required in lynceus-cm, forbidden in the annotation."""
    schedule: str = ""
    """Five fields, as in Argo CD."""
    duration: str = ""
    """A Go duration."""
    start: str = msgspec.field(default="", name="from")
    """One-off: RFC 3339, or a local time such as 2026-12-20T00:00 in `time_zone`."""
    end: str = msgspec.field(default="", name="until")
    """One-off: as `start`; the end itself is outside."""
    time_zone: str = ""
    """IANA name; empty is UTC."""
    applications: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()
    """Selectors as in Argo CD's windows; none at all means every Application of the projects."""
    and_operator: bool = False
    """All selectors that are given must hit; else any."""
    manual_sync: bool = False
    """Manual syncs are let through."""
    sync_overrun: bool = False
    """A sync that was permitted when it started may go on."""
    description: str = ""
    label_selector: LabelSelector | None = None
    """On the Application's labels; must hold beside the other selectors."""
    exclude: Exclusion | None = None
    expires: str = ""
    """As `start`; from then on the entry counts no more."""
    override: tuple[str, ...] = ()
    """Roles, groups or users who may sync through it by break-glass."""
    heal: bool = False
    """Automated syncs to the revision that was synced last are let through: heal, but do not deploy."""
    broken: str = ""
    """Why the entry could not be read; then it blocks every Application of its projects. Not a wire field."""


class Freeze(_Strict, frozen=True, kw_only=True):
    """Nothing is synced in [start, end), or until it was stopped."""

    id: str = ""
    """What stands behind ``freeze.`` in the key."""
    reason: str = ""
    person: str = ""
    """Who began it."""
    start: str = ""
    end: str = ""
    """RFC 3339."""
    projects: tuple[str, ...] = EVERY
    applications: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()
    """Globs; each of the four lists that is given must hit."""
    label_selector: LabelSelector | None = None
    manual: bool = False
    """Manual syncs are let through."""
    heal: bool = False
    """As AddedWindow.heal."""
    override: tuple[str, ...] = ()
    """As AddedWindow.override."""
    stopped: str = ""
    """RFC 3339: when it was ended early; empty while it was not."""
    stopped_by: str = ""
    stop_reason: str = ""
    broken: str = ""
    """Why the record could not be read; then it blocks everything. Not a wire field."""

    @property
    def where(self) -> str:
        """The place of the record."""
        return f"{CONFIG_MAP} {FREEZE_PREFIX}{self.id}"


class BreakGlass(_Strict, frozen=True, kw_only=True):
    """Who may go through any window or freeze of these projects by break-glass, Argo CD's own windows too."""

    roles: tuple[str, ...]
    """Roles, groups or users."""
    projects: tuple[str, ...] = EVERY
    """Globs."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What could not be read."""

    where: str
    """Object, key and entry: ``lynceus-cm windows[0]``."""
    text: str
    fix: str = ""
    code: str = "additions-entry"


class Additions(msgspec.Struct, frozen=True, kw_only=True):
    """All that lynceus-cm says about windows."""

    windows: tuple[AddedWindow, ...] = ()
    freezes: tuple[Freeze, ...] = ()
    break_glass: tuple[BreakGlass, ...] = ()
    generation: str = ""
    """resourceVersion of the ConfigMap, or a hash of the file."""
    problems: tuple[Problem, ...] = ()
    keys: tuple[str, ...] = ()
    """Keys that say something about windows, readable or not."""
    unreadable: tuple[str, ...] = ()
    """Keys that could not be read at all: their last good form counts, and without one they block."""


def read_additions(data: t.Mapping[str, str], generation: str) -> Additions:
    """Read lynceus-cm; total: what cannot be read is told in `problems` and blocks.

    Args:
        data: of the ConfigMap; an absent one is an empty one.
        generation: its resourceVersion, or a hash.
    """
    problems: list[Problem] = []
    unreadable: list[str] = []
    windows: tuple[AddedWindow, ...] = ()
    if WINDOWS_KEY in data:
        items = _list(data[WINDOWS_KEY], f"{CONFIG_MAP} {WINDOWS_KEY}", problems)
        if items is None:
            unreadable.append(WINDOWS_KEY)
        windows = _windows(items or [], f"{CONFIG_MAP} {WINDOWS_KEY}", problems, shared=True)
    freezes: list[Freeze] = []
    for key in sorted(data):
        if key.startswith(FREEZE_PREFIX):
            freezes.append(_freeze(key, data[key], problems))
            if freezes[-1].broken:
                unreadable.append(key)
    allowed: tuple[BreakGlass, ...] = ()
    if BREAK_GLASS_KEY in data:
        found = _break_glass(data[BREAK_GLASS_KEY], problems)
        if found is None:
            unreadable.append(BREAK_GLASS_KEY)
        allowed = found or ()
    problems += (_unknown_key(key) for key in sorted(data) if not _is_known(key))
    return Additions(
        windows=windows,
        freezes=tuple(freezes),
        break_glass=allowed,
        generation=generation,
        problems=tuple(problems),
        keys=tuple(key for key in sorted(data) if _is_known(key)),
        unreadable=tuple(unreadable),
    )


def _is_known(key: str) -> bool:
    return key in (WINDOWS_KEY, BREAK_GLASS_KEY) or key.startswith(FREEZE_PREFIX)


def _unknown_key(key: str) -> Problem:
    fix = f"{WINDOWS_KEY}, {BREAK_GLASS_KEY} or {FREEZE_PREFIX}ID"
    text = "no key that is read, so that nothing in it counts"
    return Problem(where=f"{CONFIG_MAP} {_short(key)}", text=text, fix=fix, code="additions-key")


def read_project_windows(project: AppProject) -> tuple[tuple[AddedWindow, ...] | None, tuple[Problem, ...]]:
    """Read the annotation of an AppProject; total.

    Returns:
        The windows, None when the annotation cannot be read at all (then its last good form counts, and without one
        everything in the project is blocked), and what is wrong.
    """
    text = project.metadata.annotation(ANNOTATION)
    if not text:
        return (), ()
    problems: list[Problem] = []
    where = f"AppProject {project.metadata.name}: {ANNOTATION}"
    items = _list(text, where, problems)
    windows = None if items is None else _windows(items, where, problems, shared=False)
    return windows, tuple(problems)


def write_freeze(freeze: Freeze) -> str:
    """Return the record as it stands in the ConfigMap: YAML without the id, which is in the key."""
    fields = msgspec.to_builtins(freeze)
    record = {key: value for key, value in fields.items() if key not in ("id", "broken")}
    text = yaml.safe_dump(record, sort_keys=False, allow_unicode=True)
    try:
        same = yamltext.load(text) == record
    except ValueError:
        same = False
    return text if same else yaml.safe_dump(record, sort_keys=False)


# --- reading ---

Entry = t.TypeVar("Entry", bound=_Strict)


def _list(text: str, where: str, problems: list[Problem]) -> list[t.Any] | None:
    """Return the entries of a YAML list, None when there is none to be read."""
    fix = "a YAML list"
    try:
        value = yamltext.load(text)
    except ValueError as failure:
        problems.append(Problem(where=where, text=str(failure), fix=fix, code="additions-unreadable"))
        return None
    if value is None:
        return []
    if not isinstance(value, list):
        problems.append(Problem(where=where, text=f"found {_shape(value)}", fix=fix, code="additions-unreadable"))
        return None
    return value


def _windows(items: list[t.Any], where: str, problems: list[Problem], *, shared: bool) -> tuple[AddedWindow, ...]:
    return tuple(_window(item, f"{where}[{number}]", problems, shared) for number, item in enumerate(items))


def _window(item: t.Any, where: str, problems: list[Problem], shared: bool) -> AddedWindow:
    """Read one window; a broken one keeps its name and, when they can be read, its projects."""
    window, why = _entry(AddedWindow, item, where, problems)
    if window is None:
        return AddedWindow(name=_text(item, "name"), projects=_broken_projects(item, shared), broken=why)
    if shared and not window.projects:
        why = _refuse(problems, f"{where}.projects", "no projects", "globs on project names, such as ['*']")
        return msgspec.structs.replace(window, projects=EVERY, broken=why)
    if not shared and window.projects:
        why = _refuse(problems, f"{where}.projects", "projects in an AppProject's own windows", "no such field")
        return msgspec.structs.replace(window, projects=(), broken=why)
    return window


def _broken_projects(item: t.Any, shared: bool) -> tuple[str, ...]:
    """Return the projects that an unreadable entry may concern: all, unless it says so in a form that can be read."""
    named = item.get("projects") if isinstance(item, dict) else None
    readable = isinstance(named, list) and named and all(isinstance(one, str) for one in named)
    return () if not shared else tuple(named) if named and readable else EVERY


def _freeze(key: str, text: str, problems: list[Problem]) -> Freeze:
    where, ident = f"{CONFIG_MAP} {key}", key.removeprefix(FREEZE_PREFIX)
    try:
        value = yamltext.load(text)
    except ValueError as failure:
        problems.append(Problem(where=where, text=str(failure), fix="a freeze record", code="additions-unreadable"))
        return Freeze(id=ident, broken=str(failure))
    freeze, why = _entry(Freeze, value, where, problems)
    return Freeze(id=ident, broken=why) if freeze is None else msgspec.structs.replace(freeze, id=ident)


def _break_glass(text: str, problems: list[Problem]) -> tuple[BreakGlass, ...] | None:
    """Read breakGlass; an entry that cannot be read gives nobody anything."""
    where = f"{CONFIG_MAP} {BREAK_GLASS_KEY}"
    items = _list(text, where, problems)
    if items is None:
        return None
    read = (_entry(BreakGlass, item, f"{where}[{number}]", problems)[0] for number, item in enumerate(items))
    return tuple(entry for entry in read if entry is not None)


def _entry(kind: type[Entry], item: t.Any, where: str, problems: list[Problem]) -> tuple[Entry | None, str]:
    """Convert one entry; (None, why) when it has another shape."""
    if not isinstance(item, dict):
        return None, _refuse(problems, where, f"found {_shape(item)}", "a mapping of fields")
    known = sorted(field.encode_name for field in msgspec.structs.fields(kind) if field.encode_name != "broken")
    unknown = [key for key in item if key not in known]
    if unknown:
        text = f"unknown field {_short(unknown[0])}"
        return None, _refuse(problems, where, text, "one of " + ", ".join(known), "additions-field")
    try:
        return msgspec.convert(_without_null(item), type=kind), ""
    except (msgspec.MsgspecError, RecursionError) as failure:
        text, _, path = str(failure).partition(" - at ")
        wanted, _, found = text.partition(", got ")
        place = where + path.strip("`").removeprefix("$").replace("[...]", "")
        fix = wanted.removeprefix("Expected ").replace("`", "") if found else ""
        told = f"found {found.strip('`')}" if found else text.replace("`", "'")[:120]
        return None, _refuse(problems, place, told, fix, "additions-entry" if found else "additions-field")


def _without_null(item: t.Any) -> t.Any:
    """Return the value without null fields: null is absent, as in Kubernetes."""
    if isinstance(item, dict):
        return {key: _without_null(value) for key, value in item.items() if value is not None}
    return [_without_null(value) for value in item] if isinstance(item, list) else item


def _refuse(problems: list[Problem], where: str, text: str, fix: str, code: str = "additions-entry") -> str:
    problems.append(Problem(where=where, text=text, fix=fix, code=code))
    return text


def _text(item: t.Any, field: str) -> str:
    value = item.get(field) if isinstance(item, dict) else None
    return value if isinstance(value, str) else ""


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:39] + "…")


def _shape(value: t.Any) -> str:
    """Name the kind of a YAML value."""
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, list) else "nothing" if value is None else "a plain value"
