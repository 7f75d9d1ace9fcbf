"""`lynceus freeze`: stop all syncs in a scope at once, for a time, with a reason and a name; and end that again."""

from __future__ import annotations

import datetime as dt
import functools
import getpass
import typing as t

import click
import msgspec

from controller.clock import SystemClock
from lynceus.commands.answers import output_option, print_value
from lynceus.commands.freezing import concerned, line_of, record_of, started_lines
from lynceus.commands.times import lasting, parse_moment, parse_span, said
from lynceus.freezes import IDENT, LONGEST_TEXT, FreezeBook, Stored, fault, new_id, period, phase, stopped
from lynceus.selectors import parse_selector
from model.additions import EVERY, FREEZE_PREFIX, Freeze
from model.durations import format_time
from model.errors import InvalidSettings, LynceusError
from policy.patterns import glob, tolerant

LONG = dt.timedelta(days=14)
"""A freeze beyond this is rarely meant: it is taken, with a warning."""
FURTHEST = dt.timedelta(days=366)

F = t.TypeVar("F", bound=t.Callable[..., t.Any])


class _Cluster(t.NamedTuple):
    kubeconfig: str | None
    context: str | None
    allow_exec: bool
    namespace: str

    def book(self) -> FreezeBook:
        from controller.kube.client import KubeClient

        client = KubeClient.from_kubeconfig(self.kubeconfig, self.context, allow_exec=self.allow_exec)
        return FreezeBook(client, self.namespace)


def _cluster_options(command: F) -> F:
    """Add the options, and hand them over as `cluster`."""
    options = (
        click.option("--kubeconfig", metavar="F", help="Default: KUBECONFIG, else the Pod's account, else kubectl's."),
        click.option("--context", metavar="C", help="Context of the kubeconfig."),
        click.option("--allow-exec", is_flag=True, help="Start the credential plugin that the kubeconfig names."),
        click.option(
            "-n", "--control-namespace", default="argocd", show_default=True, help="Where lynceus-cm is kept."
        ),
    )

    @functools.wraps(command)
    def wrapped(
        *, kubeconfig: str | None, context: str | None, allow_exec: bool, control_namespace: str, **others: t.Any
    ) -> t.Any:
        return command(cluster=_Cluster(kubeconfig, context, allow_exec, control_namespace), **others)

    for option in reversed(options):
        wrapped = option(wrapped)
    return t.cast("F", wrapped)


@click.group()
def freeze() -> None:
    """Stop syncs at once, for a time, with a reason; and let them go on."""


@freeze.command()
@click.option("--reason", required=True, help="Why; every refusal repeats it.")
@click.option("--for", "length", metavar="SPAN", help="How long: 4h, 90m, 2d.")
@click.option("--until", metavar="T", help="Up to when, RFC 3339: 2026-12-24T12:00:00Z.")
@click.option("--from", "begin", metavar="T", help="From when on. Default: now.")
@click.option("--project", "projects", metavar="GLOB", multiple=True, help="Default: every project.")
@click.option("--application", "applications", metavar="GLOB", multiple=True, help="Names of Applications.")
@click.option("--cluster", "clusters", metavar="GLOB", multiple=True, help="Names or servers of destinations.")
@click.option("--namespace", "namespaces", metavar="GLOB", multiple=True, help="Namespaces of destinations.")
@click.option("--selector", "-l", default="", metavar="LABELS", help="Labels of Applications: tier=web,env in (a,b).")
@click.option("--manual", is_flag=True, help="Let syncs through that a person starts.")
@click.option("--heal", is_flag=True, help="Let automated syncs to the revision synced last through.")
@click.option("--override", metavar="ROLE", multiple=True, help="Who may sync through it by break-glass.")
@click.option("--person", metavar="NAME", help="Who freezes. Default: whom the API server takes you for.")
@click.option("--id", "ident", metavar="ID", help="Name of the freeze. Default: made from the time.")
@click.option("--dry-run", is_flag=True, help="Only say what it would do.")
@_cluster_options
@output_option
def start(cluster: _Cluster, output: str, dry_run: bool, person: str | None, **asked: t.Any) -> None:
    """Freeze. Options of one kind widen the scope (any of them), options of different kinds narrow it (all of them)."""
    now = SystemClock().now().replace(microsecond=0)
    wanted = make(now, **asked)
    book = cluster.book()
    wanted = msgspec.structs.replace(wanted, person=_person(book, person))
    if not dry_run:
        book.start(wanted, now)
    known, notes = concerned(wanted, now, *cluster)
    for note in (*notes, *_doubts(wanted)):
        click.echo(f"lynceus: note: {note}", err=True)
    if output == "text":
        click.echo("\n".join(started_lines(wanted, now, known, dry_run=dry_run)))
    else:
        print_value(record_of(wanted, now) | {"dryRun": dry_run, **(known.record() if known else {})}, output)


def make(now: dt.datetime, *, reason: str, length: str | None, until: str | None, begin: str | None,
         projects: tuple[str, ...], applications: tuple[str, ...], clusters: tuple[str, ...],
         namespaces: tuple[str, ...], selector: str, manual: bool, heal: bool, override: tuple[str, ...],
         ident: str | None) -> Freeze:  # fmt: skip
    """Return the freeze that the options ask for, without its person; InvalidSettings says which option is wrong."""
    opening, closing = _period(now, length, until, begin)
    for option, patterns in {
        "--project": projects, "--application": applications, "--cluster": clusters, "--namespace": namespaces,
    }.items():  # fmt: skip
        _check_globs(option, patterns)
    if ident is not None and not IDENT.fullmatch(ident):
        raise InvalidSettings("--id", "", repr(ident[:80]), "letters, digits, '-', '_' and '.', at most 63")
    return Freeze(
        id=ident or new_id(now),
        reason=_line(reason, "--reason"),
        start=format_time(opening),
        end=format_time(closing),
        projects=projects or EVERY,
        applications=applications,
        clusters=clusters,
        namespaces=namespaces,
        label_selector=parse_selector(selector),
        manual=manual,
        heal=heal,
        override=tuple(_line(name, "--override") for name in override),
    )


def _period(
    now: dt.datetime, length: str | None, until: str | None, begin: str | None
) -> tuple[dt.datetime, dt.datetime]:
    """Return (start, end)."""
    if (length is None) == (until is None):
        found = "both" if length is not None else "neither"
        raise InvalidSettings("--for, --until", "", found, "one of them: a freeze has an end")
    opening = parse_moment(begin, "--from") if begin else now
    if length is not None:
        span = parse_span(length, "--for")
        if span > FURTHEST:
            raise InvalidSettings("--for", "", repr(length[:40]), "at most 366 days")
        closing = opening + span
    else:
        closing = parse_moment(until or "", "--until")
    if closing <= max(now, opening):
        after = "the start" if opening > now else f"now ({format_time(now)})"
        option = "--until" if until else "--for"
        raise InvalidSettings(option, "", f"an end at {format_time(closing)}", f"one after {after}")
    if closing - opening > FURTHEST:
        raise InvalidSettings("--until", "", f"{lasting(closing - opening)} after the start", "at most 366 days")
    return opening, closing


def _check_globs(option: str, patterns: tuple[str, ...]) -> None:
    for text in patterns:
        broken = tolerant(glob, text).broken
        if broken or not text:
            raise InvalidSettings(option, "", f"{text[:80]!r}: {broken or 'empty'}", "a glob such as shop-*")


def _line(text: str, option: str) -> str:
    clean = text.strip()
    if not clean or not clean.isprintable() or len(clean) > LONGEST_TEXT:
        found = "nothing" if not clean else f"{len(clean)} characters" if clean.isprintable() else "control characters"
        raise InvalidSettings(option, "", found, f"one line of at most {LONGEST_TEXT} characters")
    return clean


def _person(book: FreezeBook, person: str | None) -> str:
    """Return who does this: as said, else as the API server sees it, else the account of this machine."""
    if person is not None:
        return _line(person, "--person")
    return book.person() or _account()


def _account() -> str:
    try:
        return f"{getpass.getuser()} (account of the machine)"
    except (OSError, KeyError, ImportError):
        return "unknown"


def _doubts(wanted: Freeze) -> t.Iterator[str]:
    length = parse_moment(wanted.end, "--until") - parse_moment(wanted.start, "--from")
    if length > LONG:
        yield f"the freeze lasts {lasting(length)}; a sync window in the AppProject suits what is planned for so long"


@freeze.command()
@click.argument("idents", metavar="[ID]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All that are in force or coming.")
@click.option("--reason", required=True, help="Why it ends.")
@click.option("--person", metavar="NAME", help="Who ends it. Default: whom the API server takes you for.")
@_cluster_options
@output_option
def stop(
    idents: tuple[str, ...], everything: bool, reason: str, person: str | None, cluster: _Cluster, output: str
) -> None:
    """End freezes. Their records stay for 30 days; syncs that were waiting start by themselves."""
    if bool(idents) == everything:
        raise InvalidSettings("ID, --all", "", "both" if idents else "neither", "one of them")
    now, why = SystemClock().now().replace(microsecond=0), _line(reason, "--reason")
    book = cluster.book()
    who = _person(book, person)
    lost: dict[str, str] = {}

    def choose(stored: Stored) -> list[Freeze]:
        found = _chosen(stored, idents, now, book.where)
        lost.update({each.where: stored.data[FREEZE_PREFIX + each.id] for each in found if fault(each)})
        return found

    ended = book.stop(choose, lambda each: stopped(each, now=now, person=who, reason=why), now)
    for where, text in lost.items():
        click.echo(f"lynceus: note: {where} could not be evaluated and is replaced; it was:\n{text.rstrip()}", err=True)
    if output == "text":
        lines = [f"freeze {each.id} is over since {said(now)}: stopped by {who}: {why}" for each in ended]
        click.echo("\n".join(lines or ["no freeze is in force or coming"]))
    else:
        print_value([record_of(each, now) for each in ended], output)


def _chosen(stored: Stored, idents: tuple[str, ...], now: dt.datetime, where: str) -> list[Freeze]:
    """Return the freezes to end: those named, or all that are in force or coming."""
    open_ones = {each.id: each for each in stored.freezes if phase(each, now) != "past"}
    if not idents:
        return list(open_ones.values())
    over = {each.id: each for each in stored.freezes if each.id not in open_ones}
    for ident in idents:
        if ident in over:
            when = period(over[ident])
            since = f" since {said(when[1])}" if when else ""
            raise LynceusError(f"freeze {ident} is over{since}; nothing was changed")
        if ident not in open_ones:
            known = ", ".join(open_ones) or "none"
            raise InvalidSettings(where, "", f"no freeze {ident[:80]!r}", f"one that is in force or coming: {known}")
    return [open_ones[ident] for ident in dict.fromkeys(idents)]


@freeze.command()
@click.option("--exit-code", is_flag=True, help="Exit code 1 while a freeze is in force.")
@click.option("--past", is_flag=True, help="Also those that are over.")
@_cluster_options
@output_option
def status(exit_code: bool, past: bool, cluster: _Cluster, output: str) -> None:
    """Who froze what, why, since when and until when. A record that cannot be evaluated counts as in force."""
    now = SystemClock().now().replace(microsecond=0)
    stored = cluster.book().read()
    order = {"active": 0, "coming": 1, "past": 2}
    found = sorted(stored.freezes, key=lambda each: (order[phase(each, now)], each.start, each.id))
    active = any(phase(each, now) == "active" for each in found)
    for line in stored.unread:
        click.echo(f"lynceus: note: {line}", err=True)
    if output == "text":
        shown = [each for each in found if past or phase(each, now) != "past"]
        hidden = len(found) - len(shown)
        lines = ["\n".join(line_of(each, now)) for each in shown] or ["no freeze is in force or coming"]
        click.echo("\n".join(lines + ([f"({hidden} over; --past shows them)"] if hidden else [])))
    else:
        print_value([record_of(each, now) for each in found], output)
    raise SystemExit(1 if exit_code and active else 0)
