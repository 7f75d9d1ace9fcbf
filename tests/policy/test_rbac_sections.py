"""The rules of Argo CD's RBAC one by one: text, decision, matching, objects and actions, in compat and in strict."""

import pytest

from model.settings import RbacSettings
from policy.generation import build
from policy.guard import Guard, Subject, named
from policy.rbac import builtin
from policy.rbac.compiled import compile_policy
from tests.policy.rbac_world import both, generation_of, guard_of, project, role, settings_of

APP = ("applications", "get", "p/x")


def _asks(guards: tuple[Guard, ...], subject: Subject, *request: str) -> tuple[bool, ...]:
    return tuple(guard.can(subject, *request).allowed for guard in guards)


# --- text ---


def test_keys_are_composed_in_byte_order() -> None:
    """policy.csv first, then each policy.*.csv by its bytes; other keys are no text."""
    keys = ["policy.b.csv", "policy.A.csv", "policy.10.csv", "policy.9.csv", "policy.csv", "policy.csv.bak", "x.csv"]
    expected = ["policy.csv", "policy.10.csv", "policy.9.csv", "policy.A.csv", "policy.b.csv"]
    assert expected == [key for key, _ in settings_of(dict.fromkeys(keys, "")).csv]


def test_every_key_counts_and_places_name_it() -> None:
    """A role of one key may be bound in another; the rule names key and line."""
    data = {"policy.csv": "g, u, role:r", "policy.team.csv": "\n# c\np, role:r, applications, get, p/*, allow"}
    for guard in both(data):
        assert "argocd-rbac-cm policy.team.csv:3" == guard.can(Subject("u"), *APP).rule.origin


@pytest.mark.parametrize(("word", "regex"), [("regex", True), ("", False), ("glob", False)])
def test_only_the_word_regex_is_the_regex_mode(word: str, regex: bool) -> None:
    """An expression counts as one only then."""
    data = {"policy.csv": "p, u, applications, get, ^p/.$, allow", "policy.matchMode": word}
    assert (regex, regex) == _asks(both(data), Subject("u"), *APP)


@pytest.mark.parametrize("word", ["Regex", "REGEX", "regexp", " regex"])
def test_other_match_modes_are_glob_upstream_and_refused_in_strict(word: str) -> None:
    """Compat takes them for glob without a word; strict keeps the policy out of force."""
    data = {"policy.csv": "p, u, applications, get, p/*, allow", "policy.matchMode": word}
    assert (False, True) == _asks(both(data), Subject("u"), *APP)


def test_the_first_allow_line_is_named_by_layer() -> None:
    """Order does not change the answer; built-in lines are named before the user's."""
    text = "p, role:admin, applications, sync, */*, allow\ng, u, role:admin"
    for guard in both(text):
        assert guard.can(Subject("u"), "applications", "sync", "p/x").rule.origin.startswith(builtin.SOURCE)


@pytest.mark.parametrize(
    "line",
    [
        "p, u, applications, get, p/x, allow",
        "  p,u,applications,get,p/x,allow \t",
        'p, "u", "applications", get, "p/x", allow',
        "p,\tu, applications,\u00a0get, p/x, allow\r",
        '"p", u, applications, get, "p/{x,y}", allow',
    ],
)
def test_lines_that_say_the_same(line: str) -> None:
    """Outer blanks, leading blanks of fields and quotes do not matter."""
    assert (True, True) == _asks(both(line), Subject("u"), *APP)


@pytest.mark.parametrize(
    "line",
    [
        "p, u , applications, get, p/x, allow",
        "p, u, applications , get, p/x, allow",
        "p, u, applications, get, p/x , allow",
        "p, u, Applications, get, p/x, allow",
        "p, U, applications, get, p/x, allow",
        "p, u, applications, get, P/x, allow",
        "r, u, applications, get, p/x, allow",
        "e, x",
        "m",
        "# p, u, applications, get, p/x, allow",
    ],
)
def test_lines_that_do_nothing(line: str) -> None:
    """Trailing blanks inside a line are kept, case counts, and r, e and m lines are taken and mean nothing."""
    assert (False, False) == _asks(both(line), Subject("u"), *APP)
    assert None not in [compile_policy(settings_of(line), mode=mode)[0] for mode in ("strict", "compat")]


@pytest.mark.parametrize(
    "line",
    [
        "p, a, b",
        "g, a",
        "g, a, b, c",
        ",a",
        "P, a, b, c, d, allow",
        "p , a, b, c, d, allow",
        "g2, a, b",
        'g, "a" , b',
        "x",
    ],
)
def test_one_bad_line_invalidates_everything_and_the_last_good_policy_stays(line: str) -> None:
    """Neither the bad text nor its default role comes into force; what was good before goes on."""
    good = "p, u, applications, get, p/*, allow"
    for mode in ("strict", "compat"):
        before, _ = generation_of(good, mode=mode)
        bad = {"policy.csv": f"p, v, applications, get, p/*, allow\n{line}", "policy.default": "role:admin"}
        guard = Guard(generation_of(bad, mode=mode, previous=before)[0])
        assert [True, False, False] == [guard.can(Subject(name), *APP).allowed for name in ("u", "v", "w")]
        assert not guard_of(bad, mode=mode).can(Subject("v"), *APP).allowed


@pytest.mark.parametrize("effect", ["Allow", "alow", "allow # note", '""'])
def test_inert_effects(effect: str) -> None:
    """compat: the line does nothing; strict: the text does not come into force."""
    text = f"p, u, applications, get, p/x, {effect}\np, u, logs, get, p/x, allow"
    guards = both(text)
    assert (False, False) == _asks(guards, Subject("u"), *APP)
    assert (False, True) == _asks(guards, Subject("u"), "logs", "get", "p/x")


# --- decision ---


def test_deny_wins_inside_one_evaluation_whatever_the_order() -> None:
    """Neither order nor precision matters."""
    allow, deny = "p, u, applications, get, p/x, allow", "p, u, applications, get, *, deny"
    for text in (f"{allow}\n{deny}", f"{deny}\n{allow}"):
        assert (False, False) == _asks(both(text), Subject("u"), *APP)


@pytest.mark.parametrize("spelling", ["Role:r", "role:r ", "role: r"])
def test_roles_compare_exactly(spelling: str) -> None:
    """Case and blanks make another role."""
    text = f'p, role:r, applications, get, */*, allow\ng, u, "{spelling}"'
    assert (False, False) == _asks(both(text), Subject("u"), *APP)


def test_subjects_are_no_patterns() -> None:
    """A star in a subject is a star."""
    assert (False, False) == _asks(both("p, *, applications, get, */*, allow\ng, *, role:admin"), Subject("u"), *APP)


def test_a_broken_expression_that_is_reached_fails_the_evaluation_upstream() -> None:
    """Only where resource and action matched before it, and the subject has the line; strict refuses the text."""
    data = {
        "policy.csv": "p, u, .*, get, .*, allow\np, u, logs, get, (, allow\np, v, .*, get, (, deny",
        "policy.matchMode": "regex",
    }
    strict, compat = both(data)
    assert [True, False] == [compat.can(Subject("u"), kind, "get", "p/x").allowed for kind in ("applications", "logs")]
    assert not strict.can(Subject("u"), *APP).allowed


def test_a_broken_glob_never_matches_upstream() -> None:
    """A broken deny opens the door there, and keeps the text out of force in strict."""
    text = "p, u, applications, get, */*, allow\np, u, applications, get, [a-zA-Z]*/*, deny"
    assert (False, True) == _asks(both(text), Subject("u"), *APP)


def test_built_in_roles_are_always_there() -> None:
    """An empty policy still has them, so that no rule set is ever empty."""
    for guard in both(""):
        assert guard.can(named("role:admin"), "exec", "create", "p/x").allowed
        assert guard.can(Subject("admin"), "clusters", "delete", "https://c").allowed
        assert not guard.can(Subject(""), "", "", "").allowed


ORDER = """
p, role:base, applications, get, p/base, allow
p, u, applications, get, p/own, allow
p, role:g1, applications, get, p/group, allow
p, role:g2, applications, get, p/*, deny
g, g1, role:g1
g, g2, role:g2
p, loose, applications, get, p/loose, allow
"""


@pytest.mark.parametrize(
    ("target", "compat", "strict"),
    [("p/base", True, False), ("p/own", True, False), ("p/group", True, False), ("p/loose", False, False)],
)
def test_the_first_evaluation_that_allows_wins_upstream(target: str, compat: bool, strict: bool) -> None:
    """Default role, caller and each bound group are evaluated apart; in strict the deny of one group is final."""
    data = {"policy.csv": ORDER, "policy.default": "role:base"}
    subject = Subject("u", ("g2", "g1", "loose"))
    assert (strict, compat) == _asks(both(data), subject, "applications", "get", target)


def test_a_line_about_nobody_counts_for_every_caller_upstream() -> None:
    """compat: the last evaluation is that of the empty subject, for tokens too; strict: it matches nobody."""
    text = "p, , applications, get, p/*, allow"
    asks = [Subject("u"), Subject("", ()), named("proj:q:r"), Subject("x", ("g",))]
    guards = both(text, project("p"), project("q"))
    assert [(False, True)] * 4 == [_asks(guards, subject, *APP) for subject in asks]


def test_a_token_counts_in_its_own_project_only() -> None:
    """Elsewhere neither its own lines nor its groups count, also when the other project has no roles at all."""
    text = "p, proj:q:r, applications, get, */*, allow\ng, team, role:admin"
    compat = guard_of(text, project("p"), project("q"), mode="compat")
    token = Subject("proj:q:r", ("team",))
    assert [False, True] == [compat.can(token, "applications", "get", o).allowed for o in ("p/x", "q/x")]
    assert compat.can(token, "applications", "get", "unknown/x").allowed
    assert compat.can(token, "clusters", "delete", "https://c").allowed


def test_a_name_with_four_parts_is_no_token() -> None:
    """proj:p:r:x is an ordinary subject upstream."""
    text = "p, proj:q:r:x, applications, get, */*, allow"
    assert guard_of(text, project("p"), mode="compat").can(Subject("proj:q:r:x"), *APP).allowed


def test_a_plain_question_has_no_project_layer_upstream() -> None:
    """An anonymous caller and a question about a role see the policy alone."""
    layer = project("p", role("r", 'p, "", applications, get, p/x, allow', "p, role:q, applications, get, p/x, allow"))
    compat = guard_of("g, u, role:q", layer, mode="compat")
    asking = (Subject(), named("role:q"), Subject("u"))
    assert [False, False, True] == [compat.can(subject, *APP).allowed for subject in asking]


@pytest.mark.parametrize("resource", ["applications", "applicationsets", "repositories", "clusters", "logs", "exec"])
def test_the_project_is_the_part_before_the_first_slash(resource: str) -> None:
    """Roles of the project count there; without a slash, and for other resources, there is no project."""
    layer = project("p", role("r", f"p, proj:p:r, {resource}, get, p/*, allow", groups=["team"]))
    subject = Subject("u", ("team",))
    guards = both("", layer)
    assert [(True, True), (True, True), (False, False), (False, False)] == [
        _asks(guards, subject, resource, "get", target) for target in ("p/x", "p/a/b", "p", "q/x")
    ]
    assert (False, False) == _asks(guards, subject, "write-repositories", "get", "p/x")


def test_a_role_may_read_its_own_project() -> None:
    """For `projects` the whole object is the project."""
    guards = both("", project("p", role("r", groups=["team"])))
    subject = Subject("u", ("team",))
    assert [(True, True), (False, False), (False, False)] == [
        _asks(guards, subject, "projects", *rest) for rest in (("get", "p"), ("update", "p"), ("get", "q"))
    ]


def test_role_lines_are_taken_verbatim_upstream() -> None:
    """Foreign subjects and g lines of a role take effect inside the project; strict keeps its roles out of force."""
    layer = project("p", role("r", "p, u, applications, get, p/*, allow", "g, v, role:admin"))
    guards = both("", layer, project("q"))
    assert [(False, True), (False, True), (False, False)] == [
        _asks(guards, Subject(name), "applications", "get", target)
        for name, target in (("u", "p/x"), ("v", "p/x"), ("v", "q/x"))
    ]


def test_one_bad_role_line_loses_the_layer_upstream() -> None:
    """All roles of the project, deny lines too; the global policy goes on. strict denies the roles' members."""
    layer = project(
        "p",
        role("a", "p, proj:p:a, applications, get, p/*, deny", groups=["team"]),
        role("b", "p, oops", groups=["tb"]),
    )
    guards = both("g, team, role:admin\ng, other, role:admin", layer)
    assert [(False, True), (True, True)] == [_asks(guards, Subject("u", (group,)), *APP) for group in ("team", "other")]


def test_a_group_with_a_comma_carries_its_quotes() -> None:
    """Without them the line of upstream is broken."""
    quoted = project("p", role("r", "p, proj:p:r, applications, get, p/*, allow", groups=['"a,b"']))
    bare = project("p", role("r", "p, proj:p:r, applications, get, p/*, allow", groups=["a,b"]))
    subject = Subject("u", ("a,b",))
    assert [(True, True), (True, False)] == [_asks(both("", layer), subject, *APP) for layer in (quoted, bare)]


# --- matching ---


@pytest.mark.parametrize(
    ("pattern", "compat", "strict"),
    [
        ("applications", ["applications", "applicationsets"], ["applications"]),
        ("repositories", ["repositories", "write-repositories"], ["repositories"]),
        ("^applications$", ["applications"], ["applications"]),
        ("(?i)LOGS", ["logs"], ["logs"]),
    ],
)
def test_expressions_are_searched_upstream(pattern: str, compat: list[str], strict: list[str]) -> None:
    """Strict wants the whole text."""
    data = {"policy.csv": f"p, u, {pattern}, get, .*, allow", "policy.matchMode": "regex"}
    words = ["applications", "applicationsets", "repositories", "write-repositories", "logs"]
    found = [[word for word in words if guard.can(Subject("u"), word, "get", "p/x").allowed] for guard in both(data)]
    assert [strict, compat] == found


def test_update_is_found_in_the_long_action_upstream() -> None:
    """And an object in another project's."""
    data = {"policy.csv": "p, u, ^applications$, update, p/.*, allow", "policy.matchMode": "regex"}
    asks = [("update/apps/Deployment/n/x", "p/x"), ("update", "other-p/x"), ("update", "p/x")]
    assert [(False, True), (False, True), (True, True)] == [
        _asks(both(data), Subject("u"), "applications", *ask) for ask in asks
    ]


def test_built_in_roles_in_regex_mode() -> None:
    """Useless upstream, and somebody bound to admin and to an own role loses even that one."""
    text = "p, role:own, ^logs$, get, .*, allow\ng, u, role:own\ng, u, role:admin"
    data = {"policy.csv": text, "policy.matchMode": "regex"}
    assert [(True, False), (True, False)] == [
        _asks(both(data), Subject("u"), *ask) for ask in (("applications", "sync", "p/x"), ("logs", "get", "p/x"))
    ]


def test_an_empty_object_is_matched_by_stars_and_nothing() -> None:
    """Requests about certificates and gpgkeys have one."""
    for pattern, expected in (("*", True), ("", True), ("x", False), ("?*", False)):
        text = f"p, u, gpgkeys, get, {pattern}, allow"
        assert (expected, expected) == _asks(both(text), Subject("u"), "gpgkeys", "get", "")


@pytest.mark.parametrize(("pattern", "target"), [("team/*/app", "team/app"), ("?", "")])
def test_two_mistakes_of_upstreams_glob_library(pattern: str, target: str) -> None:
    """Beginning and end may overlap, and one character may be none: in compat, not in strict."""
    assert (False, True) == _asks(both(f"p, u, gpgkeys, get, {pattern}, allow"), Subject("u"), "gpgkeys", "get", target)


# --- objects and actions ---


@pytest.mark.parametrize(
    ("resource", "action", "target"),
    [
        ("applications", "get", "p/x"),
        ("applications", "rollback", "p/ns/x"),
        ("applications", "action/apps/Deployment/restart", "p/x"),
        ("applications", "action/argoproj.io/Application/toggle-auto-sync", "p/x"),
        ("applications", "delete//Pod/ns/x", "p/x"),
        ("applicationsets", "update", "p/x"),
        ("logs", "get", "p/ns/x"),
        ("exec", "create", "p/x"),
        ("clusters", "get", "https://c"),
        ("clusters", "update", "p/https://c"),
        ("repositories", "create", "https://git/r"),
        ("write-repositories", "delete", "p/https://git/r"),
        ("projects", "delete", "p"),
        ("accounts", "update", "bob"),
        ("certificates", "create", ""),
        ("gpgkeys", "delete", ""),
    ],
)
def test_admin_may_everything_and_readonly_only_reads(resource: str, action: str, target: str) -> None:
    """Every resource with its form of object."""
    for guard in both(""):
        readonly = guard.can(named("role:readonly"), resource, action, target).allowed
        assert (True, action == "get") == (guard.can(named("role:admin"), resource, action, target).allowed, readonly)


def test_plain_rights_do_not_cover_single_objects() -> None:
    """Update and delete are the Application's; update/* and delete/* its objects'; bare `action` is nothing real."""
    text = "p, u, applications, update, p/*, allow\np, u, applications, action, p/*, allow"
    asks = ["update", "update/apps/Deployment/n/x", "action/apps/Deployment/restart"]
    assert [(True, True), (False, False), (False, False)] == [
        _asks(both(text), Subject("u"), "applications", action, "p/x") for action in asks
    ]


def test_extensions_are_no_right_of_admin() -> None:
    """They need a line of their own, by name."""
    assert (False, False) == _asks(both(""), named("role:admin"), "extensions", "invoke", "httpbin")
    assert (True, True) == _asks(
        both("p, u, extensions, invoke, http*, allow"), Subject("u"), "extensions", "invoke", "httpbin"
    )


def test_an_absent_config_map_is_an_empty_one() -> None:
    """Only the built-in roles are left; nothing of an earlier policy stays."""
    before, _ = build(settings_of("p, u, applications, get, p/*, allow"), ())
    after = Guard(build(RbacSettings(), (), previous=before)[0])
    assert [False, True] == [after.can(Subject(name), *APP).allowed for name in ("u", "admin")]
