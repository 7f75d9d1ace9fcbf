"""Who names what: first and last uses are told once each, whatever comes in between."""

from __future__ import annotations

import typing as t

from hypothesis import given
from hypothesis import strategies as st

from exporter.usage import Usage, Uses

uses = st.none() | st.builds(
    Uses,
    namespace=st.sampled_from(["x", "y"]),
    project=st.sampled_from(["a", "b"]),
    environment=st.sampled_from(["dev", "prod"]),
    repositories=st.sets(st.sampled_from(["r", "s", "t"])).map(tuple),
)
steps = st.one_of(
    st.tuples(st.just("moved"), st.integers(0, 3), uses),
    st.tuples(st.just("defined"), st.sampled_from(["a", "b"]), st.booleans()),
)


@given(st.lists(steps, max_size=40))
def test_what_is_in_use_is_what_somebody_names(history: list[tuple[str, object, object]]) -> None:
    """After any history; nothing comes twice without having gone, and nothing goes that had not come."""
    projects, repositories, environments = set[t.Any](), set[t.Any](), set[t.Any]()

    def came(known: set[t.Any], name: t.Any) -> None:
        assert name not in known
        known.add(name)

    usage = Usage(
        project_came=lambda name: came(projects, name),
        project_went=projects.remove,
        environment_came=lambda *place: came(environments, place),
        environment_went=lambda *place: environments.remove(place),
        repository_came=lambda name: came(repositories, name),
        repository_went=repositories.remove,
    )
    named, defined = dict[object, Uses | None](), set[object]()
    for what, who, how in history:
        if what == "moved":
            assert how is None or isinstance(how, Uses)
            usage.moved(named.get(who), how)
            named[who] = how
        else:
            usage.defined(str(who), gone=bool(how))
            (defined.discard if how else defined.add)(who)
    living = [use for use in named.values() if use]
    assert {use.project for use in living} | defined == projects
    assert {repository for use in living for repository in use.repositories} == repositories
    assert {(use.project, use.environment) for use in living} == environments
