"""Merge patches, wire forms, conditions and history."""

from __future__ import annotations

import datetime as dt
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller import conditions, history, status
from model.application import (
    AppCondition,
    ComparedTo,
    HealthState,
    HistoryEntry,
    OperationState,
    ResourceState,
    Source,
    SyncResult,
    SyncState,
)
from tests.controller.builders import NOW, REVISION, application, finished

JSONS = st.recursive(
    st.booleans() | st.integers(-3, 3) | st.text("ab", max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3) | st.lists(inner, max_size=2),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.sampled_from("abcd"), JSONS, max_size=4)


def merged(old: t.Any, patch: t.Any) -> t.Any:
    """Apply a merge patch as RFC 7386 says, independently of the code under test."""
    if not isinstance(patch, dict):
        return patch
    result = dict(old) if isinstance(old, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


@given(OBJECTS, OBJECTS)
def test_a_merge_patch_makes_the_named_keys_true_and_touches_no_other(old: t.Any, new: t.Any) -> None:
    """Applied by RFC 7386 the named keys are as wanted, all others as before, and a true state gives no patch."""
    patch = status.merge_patch(old, new)
    assert {**old, **new} == merged(old, patch)
    assert {} == status.merge_patch({**old, **new}, new)
    assert set(patch) <= set(new)


@given(OBJECTS, st.sets(st.sampled_from("abcd")))
def test_none_removes_a_key(old: t.Any, gone: set[str]) -> None:
    """A wanted None removes what is there and asks for nothing where nothing is."""
    patch = status.merge_patch(old, dict.fromkeys(gone))
    assert {key: None for key in gone if key in old} == patch


def test_required_fields_stand_on_the_wire_even_when_they_are_defaults() -> None:
    """What the CRD demands is never left out."""
    assert {"status": "Unknown"} == status.sync_state(SyncState())
    assert {"status": "Unknown"} == status.health_state(HealthState())
    assert {"id": 0, "deployedAt": "", "revision": "x"} == status.history([HistoryEntry(revision="x")])[0]
    state = status.operation_state(OperationState(sync_result=SyncResult()))
    assert {"operation", "phase", "startedAt", "syncResult"} == set(state)
    assert "revision" in state["syncResult"]
    compared = status.compared_to(ComparedTo(source=Source(path="x")))
    assert {"source": {"path": "x", "repoURL": ""}, "destination": {}} == compared
    assert {"type": "A", "message": ""} == status.conditions([AppCondition(type="A")])[0]


def test_resources_are_sorted_by_group_kind_namespace_name() -> None:
    """The order does not depend on the source's."""
    found = status.resource_states(
        [ResourceState(group="apps", kind="D", name="a"), ResourceState(kind="B", name="z"), ResourceState(kind="A")]
    )
    assert ["A", "B", "D"] == [entry["kind"] for entry in found]


def test_a_status_that_is_too_large_loses_messages_first_then_results() -> None:
    """What matters stays: verdict, phase and message of the operation."""
    results = [{"kind": "ConfigMap", "name": f"n{i}", "message": "m" * 100} for i in range(100)]
    whole = {"sync": {"status": "Synced"}, "operationState": {"phase": "Failed", "syncResult": {"resources": results}}}
    assert whole == status.shortened(whole)
    short = status.shortened(whole, 6000)
    assert 100 == len(short["operationState"]["syncResult"]["resources"])
    assert "message" not in short["operationState"]["syncResult"]["resources"][0]
    shortest = status.shortened(whole, 300)
    assert [] == shortest["operationState"]["syncResult"]["resources"]
    assert "Failed" == shortest["operationState"]["phase"]


def test_conditions_of_other_evaluators_stay_and_times_are_kept() -> None:
    """Only owned types are replaced; the same type and message keep their lastTransitionTime."""
    old = [
        AppCondition(type="SyncError", message="x", last_transition_time="2026-01-01T00:00:00Z"),
        AppCondition(type="OrphanedResourceWarning", message="o", last_transition_time="2026-01-01T00:00:00Z"),
    ]
    owned = frozenset({"SyncError", "ComparisonError"})
    found = conditions.replace(
        old, owned, [conditions.Finding("SyncError", "x"), conditions.Finding("ComparisonError", "new")], NOW
    )
    assert [
        ("ComparisonError", "2026-03-01T12:00:00Z"),
        ("OrphanedResourceWarning", "2026-01-01T00:00:00Z"),
        ("SyncError", "2026-01-01T00:00:00Z"),
    ] == [(c.type, c.last_transition_time) for c in found]
    assert ["OrphanedResourceWarning"] == [c.type for c in conditions.replace(found, owned, [], NOW)]
    with pytest.raises(ValueError, match="does not belong"):
        conditions.replace([], owned, [conditions.Finding("DeletionError", "x")], NOW)


def test_history_counts_up_and_keeps_its_limit() -> None:
    """Ids go on from the last one; ten entries are kept, or revisionHistoryLimit, or none."""
    state = application(status={"operationState": finished()}).status.operation_state
    assert state is not None
    entries: list[HistoryEntry] = []
    for n in range(12):
        entries = history.appended(entries, state, limit=None, now=NOW + dt.timedelta(minutes=n))
    assert list(range(2, 12)) == [entry.id for entry in entries]
    assert {REVISION} == {entry.revision for entry in entries}
    assert [11, 12] == [entry.id for entry in history.appended(entries, state, limit=2, now=NOW)]
    assert [] == history.appended(entries, state, limit=0, now=NOW)


def test_only_whole_real_syncs_are_deployments() -> None:
    """Dry runs and selective syncs leave no trace in the history."""

    def made(sync: dict[str, t.Any]) -> bool:
        state = application(
            status={"operationState": {**finished(), "operation": {"sync": sync}}}
        ).status.operation_state
        return state is not None and history.is_deployment(state)

    assert made({})
    assert not made({"dryRun": True})
    assert not made({"resources": [{"kind": "ConfigMap", "name": "a"}]})
