"""A policy that is edited while decisions are asked: each decision belongs to exactly one published generation."""

import datetime as dt
import threading
import typing as t

from hypothesis import given
from hypothesis import strategies as st

from model.application import read_application
from model.decision import Decision
from model.meta import ObjectMeta
from model.project import AppProject, ProjectRole, ProjectSpec, SyncWindow
from model.settings import RbacSettings
from policy.generation import Generation, build
from policy.guard import Guard, Subject
from tests.policy.proofs import corpus

NOW = dt.datetime(2026, 12, 21, 10, tzinfo=dt.UTC)
APP = read_application(corpus.APPLICATIONS[0])
SUBJECT = Subject("alice", ("devs",))
EDITS, QUESTIONS, ASKERS = 100, 100, 4
"""Two seconds' worth of 50 edits and 200 questions a second."""


def _project(number: int, version: str, *, broken: bool = False) -> AppProject:
    """Return a project whose windows, sources and roles differ from one version to the next."""
    kind = ("allow", "deny", "Deny")[number % 3]
    window = SyncWindow(
        kind=kind,
        schedule="0 9 * * 1-5",
        duration=f"{1 + number % 12}h",
        applications=["web*"],
        description=str(number),
    )
    return AppProject(
        metadata=ObjectMeta(name="shop", resource_version=version),
        spec=ProjectSpec(
            source_repos=["*", "![open"] if broken else [f"https://github.com/shop/app{'s' if number % 2 else 'z'}"],
            sync_windows=[window],
            roles=[ProjectRole(name="dev", policies=[_line(number)], groups=["devs"] if number % 5 else [])],
        ),
    )


def _line(number: int) -> str:
    return f"p, proj:shop:dev, applications, {'sync' if number % 2 else 'get'}, shop/*, allow"


def _settings(number: int, version: str) -> RbacSettings:
    effect = ("allow", "deny", "alow")[number % 3]
    text = f"# {number}\np, alice, applications, sync, shop/w{'*' if number % 2 else 'x'}, {effect}"
    return RbacSettings(csv=(("policy.csv", text),), default_role="role:readonly", generation=version)


Ask = t.Callable[[Guard], Decision]
QUESTIONS_ASKED: tuple[Ask, ...] = (
    lambda guard: guard.can(SUBJECT, "applications", "sync", "shop/web"),
    lambda guard: guard.can(SUBJECT, "applications", "delete", "shop/web"),
    lambda guard: guard.may_use(APP),
    lambda guard: guard.may_sync(APP, now=NOW, manual=False),
    lambda guard: guard.may_sync(APP, now=NOW, manual=True, subject=SUBJECT),
    lambda guard: guard.may_sync(APP, now=NOW, manual=False, started=NOW - dt.timedelta(hours=3)),
)


def test_each_decision_is_explained_by_one_generation() -> None:
    """Threads ask while the policy changes, good and bad texts in turn; asked again, the generation says the same."""
    published: dict[str, Generation] = {}
    guard = Guard()
    answers: list[tuple[Ask, Decision]] = []
    asked = [0] * ASKERS
    begin, done = threading.Barrier(ASKERS + 1), threading.Event()

    def edit(previous: Generation | None) -> None:
        begin.wait()
        for number in range(EDITS):
            version = str(number)
            project = _project(number, version, broken=number % 7 == 3)
            generation, _ = build(_settings(number, version), [project], previous=previous)
            published[generation.id] = generation
            guard.swap(generation)
            previous = generation
            done.wait(0.02)
        done.set()

    def ask(asker: int) -> None:
        begin.wait()
        while not done.is_set() or asked[asker] < QUESTIONS:
            question = QUESTIONS_ASKED[(asked[asker] + asker) % len(QUESTIONS_ASKED)]
            answers.append((question, question(guard)))
            asked[asker] += 1
            done.wait(0.02)

    first, _ = build(_settings(0, "first"), [_project(0, "first")])
    published[first.id] = first
    guard.swap(first)
    threads = [threading.Thread(target=ask, args=(asker,)) for asker in range(ASKERS)]
    threads.append(threading.Thread(target=edit, args=(first,)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert EDITS + 1 == len(published), "every edit is a generation of its own"
    assert sum(asked) == len(answers) >= ASKERS * QUESTIONS
    assert len({decision.generation for _, decision in answers}) > EDITS // 4, "the questions met many generations"
    for question, decision in answers:
        assert decision == question(Guard(published[decision.generation]))


TEXTS = st.sampled_from(
    ["p, alice, applications, get, */*, allow", "p, alice, logs, get, */*, allow", "p, a", "p, x, *, *, *, alow", ""]
)
SPECS = st.tuples(st.integers(0, 5), st.booleans())


@given(st.lists(st.tuples(TEXTS, SPECS), min_size=2, max_size=6))
def test_generations_with_one_id_answer_alike(edits: list[tuple[str, tuple[int, bool]]]) -> None:
    """Also when the texts are equal and only what was kept of earlier ones differs, and no version tells them apart."""
    known: dict[str, list[Decision]] = {}
    previous: Generation | None = None
    for text, (number, broken) in edits:
        rbac = RbacSettings(csv=(("policy.csv", text),))
        previous, _ = build(rbac, [_project(number, "", broken=broken)], previous=previous)
        answers = [question(Guard(previous)) for question in QUESTIONS_ASKED]
        assert known.setdefault(previous.id, answers) == answers


def test_a_kept_project_is_another_generation() -> None:
    """The same malformed project after two different good ones: two ids, for two answers."""
    bad = _project(3, "", broken=True)
    kept = [build(RbacSettings(), [bad], previous=build(RbacSettings(), [_project(n, "")])[0])[0] for n in (0, 1)]
    assert kept[0].id != kept[1].id
    reasons = [Guard(generation).may_use(APP).reason for generation in kept]
    assert ["source", "destination"] == [reason.split()[0] for reason in reasons]
