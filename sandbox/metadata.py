"""Object metadata: what a create starts with, what an update may not change, and the rules for names and labels.

Follows k8s.io/apimachinery's validation of ObjectMeta; the same for every kind, built-in or custom.
"""

from __future__ import annotations

import re
import secrets
from typing import Any

from sandbox import errors
from sandbox.kinds import Causes
from sandbox.resources import Resource

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_SUFFIX_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"

_SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_LABEL_1035_TEXT = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "
    "'[a-z]([-a-z0-9]*[a-z0-9])?')"
)
_VALUE_TEXT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
_NAME_PART_TEXT = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
# What a name must look like: (pattern, longest, wording). The others are subdomains.
_NAMES = {
    ("", "namespaces"): (_LABEL, 63, _LABEL_TEXT),
    ("", "services"): ("[a-z]([-a-z0-9]*[a-z0-9])?", 63, _LABEL_1035_TEXT),
}
_SERVER_SET = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "selfLink")


def meta_of(obj: dict[str, Any]) -> dict[str, Any]:
    """Returns an object's metadata, made when it is missing."""
    meta = obj.get("metadata")
    if not isinstance(meta, dict):
        meta = obj["metadata"] = {}
    return meta


def prepare_create(resource: Resource, obj: dict[str, Any], namespace: str) -> None:
    """Gives an object that is to be created its place and name, and takes away what only the server sets.

    Raises:
        StatusError: 400, when the body names another namespace; 500, when it carries a resourceVersion.
    """
    meta = meta_of(obj)
    for name in _SERVER_SET:
        meta.pop(name, None)
    if meta.pop("resourceVersion", ""):
        raise errors.StatusError(500, "", "resourceVersion should not be set on objects to be created")
    place(resource, meta, namespace)
    if not meta.get("name") and meta.get("generateName"):
        meta["name"] = generated_name(meta["generateName"])


def generated_name(base: str) -> str:
    """Returns a base with a random suffix of five characters, cut so that it stays a label."""
    return base[:58] + "".join(secrets.choice(_SUFFIX_ALPHABET) for _ in range(5))


def place(resource: Resource, meta: dict[str, Any], namespace: str) -> None:
    """Sets the namespace that the path names; 400 when the body names another."""
    given = meta.get("namespace") or ""
    if not resource.namespaced:
        meta.pop("namespace", None)
        return
    if given and given != namespace:
        raise errors.bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    meta["namespace"] = namespace


def carry_over(obj: dict[str, Any], live: dict[str, Any]) -> None:
    """Gives a new state the server's own fields of the stored one, where the client left them out."""
    meta, old = meta_of(obj), live["metadata"]
    for name in ("uid", "creationTimestamp", "deletionTimestamp"):
        if name in old and not meta.get(name):
            meta[name] = old[name]
    for name in ("generation", "deletionGracePeriodSeconds"):
        meta.pop(name, None)
        if name in old:
            meta[name] = old[name]
    meta.pop("selfLink", None)
    if "generateName" in old:
        meta.setdefault("generateName", old["generateName"])


def check_update(resource: Resource, obj: dict[str, Any], live: dict[str, Any]) -> Causes:
    """Returns which fixed parts of the metadata an update tries to change, and forbidden new finalizers."""
    causes: Causes = []
    meta, old = obj["metadata"], live["metadata"]
    for name in ("uid", "creationTimestamp", "deletionTimestamp"):
        if meta.get(name) != old.get(name):
            causes.append(
                (
                    f"metadata.{name}",
                    "FieldValueInvalid",
                    f"Invalid value: {_quoted(meta.get(name))}: field is immutable",
                )
            )
    if old.get("deletionTimestamp"):
        added = sorted(set(meta.get("finalizers") or ()) - set(old.get("finalizers") or ()))
        if added:
            text = "[]string{" + ", ".join(f'"{each}"' for each in added) + "}"
            why = f"no new finalizers can be added if the object is being deleted, found new finalizers {text}"
            causes.append(("metadata.finalizers", "FieldValueForbidden", f"Forbidden: {why}"))
    return causes * 2 if resource.custom is None else causes  # upstream checks built-in kinds twice


def validate(resource: Resource, obj: dict[str, Any]) -> Causes:
    """Returns what is wrong with the metadata of an object: name, labels, annotations, finalizers, owners."""
    meta = obj["metadata"]
    causes: Causes = []
    if not meta.get("name"):
        causes.append(("metadata.name", "FieldValueRequired", "Required value: name or generateName is required"))
    else:
        causes += _name(resource, meta["name"])
    for key, value in (meta.get("labels") or {}).items():
        causes += _key("metadata.labels", key) + _value("metadata.labels", value)
    for key in meta.get("annotations") or {}:
        causes += _key("metadata.annotations", key.lower())
    for index, owner in enumerate(meta.get("ownerReferences") or []):
        causes += _owner(f"metadata.ownerReferences[{index}]", owner)
    return causes + _finalizers(meta.get("finalizers") or [])


def _name(resource: Resource, name: str) -> Causes:
    if resource.group == "rbac.authorization.k8s.io":
        return _path_segment(name)
    pattern, longest, text = _NAMES.get((resource.group, resource.plural), (_SUBDOMAIN, 253, _SUBDOMAIN_TEXT))
    causes: Causes = []
    if len(name) > longest:
        causes.append(
            (
                "metadata.name",
                "FieldValueInvalid",
                f"Invalid value: {_quoted(name)}: must be no more than {longest} bytes",
            )
        )
    if re.fullmatch(pattern, name) is None:
        causes.append(("metadata.name", "FieldValueInvalid", f"Invalid value: {_quoted(name)}: {text}"))
    return causes


def _path_segment(name: str) -> Causes:
    if name in (".", ".."):
        return [("metadata.name", "FieldValueInvalid", f"Invalid value: {_quoted(name)}: may not be '{name}'")]
    bad = [char for char in "/%" if char in name]
    return [
        ("metadata.name", "FieldValueInvalid", f"Invalid value: {_quoted(name)}: may not contain '{c}'") for c in bad
    ]


def _key(field: str, key: str) -> Causes:
    prefix, slash, name = key.rpartition("/")
    causes: Causes = []
    if slash and re.fullmatch(_SUBDOMAIN, prefix) is None:
        causes.append((field, "FieldValueInvalid", f"Invalid value: {_quoted(key)}: prefix part {_SUBDOMAIN_TEXT}"))
    if len(name) > 63:
        causes.append(
            (field, "FieldValueInvalid", f"Invalid value: {_quoted(key)}: name part must be no more than 63 bytes")
        )
    if re.fullmatch(_QUALIFIED, name) is None:
        causes.append((field, "FieldValueInvalid", f"Invalid value: {_quoted(key)}: {_NAME_PART_TEXT}"))
    return causes


def _value(field: str, value: Any) -> Causes:
    text = value if isinstance(value, str) else str(value)
    causes: Causes = []
    if len(text) > 63:
        causes.append((field, "FieldValueInvalid", f"Invalid value: {_quoted(text)}: must be no more than 63 bytes"))
    if text and re.fullmatch(_QUALIFIED, text) is None:
        causes.append((field, "FieldValueInvalid", f"Invalid value: {_quoted(text)}: {_VALUE_TEXT}"))
    return causes


def _owner(field: str, owner: dict[str, Any]) -> Causes:
    return [
        (f"{field}.{name}", "FieldValueInvalid", f'Invalid value: "": {text} must not be empty')
        for name, text in (("apiVersion", "version"), ("kind", "kind"), ("name", "name"), ("uid", "uid"))
        if not owner.get(name)
    ]


def _finalizers(finalizers: list[str]) -> Causes:
    causes: Causes = []
    for each in finalizers:
        causes += _key("metadata.finalizers", each)
    if {"orphan", "foregroundDeletion"} <= set(finalizers):
        text = "finalizer orphan and foregroundDeletion cannot be both set"
        causes.append(("metadata.finalizers", "FieldValueInvalid", f"Invalid value: {finalizers}: {text}"))
    return causes


def _quoted(value: Any) -> str:
    return "null" if value is None else f'"{value}"'
