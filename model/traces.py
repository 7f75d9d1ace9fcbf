"""Trace ids of deployments: the same Application and commit give the same id in every process, now and after a restart.

Pure functions over hashes; no span is made here. Called by the turns of the loop, by controller.delivery and
by the exporter of traces, none of which need to tell one another an id.
"""

from __future__ import annotations

import hashlib
import typing as t

from model.meta import NamespacedName

TRACE_ID_DIGITS: t.Final = 32
"""Hexadecimal digits of a trace id, as W3C Trace Context has it."""
SPAN_ID_DIGITS: t.Final = 16
"""Hexadecimal digits of a span id."""


def deployment_trace_id(key: NamespacedName, revision: str) -> str:
    """Return the id of the trace to which everything belongs that brings one commit to one Application.

    Args:
        key: namespace and name of the Application.
        revision: the commit as it was resolved, or `deployment_revision` of several.

    Returns:
        32 lower-case hexadecimal digits, never all zero (which W3C Trace Context calls invalid).
    """
    return _digits("trace", key, revision, TRACE_ID_DIGITS)


def deployment_span_id(key: NamespacedName, revision: str) -> str:
    """Return the id of that trace's root span, `lynceus.deployment`, of which all its other spans are children.

    They are sent before the root, which is made when the deployment has ended; so they must know its id.

    Args:
        key: namespace and name of the Application.
        revision: the commit as it was resolved, or `deployment_revision` of several.

    Returns:
        16 lower-case hexadecimal digits, never all zero.
    """
    return _digits("span", key, revision, SPAN_ID_DIGITS)


def deployment_revision(revisions: t.Sequence[str]) -> str:
    """Return the one text that stands for the commits of an Application's sources, in their order.

    With one source it is the commit itself. With several, each commit counts: a new one in any of them is another
    deployment.
    """
    return ",".join(revisions)


def _digits(purpose: str, key: NamespacedName, revision: str, number: int) -> str:
    """Return the first digits of a SHA-256; the parts are joined by a character that none of them can hold."""
    digest = hashlib.sha256("\0".join((purpose, key.namespace, key.name, revision)).encode()).hexdigest()[:number]
    return digest if digest.strip("0") else digest[:-1] + "1"
