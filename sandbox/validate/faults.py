"""Field errors in the server's words. Source: k8s.io/apimachinery, util/validation/field and util/validation."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import orjson

LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
CONFIG_KEY_TEXT = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or "
    "'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)
NOT_NEGATIVE = "must be greater than or equal to 0"
PORT_RANGE = "must be between 1 and 65535, inclusive"
IMMUTABLE = "field is immutable"
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_CONFIG_KEY = re.compile(r"[-._a-zA-Z0-9]+")


class FieldError(NamedTuple):
    """One fault of an object."""

    field: str
    """The path, ``spec.replicas``."""
    reason: str
    """The cause's reason, FieldValueInvalid for example."""
    message: str
    """What is wrong, without the path in front."""


class Faults(list[FieldError]):
    """Field errors being collected."""

    def required(self, path: str, text: str = "") -> None:
        """Something must be there."""
        self.append(FieldError(path, "FieldValueRequired", f"Required value: {text}" if text else "Required value"))

    def invalid(self, path: str, value: Any, text: str) -> None:
        """A value breaks a rule."""
        self.append(FieldError(path, "FieldValueInvalid", f"Invalid value: {shown(value)}: {text}"))

    def unsupported(self, path: str, value: Any, allowed: tuple[str, ...]) -> None:
        """A value is none of the allowed ones, which are listed in the order given."""
        values = ", ".join(f'"{item}"' for item in allowed)
        text = f"Unsupported value: {shown(value)}: supported values: {values}"
        self.append(FieldError(path, "FieldValueNotSupported", text))

    def duplicate(self, path: str, value: Any) -> None:
        """A value stands there twice."""
        self.append(FieldError(path, "FieldValueDuplicate", f"Duplicate value: {shown(value)}"))

    def forbidden(self, path: str, text: str) -> None:
        """A field may not be set or changed."""
        self.append(FieldError(path, "FieldValueForbidden", f"Forbidden: {text}"))

    def not_found(self, path: str, value: Any) -> None:
        """A name refers to nothing."""
        self.append(FieldError(path, "FieldValueNotFound", f"Not found: {shown(value)}"))

    def not_negative(self, path: str, value: Any) -> None:
        """Fault a negative number."""
        if isinstance(value, int) and value < 0:
            self.invalid(path, value, NOT_NEGATIVE)

    def label(self, path: str, value: str) -> None:
        """Fault a name that is no DNS label."""
        if not value:
            self.required(path)
            return
        if len(value) > 63:
            self.invalid(path, value, "must be no more than 63 characters")
        if not _LABEL.fullmatch(value):
            self.invalid(path, value, LABEL_TEXT)

    def port(self, path: str, value: Any) -> None:
        """Fault a port number out of range."""
        if isinstance(value, int) and not 1 <= value <= 65535:
            self.invalid(path, value, PORT_RANGE)

    def config_key(self, path: str, key: str) -> None:
        """Fault a key of a ConfigMap or Secret."""
        if not _CONFIG_KEY.fullmatch(key):
            self.invalid(path, key, CONFIG_KEY_TEXT)

    def unchanged(self, path: str, new: Any, old: Any) -> None:
        """Fault a change of an immutable field."""
        if new != old:
            self.invalid(path, new, IMMUTABLE)


def shown(value: Any) -> str:
    """A value as field errors print it: texts quoted, structures as JSON."""
    return orjson.dumps(value).decode()
