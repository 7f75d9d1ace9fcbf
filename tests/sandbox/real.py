"""Requests to the real API server for the differential tests: JSON in, status and JSON out."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from tests.stage.cluster import Cluster

APPLY = "application/apply-patch+yaml"


def send(
    cluster: Cluster, method: str, path: str, body: Any = None, content_type: str = "application/json", **query: str
) -> tuple[int, Any]:
    """One request as the cluster's administrator."""
    where = f"{cluster.url}{path}" + (f"?{urllib.parse.urlencode(query)}" if query else "")
    headers = {"Authorization": f"Bearer {cluster.token}", "Content-Type": content_type}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(where, data=data, method=method, headers=headers)
    trust = ssl.create_default_context(cafile=str(cluster.ca)) if cluster.ca else None
    try:
        with urllib.request.urlopen(request, context=trust, timeout=30) as reply:
            return reply.status, json.loads(reply.read())
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, json.loads(refusal.read())


def collection(version: str, resource: str, namespace: str) -> str:
    """The path of a collection; an empty namespace for cluster-scoped resources."""
    base = f"/apis/{version}" if "/" in version else f"/api/{version}"
    return f"{base}/namespaces/{namespace}/{resource}" if namespace else f"{base}/{resource}"
