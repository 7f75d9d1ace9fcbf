"""Tests of the layout: sizes, test folders, forbidden habits."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from yaml.constructor import BaseConstructor, FullConstructor

from tests.architecture.support import ROOT, modules, name_of, tracked

MODULE_LINES = 400
FUNCTION_LINES = 50
EXCEPTIONS: dict[str, str] = {}
"""File, or file:function, that may be longer, and why."""
UNSAFE_YAML = {"load", "load_all", "full_load", "full_load_all", "unsafe_load", "unsafe_load_all"}
FOREIGN = re.compile(rb"(?<![\w.])/(?:work|home/[a-z]+|root|Users/[A-Za-z]+)/[a-zA-Z.]")
"""Absolute paths that exist on one machine only."""


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method of a module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_modules_are_short() -> None:
    """No module of the packages has more than 400 lines."""
    long = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in modules()}

    assert {} == {name: lines for name, lines in long.items() if lines > MODULE_LINES and name not in EXCEPTIONS}


def test_functions_are_short() -> None:
    """No function of the packages has more than 50 lines."""
    long = {
        f"{name_of(path)}:{each.name}": (each.end_lineno or each.lineno) - each.lineno + 1
        for path in modules()
        for each in functions(path)
    }

    assert {} == {name: lines for name, lines in long.items() if lines > FUNCTION_LINES and name not in EXCEPTIONS}


def test_exceptions_are_still_needed() -> None:
    """Each exception names something that exists and has a reason."""
    names = {name_of(path) for path in modules()}
    names |= {f"{name_of(path)}:{each.name}" for path in modules() for each in functions(path)}

    assert set() == set(EXCEPTIONS) - names
    assert all(EXCEPTIONS.values())


def test_modules_say_what_they_are_for() -> None:
    """Each module of the packages opens with a docstring."""
    silent = [name_of(path) for path in modules() if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))]

    assert [] == silent


def test_every_test_folder_is_a_package() -> None:
    """A test folder without __init__.py would hide the package of its name, or collide with another."""
    folders = {path.parent for path in (ROOT / "tests").rglob("*.py")}
    folders |= {parent for folder in folders for parent in folder.parents if parent.is_relative_to(ROOT / "tests")}

    assert [] == sorted(name_of(folder) for folder in folders if not (folder / "__init__.py").exists())


def test_yaml_is_read_by_safe_loaders_only() -> None:
    """No call of a loader that builds what the text asks for; ours derive from the safe one."""
    found = []
    for path in [each for each in tracked() if each.suffix == ".py"]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Attribute)
                and node.attr in UNSAFE_YAML
                and isinstance(node.value, ast.Name)
                and node.value.id == "yaml"
                and not _is_safe(path, node)
            ):
                found.append(f"{name_of(path)}:{node.lineno} yaml.{node.attr}")

    assert [] == found


def _is_safe(path: Path, node: ast.Attribute) -> bool:
    """Whether the call names a loader that builds plain values only."""
    line = path.read_text(encoding="utf-8").splitlines()[node.lineno - 1]
    named = re.search(rf"yaml\.{node.attr}\(.*Loader=(?:yaml\.)?(\w+)", line)
    if named is None or node.attr not in {"load", "load_all"}:
        return False
    module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    loader = getattr(module, named[1], None) or getattr(yaml, named[1])
    return issubclass(loader, BaseConstructor) and not issubclass(loader, FullConstructor)


def test_no_file_names_one_machine() -> None:
    """Absolute paths of somebody's machine are in no tracked file."""
    found = []
    for path in tracked():
        content = path.read_bytes()
        if b"\0" not in content and path != Path(__file__):
            found += [f"{name_of(path)}: {each.group().decode()}" for each in FOREIGN.finditer(content)]

    assert [] == found


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE"])
def test_the_usual_files_are_there(name: str) -> None:
    """A visitor finds what every project has, with something in it."""
    assert (ROOT / name).read_text(encoding="utf-8").strip()
