"""compat: one evaluation of the RBAC engine against pycasbin with Argo CD's model.

pycasbin follows role chains one hop less far than the Go library does, so that the chains here stay shorter than that.
The glob function that pycasbin is given is the naive one of the reference, not ours.
"""

import functools
import io

import casbin
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.rbac import MODEL
from model.settings import RbacSettings
from policy.generation import build
from policy.rbac import builtin
from policy.rbac.engine import Engine, Request
from tests.policy import reference_rbac
from tests.policy.proofs.strategies import examples

NAMES = ["u", "v", "ga", "role:a", "role:b", "role:admin", "admin"]
RESOURCES = ["applications", "logs", "clusters", "*", "app*", "[al]*", "{logs,exec}", "[a-"]
ACTIONS = ["get", "sync", "*", "update/*", "s?nc", "action/*", "{get,sync}", "[!g]*"]
TARGETS = ["*", "*/*", "p/*", "p/x", "{p,q}/x", "*/x", "p/n/*", "p*", "p/*/x", "[p-q]/*", "", "[z-a]", "p/\\*"]
GRANTS = st.tuples(
    st.just("p"),
    st.sampled_from(NAMES),
    st.sampled_from(RESOURCES),
    st.sampled_from(ACTIONS),
    st.sampled_from(TARGETS),
    st.sampled_from(["allow", "allow", "allow", "deny", "Allow", "deny # note"]),
)
BINDINGS = st.tuples(st.just("g"), st.sampled_from(NAMES), st.sampled_from(NAMES))
LINES = st.lists(st.one_of(GRANTS, GRANTS, BINDINGS), max_size=12)
REQUESTS = st.tuples(
    st.sampled_from(["u", "v", "ga", "role:a", "admin", "role:admin", "nobody", ""]),
    st.sampled_from(["applications", "logs", "clusters", "exec"]),
    st.sampled_from(["get", "sync", "update/apps/Deployment/n/x", "action/apps/Deployment/restart", "delete"]),
    st.sampled_from(["p/x", "q/x", "p/n/x", "p", "", "p/*", "r/x"]),
)


@functools.lru_cache(maxsize=4096)
def _glob(value: str, pattern: str) -> bool:
    try:
        return reference_rbac.glob(pattern, value, loose=True)
    except reference_rbac.Broken:
        return False


def _enforcer(lines: list[tuple[str, ...]]) -> casbin.Enforcer:
    model = casbin.Model()
    model.load_model_from_text(MODEL)
    enforcer = casbin.Enforcer(model)
    for kind, *fields in lines:
        add = enforcer.add_policy if kind == "p" else enforcer.add_grouping_policy
        add(*fields)
    enforcer.add_function("match", _glob)
    return enforcer


BUILT_IN = [tuple(field.strip() for field in line.split(",")) for line in io.StringIO(builtin.TEXT) if line.strip()]


def _engine(lines: list[tuple[str, ...]]) -> Engine:
    text = "\n".join(", ".join('"' + field.replace('"', '""') + '"' for field in line) for line in lines)
    engine = build(RbacSettings(csv=(("policy.csv", text),)), (), mode="compat")[0].engine
    assert engine is not None
    return engine


@examples(150)
@given(LINES, st.lists(REQUESTS, min_size=1, max_size=12))
def test_an_evaluation_equals_pycasbin(lines: list[tuple[str, ...]], requests: list[tuple[str, str, str, str]]) -> None:
    """Built-in roles, role graphs with cycles, globs, denies and inert effects give pycasbin's answer."""
    engine, enforcer = _engine(lines), _enforcer([*BUILT_IN, *lines])
    for subject, *asked in requests:
        assert enforcer.enforce(subject, *asked) == engine.evaluate(subject, Request(*asked), "").allowed


def test_the_hop_in_which_pycasbin_differs() -> None:
    """A role behind ten g lines counts, as in Go's casbin; pycasbin stops at nine. That is the known difference."""
    for hops, ours, theirs in ((9, True, True), (10, True, False), (11, False, False)):
        lines = [("g", f"r{n}", f"r{n + 1}") for n in range(hops)]
        lines.append(("p", f"r{hops}", "logs", "get", "p/x", "allow"))
        asked = ("logs", "get", "p/x")
        found = (_engine(lines).evaluate("r0", Request(*asked), "").allowed, _enforcer(lines).enforce("r0", *asked))
        assert (ours, theirs) == found
