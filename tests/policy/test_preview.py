"""What a preview says: who may, who gains and loses, over globs, expressions, projects and default roles."""

import msgspec
import pytest

from model.project import AppProject, read_project
from model.settings import RbacSettings
from policy.findings import Mode
from policy.generation import Generation, build
from policy.patterns import glob, loose
from policy.preview.automaton import Exploration, glob_machine
from policy.preview.differences import Change, Comparison, Diff
from policy.preview.patterns import machine_of
from policy.preview.who import who
from policy.subjects import Subject

DEV = "p, role:dev, applications, sync, shop/*, allow\ng, devs, role:dev\n"


def made(
    text: str, *projects: AppProject, default: str = "", mode: Mode = "strict", match_mode: str = "glob"
) -> Generation:
    rbac = RbacSettings(csv=(("p.csv", text),), default_role=default, match_mode=match_mode)
    generation, findings = build(rbac, projects, mode=mode, source="")
    assert generation.engine is not None, findings
    return generation


def project(name: str, **role: object) -> AppProject:
    document = {"metadata": {"name": name}, "spec": {"roles": [{"name": "ci", **role}]}}
    return read_project(msgspec.json.encode(document))


def compare(before: Generation, after: Generation, *apps: str, given: tuple[Subject, ...] = ()) -> Diff:
    return Comparison(before, after).diff(applications=apps, given=given)


def told(diff: Diff) -> dict[str, list[tuple[str, str, str, str]]]:
    """Return (direction, resource, actions, objects) by the labels of the callers."""
    return {
        "|".join(caller.label for caller in entry.callers): [
            (change.direction, change.resource, " ".join(change.actions), change.objects) for change in entry.changes
        ]
        for entry in diff.entries
    }


def only(diff: Diff) -> Change:
    assert [1] == [len(entry.changes) for entry in diff.entries]
    return diff.entries[0].changes[0]


def test_a_changed_role_is_told_with_its_members() -> None:
    """Who has the role is named with the role, once, with the Applications concerned."""
    diff = compare(made(DEV), made(DEV.replace("sync", "get")), "shop/web", "pay/web")

    assert {
        "devs|role:dev": [("gained", "applications", "get", "shop/*"), ("lost", "applications", "sync", "shop/*")]
    } == told(diff)
    assert ("shop/web",) == diff.entries[0].changes[0].applications


def test_the_same_policy_in_another_order_is_no_difference() -> None:
    """Lines that moved, comments and double lines change nothing."""
    lines = DEV.strip().split("\n")
    diff = compare(made(DEV), made("# new\n" + "\n".join([*reversed(lines), lines[0]])))

    assert (False, ()) == (diff.differs, diff.entries)


@pytest.mark.parametrize(
    "line", ["p, role:dev, applications, sync, shop/a*, allow", "p, role:dev, apps, get, x/y, allow"]
)
def test_a_line_that_changes_no_answer_is_no_difference(line: str) -> None:
    """A line that another one covers, or that no request has, is none."""
    assert {} == told(compare(made(DEV), made(DEV + line)))


def test_a_difference_between_patterns_is_found_without_applications() -> None:
    """Only objects that two patterns tell apart are answered differently; one is found and decides so."""
    before, after = made(DEV.replace("shop/*", "shop/?*-[a-c]*")), made(DEV.replace("shop/*", "shop/*-[b-d]*"))
    comparison = Comparison(before, after)
    changes = comparison.diff().entries[0].changes

    assert {"gained", "lost"} == {change.direction for change in changes}
    for change in changes:
        answers = [decision.allowed for decision in comparison.decisions(Subject("devs"), change)]
        assert [change.direction == "lost", change.direction == "gained"] == answers


def test_a_deny_that_leaves_nothing_is_told_as_nothing() -> None:
    """Where a deny covers an allow that came with it, nobody gains."""
    both = DEV + "p, role:dev, applications, get, pay/*, allow\np, role:dev, applications, get, pay/*, deny\n"

    assert {"devs|role:dev": [("barred", "applications", "get", "pay/*")]} == told(compare(made(DEV), made(both)))


def test_a_deny_without_an_allow_bars() -> None:
    """A new deny for a name that had nothing still takes what the same person has by other names."""
    before, after = made(DEV), made(DEV + "p, contractors, applications, sync, shop/*, deny\n")
    alice = Subject("alice", ("devs", "contractors"))
    diff = compare(before, after, given=(alice,))

    assert {
        "contractors|contractors": [("barred", "applications", "sync", "shop/*")],
        "alice in devs and contractors": [("lost", "applications", "sync", "shop/*")],
    } == told(diff)


def test_a_new_default_role_is_for_everybody() -> None:
    """Everybody gains, and so does each name that did not have it."""
    found = told(compare(made(DEV), made(DEV, default="role:dev")))

    assert [("gained", "applications", "sync", "shop/*")] == found["everybody|role:readonly"]
    assert not any("admin" in labels or "devs" in labels for labels in found)


def test_project_roles_count() -> None:
    """A project role that came is told for its tokens and its groups, inside its project only."""
    line = "p, proj:shop:ci, applications, sync, shop/*, allow"
    diff = compare(made(""), made("", project("shop", policies=[line], groups=["builders"])))
    found = told(diff)

    assert {
        "builders|builders|proj:shop:ci": [
            ("gained", "applications", "sync", "shop/*"),
            ("gained", "projects", "get", "shop"),
        ]
    } == found


def test_long_actions_are_told_apart() -> None:
    """Actions on single resources are compared by the patterns that policies have for them."""
    before = made("p, role:dev, applications, action/*, shop/*, allow")
    after = made("p, role:dev, applications, action/apps/*, shop/*, allow\np, role:dev, applications, get, */*, allow")
    (entry,) = compare(before, after).entries
    lost = next(change for change in entry.changes if change.direction == "lost")

    assert all(action.startswith("action/") and not action.startswith("action/apps/") for action in lost.actions)


def test_expressions_are_said_to_be_uncertain() -> None:
    """A change of an expression is tried on samples and Applications, and what is not proven is named."""
    policy = "p, role:dev, applications, sync, shop/.*, allow"
    diff = compare(
        made(policy, match_mode="regex"),
        made(policy.replace("shop/.*", "shop/[wa](eb|pi)"), match_mode="regex"),
        "shop/db",
    )

    assert {"role:dev": [("lost", "applications", "sync", "shop/.*")]} == told(diff)
    assert ("applications: shop/[wa](eb|pi)",) == diff.unproven


def test_compat_compares_separate_evaluations() -> None:
    """In compat a deny for one group does not stop an allow through the default role, so it is no difference."""
    after = DEV + "p, role:dev, applications, sync, shop/*, deny\n"
    stopped = DEV + "p, devs, applications, sync, shop/*, deny\n"
    quiet = compare(made(DEV, default="role:dev", mode="compat"), made(stopped, default="role:dev", mode="compat"))

    assert {} == told(quiet)
    assert {"devs|role:dev": [("lost", "applications", "sync", "shop/*")]} == told(
        compare(made(DEV, mode="compat"), made(after, mode="compat"))
    )


def test_who_names_every_way() -> None:
    """Users, groups, roles and tokens with the line and the way to it; deny lines apart."""
    text = DEV + "p, alice, applications, sync, shop/*, allow\np, mallory, applications, sync, *, deny\n"
    line = "p, proj:shop:ci, applications, sync, shop/*, allow"
    found = who(made(text, project("shop", policies=[line])), "applications", "sync", "shop/web")
    ways = {holder.caller.label: holder.decision.rule for holder in found.allowed}

    assert {"admin", "alice", "devs", "proj:shop:ci", "role:admin", "role:dev"} == set(ways)
    assert ("p.csv:1", ("devs", "role:dev")) == (ways["devs"].origin, ways["devs"].path)  # type: ignore[union-attr]
    assert [("mallory", "user or group")] == [(each.caller.label, each.caller.kind) for each in found.denied]
    assert not found.everybody.allowed


def test_who_says_everybody_once() -> None:
    """What the default role gives is said for everybody, and not again for each name."""
    found = who(made(DEV, default="role:dev"), "applications", "sync", "shop/web")

    assert (True, "p.csv:1") == (found.everybody.allowed, found.everybody.rule and found.everybody.rule.origin)
    assert "devs" not in {holder.caller.label for holder in found.allowed}


def test_who_leaves_out_groups_that_stand_in_no_g_line() -> None:
    """A name with p lines alone is a user: as a group it gives nothing."""
    found = who(made("p, ops, applications, sync, *, allow"), "applications", "sync", "shop/web")

    assert ["user"] == [holder.caller.kind for holder in found.allowed if holder.caller.label == "ops"]


def test_texts_are_found_for_each_set_of_patterns() -> None:
    """All ways in which patterns can match together come up, and no other."""
    walk = Exploration([glob_machine(text) for text in ("*", "a*", "*b", "[!c]?")], required=1, most=1000)
    found = {word.matched: word.text for word in walk.words()}

    assert walk.complete
    assert {frozenset({0, *rest}) for rest in ((), (1,), (2,), (1, 2), (3,), (1, 3), (2, 3), (1, 2, 3))} == set(found)
    assert "ab" == found[frozenset({0, 1, 2, 3})]


@pytest.mark.parametrize("text", ["?", "[!a]", "[!a\\]]", "[!s]*", "a?", "ab*bc", "x"])
@pytest.mark.parametrize("value", ["", "b", "a", "]", "abc", "x"])
def test_automata_match_as_the_globs_of_compat_do(text: str, value: str) -> None:
    """The two mistakes of upstream's library included: a negated class with an escaped bracket is one class, too."""
    pattern = loose(glob(text))
    machine = machine_of(pattern, "loose")

    assert machine is not None
    assert pattern.matches(value) == machine.accepts(machine.walk(value))


def test_a_token_outside_its_project_gains_by_the_default_role() -> None:
    """What everybody gets by the default role, a token of a project role gets in other projects as well."""
    shop, pay = project("shop", policies=["p, proj:shop:ci, applications, get, shop/*, allow"]), project("pay")
    for mode in ("strict", "compat"):
        before, after = (made("", shop, pay, default=role, mode=mode) for role in ("", "role:readonly"))
        token = Subject("proj:shop:ci", (), "token")
        (entry,) = (each for each in compare(before, after).entries if token in {c.subject for c in each.callers})
        asked = {(change.resource, change.objects, change.example) for change in entry.changes}

        assert (mode, True) == (mode, ("applications", "*/*", "x/x") in asked)
        assert [False, True] == [
            side.answers[token, "applications", "get", "pay/x"].allowed for side in (before, after)
        ]


def test_simple_expressions_are_compared_wholly() -> None:
    """Alternatives written out, or lines in another order, change nothing; a wider expression is told."""
    one = "p, a, applications, ^(get|sync)$, shop/.*, allow"
    split = "p, a, applications, sync, shop/.*, allow\np, a, applications, get, shop/.+|shop/, allow"
    before, after, wider = (made(text, match_mode="regex") for text in (one, split, one.replace("shop", "sho.?")))

    assert ((), False) == ((found := compare(before, after)).unproven, found.differs)
    found = compare(before, wider)
    assert {("gained", "sho.?/.*")} == {(change.direction, change.objects) for change in found.entries[0].changes}
    assert () == found.unproven


def test_equal_expressions_differ_in_nothing_in_compat() -> None:
    """What is uncertain about an expression is no difference when both sides have it."""
    text = "p, a, applications, get|sync, shop/.*, allow"
    before, after = (made(text + more, match_mode="regex", mode="compat") for more in ("", "\n# the same"))
    found = compare(before, after)

    assert (False, ()) == (found.differs, found.unproven)
