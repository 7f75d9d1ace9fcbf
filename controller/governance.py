"""What governs the loop: argocd-cm, argocd-rbac-cm, lynceus-cm, AppProjects and Secrets, kept current.

Each change makes one new policy generation, swapped whole into the guard; what is malformed keeps its last good part.
Changes that come fast are taken together. Called by controller.manager.
"""

from __future__ import annotations

import functools
import logging
import threading
import typing as t

import msgspec

from controller.clock import Clock
from controller.kube.client import KubeClient
from controller.kube.discovery import ApiResource
from controller.kube.informer import Informer
from controller.kube.store import Change, ObjectStore
from controller.policylog import Loaded, PolicyLog
from controller.secretbook import SecretBook, read_secret
from controller.writer import PROJECTS
from model import additions
from model.errors import InvalidSettings, InvalidSpec
from model.events import Event, PolicyLoaded, ProjectChanged
from model.project import AppProject, read_project
from model.secrets import SECRET_TYPE_LABEL
from model.settings import RbacSettings, Settings, read_rbac_settings, read_settings
from policy import guard as policy_guard

log = logging.getLogger(__name__)

CONFIG_MAP = ApiResource("", "v1", "ConfigMap", "configmaps", True)
SECRET = ApiResource("", "v1", "Secret", "secrets", True)
SETTINGS_NAME, RBAC_NAME = "argocd-cm", "argocd-rbac-cm"
ADDITIONS_NAME = additions.CONFIG_MAP
QUIET = 0.05
"""Seconds to collect further changes in, so that a burst of edits makes one generation."""


class _ConfigMap(msgspec.Struct, frozen=True):
    data: dict[str, str] | None = None


class Governance:
    """Watches what governs the loop."""

    def __init__(
        self,
        client: KubeClient,
        namespace: str,
        *,
        guard: policy_guard.Guard,
        book: SecretBook,
        clock: Clock,
        publish: t.Callable[[Event], None],
        mode: t.Literal["strict", "compat"],
        changed: t.Callable[[], None],
        swapped: t.Callable[[policy_guard.Generation], None],
    ) -> None:
        self.guard, self._book, self._mode, self._namespace = guard, book, mode, namespace
        self._publish, self._changed, self._swapped = publish, changed, swapped
        self.settings = Settings()
        self.projects: dict[str, AppProject] = {}
        """The last good version of each AppProject that exists."""
        self.problems: tuple[str, ...] = ()
        """What is malformed now, one line each."""
        self.loaded = False
        """True once a valid generation is in force; before that nothing may be synced."""
        self._rbac = RbacSettings()
        self._log = PolicyLog(mode, publish)
        self._logged: frozenset[str] = frozenset()
        self._config_maps: dict[str, tuple[dict[str, str], str]] = {}
        """Each ConfigMap as it was read last."""
        self._gone: dict[str, str] = {}
        self._project_problems: dict[str, str] = {}
        self._secret_problems: dict[str, str] = {}
        self._store, self._rbac_store, self._additions_store = ObjectStore(), ObjectStore(), ObjectStore()
        for store in (self._store, self._rbac_store, self._additions_store):
            store.subscribe(self._noticed)
        self._wake, self._stopping = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="governance", daemon=True)
        self._additions = additions.Additions()

        watch = functools.partial(_watch, client, namespace, clock)
        self.informers = (
            watch(CONFIG_MAP, self._store, name=SETTINGS_NAME),
            watch(CONFIG_MAP, self._rbac_store, name=RBAC_NAME),
            watch(CONFIG_MAP, self._additions_store, name=ADDITIONS_NAME),
            watch(PROJECTS, self._store),
            watch(SECRET, self._store, label=SECRET_TYPE_LABEL),
        )

    def start(self, timeout: float) -> bool:
        """Begin to watch and build the first generation; False when not everything was read in `timeout` seconds."""
        for informer in self.informers:
            informer.start()
        complete = all(informer.synced.wait(timeout) for informer in self.informers)
        if complete:
            self.rebuild()
        self._wake.clear()
        self._thread.start()
        self._log.start()
        return complete

    def stop(self) -> None:
        """End the watches."""
        self._stopping.set()
        self._wake.set()
        self._log.stop()
        for informer in self.informers:
            informer.request_stop()

    def synced(self) -> bool:
        """Say whether everything that governs was read."""
        return all(informer.synced.is_set() for informer in self.informers)

    def missing(self) -> str:
        """Return why nothing may be synced at all; empty once a valid generation is in force."""
        if self.loaded:
            return ""
        if not self.synced():
            return "The policy could not be read yet: nothing is synced before it is"
        first = f": {self.problems[0]}" if self.problems else ""
        return (
            f"The policy is malformed and there is no last good one, so nothing is synced until it is corrected{first}"
        )

    def project_problem(self, name: str) -> str:
        """Return why the newest version of an AppProject cannot be read, empty when it can."""
        return self._project_problems.get(name, "")

    def rebuild(self) -> None:
        """Read everything that changed and put a new generation in force."""
        self._read_settings()
        self._read_projects()
        self._read_secrets()
        generation, findings = policy_guard.build(
            self._rbac,
            list(self.projects.values()),
            self._book.clusters(),
            mode=self._mode,
            previous=self.guard.current,
            control_namespace=self._namespace,
            global_projects=self.settings.global_projects if self.settings.global_projects_readable else None,
            repositories=self._book.repositories(),
            additions=self._additions,
        )
        errors = tuple(str(finding) for finding in policy_guard.errors_of(findings))
        unread = (*self._gone.values(), *self._project_problems.values(), *self._secret_problems.values())
        broken = (*errors, *unread)
        self.problems = (*broken, *self.settings.problems)
        self.guard.swap(generation)
        self.loaded = generation.engine is not None
        self._swapped(generation)
        self._publish(PolicyLoaded(ok=not broken, generation=generation.id, problems=self.problems))
        projects = tuple(self.projects.values())
        self._log.hand_over(
            Loaded(
                generation=generation.id,
                rbac=self._rbac,
                projects=projects,
                findings=findings,
                engine=generation.engine,
            )
        )
        self._say(unread, self.settings.problems)

    def _say(self, unread: t.Iterable[str], settings: t.Iterable[str]) -> None:
        """Log what cannot be read at all, each once as long as it stays."""
        lost, odd = tuple(unread), tuple(settings)
        for problem in lost:
            if problem not in self._logged:
                log.warning("not readable, the last good version stays", extra={"problem": problem})
        for problem in odd:
            if problem not in self._logged:
                log.warning("a setting is not usable", extra={"problem": problem})
        self._logged = frozenset((*lost, *odd))

    def _run(self) -> None:
        while True:
            self._wake.wait()
            if self._stopping.wait(QUIET):
                return
            self._wake.clear()
            if not self.synced():
                self._wait_for_lists()
            try:
                self.rebuild()
                self._changed()
            except Exception as failure:
                log.exception("the policy could not be built, the last good one stays")
                self._publish(PolicyLoaded(ok=False, generation="", problems=(str(failure),)))

    def _wait_for_lists(self) -> None:
        """Wait until every watch has its first list: half of the policy is no policy."""
        for informer in self.informers:
            while not informer.synced.wait(1.0):
                if self._stopping.is_set():
                    return

    def _noticed(self, change: Change) -> None:
        if change.key.kind == PROJECTS.kind:
            self._publish(ProjectChanged(name=change.key.name, deleted=change.new is None))
        self._wake.set()

    def _read_settings(self) -> None:
        """Read the three ConfigMaps; one that never was there is an empty one.

        One that is deleted stays in force as it was last read: nobody lifts a freeze, or a deny that all inherit, by
        taking the whole ConfigMap away. Argo CD keeps a deleted argocd-rbac-cm in force as well.
        """
        data, _ = self._config_map(self._store, SETTINGS_NAME)
        self.settings = read_settings(data)
        rbac, version = self._config_map(self._rbac_store, RBAC_NAME)
        self._rbac = read_rbac_settings(rbac, version)
        self._additions = additions.read_additions(*self._config_map(self._additions_store, ADDITIONS_NAME))

    def _config_map(self, store: ObjectStore, name: str) -> tuple[dict[str, str], str]:
        for stored in store.of_kind("", "ConfigMap"):
            if stored.header.key.name == name:
                config = msgspec.json.decode(stored.raw, type=_ConfigMap)
                self._config_maps[name] = config.data or {}, stored.header.resource_version
                self._gone.pop(name, None)
                return self._config_maps[name]
        known = self._config_maps.get(name, ({}, ""))
        if known[0]:
            self._gone[name] = f"ConfigMap {name} was deleted: what it said stays in force until it is there again"
        return known

    def _read_projects(self) -> None:
        """Read the AppProjects; one that cannot be read stays as it was last good."""
        found = self._store.of_kind(PROJECTS.group, PROJECTS.kind)
        fresh: dict[str, AppProject] = {}
        self._project_problems = {}
        for stored in found:
            name = stored.header.key.name
            try:
                fresh[name] = read_project(stored.raw, f"AppProject {name}")
            except InvalidSpec as failure:
                self._project_problems[name] = str(failure)
                if name in self.projects:
                    fresh[name] = self.projects[name]
        self.projects = fresh

    def _read_secrets(self) -> None:
        """Read the labelled Secrets; one that cannot be read stays as it was last good."""
        found = {stored.header.key.name: stored for stored in self._store.of_kind("", "Secret")}
        for name in self._book.names() - set(found):
            self._book.put(name, None)
        self._secret_problems = {}
        for name, stored in found.items():
            try:
                self._book.put(name, read_secret(stored.raw))
            except (InvalidSettings, msgspec.MsgspecError) as failure:
                self._secret_problems[name] = str(failure)


def _watch(
    client: KubeClient,
    namespace: str,
    clock: Clock,
    resource: ApiResource,
    store: ObjectStore,
    *,
    name: str = "",
    label: str = "",
) -> Informer:
    """Return the watch of one kind in the control namespace, of one object or of those with a label."""
    return Informer(
        client,
        resource,
        store,
        clock=clock,
        namespace=namespace,
        field_selector=f"metadata.name={name}" if name else "",
        label_selector=label,
    )
