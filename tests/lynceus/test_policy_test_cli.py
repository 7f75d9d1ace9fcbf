"""`lynceus policy test` as CI calls it: what it prints, writes and ends with; and the project's own policies."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml

from tests.architecture.support import ROOT
from tests.lynceus.policy_files import HEAD, write

PASSES = "  - name: may\n    can: {groups: [acme:dev], action: sync, object: shop/web}\n    expect: allow\n"
FAILS = "  - name: must not\n    can: {groups: [acme:dev], action: sync, object: shop/web}\n    expect: deny\n"
EXAMPLES = sorted((ROOT / "examples" / "policy").glob("*.test.yaml"))


def test(*arguments: str, folder: Path) -> tuple[int, str, str]:
    code = "import sys; from lynceus.cli import main; sys.argv[0] = 'lynceus'; main()"
    command = [sys.executable, "-c", code, "policy", "test", *arguments]
    environment = {"PYTHONPATH": str(ROOT), "PATH": ""}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


test.__test__ = False  # type: ignore[attr-defined]


def test_success_ends_with_0(tmp_path: Path) -> None:
    """All cases passed: SUCCESS, counts, nothing on stderr. The file is named from any folder."""
    write(tmp_path, PASSES)
    (tmp_path / "elsewhere").mkdir()

    code, out, err = test("../a.test.yaml", folder=tmp_path / "elsewhere")

    assert (0, "") == (code, err)
    assert "Unit Testing:  ../a.test.yaml\n  SUCCESS  1 case\n\n1 file, 1 case, 0 failed\n" == out


def test_failure_ends_with_1_and_explains(tmp_path: Path) -> None:
    """The failed case is named by file and line, with what was expected, what came, and the deciding rule."""
    write(tmp_path, PASSES + FAILS)

    code, out, _ = test("a.test.yaml", "--junit", "out.xml", folder=tmp_path)

    assert 1 == code
    assert [
        "Unit Testing:  a.test.yaml",
        "  FAILED:  1 of 2",
        "    a.test.yaml:12: group / must not",
        "      expected deny, got allow",
    ] == out.splitlines()[:4]
    assert "      rule:   policy.csv:1: p, role:dev, applications, sync, shop/*, allow" in out.splitlines()
    assert "1 file, 2 cases, 1 failed" == out.splitlines()[-1]
    assert "1" == ET.parse(tmp_path / "out.xml").getroot().get("failures")


def test_a_denial_shows_what_came_near(tmp_path: Path) -> None:
    """Who expected an allow is told which line came near, and what would help."""
    case = "  - can: {groups: [acme:dev], action: override, object: shop/web}\n    expect: allow\n"
    write(tmp_path, case)

    _, out, _ = test("a.test.yaml", folder=tmp_path)

    assert "near:   policy.csv:1 comes near: its action is 'sync', asked was 'override'" in out
    assert "remedy: a line such as: p, " in out


def test_unreadable_ends_with_2_and_the_others_are_still_run(tmp_path: Path) -> None:
    """One clear line on stderr; the failure of another file does not hide it."""
    write(tmp_path, FAILS)
    (tmp_path / "b.test.yaml").write_text(HEAD + "  - cann: {}\n")

    code, out, err = test("b.test.yaml", "a.test.yaml", "gone.yaml", "--junit", "out.xml", folder=tmp_path)

    assert 2 == code
    assert [
        "lynceus: b.test.yaml:9: tests[0].cases[0].cann: found an unknown key, expected can",
        "lynceus: gone.yaml: found no such file or directory, expected a readable file",
    ] == err.splitlines()
    assert "3 files, 1 case, 1 failed, 2 unreadable" == out.splitlines()[-1]
    assert "2" == ET.parse(tmp_path / "out.xml").getroot().get("errors")


def test_a_malformed_policy_ends_with_1_and_its_finding(tmp_path: Path) -> None:
    """A policy that would not come into force is no reason to look for the reason in a case."""
    write(tmp_path, PASSES, HEAD.replace("policy.csv", "bad.csv"), bad_csv="p, role:dev, applications, sync, allow\n")

    code, out, _ = test("a.test.yaml", folder=tmp_path)

    assert 1 == code
    assert "the policy has an error, so that no case was asked: bad.csv:1:1: p with 5 fields" in out
    assert "1 file, 0 cases, 1 failed, 1 not asked" == out.splitlines()[-1]


@pytest.mark.parametrize(("pattern", "code", "last"), [("/ may$", 0, "1 file, 1 case, 0 failed, 1 not asked")])
def test_run_chooses_cases(tmp_path: Path, pattern: str, code: int, last: str) -> None:
    """`--run` looks at "group / name"."""
    write(tmp_path, PASSES + FAILS)

    found, out, _ = test("a.test.yaml", "--run", pattern, folder=tmp_path)

    assert (code, last) == (found, out.splitlines()[-1])


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("nothing of that name", "found no case that 'nothing of that name' matches"),
        ("(", "found '(', expected a regular"),
    ],
)
def test_run_that_chooses_nothing_is_an_error(tmp_path: Path, pattern: str, told: str) -> None:
    """A filter that asserts nothing is no success."""
    write(tmp_path, PASSES)

    code, _, err = test("a.test.yaml", "--run", pattern, folder=tmp_path)

    assert (2, 1) == (code, len(err.splitlines()))
    assert told in err


def test_coverage_is_listed_and_can_fail(tmp_path: Path) -> None:
    """`--coverage` names what was never decided, `--fail-under` makes too little of it a failure."""
    write(tmp_path, PASSES)

    code, out, err = test("a.test.yaml", "--coverage", "--fail-under", "50", folder=tmp_path)

    assert (1, "lynceus: coverage 28.6 %, expected at least 50 %\n") == (code, err)
    assert "Coverage: 2 of 6 policy lines\nCoverage: 0 of 1 windows\nCoverage: 28.6 %\n" in out
    assert "  never decided: policy.csv:2: p, role:dev, applications, sync, shop/secret, deny\n" in out
    assert 0 == test("a.test.yaml", "--fail-under", "28", folder=tmp_path)[0]


def test_files_cover_a_policy_together(tmp_path: Path) -> None:
    """What two files ask of one policy counts once and together."""
    write(tmp_path, PASSES)
    (tmp_path / "b.test.yaml").write_text(HEAD + PASSES.replace("sync", "get"))

    _, out, _ = test("a.test.yaml", "b.test.yaml", "--coverage", folder=tmp_path)

    assert "Coverage: 3 of 6 policy lines\n" in out


@pytest.mark.parametrize(("output", "read"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_results_as_data(tmp_path: Path, output: str, read: object) -> None:
    """The same as data: counts, each case with its rule, coverage when asked for."""
    write(tmp_path, FAILS)

    code, out, _ = test("a.test.yaml", "-o", output, "--coverage", folder=tmp_path)
    value = read(out)  # type: ignore[operator]
    (case,) = value["files"][0]["cases"]

    assert (1, False, 1) == (code, value["passed"], value["files"][0]["failed"])
    assert (9, "must not", "allow", ["expected deny, got allow"]) == tuple(
        case[key] for key in ("line", "name", "answer", "differences")
    )
    assert "policy.csv:1" == case["rule"]["origin"]
    assert (7, 2) == (value["coverage"]["items"], value["coverage"]["decided"])


def test_a_report_that_cannot_be_written_ends_with_2(tmp_path: Path) -> None:
    """CI that waits for the report must hear that there is none."""
    write(tmp_path, PASSES)

    code, _, err = test("a.test.yaml", "--junit", "no/such/folder.xml", folder=tmp_path)

    assert (2, True) == (code, err.startswith("lynceus: --junit no/such/folder.xml: found no such file"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_pass_and_decide_on_everything(path: Path) -> None:
    """The demo's own policy and the realistic one: every line and window is decided on by some case."""
    code, out, err = test(str(path), "--fail-under", "100", folder=ROOT)

    assert (0, "") == (code, err), out


def test_the_examples_are_there() -> None:
    """The two files that the documentation names."""
    assert ["demo.test.yaml", "shop.test.yaml"] == [path.name for path in EXAMPLES]
