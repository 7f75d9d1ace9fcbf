"""Jobs: Pods until enough of them have succeeded, or too many have failed. CronJobs do not fire here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from sandbox.simulate.engine import Change, Key, Obj
from sandbox.simulate.replicasets import own_key, owner_key
from sandbox.simulate.world import JOBS, PODS, World, deleting, pod_from, ready


class Jobs:
    """Runs Jobs to completion."""

    def __init__(self, world: World) -> None:
        self.world = world

    def keys(self, change: Change) -> Iterable[Key]:
        """A Job itself, or the one that manages a Pod."""
        if tuple(change.gr) == JOBS:
            return (own_key(change),)
        return owner_key(change.new or change.old, "Job", JOBS) if tuple(change.gr) == PODS else ()

    def reconcile(self, key: Key) -> float | None:
        """Count Pods, create missing ones, and conclude."""
        job = self.world.cache.get(*key)
        if job is None or deleting(job):
            return None
        if _finished(job):
            return self._expire(job)
        pods = list(self.world.cache.owned_by(job["metadata"]["uid"], PODS))
        active = self.world.live_pods(job)
        done = _phase_count(pods, "Succeeded")
        failed = _phase_count(pods, "Failed")
        verdict = _verdict(job, done, failed, self.world.now())
        if verdict or job["spec"].get("suspend"):
            for pod in active:
                meta = pod["metadata"]
                self.world.api.delete(PODS, meta["namespace"], meta["name"], uid=meta["uid"])
            active = []
        else:
            active = active + self._create(job, len(active), done)
        self._report(job, active, done, failed, verdict)
        return self._deadline(job, verdict)

    def _create(self, job: Obj, active: int, done: int) -> list[Obj]:
        spec = job["spec"]
        wanted = spec.get("parallelism", 1)
        if spec.get("completions") is not None:
            wanted = min(wanted, spec["completions"] - done)
        elif done:
            wanted = 0
        namespace = job["metadata"]["namespace"]
        return [self.world.api.create(PODS, pod_from(spec["template"], job, namespace)) for _ in range(wanted - active)]

    def _report(
        self, job: Obj, active: list[Obj], done: int, failed: int, verdict: tuple[str, str, str] | None
    ) -> None:
        now, before = self.world.now(), job.get("status") or {}
        suspended = bool(job["spec"].get("suspend"))
        status = {
            **before,
            "active": len(active),
            "ready": sum(ready(pod) for pod in active),
            "succeeded": done,
            "failed": failed,
            "uncountedTerminatedPods": {},
        }
        if not suspended:
            status["startTime"] = before.get("startTime") or now
        if suspended or any(item["type"] == "Suspended" for item in before.get("conditions") or ()):
            status["conditions"] = _suspended(before, now, suspended=suspended)
        if verdict:
            status["conditions"] = [*(status.get("conditions") or ()), *_final(verdict, now)]
            if verdict[0] == "Complete":
                status["completionTime"] = now
        self.world.set_status(JOBS, job, status)

    def _deadline(self, job: Obj, verdict: object) -> float | None:
        limit = job["spec"].get("activeDeadlineSeconds")
        return None if limit is None or verdict else float(limit) + 0.1

    def _expire(self, job: Obj) -> float | None:
        """Delete a finished Job when its time to live is over."""
        ttl = job["spec"].get("ttlSecondsAfterFinished")
        if ttl is None:
            return None
        ended = max(item["lastTransitionTime"] for item in job["status"]["conditions"])
        left = float(ttl) - _seconds(ended, self.world.now())
        if left > 0:
            return left
        meta = job["metadata"]
        self.world.api.delete(JOBS, meta["namespace"], meta["name"], uid=meta["uid"])
        return None


def _seconds(start: str, end: str) -> float:
    return (dt.datetime.fromisoformat(end) - dt.datetime.fromisoformat(start)).total_seconds()


def _phase_count(pods: list[Obj], phase: str) -> int:
    return sum((pod.get("status") or {}).get("phase") == phase for pod in pods)


def _finished(job: Obj) -> bool:
    conditions = (job.get("status") or {}).get("conditions") or ()
    return any(item["type"] in ("Complete", "Failed") and item["status"] == "True" for item in conditions)


def _verdict(job: Obj, done: int, failed: int, now: str) -> tuple[str, str, str] | None:
    spec = job["spec"]
    wanted = spec.get("completions") if spec.get("completions") is not None else 1
    if done >= wanted:
        return "Complete", "CompletionsReached", "Reached expected number of succeeded pods"
    if failed > spec.get("backoffLimit", 6):
        return "Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit"
    start, limit = (job.get("status") or {}).get("startTime"), spec.get("activeDeadlineSeconds")
    if start and limit is not None and not spec.get("suspend") and _seconds(start, now) >= limit:
        return "Failed", "DeadlineExceeded", "Job was active longer than specified deadline"
    return None


def _final(verdict: tuple[str, str, str], now: str) -> list[Obj]:
    kind, reason, message = verdict
    first = "SuccessCriteriaMet" if kind == "Complete" else "FailureTarget"
    return [
        {"type": name, "status": "True", "lastProbeTime": now, "lastTransitionTime": now, "reason": reason,
         "message": message}
        for name in (first, kind)
    ]  # fmt: skip


def _suspended(before: Obj, now: str, *, suspended: bool) -> list[Obj]:
    listed = [item for item in before.get("conditions") or () if item["type"] != "Suspended"]
    old = next((item for item in before.get("conditions") or () if item["type"] == "Suspended"), None)
    status, words = ("True", "suspended") if suspended else ("False", "resumed")
    if old is not None and old["status"] == status:
        return [*listed, old]
    text = {"reason": f"Job{words.capitalize()}", "message": f"Job {words}"}
    return [*listed, {"type": "Suspended", "status": status, "lastProbeTime": now, "lastTransitionTime": now, **text}]
