"""One step of a sync: dry run, then wave after wave; policy is asked again before each wave and each write.

Results so far are handed in and out, so that a step may end in the middle (an object is not healthy yet, the process
stops) and a later one goes on. Called by controller.syncing.
"""

from __future__ import annotations

import concurrent.futures
import contextvars
import typing as t

import msgspec

from controller import health
from controller.kube.cluster import ClusterCache
from controller.sync.apply import Applied, Applier
from controller.sync.plan import Task, Wave
from controller.sync.select import result_code
from model.application import ResourceResult
from model.errors import LynceusError, NotFound, TemporaryError
from model.meta import ResourceKey
from model.states import HealthStatus, ResultCode

Gate = t.Callable[[], str]
"""Asked before every wave and every write; empty text lets it go on, anything else is why not."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How far a step came."""

    verdict: t.Literal["done", "waiting", "failed", "stopped"]
    message: str
    results: tuple[ResourceResult, ...]
    changed: int = 0
    """Objects that were written or deleted."""


class Engine:
    """Runs the waves of one operation."""

    def __init__(
        self,
        cache: ClusterCache,
        applier: Applier,
        pool: concurrent.futures.ThreadPoolExecutor,
        earlier: t.Iterable[ResourceResult],
        *,
        gate: Gate,
        note: t.Callable[..., None],
    ) -> None:
        self._cache, self._applier, self._pool, self._note = cache, applier, pool, note
        self._gate, self._stopped = gate, ""
        self._results = {_result_key(result): result for result in earlier}
        self._changed = 0

    def skip(self, task: Task, message: str) -> None:
        """Record an object that left the source and stays."""
        self._record(task, ResultCode.PRUNE_SKIPPED, message)

    def dry_run(self, waves: t.Sequence[Wave]) -> str:
        """Let the server judge every object that would be written; empty text when it takes all of them."""
        namespaces, kinds = _made_here(waves)
        tasks = [
            task
            for wave in waves
            for task in wave.tasks
            if task.target is not None
            and task.key.namespace not in namespaces
            and (task.key.group, task.key.kind) not in kinds
        ]
        failures = [failure for failure in self._all(tasks, self._judge) if failure]
        if not failures:
            return ""
        return f"one or more objects failed to apply (dry run): {'; '.join(dict.fromkeys(failures))}"

    def run(self, waves: t.Sequence[Wave]) -> Outcome:
        """Run the waves in order; each but the last must be healthy before the next one begins."""
        for number, wave in enumerate(waves):
            refused = self._gate()
            if refused:
                return self.outcome("stopped", refused)
            failures = self._wave(wave)
            if self._stopped:
                return self.outcome("stopped", self._stopped)
            if failures:
                return self.outcome("failed", f"one or more objects failed to apply: {'; '.join(failures)}")
            if number < len(waves) - 1:
                waiting = self._settle(wave)
                if waiting is not None:
                    return waiting
        going = self._still_there(waves)
        if going:
            return self.outcome("waiting", f"waiting for deletion of {going}")
        return self.outcome("done", "successfully synced (all tasks run)")

    def outcome(self, verdict: t.Literal["done", "waiting", "failed", "stopped"], message: str) -> Outcome:
        """Return how the step ended, with all results so far."""
        results = tuple(self._results[key] for key in sorted(self._results))
        return Outcome(verdict=verdict, message=message, results=results, changed=self._changed)

    def _judge(self, task: Task) -> str:
        """Dry-run one task; returns why the server refuses it."""
        try:
            self._applier.dry_run(task)
        except TemporaryError:
            raise
        except LynceusError as failure:
            self._record(task, ResultCode.SYNC_FAILED, str(failure))
            return str(failure)
        return ""

    def _wave(self, wave: Wave) -> list[str]:
        """Prune, then apply kind after kind; a failed group stops the later ones."""
        for group in (wave.prunes, *wave.groups):
            failures = [failure for failure in self._all(group, self._one) if failure]
            if failures or self._stopped:
                return list(dict.fromkeys(failures))
        return []

    def _one(self, task: Task) -> str:
        """Carry out one task, if policy still lets it; returns why it failed."""
        refused = self._stopped or self._gate()
        if refused:
            self._stopped = refused
            return ""
        try:
            applied = self._applier.prune(task) if task.is_prune else self._apply(task)
        except TemporaryError:
            raise
        except LynceusError as failure:
            self._record(task, ResultCode.SYNC_FAILED, str(failure))
            self._note("failed", object=str(task.key), error=str(failure))
            return str(failure)
        self._changed += applied.changed
        before = self._results.get(_task_key(task))
        if applied.changed or before is None or before.status != result_code(task):
            self._record(task, result_code(task), applied.message)
        if applied.changed:
            self._note(applied.message, object=str(task.key))
        return ""

    def _apply(self, task: Task) -> Applied:
        """Apply; a kind that this very sync defines may take a moment to be served."""
        try:
            return self._applier.apply(task)
        except NotFound:
            self._cache.discovery.invalidate()
            return self._applier.apply(task)

    def _all(self, tasks: t.Sequence[Task], work: t.Callable[[Task], str]) -> list[str]:
        """Do the work for all tasks, side by side when there are several; each knows on whose behalf it is done."""
        if len(tasks) <= 1:
            return [work(task) for task in tasks]
        contexts = [contextvars.copy_context() for _ in tasks]
        return list(self._pool.map(lambda context, task: context.run(work, task), contexts, tasks))

    def _settle(self, wave: Wave) -> Outcome | None:
        """Return None when the wave is healthy, else how the step ends."""
        for task in wave.tasks:
            stored = self._cache.store.get(task.key)
            if task.is_prune:
                if stored is not None:
                    return self.outcome("waiting", f"waiting for deletion of {_spell(task.key)}")
                continue
            state = health.assess(stored.decode()) if stored is not None else None
            if stored is None:
                return self.outcome("waiting", f"waiting for {_spell(task.key)} to appear")
            if state is None or state.status == HealthStatus.HEALTHY:
                continue
            if state.status == HealthStatus.DEGRADED:
                self._record(task, ResultCode.SYNC_FAILED, state.message)
                return self.outcome("failed", f"{_spell(task.key)} is Degraded: {state.message}")
            text = f"waiting for healthy state of {_spell(task.key)} ({state.status}: {state.message})"
            return self.outcome("waiting", text)
        return None

    def _still_there(self, waves: t.Sequence[Wave]) -> str:
        """Return what is pruned and not gone yet."""
        going = [task.key for wave in waves for task in wave.prunes if self._cache.store.get(task.key) is not None]
        more = f" and {len(going) - 1} more" if len(going) > 1 else ""
        return f"{_spell(going[0])}{more}" if going else ""

    def _record(self, task: Task, code: ResultCode, message: str) -> None:
        key = task.key
        phase = "Running" if code is ResultCode.SYNCED else "Failed" if code is ResultCode.SYNC_FAILED else "Succeeded"
        self._results[_task_key(task)] = ResourceResult(
            group=key.group,
            version=task.version,
            kind=key.kind,
            namespace=key.namespace,
            name=key.name,
            status=code,
            message=message[:1024],
            hook_phase=phase,
            sync_phase="Sync",
        )


def _made_here(waves: t.Sequence[Wave]) -> tuple[set[str], set[tuple[str, str]]]:
    """Return the namespaces and kinds that the sync itself creates: what lives in them cannot be judged before."""
    namespaces: set[str] = set()
    kinds: set[tuple[str, str]] = set()
    for task in (task for wave in waves for task in wave.tasks if task.target is not None and task.live is None):
        if task.key.kind == "Namespace" and not task.key.group:
            namespaces.add(task.key.name)
        elif task.key.kind == "CustomResourceDefinition" and task.target is not None:
            spec = task.target.get("spec") or {}
            kinds.add((str(spec.get("group")), str((spec.get("names") or {}).get("kind"))))
    return namespaces, kinds


def _task_key(task: Task) -> tuple[str, str, str, str]:
    return task.key.group, task.key.kind, task.key.namespace, task.key.name


def _result_key(result: ResourceResult) -> tuple[str, str, str, str]:
    return result.group, result.kind, result.namespace, result.name


def _spell(key: ResourceKey) -> str:
    return f"{key.group}/{key.kind}/{key.name}" if key.group else f"{key.kind}/{key.name}"


__all__ = ["Engine", "Gate", "Outcome"]
