"""The objects that govern, gathered into one value, wherever they come from: a cluster or files.

Only sorting and typing: lynceus.live fetches from a cluster, lynceus.files reads files, and both hand their objects
over here. Credentials of clusters are dropped at once, for no preview needs them.
"""

from __future__ import annotations

import base64
import typing as t

import msgspec

from model.application import Application, read_application
from model.errors import InvalidInput, InvalidPolicy, InvalidSettings
from model.meta import JSON
from model.project import AppProject, read_project
from model.secrets import SECRET_TYPE_LABEL, Cluster
from model.settings import RbacSettings, Settings, read_rbac_settings, read_settings

if t.TYPE_CHECKING:
    from controller.secretbook import Entry
    from model.additions import Additions

RBAC_NAME, SETTINGS_NAME, ADDITIONS_NAME = "argocd-rbac-cm", "argocd-cm", "lynceus-cm"
CONFIG_MAPS = (RBAC_NAME, SETTINGS_NAME, ADDITIONS_NAME)


class Live(msgspec.Struct, frozen=True, kw_only=True):
    """What governs, as it was read at one moment."""

    where: str
    """Where it was read: ``cluster https://…`` or the files."""
    rbac: RbacSettings = RbacSettings()
    projects: list[AppProject] = []
    clusters: list[Cluster] = []
    """Without their credentials."""
    applications: list[Application] = []
    settings: Settings = Settings()
    additions_data: dict[str, str] = {}
    """lynceus-cm, verbatim."""
    additions_generation: str = ""
    rbac_source: str = RBAC_NAME
    """What places in the policy text begin with; empty for policy CSV, whose path is the place."""
    has_rbac: bool = False
    """A policy was found; False: `rbac` is the empty one."""
    has_rbac_keys: bool = False
    """The default role, scopes and match mode were given, too; policy CSV alone has none of them."""
    notes: tuple[str, ...] = ()
    """What could not be read and is therefore missing here, one line each."""

    @property
    def additions(self) -> Additions:
        """Lynceus' own windows, freezes and break-glass rules of lynceus-cm; what is unreadable is in its problems."""
        from model.additions import read_additions

        return read_additions(self.additions_data, self.additions_generation)


class Found(t.NamedTuple):
    """One object, and where it stands."""

    obj: JSON
    place: str


Refuse = t.Callable[[InvalidInput], None]


def _raise(failure: InvalidInput) -> None:
    raise failure


def assemble(found: t.Iterable[Found], *, where: str, refuse: Refuse = _raise) -> Live:
    """Sort objects by kind and type them; kinds that do not govern are passed over.

    Args:
        found: the objects. An object of the same kind, namespace and name must not come twice.
        where: what the whole is called in messages.
        refuse: called with what cannot be read, which is then left out; by default it is raised.
    """
    return _Assembly(where, refuse).take(found)


class _Assembly:
    """Collects typed objects."""

    def __init__(self, where: str, refuse: Refuse) -> None:
        self.where, self.refuse = where, refuse
        self.projects: list[AppProject] = []
        self.applications: list[Application] = []
        self.clusters: list[Cluster] = []
        self.maps: dict[str, tuple[dict[str, str], str]] = {}
        self.seen: dict[tuple[str, str, str], str] = {}

    def take(self, found: t.Iterable[Found]) -> Live:
        for each in found:
            try:
                self._one(each)
            except InvalidInput as failure:
                self.refuse(failure)
        return self._live()

    def _live(self) -> Live:
        rbac, version = self.maps.get(RBAC_NAME, ({}, ""))
        additions, additions_version = self.maps.get(ADDITIONS_NAME, ({}, ""))
        return Live(
            where=self.where,
            rbac=read_rbac_settings(rbac, version),
            projects=self.projects,
            clusters=self.clusters,
            applications=self.applications,
            settings=read_settings(self.maps.get(SETTINGS_NAME, ({}, ""))[0]),
            additions_data=additions,
            additions_generation=additions_version,
            has_rbac=RBAC_NAME in self.maps,
            has_rbac_keys=RBAC_NAME in self.maps,
        )

    def _one(self, found: Found) -> None:
        kind = found.obj.get("kind")
        if kind == "AppProject":
            self._once(found)
            self.projects.append(read_typed(read_project, found))
        elif kind == "Application":
            self._once(found)
            self.applications.append(read_typed(read_application, found))
        elif kind == "ConfigMap":
            self._config_map(found)
        elif kind == "Secret":
            self._secret(found)

    def _config_map(self, found: Found) -> None:
        metadata = _metadata(found)
        name = metadata.get("name") or _guess(found)
        if name in CONFIG_MAPS:
            self._once(found, namespaced=False)
            version = str(metadata.get("resourceVersion") or found.place)
            self.maps[name] = (config_data(found), version)

    def _secret(self, found: Found) -> None:
        if secret_type(found) != "cluster":
            return
        self._once(found)
        entry = read_entry(found)
        if isinstance(entry, Cluster):
            self.clusters.append(msgspec.structs.replace(entry, config={}))

    def _once(self, found: Found, *, namespaced: bool = True) -> None:
        """Refuse an object that stands twice: which of the two counts would be a guess."""
        metadata = _metadata(found)
        kind, name = str(found.obj.get("kind")), str(metadata.get("name") or "")
        key = (kind, str(metadata.get("namespace") or "") if namespaced else "", name)
        if key in self.seen:
            raise InvalidSettings(found.place, "", f"{kind} {name} again, after {self.seen[key]}", "each object once")
        self.seen[key] = found.place


def _guess(found: Found) -> str:
    """Name a ConfigMap without a name by its keys, as a piece of a file is often handed over."""
    data = found.obj.get("data")
    keys = {str(key) for key in data} if isinstance(data, dict) else set()
    return RBAC_NAME if any(key.startswith("policy.") for key in keys) else ""


def config_data(found: Found) -> dict[str, str]:
    """Return the data of a ConfigMap; InvalidPolicy unless all of it is text."""
    data = found.obj.get("data") or {}
    if not isinstance(data, dict) or not all(isinstance(v, str) for pair in data.items() for v in pair):
        raise InvalidPolicy(found.place, "data", "values that are not text", "text, quoted where YAML needs it")
    return data


T = t.TypeVar("T")


def read_typed(read: t.Callable[[bytes, str], T], found: Found) -> T:
    """Return the object as its type; InvalidInput names the place, kind and name."""
    name = _metadata(found).get("name") or "without a name"
    try:
        data = msgspec.json.encode(found.obj)
    except (TypeError, ValueError, RecursionError, msgspec.MsgspecError):
        raise InvalidSettings(found.place, "", "values that JSON does not have", "plain YAML") from None
    try:
        return read(data, f"{found.place}: {found.obj.get('kind')} {name}")
    except msgspec.MsgspecError:
        raise InvalidSettings(
            f"{found.place}: {found.obj.get('kind')} {name}", "", "fields of other types", "those of its kind"
        ) from None


def _metadata(found: Found) -> JSON:
    metadata = found.obj.get("metadata")
    return metadata if isinstance(metadata, dict) else {}


def secret_type(found: Found) -> str:
    """Return what Argo CD's label says that a Secret holds: ``cluster``, ``repository``; empty for other objects."""
    labels = _metadata(found).get("labels")
    if found.obj.get("kind") != "Secret" or not isinstance(labels, dict):
        return ""
    return str(labels.get(SECRET_TYPE_LABEL, ""))


def read_entry(found: Found) -> Entry | None:
    """Return the cluster or repository of a Secret, with its credentials; None when it holds something else."""
    from controller.secretbook import read_secret

    return read_typed(lambda raw, _: read_secret(raw), found._replace(obj=_encoded(found)))


def _encoded(found: Found) -> JSON:
    """Return a Secret with its stringData where the API server would put it."""
    plain = found.obj.get("stringData")
    if not isinstance(plain, dict):
        return found.obj
    coded = {str(key): base64.b64encode(str(value).encode()).decode() for key, value in plain.items()}
    return {**found.obj, "data": {**(found.obj.get("data") or {}), **coded}}
