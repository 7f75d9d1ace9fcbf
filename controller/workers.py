"""The threads that run turns, and the one boundary around each: whatever goes wrong stays with one Application.

Called by controller.manager. A failure is counted, written into a condition and tried again after a growing wait; the
other Applications do not notice.
"""

from __future__ import annotations

import logging
import threading
import typing as t

from controller import published
from controller.autostart import permission
from controller.conditions import COMPARE_TYPES, SPEC_TYPES, Finding
from controller.deletion import Deleter
from controller.kube.report import on_behalf
from controller.memory import Memory
from controller.reconciler import Refresher
from controller.syncing import Syncer
from controller.turn import Turn
from controller.workqueue import WorkQueue
from model.application import Application
from model.durations import format_time
from model.errors import LynceusError, NotFound, TemporaryError
from model.meta import JSON, NamespacedName
from model.states import ConditionType

if t.TYPE_CHECKING:
    from controller.manager import Manager

log = logging.getLogger("controller.turns")

Body = t.Callable[[Application, Memory, Turn], None]
QueueName = t.Literal["refresh", "operation"]
QUEUES: tuple[QueueName, ...] = ("refresh", "operation")


class Workers:
    """All worker threads."""

    def __init__(self, manager: Manager) -> None:
        self._manager = manager
        self._refresher = Refresher(manager.context)
        self._syncer = Syncer(manager.context, self._refresher)
        self._deleter = Deleter(manager.context)
        options = manager.options
        self._threads = [
            threading.Thread(target=self._work, args=("refresh",), name=f"refresh-{i}", daemon=True)
            for i in range(options.refresh_workers)
        ]
        self._threads += [
            threading.Thread(target=self._work, args=("operation",), name=f"operation-{i}", daemon=True)
            for i in range(options.operation_workers)
        ]

    def start(self) -> None:
        """Begin to work."""
        for thread in self._threads:
            thread.start()

    def join(self, timeout: float) -> None:
        """Wait for the running turns, `timeout` seconds in all."""
        clock = self._manager.clock
        deadline = clock.monotonic() + timeout
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, deadline - clock.monotonic()))

    def alive(self) -> bool:
        """Say whether no worker died."""
        return all(thread.is_alive() for thread in self._threads)

    def _queue(self, name: QueueName) -> WorkQueue[NamespacedName]:
        return self._manager.refreshes if name == "refresh" else self._manager.operations

    def _work(self, name: QueueName) -> None:
        """Take keys until the queue is closed."""
        queue = self._queue(name)
        while (key := queue.get()) is not None:
            try:
                self._take(name, key)
            except Exception:
                log.exception("turn failed outside its boundary", extra={"application": str(key)})
                queue.retry(key)
            finally:
                queue.done(key)

    def _take(self, name: QueueName, key: NamespacedName) -> None:
        """Run one turn unless another turn has the Application; then it is asked for when that ends."""
        manager = self._manager
        memory = manager.memory(key)
        if not memory.lock.acquire(blocking=False):
            memory.missed.add(name)
            if memory.lock.acquire(blocking=False):
                memory.missed.discard(name)
            else:
                return
        try:
            self._bounded(name, key, memory)
        finally:
            memory.lock.release()
            for missed in QUEUES:
                if missed in memory.missed:
                    memory.missed.discard(missed)
                    self._queue(missed).add(key)

    def _bounded(self, name: QueueName, key: NamespacedName, memory: Memory) -> None:
        """Run one turn; every failure ends here."""
        manager, queue = self._manager, self._queue(name)
        app = manager.store.get(key)
        if app is None:
            self._gone(key)
            return
        memory.due(manager.clock.monotonic())
        turn = Turn(key, name, manager.clock)
        with turn.current(), on_behalf(key, app.spec.project or "default"):
            try:
                turn.about(app)
                self._body(name, app)(app, memory, turn)
                queue.forget(key)
            except NotFound as failure:
                if manager.context.writer.reread(key) is not None:
                    self._failed(name, app, memory, turn, failure)
            except Exception as failure:  # noqa: BLE001 - the one boundary: a turn's failure stays with its Application
                self._failed(name, app, memory, turn, failure)
            self._tell(turn)

    def _body(self, name: QueueName, app: Application) -> Body:
        if self._manager.options.mode == "observe":
            return self._observe
        if name == "refresh":
            return self._refresher.turn
        return self._deleter.turn if app.deleting else self._syncer.turn

    def _observe(self, app: Application, memory: Memory, turn: Turn) -> None:
        """Beside an Argo CD: only ask policy and tell; write nothing."""
        turn.quiet, turn.project = True, app.spec.project
        now = self._manager.clock.now()
        permission(self._manager.context, app, memory, now)
        if memory.permission_until is not None:
            seconds = max(0.1, (memory.permission_until - now).total_seconds())
            self._manager.refreshes.add_after(app.key, seconds)

    def _gone(self, key: NamespacedName) -> None:
        """Forget an Application that is gone; say so when it is there but cannot be read."""
        manager = self._manager
        broken = manager.store.broken(key)
        manager.interest.declare(key, "", ())
        if broken is None:
            manager.memories.pop(key, None)
            manager.refreshes.drop(key)
            return
        condition = {"type": str(ConditionType.INVALID_SPEC), "message": broken.problem}
        if manager.options.mode == "observe" or broken.problem.encode() in broken.raw.replace(b'\\"', b'"'):
            return
        condition["lastTransitionTime"] = format_time(manager.clock.now())
        try:
            manager.store.wrote(manager.context.writer.patch_raw(key, {"status": {"conditions": [condition]}}))
        except LynceusError as failure:
            log.info("unreadable application", extra={"application": str(key), "error": str(failure)})

    def _failed(self, name: QueueName, app: Application, memory: Memory, turn: Turn, failure: Exception) -> None:
        """Count, back off, and write a condition for what is not expected to pass by itself."""
        known = isinstance(failure, LynceusError)
        turn.error = str(failure) if known else f"{type(failure).__name__}: unexpected failure, see the log"
        memory.forget_comparison()
        wait = self._queue(name).retry(app.key)
        if not known:
            log.error("turn failed unexpectedly", extra={"application": str(app.key)}, exc_info=failure)
        if isinstance(failure, TemporaryError):
            log.info("turn put off", extra={"application": str(app.key), "error": turn.error, "seconds": wait})
            return
        if self._manager.options.mode == "reconcile":
            self._condition(app, turn.error)

    def _condition(self, app: Application, text: str) -> None:
        """Write that the turn failed; best effort."""
        context = self._manager.context
        now = context.clock.now()
        newest = context.applications.get(app.key) or app
        finding = Finding(ConditionType.UNKNOWN, text)
        fields: JSON = published.condition_fields(newest, SPEC_TYPES | COMPARE_TYPES, [finding], now)
        try:
            body = published.patch_of(newest, fields, now, compared=False, answer=False)
            published.write(context, newest, body, guarded=False)
        except LynceusError as failure:
            log.info("condition not written", extra={"application": str(app.key), "error": str(failure)})

    def _tell(self, turn: Turn) -> None:
        """Publish the turn and log it in one line."""
        finished = turn.finished()
        self._manager.publish(finished)
        extra = {
            "application": str(turn.key),
            "project": turn.project,
            "queue": turn.queue,
            "reason": turn.reason,
            "level_of_refresh": turn.level,
            "compared": turn.compared,
            "milliseconds": round((finished.end - finished.start) * 1000),
            **{word: value for word, value in turn.outcome.items() if value},
            **({"error": turn.error} if turn.error else {}),
        }
        extra.pop("message", None)
        log.log(logging.DEBUG if turn.quiet and not turn.error else logging.INFO, "turn finished", extra=extra)
