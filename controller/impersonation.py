"""As whom an Application's objects are written: the service account that its project names, when impersonation is on.

Reading, watching and the status stay with our own account; only what changes a destination goes through the other one.
Called by controller.syncing and controller.deletion. Source: Argo CD docs "Application sync using impersonation",
settings application.sync.impersonation.enabled and .enforced of argocd-cm.
"""

from __future__ import annotations

import logging

from controller.context import Context
from controller.kube.client import KubeClient
from controller.kube.cluster import ClusterCache
from model.application import Application
from model.decision import deny
from model.errors import Denied

log = logging.getLogger(__name__)

NOT_FOUND = "failed to find a matching service account to impersonate"


def client_for(context: Context, app: Application, cache: ClusterCache) -> KubeClient:
    """Return the client that writes the objects of the Application.

    Raises:
        Denied: impersonation is on and no usable service account is named for the destination; nothing falls back to
            our own rights unless application.sync.impersonation.enforced is "false".
    """
    settings = context.governance.settings
    if not settings.impersonation_enabled:
        return cache.client
    found = context.guard.service_account(app)
    if found.user:
        return cache.client.acting_as(found.user)
    why, remedy = found.problem, "correct the entry of spec.destinationServiceAccounts"
    if not why:
        if not settings.impersonation_enforced:
            log.warning("no service account to impersonate, our own is used", extra={"application": str(app.key)})
            return cache.client
        target = f"destination server {cache.client.server} and namespace {app.spec.destination.namespace}"
        why = f"no matching service account found for {target}"
        remedy = f"add an entry for it to spec.destinationServiceAccounts of AppProject {app.spec.project or 'default'}"
    raise Denied(deny(f"{NOT_FOUND}: {why}", found.rule, remedy=remedy))
