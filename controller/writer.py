"""Writes to Applications: merge patches of what changed, nothing when nothing did, never a field that is not ours.

Called by the turns. A guarded write carries the resourceVersion that the decision was made on; when somebody wrote
meanwhile it raises Conflict, and the turn decides again on what is there then.
"""

from __future__ import annotations

import msgspec

from controller.applications import Applications
from controller.kube.client import MERGE, KubeClient
from controller.kube.discovery import ApiResource
from model.application import Application
from model.errors import NotFound
from model.meta import JSON, NamespacedName

FIELD_MANAGER = "lynceus"
GROUP, VERSION = "argoproj.io", "v1alpha1"
APPLICATIONS = ApiResource(GROUP, VERSION, "Application", "applications", True)
PROJECTS = ApiResource(GROUP, VERSION, "AppProject", "appprojects", True)
APPLICATION_SETS = ApiResource(GROUP, VERSION, "ApplicationSet", "applicationsets", True)


class AppWriter:
    """The only writer of Applications."""

    def __init__(self, client: KubeClient, applications: Applications) -> None:
        self._client, self._applications = client, applications

    def patch(self, app: Application, body: JSON, *, guarded: bool) -> Application:
        """Send a merge patch and return the new version; an empty body sends nothing.

        Args:
            app: the version that the patch was made from.
            body: a merge patch, without metadata.resourceVersion.
            guarded: refuse (Conflict) when the Application changed since.
        """
        if not body:
            return app
        if guarded:
            metadata = {**body.get("metadata", {}), "resourceVersion": app.metadata.resource_version}
            body = {**body, "metadata": metadata}
        return self._applications.wrote(self.patch_raw(app.key, body))

    def patch_raw(self, key: NamespacedName, body: JSON) -> bytes:
        """Send a merge patch for an Application that may be unreadable; returns the answer undecoded."""
        return self._client.patch(
            APPLICATIONS, key.namespace, key.name, msgspec.json.encode(body), MERGE, field_manager=FIELD_MANAGER
        )

    def reread(self, key: NamespacedName) -> Application | None:
        """Read the Application from the API server; None when it is gone."""
        try:
            return self._applications.reread(self._client.get(APPLICATIONS, key.namespace, key.name))
        except NotFound:
            return None
