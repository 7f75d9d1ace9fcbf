"""What each verb on each resource does: the middle between HTTP (`sandbox.serving`) and the cluster.

Every handler takes a request whose target is a served resource and returns a Reply; a watch is served elsewhere.
"""

from __future__ import annotations

from typing import Any

from sandbox import conversion, errors, requests, reviews, scaling
from sandbox.cluster import Cluster
from sandbox.decoding import APPLY_PATCH, JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, Write
from sandbox.deletion import DeleteOptions
from sandbox.replies import Reply, View, reply
from sandbox.requests import Request, Target
from sandbox.resources import GroupResource, Resource

_REVIEWS = ("authentication.k8s.io", "authorization.k8s.io")
_PODS = GroupResource("", "pods")


class Handlers:
    """The verbs.

    Args:
        cluster: What they act on.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def resource(self, target: Target) -> Resource:
        """Returns the resource that a path names; 404 when it is not served."""
        found = self._cluster.catalogue.find(target.group, target.version, target.plural)
        if found is None or (target.namespace and not found.namespaced):
            raise errors.no_such_path()
        if target.subresource and target.subresource not in found.subresources:
            raise errors.no_such_path()
        return found

    def verb(self, request: Request, target: Target, resource: Resource) -> str:
        """Returns the verb of a request; 405 when the resource does not have it."""
        many = not target.name
        if request.method == "GET":
            verb = "get" if not many else "watch" if request.flag("watch") else "list"
        else:
            single = {"PUT": "update", "PATCH": "patch", "DELETE": "delete"}
            several = {"POST": "create", "DELETE": "deletecollection"}
            verb = (several if many else single).get(request.method, "")
            if request.method == "POST" and target.subresource:
                verb = "create"
        sub = resource.subresources.get(target.subresource)
        if verb not in (sub.verbs if sub else resource.verbs):
            raise errors.method_not_allowed()
        if many and verb not in ("list", "watch") and resource.namespaced and not target.namespace:
            raise errors.method_not_allowed()
        if not many and resource.namespaced and not target.namespace:
            raise errors.no_such_path()
        return verb

    def handle(self, request: Request, target: Target, resource: Resource, verb: str) -> Reply:
        """Does what a request asks.

        Raises:
            StatusError: As a real API server would refuse it.
        """
        if target.subresource == "scale":
            return self._scale(request, target, resource, verb)
        if target.subresource in ("binding", "eviction"):
            return self._pod_action(request, target, resource)
        handler: Any = getattr(self, f"_{verb}")
        answer: Reply = handler(request, target, resource)
        return answer

    def _write(self, request: Request, target: Target, resource: Resource, options: str) -> Write:
        return Write(
            resource,
            namespace=target.namespace,
            name=target.name,
            subresource=target.subresource,
            manager=request.manager,
            dry_run=requests.dry_run(request, options),
            field_validation=requests.field_validation(request, options),
            force=request.flag("force"),
            warnings=request.warnings,
        )

    def _view(self, request: Request, resource: Resource) -> View:
        return View(request, resource, self._cluster.now)

    def _get(self, request: Request, target: Target, resource: Resource) -> Reply:
        view = self._view(request, resource)
        stored = self._cluster.store.get(self._cluster.storage_of(resource), target.namespace, target.name)
        if stored is None:
            raise errors.not_found(resource.group, resource.plural, target.name)
        return view.one(200, conversion.from_storage(resource, stored))

    def _list(self, request: Request, target: Target, resource: Resource) -> Reply:
        view = View(request, resource, self._cluster.now, streams=True)
        options = requests.list_options(request, resource)
        return view.many(self._cluster.page(resource, target.namespace or None, options))

    def _create(self, request: Request, target: Target, resource: Resource) -> Reply:
        view = self._view(request, resource)
        body = requests.decode(request, resource.kind)
        if resource.group in _REVIEWS:
            answer = reviews.answer(resource.kind, body, request, self._cluster.now())
            kind = {"kind": resource.kind, "apiVersion": resource.api_version}
            return reply(request, 201, {**kind, **answer}, view.form)
        if resource.plural == "bindings":
            return self._bind(request, target, body, str((body.get("metadata") or {}).get("name", "")))
        write = self._write(request, target, resource, "CreateOptions")
        return view.one(201, self._cluster.writer.create(write, body))

    def _update(self, request: Request, target: Target, resource: Resource) -> Reply:
        view = self._view(request, resource)
        body = requests.decode(request, resource.kind)
        write = self._write(request, target, resource, "UpdateOptions")
        obj, created = self._cluster.writer.replace(write, body)
        return view.one(201 if created else 200, obj)

    def _patch(self, request: Request, target: Target, resource: Resource) -> Reply:
        view = self._view(request, resource)
        write = self._write(request, target, resource, "PatchOptions")
        body = self._patch_body(request, resource)
        obj, created = self._cluster.writer.patch(write, body, request.content_type)
        return view.one(201 if created else 200, obj)

    def _patch_body(self, request: Request, resource: Resource) -> Any:
        media = request.content_type
        custom = resource.custom is not None
        known = (
            (JSON_PATCH, MERGE_PATCH, APPLY_PATCH)
            if custom
            else (JSON_PATCH, MERGE_PATCH, APPLY_PATCH, STRATEGIC_PATCH)
        )
        if media not in known:
            if custom and media == STRATEGIC_PATCH:
                accepted = ", ".join(known)
                text = f"the body of the request was in an unknown format - accepted media types include: {accepted}"
                raise errors.StatusError(415, "UnsupportedMediaType", text)
            raise errors.StatusError(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})
        self._check_patch_options(request, media)
        body = requests.parse(request.body, "error decoding patch")
        if media in (MERGE_PATCH, STRATEGIC_PATCH, APPLY_PATCH) and not isinstance(body, dict):
            wrong = "json: cannot unmarshal value into Go value of type map[string]interface {}"
            raise errors.bad_request(f"error decoding patch: {wrong}")
        return body

    def _check_patch_options(self, request: Request, media: str) -> None:
        causes = []
        if media == APPLY_PATCH and not request.one("fieldManager"):
            causes.append(("fieldManager", "FieldValueRequired", "Required value: is required for apply patch"))
        if media != APPLY_PATCH and "force" in request.query:
            causes.append(("force", "FieldValueForbidden", "Forbidden: may not be specified for non-apply patch"))
        if causes:
            raise errors.invalid("meta.k8s.io", "PatchOptions", "", causes)

    def _delete(self, request: Request, target: Target, resource: Resource) -> Reply:
        view = self._view(request, resource)
        options, dry = requests.delete_options(request)
        write = Write(resource, target.namespace, target.name, dry_run=dry, warnings=request.warnings)
        _warn_of_orphans(request, resource, options)
        return view.one(200, self._cluster.delete(write, options))

    def _deletecollection(self, request: Request, target: Target, resource: Resource) -> Reply:
        view = self._view(request, resource)
        options, dry = requests.delete_options(request)
        with self._cluster.store.lock:
            page = self._cluster.page(resource, target.namespace or None, requests.list_options(request, resource))
            for obj in page.items:
                meta = obj["metadata"]
                write = Write(resource, meta.get("namespace", ""), meta["name"], dry_run=dry)
                self._cluster.delete(write, options)
        return view.many(page)

    def _scale(self, request: Request, target: Target, resource: Resource, verb: str) -> Reply:
        write = self._write(request, target, resource, "UpdateOptions")
        writer = self._cluster.writer
        if verb == "update":
            return reply(request, 200, scaling.replace(writer, write, requests.decode(request, "Scale")))
        if verb == "patch":
            body = self._patch_body(request, resource)
            kind = self._cluster.kinds.of(resource)
            return reply(request, 200, scaling.patch(writer, write, body, request.content_type, kind))
        stored = self._cluster.store.get(write.storage, target.namespace, target.name)
        if stored is None:
            raise errors.not_found(resource.group, resource.plural, target.name)
        return reply(request, 200, scaling.read(write, stored))

    def _pod_action(self, request: Request, target: Target, resource: Resource) -> Reply:
        body = requests.decode(request, "Eviction" if target.subresource == "eviction" else "Binding")
        if target.subresource == "binding":
            return self._bind(request, target, body, target.name)
        given = body.get("deleteOptions") or {}
        conditions = given.get("preconditions") or {}
        options = DeleteOptions(given.get("gracePeriodSeconds"), "", conditions.get("uid") or "")
        write = Write(resource, target.namespace, target.name, dry_run=requests.dry_run(request, "CreateOptions"))
        self._cluster.delete(write, options)
        return reply(request, 201, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"})

    def _bind(self, request: Request, target: Target, body: dict[str, Any], name: str) -> Reply:
        if (body.get("metadata") or {}).get("name") != name:
            raise errors.bad_request("name in URL does not match name in Binding object")
        pods = self._cluster.catalogue.find("", "v1", "pods")
        assert pods is not None
        write = self._write(request, Target("", "v1", "pods", target.namespace, name), pods, "CreateOptions")
        self._cluster.writer.bind(write, str((body.get("target") or {}).get("name", "")))
        return reply(
            request, 201, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
        )


def _warn_of_orphans(request: Request, resource: Resource, options: DeleteOptions) -> None:
    if resource.custom is None and resource.plural == "jobs" and not options.propagation:
        request.warnings.append(
            "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove "
            "them or set propagationPolicy=Orphan to suppress this warning"
        )
