"""What the database itself refuses: nulls, long strings, values out of range (PostgreSQL constraints)."""

from __future__ import annotations

from functools import cache
from typing import Any

import omero
import omero.clients

from omero_sandbox.db import violations
from omero_sandbox.db.schema import Field, Type, resolve, schema
from omero_sandbox.db.store import Quantity, Row, Store

_MAX_STRING = 255


def check_value(row_type: str, field: Field, value: Any) -> None:
    """Refuse a value that its column cannot hold.

    Raises
    ------
    omero.InternalException
        A number out of range, which the setter of the Java class refuses.
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
        raise omero.InternalException(None, "java.lang.IllegalArgumentException", out_of_range(name, field))


def check_required(row: Row) -> None:
    """Refuse a row that lacks a required value.

    Raises
    ------
    omero.ValidationException
    """
    model = resolve(row.type)
    for name in sorted(model.fields):
        if model.fields[name].required and row.values.get(name) is None:
            raise missing(model, name)


def missing(model: Type, name: str) -> BaseException:
    """Make the error of a required value that is null."""
    return _invalid(f"not-null property references a null or transient value: {model.java_name}.{name}")


def out_of_range(name: str, field: Field) -> str:
    """Say what a number must be (omero-model's templates/object.vm)."""
    rules = {">0": "must be strictly positive", ">=0": "must not be negative"}
    return f"values of {name} {rules.get(str(field.check), 'may range from zero to one only')}"


def check_folder_tree(store: Store, row: Row) -> None:
    """Refuse a folder that is its own ancestor.

    Raises
    ------
    omero.InternalException
        As a trigger of the database does.
    """
    seen, folder = {row.id}, row
    while folder.values.get("parentFolder") is not None:
        parent = store.get("Folder", folder.values["parentFolder"])
        if parent is None:
            return
        if parent.id in seen:
            java = "org.springframework.jdbc.UncategorizedSQLException"
            message = (
                f" Wrapped Exception: ({java}):\nHibernate operation: could not update: "
                f"[ome.model.containers.Folder#{row.id}]; uncategorized SQLException for SQL "
                "[update folder]; SQL state [P0001]; error code [0]; "
                f"ERROR: folder {row.id} would cause a cycle in the hierarchy"
            )
            raise omero.InternalException(None, "ome.conditions.InternalException", message)
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
            constraint = violations.foreign_key(resolve(type_name), field_name, resolve(row.model.root))
            raise violations.refused_delete(row.model, row.id, constraint)


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
