"""Reads one test file with everything it names; the result holds all that a run needs."""

from __future__ import annotations

import typing as t

import msgspec

from lynceus.files import read_text
from lynceus.policytest.cases import Case
from lynceus.policytest.fields import Fields
from lynceus.policytest.inputs import KEYS, read_inputs
from lynceus.policytest.marked import parse
from lynceus.policytest.reading import MODES, read_cases
from lynceus.policytest.world import Worlds
from model.errors import InvalidSettings
from policy.findings import Mode

ROOT_KEYS = (*KEYS, "mode", "controlNamespace", "at", "anchors", "tests")
"""Keys of a test file."""
CONTROL_NAMESPACE = "argocd"


class Suite(msgspec.Struct, frozen=True, kw_only=True):
    """One test file, ready to run."""

    file: str
    worlds: Worlds
    cases: tuple[Case, ...]


def load(file: str) -> Suite:
    """Read a test file.

    Args:
        file: its path; what it names is relative to its folder.

    Raises:
        InvalidInput: it or something that it names cannot be read, has unknown keys or names, or asserts nothing.
    """
    documents = parse(read_text(file), file)
    if len(documents) != 1:
        raise InvalidSettings(file, "", f"{len(documents)} documents", "one, with policy and tests")
    fields = Fields(documents[0], file, 1, "", ROOT_KEYS)
    mode = t.cast("Mode", fields.one_of("mode", MODES, "strict"))
    control = fields.name("controlNamespace") if "controlNamespace" in fields else CONTROL_NAMESPACE
    worlds = Worlds(read_inputs(fields), control, mode)
    cases = read_cases(fields, worlds, fields.instant("at"))
    return Suite(file=file, worlds=worlds, cases=tuple(cases))
