"""AppProjects by the table: what they permit, from where, to where and as whom, asked by command and guard."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from lynceus.commands.project import known_clusters
from lynceus.projectcheck import read as read_policy
from model.application import Application, read_application
from model.decision import Decision
from model.meta import ResourceKey
from policy.findings import Mode
from policy.guard import Guard
from tests.acceptance.support import MODES, application, cluster, config_map, per_mode, project, run, table, write

CODES = {"allow": 0, "deny": 1}
Case = dict[str, t.Any]


def _secret(entry: dict[str, str]) -> dict[str, t.Any]:
    if "server" in entry:
        return cluster(entry["name"], **{key: value for key, value in entry.items() if key != "name"})
    labels = {"argocd.argoproj.io/secret-type": entry.get("type", "repository")}
    data = {key: value for key, value in entry.items() if key != "type"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "repo", "labels": labels}, "stringData": data}


def _policy_file(folder: Path, case: Case) -> str:
    """Write everything that governs: the project shop, others, argocd-cm, Secrets."""
    metadata = {"labels": case["labels"]} if "labels" in case else {}
    own = project("shop", None, **metadata)
    own["spec"] = case["bare"] if "bare" in case else own["spec"] | case.get("spec", {})
    others = [
        {**project(other["name"], None, labels=other.get("labels", {})), "spec": other.get("spec", {})}
        for other in case.get("others", ())
    ]
    settings = dict(case.get("settings", {}))
    if "globals" in case:
        settings["globalProjects"] = json.dumps(case["globals"])
    secrets = [_secret(each) for each in case.get("secrets", ())]
    return write(folder / "policy.yaml", own, *others, config_map("argocd-cm", settings), *secrets)


def _destination(place: str | dict[str, str], namespace: str) -> dict[str, str]:
    parts = place if isinstance(place, dict) else {"server" if "://" in place else "name": place}
    return {**parts, "namespace": namespace}


def _check(capsys: t.Any, folder: Path, case: Case, mode: Mode, apps: list[Case], *more: str) -> tuple[int, t.Any]:
    """Ask `project check` about Applications; exit code and answers."""
    policy = _policy_file(folder, case)
    file = write(folder / "apps.yaml", *apps)
    named = [word for name, server in case.get("clusters", {}).items() for word in ("--cluster", f"{name}={server}")]
    result = run(
        capsys, "project", "check", file, "--project-file", policy, *named, *more, "--mode", mode, "-o", "json"
    )
    assert result.err == "", result
    return result.code, result.data


def _typed(app: Case) -> Application:
    return read_application(json.dumps(app).encode())


def _guard(folder: Path, case: Case, mode: Mode, apps: t.Sequence[Case] = ()) -> Guard:
    named = tuple(f"{name}={server}" for name, server in case.get("clusters", {}).items())
    known = known_clusters(named, [_typed(app) for app in apps])
    return Guard(read_policy([_policy_file(folder, case)], known, mode=mode, control="argocd").generation)


def _uses(guard: Guard, app: Case) -> Decision:
    return guard.may_use(_typed(app))


def _ask(folder: Path, capsys: t.Any, case: Case, kind: str, asked: t.Sequence[tuple[Case, t.Any, str]]) -> None:
    """Compare the answers to one kind of question, of the command and of the guard, in both modes."""
    for mode in MODES:
        expected = [per_mode(answer)[mode] for _, answer, _ in asked]
        code, data = _check(capsys, folder, case, mode, [app for app, _, _ in asked])
        found = [next(c for c in each["checks"] if c["asked"] == kind) for each in data]
        assert expected == [each["effect"] for each in found], f"{mode}: {json.dumps(found, indent=1)}"
        assert max(CODES[answer] for answer in expected) == code, mode
        for (_, _, rule), each in zip(asked, found, strict=True):
            assert rule in f"{each['rule']['origin']}: {each['rule']['text']}", f"{mode}: {each}"
        guard = _guard(folder, case, mode, [app for app, _, _ in asked])
        assert expected == [_uses(guard, app).effect for app, _, _ in asked], mode


@pytest.mark.row(87)
@pytest.mark.parametrize("case", table("projects_sources"))
def test_sources_follow_the_rule(case: Case, tmp_path: Path, capsys: t.Any) -> None:
    """A repository is permitted or refused, by the entry that the table names."""
    asked = [
        (application(f"a{n}", source={"repoURL": url, "path": "."}), answer, (rule or [""])[0])
        for n, (url, answer, *rule) in enumerate(case["asks"])
    ]
    _ask(tmp_path, capsys, case, "source", asked)


@pytest.mark.row(88)
@pytest.mark.parametrize("case", table("projects_destinations"))
def test_destinations_follow_the_rule(case: Case, tmp_path: Path, capsys: t.Any) -> None:
    """A cluster, by name or by server, and a namespace are permitted or refused, by the entry that the table names."""
    asked = [
        (application(f"a{n}", destination=_destination(place, namespace)), answer, (rule or [""])[0])
        for n, (place, namespace, answer, *rule) in enumerate(case["asks"])
    ]
    _ask(tmp_path, capsys, case, "destination", asked)


def _object(group: str, kind: str, name: str, namespace: str) -> Case:
    metadata = {"name": name, "namespace": namespace} if namespace else {"name": name}
    return {"apiVersion": f"{group}/v1" if group else "v1", "kind": kind, "metadata": metadata}


CRDS = [
    {
        **_object("apiextensions.k8s.io", "CustomResourceDefinition", f"{kind.lower()}s.example.com", ""),
        "spec": {"group": "example.com", "names": {"kind": kind}, "scope": scope},
    }
    for kind, scope in (("Widget", "Namespaced"), ("Planet", "Cluster"))
]


@pytest.mark.row(89, 90)
@pytest.mark.parametrize("case", table("projects_kinds"))
def test_kinds_follow_the_rule(case: Case, tmp_path: Path, capsys: t.Any) -> None:
    """Each rendered object is permitted or refused by its kind, by its scope, by its name, by its namespace."""
    asks = [(*ask[:4], (ask[4:] or [""])[0]) for ask in case["asks"]]
    objects = [_object(*_parts(kind), *_place(place)) for kind, place, _, _, _ in asks]
    manifests = write(tmp_path / "objects.yaml", *objects, *CRDS)
    for mode in MODES:
        expected = [per_mode(answer)[mode] for _, _, _, answer, _ in asks]
        _, data = _check(capsys, tmp_path, case, mode, [application()], "--manifests", manifests)
        found = [each for each in data[0]["checks"] if each["asked"] == "object"][: len(asks)]
        assert expected == [each["effect"] for each in found], f"{mode}: {json.dumps(found, indent=1)}"
        guard, app = _guard(tmp_path, case, mode), _typed(application())
        for (kind, place, scope, _, rule), answer, each in zip(asks, expected, found, strict=True):
            (group, name_of_kind), (name, namespace) = _parts(kind), _place(place)
            namespaced = scope == "namespaced"
            told = guard.may_apply(
                app,
                group=group,
                kind=name_of_kind,
                namespaced=namespaced,
                namespace=(namespace or "web") if namespaced else "",
                name=name,
            )
            assert (answer, True) == (told.effect, rule in f"{each['rule']['origin']}: {each['rule']['text']}"), each


def _parts(kind: str) -> tuple[str, str]:
    """Return (group, kind) of `apps/Deployment`."""
    group, _, name = kind.rpartition("/")
    return group, name


def _place(place: str) -> tuple[str, str]:
    """Return (name, namespace) of `namespace/name`."""
    namespace, _, name = place.rpartition("/")
    return name, namespace


@pytest.mark.parametrize("case", table("projects_namespaces"))
def test_namespaces_of_applications_follow_the_rule(case: Case, tmp_path: Path, capsys: t.Any) -> None:
    """An Application may use the project from the namespaces that it names, and always from the control namespace."""
    apps = [application(f"a{n}", namespace=namespace) for n, (namespace, _) in enumerate(case["asks"])]
    for mode in MODES:
        expected = [per_mode(answer)[mode] for _, answer in case["asks"]]
        code, data = _check(capsys, tmp_path, case, mode, apps)
        assert expected == [each["effect"] for each in data], mode
        assert max(CODES[answer] for answer in expected) == code
        guard = _guard(tmp_path, case, mode)
        told = [_uses(guard, app) for app in apps]
        assert expected == [each.effect for each in told]
        for refusal in (each for each in told if not each.allowed):
            assert (refusal.rule and refusal.rule.origin, bool(refusal.remedy)) == (
                "AppProject shop: spec.sourceNamespaces",
                True,
            )


@pytest.mark.parametrize("case", table("projects_accounts"))
def test_service_accounts_follow_the_rule(case: Case, tmp_path: Path, capsys: t.Any) -> None:
    """The first entry that matches names as whom is written; an unusable one is told, none falls back to anybody."""
    case = {**case, "settings": {"application.sync.impersonation.enabled": "true"}}
    asked = [
        (application(f"a{n}", destination=_destination(place, namespace)), answer)
        for n, (place, namespace, answer) in enumerate(case["asks"])
    ]
    for mode in MODES:
        code, data = _check(capsys, tmp_path, case, mode, [app for app, _ in asked])
        found = [next(c for c in each["checks"] if c["asked"] == "account") for each in data]
        wanted = [_user(answer, mode) for _, answer in asked]
        assert wanted == [each["about"] for each in found], f"{mode}: {found}"
        assert [name != "none" for name in wanted] == [each["allowed"] for each in found]
        assert int("none" in wanted) == code


def _user(answer: t.Any, mode: Mode) -> str:
    name = answer[mode] if isinstance(answer, dict) else answer
    return name if name == "none" else f"system:serviceaccount:{name}"


@pytest.mark.parametrize("case", table("projects_inherit"))
def test_global_projects_follow_the_rule(case: Case, tmp_path: Path, capsys: t.Any) -> None:
    """What a project inherits is appended to its own, field by field, for the projects that the selector takes."""
    asks = case["asks"]
    objects = [_object(*_parts(kind), *_place(place)) for kind, place, _, _ in asks.get("objects", ())]
    manifests = write(tmp_path / "objects.yaml", *objects, *CRDS)
    app = application(**asks.get("app", {}))
    for mode in MODES:
        code, data = _check(capsys, tmp_path, case, mode, [app], "--manifests", manifests)
        used = per_mode(asks["use"])[mode]
        answer = _uses(_guard(tmp_path, case, mode), app)
        assert used == answer.effect, mode
        assert asks.get("because", "") in answer.reason
        found = [each["effect"] for each in data[0]["checks"] if each["asked"] == "object"]
        wanted = [per_mode(answer)[mode] for *_, answer in asks.get("objects", ())]
        assert used == "deny" or wanted == found[: len(wanted)], f"{mode}: {data[0]['checks']}"
        assert (used == "allow" and "deny" not in found, code == 0) == (data[0]["allowed"],) * 2, data


@pytest.mark.parametrize("case", table("projects_orphans"))
def test_orphans_follow_the_rule(case: Case, tmp_path: Path) -> None:
    """An object that nobody tracks is an orphan unless Kubernetes puts it there or an entry takes it."""
    for mode in MODES:
        guard = _guard(tmp_path, case, mode)
        rules = guard.orphan_rules(_typed(application()))
        assert (case["watched"], case["warn"]) == (rules.watched, rules.warn)
        for kind, place, answer in case["asks"]:
            (group, name_of_kind), (name, namespace) = _parts(kind), _place(place)
            key = ResourceKey(group, name_of_kind, namespace, name)
            assert (per_mode(answer)[mode] == "orphan") == (rules.ignored(key) == ""), f"{mode}: {kind} {place}"


@pytest.mark.parametrize("case", table("projects_integrity"))
def test_signatures_follow_the_rule(case: Case, tmp_path: Path, capsys: t.Any) -> None:
    """A source that has to be signed is told: strict refuses it, compat says that nothing was verified."""
    apps = [application(f"a{n}", source={"repoURL": url, "path": "."}) for n, (url, _) in enumerate(case["asks"])]
    for mode in MODES:
        _, data = _check(capsys, tmp_path, case, mode, apps)
        for (url, answer), each in zip(case["asks"], data, strict=True):
            found = [check for check in each["checks"] if check["asked"] == "signature"]
            wanted = {"free": [], "signed": ["deny" if mode == "strict" else "allow"]}[per_mode(answer)[mode]]
            assert wanted == [check["effect"] for check in found], f"{mode} {url}: {each}"
            assert all("signatures are not verified" in check["reason"] for check in found)


@pytest.mark.parametrize("case", table("projects_lint"))
def test_findings_follow_the_rule(case: Case, tmp_path: Path, capsys: t.Any) -> None:
    """Exactly the findings of the table, each at its place with a fix, and the exit code that goes with them."""
    policy = _policy_file(tmp_path, case)
    for mode in MODES:
        result = run(capsys, "project", "lint", policy, "--mode", mode, "-o", "json")
        findings = result.data["findings"]
        found = [f"{each['code']} {each['severity']} {each['where'].partition('spec.')[2]}" for each in findings]
        wanted = [text for each in case["finds"] if (text := per_mode(each)[mode]) != "NONE"]
        assert sorted(wanted) == sorted(found), f"{mode}: {result.out}"
        failed = any(" error " in text for text in wanted)
        assert (int(failed), not failed) == (result.code, result.data["valid"]), result.out
        assert all(each["text"] and each["fix"] for each in findings)
