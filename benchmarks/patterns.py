"""Patterns that a user may write to stall a matcher: compiling, and matching 120 characters. Bar: 5 ms each.

The yardstick for what Python's own `re` cannot do is left out: seven stars against 120 characters take it minutes.
"""

from __future__ import annotations

import functools
import statistics
import time
import typing as t

from model.additions import LabelSelector, Requirement
from model.meta import ObjectMeta
from model.project import AppProject, ProjectSpec, ResourceRestriction
from policy.patterns import PatternError, glob, path_match, regex
from policy.projects import permit
from policy.projects.compiled import Project
from policy.windows.labels import problems_of, takes

TEXT = "a" * 120
BAR = 5.0
"""Milliseconds."""

GLOBS = {
    "seven stars": "*a*a*a*a*a*a*a*b",
    "600 stars": "*a" * 600 + "b",
    "1,300 stars behind question marks": "?*" * 1300 + "b",
    "a brace of 1,000 words": "{" + ",".join(map(str, range(1000))) + "}",
    "300 braces in one another": "{a," * 300 + "b" + "}" * 300,
    "300 open braces": "{a," * 300,
    "500 braces in a row": "{a,aa}" * 500 + "b",
    "braces with stars": "{*a,*}" * 400 + "b",
    "a class of 600 characters": "[" + "abcdef" * 100 + "]*",
    "a literal of 4,096 characters": "a" * 4096,
}
KINDS = {"seven stars": GLOBS["seven stars"], "600 stars": GLOBS["600 stars"], "300 classes": "[a-f]*" * 300}
EXPRESSIONS = {
    "(a+)+$": "(a+)+$",
    "(.*)*x": "(.*)*x",
    "(a|aa)+b": "(a|aa)+b",
    "(.*.*.*.*.*.*.*.*)*x": "(.*.*.*.*.*.*.*.*)*x",
    "a{1000}": "a{1000}",
    "((a{10}){10}){10}": "((a{10}){10}){10}",
    "(a?){1000}a{1000}": "(a?){1000}a{1000}",
    "(.*a){900}b": "(.*a){900}b",
    "letters a thousand times, refused": r"\p{L}{1000}",
    "letters thirty times thirty, refused": r"(\p{L}{30}){30}",
    "500 groups in one another": "(" * 500 + "a" + ")" * 500,
}


def run() -> t.Iterable[dict[str, t.Any]]:
    """Measure each pattern, compiled anew and matched for the first time; in processor time; the median of five."""
    for name, text in GLOBS.items():
        yield _figure(f"glob: {name}", functools.partial(_compiled, glob, text))
    source = functools.partial(glob, separator="/")
    for name, text in GLOBS.items():
        yield _figure(f"source glob: {name}", functools.partial(_compiled, source, text))
    for name, text in KINDS.items():
        yield _figure(f"kind glob: {name}", functools.partial(_compiled, path_match, text))
    search = functools.partial(regex, anchored=False)
    for name, text in EXPRESSIONS.items():
        yield _figure(f"expression: {name}", functools.partial(_compiled, search, text))
    yield _figure("project: sourceNamespaces /(a+)+$/", lambda: _project("/(a+)+$/"))
    yield _figure("label selector of 1,000 values", _labels)


def _compiled(build: t.Callable[[str], t.Any], text: str) -> float:
    start = time.thread_time()
    try:
        pattern = build(text)
    except PatternError:
        return time.thread_time() - start
    pattern.matches(TEXT)
    return time.thread_time() - start


def _project(namespace: str) -> float:
    spec = ProjectSpec(
        source_namespaces=[namespace], cluster_resource_whitelist=[ResourceRestriction(group="*", kind="*a*a*b")]
    )
    start = time.thread_time()
    project = Project(AppProject(metadata=ObjectMeta(name="p"), spec=spec), "strict")
    permit.namespace_of_application(project, TEXT + "!", "argocd")
    permit.kind(project, "", TEXT, namespaced=False, name=TEXT)
    return time.thread_time() - start


def _labels() -> float:
    values = tuple(f"value-{number}" for number in range(1000))
    selector = LabelSelector(match_expressions=(Requirement(key="tier", operator="NotIn", values=values),))
    start = time.thread_time()
    tuple(problems_of(selector))
    takes(selector, {"tier": TEXT})
    return time.thread_time() - start


def _figure(name: str, measure: t.Callable[[], float]) -> dict[str, t.Any]:
    took = statistics.median(measure() for _ in range(5)) * 1e3
    return {
        "name": name,
        "figure": round(took, 3),
        "unit": "milliseconds",
        "ratio": round(BAR / took, 1),
        "yardstick": "5 ms",
    }
