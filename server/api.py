"""/api/v1: Applications, for people and robots with a token. Decides nothing: policy.guard does, and names its rule.

An Application that the caller may not get and one that does not exist give the same answer.
"""

from __future__ import annotations

import typing as t

import flask

from model.application import Application
from model.decision import Decision
from model.errors import Denied, Forbidden, InvalidInput, LynceusError, NotFound
from model.events import DecisionMade, OperationRequested
from model.states import RefreshLevel
from policy.rbac import deeds, explain
from policy.subjects import Subject
from server import bodies, errors, views
from server.answers import Answers
from server.parts import Parts

LONGEST_BODY = 256 * 1024
"""Bytes; a sync request that selects a thousand resources has a third of it."""

_NOT_SHOWN = "permission denied, or there is no such application"
_READS = ("GET", "HEAD", "OPTIONS")


def create_api(parts: Parts) -> flask.Flask:
    """Return the Flask application; every route needs a token, unknown routes included."""
    app = flask.Flask("lynceus", static_folder=None)
    app.config.update(DEBUG=False, TESTING=False, PROPAGATE_EXCEPTIONS=False, MAX_CONTENT_LENGTH=LONGEST_BODY)
    app.json = Answers(app)
    app.url_map.strict_slashes = True
    api = Api(parts)
    app.before_request(api.admit)
    app.after_request(_headers)
    errors.register(app)
    route = "/api/v1/applications/<name>"
    app.add_url_rule("/api/version", view_func=api.version, methods=["GET"])
    app.add_url_rule("/api/v1/applications", view_func=api.list, methods=["GET"])
    app.add_url_rule(route, "get", api.get, methods=["GET"])
    app.add_url_rule(route, "refresh", api.refresh, methods=["POST"])
    app.add_url_rule(f"{route}/sync", view_func=api.sync, methods=["POST"])
    app.add_url_rule(f"{route}/syncwindows", view_func=api.syncwindows, methods=["GET"])
    app.add_url_rule(f"{route}/operation", view_func=api.terminate, methods=["DELETE"])
    return app


def _headers(response: flask.Response) -> flask.Response:
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    if response.status_code == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


class Api:
    """The views."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def admit(self) -> errors.Answer | None:
        """Let nobody in without a token, and no write that a browser could be made to send."""
        if off := self._parts.identity.off:
            return errors.answer(401, off)
        given = flask.request.headers.getlist("Authorization")
        subject = self._parts.identity.subject(given[0]) if len(given) == 1 else None
        if subject is None:
            return errors.answer(401, "no valid bearer token")
        flask.g.subject = subject
        if flask.request.method not in _READS and flask.request.mimetype != "application/json":
            return errors.answer(415, "a write needs Content-Type: application/json")
        return None

    def version(self) -> dict[str, t.Any]:
        """GET /api/version."""
        return {"Version": self._parts.version, "Mode": self._parts.mode}

    def list(self) -> dict[str, t.Any]:
        """GET /api/v1/applications[?projects=P][&appNamespace=N]: those that the caller may get."""
        wanted = set(flask.request.args.getlist("projects") + flask.request.args.getlist("project"))
        namespace = flask.request.args.get("appNamespace", "")
        seen = [
            app
            for app in self._parts.applications()
            if (not wanted or (app.spec.project or "default") in wanted)
            and namespace in ("", app.metadata.namespace)
            and self._can(app, "get").allowed
        ]
        return views.application_list(seen)

    def get(self, name: str) -> dict[str, t.Any]:
        """GET /api/v1/applications/NAME[?appNamespace=N][&project=P]."""
        return views.application(self._find(name))

    def refresh(self, name: str) -> dict[str, t.Any] | errors.Answer:
        """POST /api/v1/applications/NAME?refresh=normal|hard: compare now."""
        depth = flask.request.args.get("refresh", "normal")
        if depth not in bodies.REFRESH_WORDS:
            raise InvalidInput("request", "refresh", repr(depth[:40]), "normal or hard")
        app = self._find(name)
        if self._parts.request_refresh is None:
            return _not_here("refresh applications")
        self._parts.request_refresh(app.key, RefreshLevel.LATEST_FORCED, "api request", hard=depth == "hard")
        self._requested(app, "refresh", {"depth": depth})
        return views.application(app)

    def sync(self, name: str) -> dict[str, t.Any] | errors.Answer:
        """POST /api/v1/applications/NAME/sync: ask for a sync; 403 with the rule that forbids it, and until when."""
        request = bodies.sync_request(flask.request.get_data(cache=False))
        if request.name not in ("", name):
            raise InvalidInput("request body", "name", repr(request.name[:80]), f"{name!r} as in the path, or nothing")
        app = self._find(name, project=request.project, namespace=request.app_namespace)
        if self._parts.submit_operation is None:
            return _not_here("sync applications")
        deed = deeds.sync(
            app.rbac_object(self._parts.control_namespace),
            self._parts.switches(),
            other_revision=bodies.is_other_revision(app, request),
        )
        self._demand(app, "sync", self._judge(deed))
        decision = self._parts.guard.may_sync(
            app, now=self._parts.clock.now(), manual=True, subject=_caller(), break_glass=request.break_glass.strip()
        )
        self._demand(app, "sync", decision)
        if app.operation is not None:
            return errors.answer(409, f"another operation of {name} is already in progress")
        operation = bodies.operation(app, request, _caller().name, _caller().groups)
        self._parts.submit_operation(app.key, operation)
        self._requested(app, "sync", bodies.details(request))
        return {
            "metadata": {"namespace": app.metadata.namespace, "name": name},
            "operation": views.operation(operation),
        }

    def terminate(self, name: str) -> dict[str, t.Any] | errors.Answer:
        """DELETE /api/v1/applications/NAME/operation: end the running operation; no window can forbid that."""
        app = self._find(name, "get", "sync")
        if self._parts.terminate_operation is None:
            return _not_here("end operations")
        deed = deeds.end_sync(app.rbac_object(self._parts.control_namespace))
        self._demand(app, "sync", self._judge(deed))
        self._parts.terminate_operation(app.key)
        self._requested(app, "terminate", {})
        return {}

    def syncwindows(self, name: str) -> dict[str, t.Any]:
        """GET /api/v1/applications/NAME/syncwindows: which windows apply, and what they say to a sync now."""
        app = self._find(name)
        now = self._parts.clock.now()
        manual = self._parts.guard.may_sync(app, now=now, manual=True)
        automated = self._parts.guard.may_sync(app, now=now, manual=False)
        found = self._parts.guard.windows(app, now=now, manual=True)
        states = views.windows(found, now, app.spec.project or "default")
        answers = {"manual": errors.describe(manual), "automated": errors.describe(automated)}
        return {**states, "canSync": manual.allowed, **answers}

    def _find(self, name: str, *actions: str, project: str = "", namespace: str = "") -> Application:
        """Return the Application that the request names.

        Args:
            name: from the path.
            actions: any of them shows the caller that it exists; none given: get.
            project: from the body; a caller who names the project, and may get such an Application there, is told
                whether it exists.
            namespace: from the body.

        Raises:
            Forbidden: it does not exist, or is not the caller's to see: one answer for both.
            NotFound: the caller named the project, and in what the caller may see of it there is none.
            InvalidInput: body and query name different ones.
        """
        project = _one("project", project)
        control = self._parts.control_namespace
        namespace = _one("appNamespace", namespace) or control
        found = next((a for a in self._parts.applications() if tuple(a.key) == (namespace, name)), None)
        # Asked whether it exists or not, so that a missing one takes as long as a forbidden one.
        named = self._seen(deeds.object_of(project, namespace, name, control), actions)
        missing: LynceusError = (
            NotFound(f"there is no application {name} in project {project}") if project else _hidden(named)
        )
        if project and not named.allowed:
            raise _hidden(named)
        if found is None:
            raise missing
        decision = self._seen(found.rbac_object(control), actions)
        self._publish(found, "get", decision)
        if not decision.allowed or project not in ("", found.spec.project or "default"):
            raise missing
        return found

    def _seen(self, target: str, actions: tuple[str, ...]) -> Decision:
        """Ask for the first of the actions that is allowed, or for the last refusal."""
        deed = deeds.Deed((tuple(deeds.Ask("applications", action, target) for action in actions or ("get",)),))
        return self._judge(deed)

    def _judge(self, deed: deeds.Deed) -> Decision:
        """Ask for all that a deed needs."""
        return deeds.judge(deed, lambda *ask: self._parts.guard.can(_caller(), *ask))

    def _can(self, app: Application, action: str) -> Decision:
        return self._parts.guard.can(_caller(), "applications", action, app.rbac_object(self._parts.control_namespace))

    def _demand(self, app: Application, action: str, decision: Decision) -> None:
        """Go on only with an allowing Decision; raises Denied."""
        self._publish(app, action, decision)
        if not decision.allowed:
            raise Denied(decision)

    def _requested(
        self, app: Application, what: t.Literal["sync", "terminate", "refresh"], details: dict[str, str]
    ) -> None:
        """Tell that what the caller asked for is under way."""
        self._parts.publish(
            OperationRequested(
                key=app.key,
                project=app.spec.project or "default",
                subject=_caller().name,
                what=what,
                details=details,
            )
        )

    def _publish(self, app: Application, action: str, decision: Decision) -> None:
        self._parts.publish(
            DecisionMade(
                decision=decision,
                resource="applications",
                action=action,
                source="api",
                project=app.spec.project or "default",
                key=app.key,
                subject=_caller().name,
                manual=True,
            )
        )


def _one(field: str, given: str) -> str:
    """Return what body or query say about a field; raises InvalidInput when they differ."""
    asked = flask.request.args.get(field, "")
    if asked and given and asked != given:
        raise InvalidInput(
            "request body", field, repr(given[:80]), f"{asked[:80]!r}, which the query names, or nothing"
        )
    return asked or given


def _hidden(refusal: Decision) -> Forbidden:
    """Return the answer that does not tell whether it exists; that no policy is in force is no secret."""
    broken = refusal.rule is not None and refusal.rule == explain.no_policy("").rule
    return Forbidden(refusal.reason if broken else _NOT_SHOWN)


def _caller() -> Subject:
    return t.cast("Subject", flask.g.subject)


def _not_here(what: str) -> errors.Answer:
    return errors.answer(405, f"this instance does not {what}: it observes")
