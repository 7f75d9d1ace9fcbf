"""A plain HTTPS client for both servers, and what two answers must agree in."""

from __future__ import annotations

import copy
import http.client
import json
import ssl
import urllib.parse
from dataclasses import dataclass, field
from typing import Any

from tests.stage.cluster import Cluster

JSON, MERGE = "application/json", "application/merge-patch+json"
STRATEGIC, JSON_PATCH = "application/strategic-merge-patch+json", "application/json-patch+json"
APPLY = "application/apply-patch+yaml"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
PARTIAL = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
_TIMES = {"time", "creationTimestamp", "deletionTimestamp", "lastTransitionTime", "lastUpdateTime", "renewTime"}
_OWN = {"uid", "resourceVersion", "continue", "selfLink"}


@dataclass(frozen=True)
class Step:
    """One request; `{ns}` in path and body stands for the test's namespace."""

    method: str
    path: str
    body: Any = None
    content_type: str = JSON
    accept: str = JSON
    only: str = "all"
    """all: the whole answer; reason: status code and reason; code: the status code only."""
    because: str = ""
    """Why less than the whole answer is compared."""
    watch: float = 0.0
    """Seconds to read a watch for."""


@dataclass(frozen=True)
class Answer:
    """What a server said."""

    code: int
    body: Any
    warnings: list[str] = field(default_factory=list)


class Client:
    """Sends steps to one server."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._url = urllib.parse.urlsplit(cluster.url)
        self._token = cluster.token
        self._namespace = namespace
        self._context = ssl.create_default_context(cafile=str(cluster.ca)) if cluster.ca else None
        self._seen: dict[str, str] = {}

    def send(self, step: Step) -> Answer:
        """Sends one request; `{rv:NAME}` stands for the resourceVersion that an object had in the last answer."""
        body = self._filled(json.dumps(step.body)) if step.body is not None else None
        if isinstance(step.body, str):
            body = self._filled(step.body)
        headers = {"Authorization": f"Bearer {self._token}", "Accept": step.accept, "User-Agent": "differ/1"}
        if body is not None:
            headers["Content-Type"] = step.content_type
        connection = http.client.HTTPSConnection(
            self._url.hostname or "", self._url.port, context=self._context, timeout=20
        )
        try:
            connection.request(step.method, self._filled(step.path), body, headers)
            response = connection.getresponse()
            raw = response.read()
            warnings = sorted(value for name, value in response.getheaders() if name.lower() == "warning")
            return Answer(response.status, self._parsed(step, raw), warnings)
        finally:
            connection.close()

    def _filled(self, text: str) -> str:
        text = text.replace("{ns}", self._namespace)
        for name, revision in self._seen.items():
            text = text.replace(f"{{rv:{name}}}", revision)
        return text

    def _parsed(self, step: Step, raw: bytes) -> Any:
        text = raw.decode().replace(self._namespace, "{ns}")
        if step.watch:
            return [event for event in map(json.loads, text.splitlines()) if not _is_progress(event)]
        try:
            body = json.loads(text)
        except ValueError:
            return text
        meta = body.get("metadata") or {}
        if "resourceVersion" in meta:
            self._seen[meta.get("name", "list")] = meta["resourceVersion"]
        return body


def _is_progress(event: Any) -> bool:
    """True for a bookmark that only tells how far the watch is: servers send those when they see fit, or never.

    Source: Kubernetes API concepts, watch bookmarks. The one that ends the initial events is promised.
    """
    if event.get("type") != "BOOKMARK":
        return False
    return "k8s.io/initial-events-end" not in (event["object"]["metadata"].get("annotations") or {})


def normalised(value: Any, step: Step) -> Any:
    """Returns an answer's body without what differs between any two servers: identities, times, revisions."""
    return _clean(copy.deepcopy(value))


def _clean(value: Any) -> Any:
    if isinstance(value, list):
        return [_clean(each) for each in value]
    if not isinstance(value, dict):
        return value
    out = {}
    for name, each in value.items():
        if name in _TIMES and isinstance(each, str):
            out[name] = "TIME"
        elif name in _OWN and isinstance(each, str):
            out[name] = "OWN" if each else ""
        elif name == "managedFields":
            out[name] = sorted((_clean(entry) for entry in each), key=lambda entry: json.dumps(entry, sort_keys=True))
        elif name in ("clusterIP", "clusterIPs") and each and each not in ("None", ["None"]):
            out[name] = "ADDRESS"
        elif name == "nodePort":
            out[name] = "PORT"
        elif name == "columnDefinitions":
            out[name] = [{k: v for k, v in column.items() if k != "description"} for column in each or []]
        else:
            out[name] = _clean(each)
    return out


def agreed(step: Step, answer: Answer) -> Any:
    """Returns the part of an answer that both servers must give alike."""
    if step.only == "code":
        return answer.code
    body = answer.body
    if step.only == "reason":
        return answer.code, body.get("reason") if isinstance(body, dict) else None
    return answer.code, normalised(body, step), answer.warnings
