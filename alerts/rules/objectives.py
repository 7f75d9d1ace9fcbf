"""Service level objectives: what is counted as bad and as all, recorded, and the burn rates that alert."""

from __future__ import annotations

import msgspec

from alerts.rules.form import Alert, Board, Group, Record, Severity
from alerts.rules.thresholds import seconds


class Objective(msgspec.Struct, frozen=True, kw_only=True):
    """One objective; its thresholds are <name_target> and <name_least>."""

    name: str
    alert: str
    bad: str
    """Events a second that miss the objective, over five minutes."""
    all: str
    """All events a second, over five minutes."""
    noun: str
    """What is counted."""
    fails: str
    """What a bad one does."""
    board: Board
    why: str = ""


class Burn(msgspec.Struct, frozen=True, kw_only=True):
    """One pair of windows. Source: the SRE workbook's multi-window, multi-burn-rate alerts on a 30-day budget."""

    long: str
    short: str
    factor: float
    """How many times faster than allowed the budget is spent."""
    severity: Severity
    hold: str

    @property
    def words(self) -> str:
        """The factor as a sentence has it."""
        return "" if self.factor == 1 else f"{self.factor:g} times what "


BURNS = (
    Burn(long="1h", short="5m", factor=14.4, severity="critical", hold="2m"),
    Burn(long="6h", short="30m", factor=6, severity="critical", hold="15m"),
    Burn(long="1d", short="2h", factor=3, severity="warning", hold="1h"),
    Burn(long="3d", short="6h", factor=1, severity="warning", hold="1h"),
)
WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
INTERVAL = "1m"
"""Of the recording rules; the number of events in a window is the sum of the recorded rates times it."""


def _slower(family: str, bound: str) -> str:
    """Return the rate of observations above the threshold of that name."""
    inside = f'{family}_bucket{{le=~"<{bound}:bound>"}}'
    return f"clamp_min(\n  sum(rate({family}_count[5m])) - sum(rate({inside}[5m])),\n  0\n)"


OBJECTIVES = (
    Objective(
        name="sync",
        alert="LynceusSyncBudgetBurn",
        bad='sum(rate(argocd_app_sync_total{phase!="Succeeded", dry_run="false"}[5m]))',
        all='sum(rate(argocd_app_sync_total{dry_run="false"}[5m]))',
        noun="sync attempts",
        fails="fail",
        board="fleet",
        why="Beside an Argo CD these are its own counts, once per operation.",
    ),
    Objective(
        name="freshness",
        alert="LynceusFreshnessBudgetBurn",
        bad=_slower("lynceus_deployment_unblocked_seconds", "freshness_seconds"),
        all="sum(rate(lynceus_deployment_unblocked_seconds_count[5m]))",
        noun="deployments",
        fails="take longer than <freshness_seconds> s from the commit to healthy, window wait left out,",
        board="delivery",
        why="What windows and freezes held back is taken off each deployment before it is counted; in "
        "lynceus_deployment_lead_time_seconds, which is DORA's, it stays.",
    ),
    Objective(
        name="reconcile",
        alert="LynceusReconcileBudgetBurn",
        bad=_slower("argocd_app_reconcile", "reconcile_seconds"),
        all="sum(rate(argocd_app_reconcile_count[5m]))",
        noun="refreshes",
        fails="take longer than <reconcile_seconds> s",
        board="engine",
    ),
    Objective(
        name="git",
        alert="LynceusGitBudgetBurn",
        bad='sum(rate(argocd_git_request_total{request_type="fetch", result="error"}[5m]))',
        all='sum(rate(argocd_git_request_total{result="success"}[5m]))\n'
        '+ sum(rate(argocd_git_request_total{request_type="fetch", result="error"}[5m]))',
        noun="requests to Git servers",
        fails="fail",
        board="engine",
        why="A failed ls-remote is counted as a failed fetch, too, so the failed fetches are all failures, each once. "
        "Argo CD's own series have no result and stay out.",
    ),
    Objective(
        name="webhook",
        alert="LynceusWebhookBudgetBurn",
        bad=_slower("lynceus_admission_request_duration_seconds", "webhook_seconds"),
        all="sum(rate(lynceus_admission_request_duration_seconds_count[5m]))",
        noun="admission answers",
        fails="take longer than <webhook_seconds> s",
        board="policy",
    ),
)


def _records(objective: Objective) -> tuple[Record, ...]:
    name, labels = objective.name, {"slo": objective.name}
    bad, total = f"lynceus:{name}_bad:rate5m", f"lynceus:{name}_all:rate5m"
    first = (
        Record(name=bad, expr=objective.bad, labels=labels, why=objective.why),
        Record(name=total, expr=objective.all, labels=labels),
        Record(name=f"lynceus:{name}_error:ratio_rate5m", expr=f"{bad} / {total}", labels=labels),
    )
    rest = tuple(
        Record(
            name=f"lynceus:{name}_error:ratio_rate{window}",
            expr=f"sum_over_time({bad}[{window}]) / sum_over_time({total}[{window}])",
            labels=labels,
        )
        for window in WINDOWS[1:]
    )
    return (*first, *rest)


def _alert(objective: Objective, burn: Burn) -> Alert:
    name = objective.name
    budget = f"{burn.factor:g} * (1 - <{name}_target>)"
    return Alert(
        name=objective.alert,
        expr=f"lynceus:{name}_error:ratio_rate{burn.long} > {budget}\n"
        f"and lynceus:{name}_error:ratio_rate{burn.short} > {budget}\n"
        f"and sum_over_time(lynceus:{name}_all:rate5m[{burn.long}]) * {seconds(INTERVAL)} >= <{name}_least>",
        hold=burn.hold,
        severity=burn.severity,
        labels={"slo": name, "long": burn.long, "short": burn.short},
        summary=f"Too many {objective.noun} {objective.fails.rstrip(',')}",
        description=f"{{{{ $value | humanizePercentage }}}} of all {objective.noun} within {burn.long} "
        f"{objective.fails} and the last {burn.short} are no better: more than {burn.words}the objective allows.",
        board=objective.board,
    )


RECORDS = Group(
    name="lynceus.slo.records",
    interval=INTERVAL,
    rules=tuple(record for objective in OBJECTIVES for record in _records(objective)),
)
ALERTS = Group(
    name="lynceus.slo.alerts",
    interval=INTERVAL,
    rules=tuple(_alert(objective, burn) for objective in OBJECTIVES for burn in BURNS),
)
