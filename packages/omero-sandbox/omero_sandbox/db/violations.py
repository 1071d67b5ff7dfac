"""Errors as Spring and Hibernate word them when the database refuses a statement."""

from __future__ import annotations

from collections.abc import Sequence

import omero
import omero.clients

from omero_sandbox.db.schema import Type

_VALIDATION = "ome.conditions.ValidationException"
_CONSTRAINT = "org.hibernate.exception.ConstraintViolationException"


def refused_insert(model: Type, constraint: str) -> BaseException:
    """Make the error of an insert that a constraint forbids."""
    return _refused(f"could not insert: [{model.java_name}]", f"insert into {model.name.lower()}", constraint)


def refused_update(model: Type, number: int, constraint: str) -> BaseException:
    """Make the error of an update that a constraint forbids."""
    return _refused(
        f"could not update: [{model.java_name}#{number}]", f"update {model.name.lower()}", constraint
    )


def refused_delete(model: Type, number: int, constraint: str) -> BaseException:
    """Make the error of a delete that a constraint forbids."""
    statement = f"delete from {model.name.lower()} where id=?"
    return _refused(f"could not delete: [{model.java_name}#{number}]", statement, constraint)


def no_row(model: Type, number: int) -> BaseException:
    """Make the error of a reference to what is not there."""
    message = f"No row with the given identifier exists: [{model.java_name}#{number}]"
    message += f"; nested exception is org.hibernate.ObjectNotFoundException: {message}"
    return omero.ValidationException(None, _VALIDATION, message)


def unique_constraint(model: Type, columns: Sequence[str]) -> str:
    """Name the constraint that keeps columns unique (omero-server's psql scripts)."""
    named = {("Namespace", ("name",)): "namespace_name", ("Well", ("plate", "column", "row")): "well_col_row"}
    owner = ["owner_id"] if model.is_link else []
    default = "_".join([model.name.lower(), *columns, *owner, "key"]).lower()
    return named.get((model.name, tuple(columns)), default)


def foreign_key(holder: Type, column: str, target: Type) -> str:
    """Name the constraint of a reference."""
    return f"fk{holder.name}_{column}_{target.name}".lower()


def _refused(what: str, statement: str, constraint: str) -> BaseException:
    message = (
        f"{what}; SQL [{statement}]; constraint [{constraint}]; nested exception is {_CONSTRAINT}: {what}"
    )
    return omero.ValidationException(f"{_VALIDATION}: {message}\n", _VALIDATION, message)
