"""Every number that decides whether an alert fires, once each: the rules and their texts name them as `<name>`."""

from __future__ import annotations

import re
import typing as t

import msgspec

from exporter.catalogue import BY_NAME

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_WORDS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


class Threshold(msgspec.Struct, frozen=True):
    """One number."""

    name: str
    value: float
    """Seconds, when it is a time."""
    says: str
    """What it bounds, for the table in docs/alerts.md."""
    is_time: bool = False
    family: str = ""
    """The histogram whose buckets it lies among: it has to be one of their bounds, and not the last, to decide."""

    @property
    def number(self) -> str:
        """As PromQL compares with it."""
        return f"{self.value:g}" if self.value < 1e5 else str(int(self.value))

    @property
    def range(self) -> str:
        """As a duration of PromQL and of `for`, in the largest unit that divides it."""
        unit, size = next((unit, size) for unit, size in reversed(_UNITS.items()) if self.value % size == 0)
        return f"{int(self.value // size)}{unit}"

    @property
    def bound(self) -> str:
        """As a regular expression for `le`, in a string of PromQL: Go writes 4, other clients write 4.0."""
        digits = self.number.replace(".", r"\\.")
        return digits if self.value % 1 else rf"{digits}(\\.0)?"

    @property
    def words(self) -> str:
        """As a sentence has it."""
        if not self.is_time:
            return self.number
        word, size = next((word, size) for word, size in _WORDS if self.value % size == 0)
        count = int(self.value // size)
        return f"{count} {word}{'' if count == 1 else 's'}"


def seconds(text: str) -> int:
    """Return a duration such as 90s, 30m, 4h or 7d in seconds.

    Raises:
        ValueError: it is none.
    """
    found = re.fullmatch(r"([1-9]\d*)([smhd])", text)
    if found is None:
        raise ValueError(f"{text!r} is no duration such as 90s, 30m, 4h or 7d")
    return int(found[1]) * _UNITS[found[2]]


def _time(name: str, value: str, says: str) -> Threshold:
    return Threshold(name, seconds(value), says, is_time=True)


def _bound(name: str, value: float, family: str, says: str) -> Threshold:
    return Threshold(name, value, says, family=family)


DEFAULTS: t.Final[tuple[Threshold, ...]] = (
    _time("drift", "30m", "an application may differ from Git for so long while nothing holds it back"),
    _time("drift_held", "24h", "the same while a window or freeze holds it back"),
    _time("catch_up", "30m", "after a window opened or a freeze ended, syncs have so long before anybody is told"),
    _time("unhealthy", "15m", "an application may be Degraded or Missing for so long"),
    _time("progressing", "1h", "an application may be Progressing, or of unknown health, for so long"),
    _time("undeployed", "4h", "a commit may wait for its deployment for so long"),
    _time("heal_window", "30m", "self-heals are counted over so long"),
    Threshold("heals", 4, "self-heals of one application within heal_window that are a fight"),
    _time("forgotten", "7d", "a deny window or a freeze that holds for so long is perhaps forgotten"),
    _time("override_window", "15m", "a break-glass sync is told for so long"),
    _time("denial_window", "10m", "refusals by RBAC are counted over so long"),
    Threshold("denials", 50, "refusals by RBAC of one project within denial_window that are still usual"),
    _bound(
        "admission_slow",
        1,
        "lynceus_admission_request_duration_seconds",
        "seconds that 99 of 100 admission answers may take",
    ),
    Threshold("admission_least", 20, "admission answers within five minutes below which nothing is said"),
    _time("queue_oldest", "10m", "an application that is due may wait for so long"),
    _bound(
        "reconcile_slow", 60, "lynceus_reconcile_duration_seconds", "seconds that 95 of 100 turns of the loop may take"
    ),
    _time("git_window", "10m", "failed requests to Git servers are counted over so long"),
    Threshold("git_failures", 5, "failed requests to one repository within git_window that are still usual"),
    _time("git_stale", "15m", "a repository that is asked may fail to answer for so long"),
    Threshold("git_stale_failures", 3, "failed requests within git_stale, and none that succeeded, that are no chance"),
    _bound(
        "git_slow",
        10,
        "argocd_git_request_duration_seconds",
        "seconds that 95 of 100 requests to a repository may take",
    ),
    Threshold("repo_pending", 50, "requests that may wait for one repository"),
    Threshold("throttled_rate", 0.1, "answers 429 of one API server a second that are still usual"),
    _bound(
        "throttled",
        2,
        "argocd_kubectl_rate_limiter_duration_seconds",
        "seconds that 95 of 100 requests to API servers may be held back",
    ),
    _bound(
        "api_slow",
        8,
        "argocd_kubectl_request_duration_seconds",
        "seconds that 95 of 100 requests to API servers may take",
    ),
    Threshold("apply_backlog", 10, "writes to clusters that may be under way at once"),
    _time("lost_window", "15m", "dropped samples and audit records are told for so long"),
    Threshold("sync_target", 0.99, "SLO: sync attempts that succeed"),
    Threshold("sync_least", 20, "SLO: sync attempts in the long window below which nothing is said"),
    Threshold("freshness_target", 0.95, "SLO: deployments that are healthy in time"),
    _bound(
        "freshness_seconds",
        600,
        "lynceus_deployment_unblocked_seconds",
        "SLO: seconds from commit to healthy that are in time",
    ),
    Threshold("freshness_least", 10, "SLO: deployments in the long window below which nothing is said"),
    Threshold("reconcile_target", 0.99, "SLO: refreshes that are quick"),
    _bound("reconcile_seconds", 4, "argocd_app_reconcile", "SLO: seconds of a refresh that are quick"),
    Threshold("reconcile_least", 100, "SLO: refreshes in the long window below which nothing is said"),
    Threshold("git_target", 0.99, "SLO: requests to Git servers that succeed"),
    Threshold("git_least", 50, "SLO: requests to Git servers in the long window below which nothing is said"),
    Threshold("webhook_target", 0.999, "SLO: admission answers that are quick"),
    _bound(
        "webhook_seconds",
        0.25,
        "lynceus_admission_request_duration_seconds",
        "SLO: seconds of an admission answer that are quick",
    ),
    Threshold("webhook_least", 1000, "SLO: admission answers in the long window below which nothing is said"),
)


class Thresholds:
    """The table by name, and what fills it into expressions and texts."""

    def __init__(self, table: t.Iterable[Threshold] = DEFAULTS) -> None:
        """Take a table with unique names."""
        self.by_name = {each.name: each for each in table}

    def changed(self, settings: t.Iterable[str]) -> Thresholds:
        """Return the table with `name=value` settings put in; times are durations such as 45m.

        Raises:
            ValueError: no such name, or no such value.
        """
        table = dict(self.by_name)
        for setting in settings:
            name, _, value = setting.partition("=")
            if name not in table:
                raise ValueError(f"{name!r} is no threshold; there are {', '.join(table)}")
            table[name] = msgspec.structs.replace(table[name], value=_read(table[name], value))
        return Thresholds(table.values())

    def expression(self, text: str) -> str:
        """Fill `<name>` with numbers, `<name:range>` with durations, `<name:bound>` with what `le` may be."""
        return re.sub(r"<([a-z_]+)(?::(range|bound))?>", self._in_promql, text)

    def sentence(self, text: str) -> str:
        """Fill `<name>` with words."""
        return re.sub(r"<([a-z_]+)>", lambda found: self.by_name[found[1]].words, text)

    def _in_promql(self, found: re.Match[str]) -> str:
        threshold = self.by_name[found[1]]
        return str(getattr(threshold, found[2] or "number"))


def _read(threshold: Threshold, text: str) -> float:
    if threshold.is_time:
        try:
            return seconds(text)
        except ValueError as wrong:
            raise ValueError(f"{threshold.name}: {wrong}") from None
    if re.fullmatch(r"\d+(\.\d+)?", text) is None:
        raise ValueError(f"{threshold.name}: {text!r} is no number")
    if threshold.family and float(text) not in (bounds := BY_NAME[threshold.family].buckets[:-1]):
        known = ", ".join(f"{bound:g}" for bound in bounds)
        raise ValueError(f"{threshold.name}: {text} is no bound of {threshold.family}; there are {known}")
    if threshold.name.endswith("_target") and not 0 < float(text) < 1:
        raise ValueError(f"{threshold.name}: {text} is no share between 0 and 1, such as 0.99")
    return float(text)
