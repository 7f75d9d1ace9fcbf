"""Rules about policy: refusals, texts that cannot be read, the admission webhook."""

from __future__ import annotations

from alerts.rules.form import Alert, Group
from alerts.rules.phrases import grown

_ASKED = 'lynceus_rbac_denials_total{source!="loop"}'

_DENIALS = Alert(
    name="LynceusRBACDenialSpike",
    expr=f"sum by (project) {grown(_ASKED, '<denial_window:range>')} > <denials>",
    severity="warning",
    summary="RBAC refuses a lot in project {{ $labels.project }}",
    description="{{ $value | humanize }} requests were refused within <denial_window>; the audit log says whose.",
    board="policy",
    why="The counter is born with its first refusal, so that a burst of a new kind would be invisible to increase(). "
    "Without the loop, which asks again with every turn what was refused before.",
)

_RELOAD = Alert(
    name="LynceusPolicyReloadFailing",
    expr="min by (instance) (lynceus_policy_last_reload_successful) == 0\n"
    "and on (instance)\n"
    "max by (instance) (lynceus_policy_reload_failures_total) > 0",
    hold="1m",
    severity="critical",
    summary="A changed policy cannot be read; the last good one is in force",
    description="{{ $labels.instance }} refused a policy, project or window; changes to it have no effect until it is "
    "mended.",
    board="policy",
    why="A state instead of increase(lynceus_policy_reload_failures_total[10m]), which ends after ten minutes although "
    "the policy is as broken as before. The state is 0 before the first policy, too, when nothing was refused: "
    "LynceusNoLeader tells of a start that does not come to its end.",
)

_WEBHOOK = Alert(
    name="LynceusWebhookSlow",
    expr="histogram_quantile(0.99, sum by (le) (rate(lynceus_admission_request_duration_seconds_bucket[5m]))) "
    "> <admission_slow>\n"
    "and sum(increase(lynceus_admission_request_duration_seconds_count[5m])) >= <admission_least>",
    hold="10m",
    severity="critical",
    summary="The admission webhook answers slowly",
    description="One answer in a hundred takes longer than <admission_slow> s; API servers give up on slow webhooks.",
    board="policy",
    why="Beneath so few answers one slow one is a hundredth.",
)

GROUP = Group(name="lynceus.policy", rules=(_DENIALS, _RELOAD, _WEBHOOK))
