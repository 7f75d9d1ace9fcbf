"""The difference of two policies agrees with deciding both sides, on random policies and random objects."""

import itertools
from collections.abc import Iterable

import hypothesis
import msgspec
import pytest
from hypothesis import strategies as st

from model.project import AppProject, read_project
from model.settings import RbacSettings
from policy.generation import Generation, build
from policy.patterns import PatternError, glob, regex
from policy.preview.differences import Comparison, Diff
from policy.preview.patterns import expression_machine
from policy.preview.search import turn
from policy.preview.universe import callers
from policy.rbac.vocabulary import ACTIONS
from policy.subjects import Subject

NAMES = ["role:dev", "role:ops", "alice", "devs", "proj:shop:ci", "proj:pay:ci", "team"]
MEMBERS = ["alice", "devs", "bob", "role:dev", "team"]
ROLES = ["role:dev", "role:ops", "role:readonly", "team", "proj:shop:ci"]
RESOURCES = ["applications", "applications", "logs", "clusters", "projects", "*", "accounts", "certificates", "repo*"]
ACTION_PATTERNS = ["get", "sync", "*", "delete", "action/*", "action/apps/*", "delete/*/Pod/*", "{get,sync}", "up*"]
OBJECTS = [
    "*", "*/*", "shop/*", "shop/web", "pay/*", "shop/*-prod", "*prod", "shop/[a-c]*", "{shop,pay}/w?b", "s*/web",
    "shop", "pay", "?", "", "shop/ns/*", "[!s]*", "[!a\\]]", "w*eb", "sh*op/*web*", "https://*", "*//*",
]  # fmt: skip
TARGETS = [
    *("shop/web", "shop/a-prod", "pay/web", "pay/x-prod", "other/web", "shop/ns/web", "shop/aweb", "s/web", "shop/c"),
    *("shop", "pay", "other", "", "x", "weprod", "web", "pay/wob", "https://10.0.0.1", "shop/https://10.0.0.1"),
    *("pay/https://10.0.0.1", "other/https://10.0.0.1"),
]
LONG = ["action/apps/Deployment/restart", "action/x/y/z", "delete//Pod/ns/x", "delete/apps/Deployment/n/x", "update/a"]


def csv_line(draw: st.DrawFn) -> str:
    if draw(st.integers(0, 2)) == 0:
        return f"g, {draw(st.sampled_from(MEMBERS))}, {draw(st.sampled_from(ROLES))}"
    fields = [draw(st.sampled_from(words)) for words in (NAMES, RESOURCES, ACTION_PATTERNS, OBJECTS)]
    fields = [f'"{field}"' if "," in field else field for field in fields]
    return f"p, {', '.join(fields)}, {draw(st.sampled_from(['allow', 'allow', 'deny']))}"


@st.composite
def policies(draw: st.DrawFn) -> tuple[RbacSettings, RbacSettings, list[AppProject], list[AppProject]]:
    """Two policies with projects that have most lines in common."""
    common = [csv_line(draw) for _ in range(draw(st.integers(0, 6)))]
    sides, projects = [], []
    for _ in range(2):
        lines = common + [csv_line(draw) for _ in range(draw(st.integers(0, 2)))]
        default = draw(st.sampled_from(["", "", "role:dev", "role:readonly"]))
        sides.append(RbacSettings(csv=(("p.csv", "\n".join(lines)),), default_role=default))
        names = draw(st.lists(st.sampled_from(["shop", "pay"]), unique=True))
        projects.append([project(draw, name) for name in names])
    return sides[0], sides[1], projects[0], projects[1]


def project(draw: st.DrawFn, name: str) -> AppProject:
    actions = draw(st.lists(st.sampled_from(["get", "sync", "*"]), max_size=2))
    effects = ["allow", "deny"]
    lines = [f"p, proj:{name}:ci, applications, {a}, {name}/*, {draw(st.sampled_from(effects))}" for a in actions]
    role = {"name": "ci", "policies": lines, "groups": draw(st.lists(st.sampled_from(["devs", "team"]), max_size=1))}
    document = {"metadata": {"name": name}, "spec": {"roles": [role] if draw(st.booleans()) else []}}
    return read_project(msgspec.json.encode(document))


def questions() -> Iterable[tuple[str, str, str]]:
    """Return requests as Argo CD makes them."""
    for resource, actions in ACTIONS.items():
        words = [*sorted(actions), *(LONG if resource == "applications" else ())]
        yield from ((resource, action, target) for action in words for target in TARGETS if possible(resource, target))


def possible(resource: str, target: str) -> bool:
    if resource in ("certificates", "gpgkeys"):
        return target == ""
    if resource in ("applications", "applicationsets", "logs", "exec"):
        return "/" in target and not target.startswith("https")
    return bool(target) and (resource != "projects" or "/" not in target)


def answer(generation: Generation, subject: Subject, question: tuple[str, str, str], mode: str) -> str:
    decision = generation.answers[subject, *question]
    if decision.allowed:
        return "allow"
    return "deny" if mode == "strict" and decision.rule and decision.rule.kind == "rbac" else "none"


def listed(diff: Diff) -> dict[Subject, set[tuple[str, str]]]:
    """Return (direction, resource) of what is listed for each caller."""
    return {
        caller.subject: {(change.direction, change.resource) for change in entry.changes}
        for entry in diff.entries
        for caller in entry.callers
    }


@pytest.mark.parametrize("mode", ["strict", "compat"])
@hypothesis.settings(max_examples=60)
@hypothesis.given(data=policies(), samples=st.lists(st.sampled_from(list(questions())), min_size=40, max_size=40))
def test_diff_agrees_with_deciding_both_sides(
    mode: str,
    data: tuple[RbacSettings, RbacSettings, list[AppProject], list[AppProject]],
    samples: list[tuple[str, str, str]],
) -> None:
    """Each listed change is one when both sides decide, and nothing changes that is not listed."""
    old, new, old_projects, new_projects = data
    before = build(old, old_projects, mode=mode, source="")[0]
    after = build(new, new_projects, mode=mode, source="")[0]
    if before.engine is None or after.engine is None:
        hypothesis.event("refused")
        return  # a deny line that strict refuses; the command says so
    comparison = Comparison(before, after)
    apps = ["shop/web", "shop/a-prod", "pay/web", "other/web", "shop/ns/web"]
    diff = comparison.diff(applications=apps)
    assert () == diff.unproven
    for entry, change in ((each, change) for each in diff.entries for change in each.changes):
        for caller, action, target in itertools.product(
            entry.callers, change.actions, (change.example, *change.applications)
        ):
            question = (change.resource, action, target)
            answers = [answer(side, caller.subject, question, mode) for side in (before, after)]
            assert (change.direction, caller.label, question) == (turn(*answers), caller.label, question)
    for caller in callers(comparison.sides):
        for question in samples:
            way = turn(*(answer(side, caller.subject, question, mode) for side in (before, after)))
            assert way is None or _is_listed(diff, caller.subject, way, question), (caller.label, question)
    for caller in diff.callers:
        for target in apps:
            way = turn(
                *(answer(side, caller.subject, ("applications", "sync", target), mode) for side in (before, after))
            )
            assert (way is not None) == (target in _syncs(diff, caller.subject)), (caller.label, target)


def _is_listed(diff: Diff, subject: Subject, way: str, question: tuple[str, str, str]) -> bool:
    """Whether a change of that direction, action and object is in the list; long actions go by their resource."""
    resource, action, target = question
    return any(
        (way, resource) == (change.direction, change.resource)
        and ("/" in action or action in change.actions)
        and glob(change.objects).matches(target)
        for entry in diff.entries
        if subject in {caller.subject for caller in entry.callers}
        for change in entry.changes
    )


def _syncs(diff: Diff, subject: Subject) -> set[str]:
    return {
        target
        for entry in diff.entries
        if subject in {caller.subject for caller in entry.callers}
        for change in entry.changes
        if change.resource == "applications" and "sync" in change.actions
        for target in change.applications
    }


@hypothesis.settings(max_examples=60)
@hypothesis.given(data=policies(), groups=st.lists(st.sampled_from(["devs", "team", "bob", "none"]), max_size=3))
def test_equal_names_make_equal_callers(
    data: tuple[RbacSettings, RbacSettings, list[AppProject], list[AppProject]], groups: list[str]
) -> None:
    """Strict: when nothing is listed for any name alone, nothing changes for a user with several of them."""
    old, new, old_projects, new_projects = data
    before, after = build(old, old_projects, source="")[0], build(new, new_projects, source="")[0]
    if before.engine is None or after.engine is None:
        return
    found = listed(Comparison(before, after).diff())
    concerned = {caller for caller in found if caller.name in {"alice", *groups} or set(caller.groups) & set(groups)}
    if concerned or any(caller.name.startswith("anybody") for caller in found):
        return
    caller = Subject("alice", tuple(groups))
    for question in questions():
        assert answer(before, caller, question, "strict") == answer(after, caller, question, "strict")


@hypothesis.settings(max_examples=300)
@hypothesis.given(
    text=st.text("ab/.|*+?()^$\\-x{", max_size=10)
    | st.from_regex(r"\^?\((a|b|/|\.\*){1,4}(\|[ab/.]+)\)\$?", fullmatch=True),
    words=st.lists(st.text("ab/.-x\n|", max_size=5), min_size=12, max_size=12),
)
def test_automata_of_expressions_match_as_the_engine_does(text: str, words: list[str]) -> None:
    """What is taken for simple matches the same whole texts as the compiled expression."""
    machine = expression_machine(text)
    try:
        pattern = regex(text, anchored=True)
    except PatternError:
        return
    hypothesis.event("simple" if machine else "not simple")
    for word in (*words, "", "a", "ab", "a/b"):
        assert machine is None or pattern.matches(word) == machine.accepts(machine.walk(word)), (text, word)
