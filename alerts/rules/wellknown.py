"""The four rules that every Argo CD guide copies: name, expression, duration and severity word for word."""

from __future__ import annotations

from alerts.rules.form import Alert, Group, RuleFile

_RULES = (
    Alert(
        name="ArgoCDAppOutOfSync",
        expr='argocd_app_info{sync_status="OutOfSync"} == 1',
        hold="30m",
        severity="warning",
        summary="Application {{ $labels.name }} has been out of sync for <for>",
        description="{{ $labels.namespace }}/{{ $labels.name }} of project {{ $labels.project }} differs from "
        "{{ $labels.repo }}.",
        board="application",
        why="Any change of another label, the health above all, starts a new series and the half hour anew; "
        "LynceusAppDrifted has no such gap.",
    ),
    Alert(
        name="ArgoCDAppUnhealthy",
        expr='argocd_app_info{health_status!~"Healthy|Progressing"} == 1',
        hold="15m",
        severity="critical",
        summary="Application {{ $labels.name }} is {{ $labels.health_status }}",
        description="{{ $labels.namespace }}/{{ $labels.name }} of project {{ $labels.project }} has been "
        "{{ $labels.health_status }} for <for>. A paused rollout (Suspended) pages too.",
        board="application",
    ),
    Alert(
        name="ArgoCDSyncFailing",
        expr='increase(argocd_app_sync_total{phase!="Succeeded"}[1h]) > 3',
        severity="critical",
        summary="Syncs of application {{ $labels.name }} keep failing",
        description="More than three sync attempts of {{ $labels.namespace }}/{{ $labels.name }} ended as "
        "{{ $labels.phase }} within an hour.",
        board="application",
        why="Argo CD counts operations, and from 1 on, so that one bad commit stays silent there; Lynceus counts "
        "attempts, from 0 on. LynceusLastSyncFailed needs no count.",
    ),
    Alert(
        name="ArgoCDGitFetchErrors",
        expr='increase(argocd_git_request_total{request_type="fetch", result="error"}[10m]) > 5',
        severity="warning",
        summary="Fetching {{ $labels.repo }} keeps failing",
        description="More than five fetches of {{ $labels.repo }} failed within ten minutes; its applications stay at "
        "the last commit that was read.",
        board="engine",
        why="Argo CD's own counter has no label result, so that this never fires there; LynceusGitFailing does.",
    ),
)

FILE = RuleFile(
    name="argocd",
    head="The four rules that every Argo CD guide copies, word for word. On Argo CD itself they fire rarely or never; "
    "on the metrics of Lynceus they fire, because failures have a result label and counters are born at 0. "
    "Written by python -m alerts.rules.",
    groups=(Group(name="argocd.rules", rules=_RULES),),
)
