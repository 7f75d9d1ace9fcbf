"""The options of `lynceus run` that choose metrics, from the command line to the exporter."""

from __future__ import annotations

import typing as t

import pytest
from click.testing import CliRunner

import lynceus.wiring
from exporter.choice import Choice
from lynceus.commands.run import run
from lynceus.options import RunOptions
from lynceus.wiring import _chosen


def options(*arguments: str, monkeypatch: pytest.MonkeyPatch, **environment: str) -> RunOptions:
    """Return what the program would run with."""
    seen: list[RunOptions] = []
    monkeypatch.setattr(lynceus.wiring, "serve_until_stopped", seen.append)
    monkeypatch.setattr("lynceus.logs.set_up", lambda *_, **__: None)
    result = CliRunner().invoke(run, arguments, env=dict(environment), catch_exceptions=False)
    assert 0 == result.exit_code, result.output
    return seen[0]


def test_without_options_the_defaults_of_the_exporter_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Options and exporter agree on what is exported unless somebody asks for more."""
    assert Choice() == _chosen(options(monkeypatch=monkeypatch))


def test_names_may_be_repeated_or_listed_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Argo CD's own options, each name once."""
    given = ("--metrics-application-labels", "team, tier", "--metrics-application-labels", "team,app.kubernetes.io/x")
    found = _chosen(options(*given, "--metrics-application-conditions", "*", monkeypatch=monkeypatch))
    assert (("team", "tier", "app.kubernetes.io/x"), ("*",)) == (found.application_labels, found.application_conditions)


def test_all_of_them_reach_the_exporter(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the command line and from the environment."""
    given: dict[str, t.Any] = {
        "application_requests": "off",
        "cluster_labels": ("region",),
        "applicationset_labels": ("team",),
        "environment_label": "stage",
        "most_lines": 50_000,
        "most_label_sets": 5_000,
    }
    found = options(
        *("--metrics-application-requests", "off", "--metrics-cluster-labels", "region", "--metrics-limit", "50000"),
        monkeypatch=monkeypatch,
        LYNCEUS_METRICS_APPLICATIONSET_LABELS="team",
        LYNCEUS_ENVIRONMENT_LABEL="stage",
    )
    assert Choice(**given) == _chosen(found)
