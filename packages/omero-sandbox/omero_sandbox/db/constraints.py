"""What the database itself refuses: nulls, long strings, values out of range (PostgreSQL constraints)."""

from __future__ import annotations

from functools import cache
from typing import Any

import omero
import omero.clients

from omero_sandbox.db.schema import Field, resolve, schema
from omero_sandbox.db.store import Quantity, Row, Store

_MAX_STRING = 255


def check_value(row_type: str, field: Field, value: Any) -> None:
    """Refuse a value that its column cannot hold.

    Raises
    ------
    omero.ValidationException
    """
    if value is None:
        return
    name = f"{row_type}.{field.name}"
    for text in _texts(field, value):
        if "\0" in text:
            raise _invalid(f'invalid byte sequence for encoding "UTF8": 0x00 in {name}')
        if field.type == "string" and len(text) > _MAX_STRING:
            raise _invalid(f"{name}: value too long for type character varying({_MAX_STRING})")
    number = value.value if isinstance(value, Quantity) else value
    if field.check is not None and not _within(number, field.check):
        raise _invalid(f"{name}: {number} violates check constraint ({field.check})")


def check_required(row: Row) -> None:
    """Refuse a row that lacks a required value.

    Raises
    ------
    omero.ValidationException
    """
    model = resolve(row.type)
    for field in model.fields.values():
        if field.required and row.values.get(field.name) is None:
            name = f"{model.java_name}.{field.name}"
            raise _invalid(f"not-null property references a null or transient value: {name}")


def check_folder_tree(store: Store, row: Row) -> None:
    """Refuse a folder that is its own ancestor.

    Raises
    ------
    omero.ValidationException
    """
    seen, folder = {row.id}, row
    while folder.values.get("parentFolder") is not None:
        parent = store.get("Folder", folder.values["parentFolder"])
        if parent is None:
            return
        if parent.id in seen:
            raise _invalid(f"folder {row.id} is in its own hierarchy of parents")
        seen.add(parent.id)
        folder = parent


def check_unreferenced(store: Store, row: Row) -> None:
    """Refuse to delete a row that others refer to.

    Raises
    ------
    omero.ValidationException
    """
    for type_name, field_name in referring_fields(row.model.root):
        holders = store.referrers(type_name, field_name, row.id)
        if holders:
            message = (
                f"delete on {row.type}:{row.id} violates foreign key constraint {type_name}.{field_name}"
            )
            raise _invalid(f"{message} of {holders[0].type}:{holders[0].id}")


@cache
def referring_fields(root: str) -> tuple[tuple[str, str], ...]:
    """List (type, field) of all references to types with this root, each at the root that holds it."""
    types = schema().types
    found = set()
    for model in schema():
        for field in model.fields.values():
            if field.kind == "one" and field.target in types and types[field.target].root == root:
                found.add((model.root if field.name in types[model.root].fields else model.name, field.name))
    return tuple(sorted(found))


def _texts(field: Field, value: Any) -> list[str]:
    if field.kind == "map":
        return [text for pair in value for text in pair if text is not None]
    if field.type == "strings":
        return list(value)
    return [value] if isinstance(value, str) else []


def _within(number: Any, check: str) -> bool:
    if check == ">0":
        return bool(number > 0)
    if check == ">=0":
        return bool(number >= 0)
    return bool(0 <= number <= 1)


def _invalid(message: str) -> BaseException:
    return omero.ValidationException(None, None, message)
