"""Rules about single applications: drift, health, syncs, commits that wait."""

from __future__ import annotations

from alerts.rules.form import Alert, Group, Record
from alerts.rules.phrases import APP, DESTINATION, DRIFT, HELD, JUST_HELD, ON_APP, at_destination

_OF = "{{ $labels.namespace }}/{{ $labels.name }}"
_OF_PROJECT = _OF + " of project {{ $labels.project }}"

_DESTINATION = Record(
    name=DESTINATION,
    expr=f"topk by ({APP}) (1, max by ({APP}, dest_server) (lynceus_app_info))",
    why="Where each application goes, exactly once: the alerts below carry dest_server by it, so that Alertmanager "
    "can hold them back while that cluster does not answer. topk, because two answers for one application, as two pods "
    "may give while one replaces the other, would make every join fail.",
)

_JUST_HELD = Record(
    name=JUST_HELD,
    expr=f"max by ({APP}) (last_over_time({HELD}[<catch_up:range>]))",
    why="Held back by a window or freeze now, or so lately that the application may not have had time to catch up. "
    "What a project or RBAC refuses is left out: no time ends that.",
)

_DRIFTED = Alert(
    name="LynceusAppDrifted",
    expr=at_destination(f"time() - {DRIFT} > <drift>\nunless {ON_APP} {JUST_HELD}"),
    hold="1m",
    severity="warning",
    summary="Application {{ $labels.name }} has been out of sync for {{ $value | humanizeDuration }}",
    description=f"{_OF_PROJECT} has not been Synced for more than <drift>, whatever its "
    "health did meanwhile, and no window or freeze held it back in the last <catch_up>.",
    board="application",
    why="By a point in time that no other label and no restart resets. Only windows and freezes excuse it: what a "
    "project or RBAC refuses will not mend itself. An application that was held until just now has time to catch up.",
)

_HELD = Alert(
    name="LynceusAppHeld",
    expr=at_destination(f"time() - {DRIFT} > 0\nand {ON_APP} {JUST_HELD}"),
    hold="5m",
    severity="info",
    summary="Application {{ $labels.name }} is out of sync and held back on purpose",
    description=f"{_OF_PROJECT} is not Synced, and a window or freeze holds it back or did within the last <catch_up>.",
    board="windows",
    why="Nobody is to be told; it exists so that Alertmanager can keep ArgoCDAppOutOfSync quiet from its first minute, "
    "which a rule that waits for a day cannot.",
)

_HELD_LONG = Alert(
    name="LynceusAppDriftedWhileBlocked",
    expr=at_destination(f"time() - {DRIFT} > <drift_held>\nand {ON_APP} {HELD}"),
    hold="5m",
    severity="info",
    summary="Application {{ $labels.name }} has been waiting for {{ $value | humanizeDuration }}",
    description=f"{_OF_PROJECT} has not been Synced for more than <drift_held>, and a "
    "window or freeze holds it back now.",
    board="windows",
    why="What a project or RBAC refuses is no waiting; LynceusAppDrifted tells it.",
)

_UNHEALTHY = Alert(
    name="LynceusAppUnhealthy",
    expr=at_destination(
        f"time() - max by ({APP}, health_status) (\n"
        '    lynceus_app_unhealthy_since_timestamp_seconds{health_status="Degraded"}\n'
        "    or (\n"
        '      lynceus_app_unhealthy_since_timestamp_seconds{health_status="Missing"}\n'
        f"      unless {ON_APP} {JUST_HELD}\n"
        "    )\n"
        "  ) > <unhealthy>"
    ),
    hold="1m",
    severity="critical",
    summary="Application {{ $labels.name }} is {{ $labels.health_status }}",
    description=f"{_OF_PROJECT} has not been Healthy for {{{{ $value | humanizeDuration }}}} "
    "and is {{ $labels.health_status }}.",
    board="application",
    why="The time counts from when it left Healthy, through every change between the other states. An application that "
    "is Missing because a window has not let its first sync through yet is no outage.",
)

_PROGRESSING = Alert(
    name="LynceusAppStuckProgressing",
    expr=at_destination(
        f"time() - max by ({APP}, health_status) (\n"
        '    lynceus_app_unhealthy_since_timestamp_seconds{health_status=~"Progressing|Unknown"}\n'
        "  ) > <progressing>"
    ),
    hold="1m",
    severity="warning",
    summary="Application {{ $labels.name }} does not become healthy",
    description=f"{_OF_PROJECT} has not been Healthy for {{{{ $value | humanizeDuration }}}} "
    "and is {{ $labels.health_status }}.",
    board="application",
    why="Unknown health, too, which no other rule of ours sees.",
)

_LAST_SYNC = Alert(
    name="LynceusLastSyncFailed",
    expr=at_destination(f'max by ({APP}, phase) (lynceus_app_last_sync_info{{phase=~"Failed|Error"}}) == 1'),
    hold="10m",
    severity="warning",
    summary="The last sync of application {{ $labels.name }} ended as {{ $labels.phase }}",
    description=f"{_OF_PROJECT} has not been synced since; a revision that failed is not tried again by itself.",
    board="application",
    why="A state instead of a count: one bad commit is one failure, which no threshold on a counter sees.",
)

_UNKNOWN = Alert(
    name="LynceusAppUnknown",
    expr=f'max by ({APP}, dest_server) (lynceus_app_info{{sync_status="Unknown"}}) == 1',
    hold="15m",
    severity="warning",
    summary="Nobody knows whether application {{ $labels.name }} is in sync",
    description=f"{_OF} could not be compared for <for>: its repository, path or manifests cannot be read.",
    board="application",
    why="Such an application is called Healthy, and none of the four well-known rules sees it. lynceus_app_info, since "
    "argocd_app_info is off beside an Argo CD; max by, so that its other labels may change.",
)

_AUTO_SYNC_OFF = Alert(
    name="LynceusAutoSyncOff",
    expr=f'max by ({APP}, dest_server) (lynceus_app_info{{autosync_enabled="false"}}) == 1\nand {ON_APP} {DRIFT}',
    hold="2h",
    severity="info",
    summary="Application {{ $labels.name }} is out of sync and has no automated sync",
    description=f"{_OF_PROJECT} has waited for <for> for somebody to sync it.",
    board="application",
)

_COMMITS = Alert(
    name="LynceusCommitsPilingUp",
    expr=at_destination(
        f"time() - max by ({APP}) (lynceus_app_oldest_undeployed_commit_timestamp_seconds) > <undeployed>\n"
        f"unless {ON_APP} {JUST_HELD}"
    ),
    hold="30m",
    severity="warning",
    summary="Commits for application {{ $labels.name }} are not deployed",
    description=f"The oldest commit for {_OF} that is not deployed is {{{{ $value | humanizeDuration }}}} old, and no "
    "window or freeze held it back in the last <catch_up>.",
    board="delivery",
    why="A branch that is merged after days brings commits that are old when they come: `for` is the time to roll "
    "them out.",
)

_HEALS = Alert(
    name="LynceusSelfHealLoop",
    expr=at_destination(
        f"max by ({APP}) (changes(lynceus_app_last_sync_finished_timestamp_seconds[<heal_window:range>])) >= <heals>\n"
        "and on (project)\n"
        "sum by (project) (increase(lynceus_self_heal_total[<heal_window:range>])) >= <heals>"
    ),
    severity="warning",
    summary="Application {{ $labels.name }} is healed again and again",
    description=f"{_OF} was synced {{{{ $value }}}} times within <heal_window> while project {{{{ $labels.project }}}} "
    "counts self-heals: somebody or something changes it back.",
    board="application",
    why="The waits between heals grow to five minutes, so that one application heals at most a dozen times in half an "
    "hour and six times from then on: twenty for a project would miss the fight and tell a busy project instead. "
    "Heals are counted by project; how often an application's last sync changed says which one it is.",
)

GROUP = Group(
    name="lynceus.apps",
    rules=(
        _DESTINATION,
        _JUST_HELD,
        _DRIFTED,
        _HELD,
        _HELD_LONG,
        _UNHEALTHY,
        _PROGRESSING,
        _LAST_SYNC,
        _UNKNOWN,
        _AUTO_SYNC_OFF,
        _COMMITS,
        _HEALS,
    ),
)
