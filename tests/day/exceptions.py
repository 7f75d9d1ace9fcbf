"""What may say nothing after the day, and why; whatever stands here and does say something makes a test fail too."""

from tests.dashboards.support import EMPTY_EVERYWHERE

NO_WEBHOOK = "this version serves no admission webhook"

PANELS = {f"{board}: {panel}": why for board, found in EMPTY_EVERYWHERE.items() for panel, why in found.items()}
"""board: panel or annotation -> reason."""

RULES = {
    "LynceusWebhookSlow": NO_WEBHOOK,
    "LynceusWebhookBudgetBurn": NO_WEBHOOK,
    "LynceusArgoMetricsAbsent": "it speaks beside an Argo CD that is not scraped",
    "LynceusMetricsDoubled": "it speaks where two programs export the same Applications",
    "LynceusWindowForgotten": "it looks back in steps of an hour",
    "LynceusCardinalityLimit": "no family was full",
    "LynceusAuditLost": "no audit record was lost",
}
"""Alerts that stay silent -> reason; promtool makes each of them fire (tests/alerts)."""

PERHAPS = {
    "LynceusRepoPending": "somebody may wait for a repository at the moment of a scrape",
    "LynceusApplyBacklog": "a write may be under way at the moment of a scrape",
    "LynceusQueueStuck": "an Application may wait for a second on a busy machine",
    "LynceusNoLeader": "the first scrape may come before anybody leads",
}
"""Alerts that may have spoken or not -> reason."""
