"""The board Policy: what is decided, who is refused, which rules decide, and whether the policy can be read."""

from __future__ import annotations

from dashboards.boards import marks, variables
from dashboards.boards.frame import Board, Row
from dashboards.boards.panels import GOOD_BAD, NEVER, PLAIN, Look, Query, lines, ranking, small, stat
from dashboards.boards.promql import IN_CLUSTER, count, increase, metric, quantile, rate, share, top, total
from dashboards.boards.shared import BREAK_GLASS
from dashboards.boards.tables import Column, table

NO_WEBHOOK = "this version serves no admission webhook"
NO_DECISION = "nothing was decided since Lynceus started"
RULE = metric("lynceus_policy_rule_info", scope=IN_CLUSTER)
INFO = f"max by (cluster, rule, subject, resource, action, object, effect) ({RULE})"
SAYS = f"* on (cluster, rule) group_left (subject, resource, action, object, effect) {INFO}"


def _decisions(*matchers: str, window: str = "1h") -> str:
    return f"sum({increase('lynceus_policy_decisions_total', *matchers, window=window, scope=IN_CLUSTER)})"


def _hits(window: str) -> str:
    return total("cluster, rule", increase("lynceus_policy_rule_hits_total", window=window, scope=IN_CLUSTER))


NOW = Row(
    "Now",
    (
        stat(
            small("Decisions, 1 h", "Answers of the guard, to the loop and to the API.", NEVER, steps=PLAIN),
            f"{_decisions()} or vector(0)",
        ),
        stat(
            small(
                "Refused, 1 h",
                "Share of the answers that were no; windows and freezes refuse here too.",
                "nothing was decided within the hour",
                "percentunit",
                steps=PLAIN,
            ),
            share(_decisions('effect="deny"'), _decisions()),
        ),
        stat(
            small(
                "Refused by RBAC, 1 h",
                "Refusals that a rule, or the lack of one, caused; the audit log has who was refused.",
                NEVER,
                steps=((None, "green"), (50.0, "orange")),
                runbooks=("LynceusRBACDenialSpike",),
            ),
            f"sum({increase('lynceus_rbac_denials_total', window='1h')}) or vector(0)",
        ),
        stat(
            small(
                "Refused policy texts, 24 h",
                "Changes that could not be read; the last good policy is in force meanwhile.",
                NEVER,
                steps=GOOD_BAD,
                runbooks=("LynceusPolicyReloadFailing",),
            ),
            f"sum({increase('lynceus_policy_reload_failures_total', window='24h', scope=IN_CLUSTER)}) or vector(0)",
        ),
        stat(
            small(
                "Policy in force since",
                "How long ago a policy was last taken.",
                "no policy was taken yet",
                "s",
                steps=PLAIN,
            ),
            f"time() - max({metric('lynceus_policy_last_reload_timestamp_seconds', scope=IN_CLUSTER)} > 0)",
        ),
        stat(
            small(
                "Policy read last",
                "Whether the newest policy text is in force; refused: an older one still is.",
                "Lynceus is not scraped",
                steps=((None, "red"), (1.0, "green")),
                words=((0.0, "refused", "red"), (1.0, "taken", "green")),
                runbooks=("LynceusPolicyReloadFailing",),
            ),
            f"min({metric('lynceus_policy_last_reload_successful', scope=IN_CLUSTER)})",
        ),
    ),
)

DECISIONS = Row(
    "Decisions",
    (
        lines(
            Look("Decisions by effect and source", "Answers a second, by who asked.", NO_DECISION, unit="reqps"),
            Query(
                total("effect, source", rate("lynceus_policy_decisions_total", scope=IN_CLUSTER)),
                "{{effect}} {{source}}",
            ),
            stack=True,
        ),
        lines(
            Look("Decisions by what was asked", "Answers a second, by resource and action.", NO_DECISION, unit="reqps"),
            Query(
                total("resource, action", rate("lynceus_policy_decisions_total", scope=IN_CLUSTER)),
                "{{resource}}/{{action}}",
            ),
            stack=True,
        ),
        lines(
            Look(
                "Refusals by RBAC",
                "Refusals by project and by who asked.",
                "RBAC refused nothing since Lynceus started",
                nothing="nothing was refused",
                runbooks=("LynceusRBACDenialSpike",),
            ),
            Query(total("project, source", increase("lynceus_rbac_denials_total")), "{{project}} {{source}}"),
            stack=True,
            bars=True,
        ),
        table(
            Look(
                "Most refused, 1 h",
                "What was asked for and refused by RBAC most often.",
                "RBAC refused nothing since Lynceus started",
                nothing="nothing was refused",
                runbooks=("LynceusRBACDenialSpike",),
            ),
            Column(
                "Refused",
                top(20, total("project, resource, action", increase("lynceus_rbac_denials_total", window="1h"))),
            ),
        ),
        lines(
            Look(
                "Syncs kept from running",
                "By what kept them, once for each Application and reason until it is let through.",
                "no sync was kept from running since Lynceus started",
                nothing="none was kept",
            ),
            Query(total("reason", increase("lynceus_sync_blocked_total")), "{{reason}}"),
            stack=True,
            bars=True,
        ),
        BREAK_GLASS,
    ),
)

RULES = Row(
    "Rules",
    (
        table(
            Look(
                "Rules that decide most, 24 h",
                "How often each line of the policy decided.",
                "the policy has no line",
                height=10,
                nothing="no rules",
            ),
            Column("Decided", f"{top(20, _hits('24h'))} {SAYS}"),
            hide="cluster",
        ),
        table(
            Look(
                "Rules never used in 30 d",
                "Lines that decided nothing in thirty days, or since Lynceus started if that is less.",
                "every line of the policy decided something, or it has none",
                height=10,
                nothing="every rule was used",
            ),
            Column("", f"({_hits('30d')} == 0) {SAYS}"),
            hide="cluster",
        ),
    ),
)

TEXT = Row(
    "The policy itself",
    (
        lines(
            Look(
                "Texts that were refused",
                "Changed policies, projects or windows that could not be read.",
                NEVER,
                span=8,
                runbooks=("LynceusPolicyReloadFailing",),
            ),
            Query(f"sum({increase('lynceus_policy_reload_failures_total', scope=IN_CLUSTER)}) or vector(0)", "refused"),
            bars=True,
        ),
        ranking(
            Look(
                "Findings by severity",
                "What lynceus rbac validate would complain of.",
                "the policy was not looked through yet",
                span=8,
                steps=((None, "green"), (1.0, "orange")),
            ),
            Query(
                f"max by (severity) ({metric('lynceus_policy_findings', scope=IN_CLUSTER)})",
                "{{severity}}",
            ),
        ),
        lines(
            Look("Rules in force", "Lines of the policy that permit or refuse.", NEVER, span=8),
            Query(count(INFO), "rules"),
        ),
    ),
)

WEBHOOK = Row(
    "Admission webhook",
    (
        lines(
            Look(
                "Time of an answer, p99",
                "How long API servers wait for the webhook.",
                NO_WEBHOOK,
                unit="s",
                steps=((None, "green"), (1.0, "red")),
                nothing="no webhook in this version",
                runbooks=("LynceusWebhookSlow",),
            ),
            Query(quantile(0.99, "lynceus_admission_request_duration_seconds", scope=IN_CLUSTER), "p99"),
        ),
        lines(
            Look(
                "Answers",
                "Requests by what was answered and why.",
                NO_WEBHOOK,
                unit="reqps",
                nothing="no webhook in this version",
            ),
            Query(
                total("operation, decision, reason", rate("lynceus_admission_requests_total", scope=IN_CLUSTER)),
                "{{decision}} {{operation}} {{reason}}",
            ),
            stack=True,
        ),
    ),
    closed=True,
)

POLICY = Board(
    name="policy",
    title="Policy",
    description="Decisions and the rules behind them: what is refused, by which rule, and whether the policy is sound.",
    variables=(variables.DATASOURCE, variables.CLUSTER, variables.PROJECT),
    rows=(NOW, DECISIONS, RULES, TEXT, WEBHOOK),
    marks=(*marks.freezes(), *marks.reloads()),
)
