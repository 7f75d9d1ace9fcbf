"""Tables and metadata-only views: what `kubectl get` and metadata clients ask for instead of whole objects."""

from __future__ import annotations

from typing import Any

from sandbox import errors
from sandbox.columns import AGE, COLUMNS, NAME, Column
from sandbox.resources import Resource

_GROUP_VERSION = "meta.k8s.io/v1"


def columns_of(resource: Resource) -> list[Column]:
    """Returns the columns of a resource's table."""
    if resource.custom is not None:
        custom = resource.custom.columns
        return [NAME, *(_custom(each) for each in custom)] if custom is not None else [NAME, AGE]
    own = COLUMNS.get(errors.qualified(resource.group, resource.plural), (AGE,))
    return list(own) if any(each.name == "Name" for each in own) else [NAME, *own]


def _custom(column: Any) -> Column:
    cell = column.cell
    if column.type == "date":
        return Column(column.name, lambda obj, now: _age(cell(obj), now), "date", column.priority, column.format)
    return Column(column.name, lambda obj, now: cell(obj), column.type, column.priority, column.format)


def _age(stamp: Any, now: str) -> Any:
    from sandbox.printing import age

    try:
        return age(stamp, now, "<unknown>") if stamp else None
    except ValueError:
        return "<invalid>"


def table(
    resource: Resource,
    objects: list[dict[str, Any]],
    meta: dict[str, Any],
    now: str,
    *,
    include: str,
    head: bool = True,
) -> dict[str, Any]:
    """Returns objects as a Table.

    Args:
        resource: What they are; the objects are in its version.
        objects: The rows.
        meta: The metadata of the table.
        now: The present time as RFC 3339 text, for ages.
        include: How much of each object a row carries: Metadata (the default), Object or None.
        head: Whether to describe the columns; a watch does so only once.
    """
    columns = columns_of(resource)
    definitions = [_definition(each) for each in columns] if head else None
    rows = [_row(columns, each, now, include) for each in objects]
    kind = {"kind": "Table", "apiVersion": _GROUP_VERSION}
    return {**kind, "metadata": meta, "columnDefinitions": definitions, "rows": rows}


def _definition(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": column.type,
        "format": column.format,
        "description": column.name,
        "priority": column.priority,
    }


def _row(columns: list[Column], obj: dict[str, Any], now: str, include: str) -> dict[str, Any]:
    row: dict[str, Any] = {"cells": [each.cell(obj, now) for each in columns]}
    if include == "Object":
        row["object"] = obj
    elif include != "None":
        row["object"] = partial(obj)
    return row


def partial(obj: dict[str, Any]) -> dict[str, Any]:
    """Returns only the metadata of an object."""
    return {"kind": "PartialObjectMetadata", "apiVersion": _GROUP_VERSION, "metadata": obj["metadata"]}
