"""Saving graphs of objects as Hibernate's merge does in OMERO (UpdateImpl, MergeEventListener).

A loaded object without id is inserted, one with id replaces all fields of its row, an unloaded one is only
a reference. Loaded collections are followed; loaded lists and links lose what is no longer in them. All
reachable objects are saved.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import omero
import omero.clients

from omero_sandbox.db import constraints, namespaces, violations
from omero_sandbox.db.marshal import Marshaller, read_value
from omero_sandbox.db.schema import Field, Type, resolve
from omero_sandbox.db.store import Row
from omero_sandbox.security import ownership
from omero_sandbox.security.link_rights import Reference, not_granted, require_link

if TYPE_CHECKING:
    from omero_sandbox.net.call import Call

# Filled in by the database (defaults and triggers of psql-footer.sql).
_DEFAULTS: dict[str, dict[str, Any]] = {
    "Image": {"series": 0},
    "OriginalFile": {"mimetype": "application/octet-stream"},
}


def save(call: Call, objects: Iterable[Any], *, internal: bool = False) -> list[Row]:
    """Save graphs in one transaction and bring the received objects up to date.

    Parameters
    ----------
    call : Call
    objects : iterable of omero.model.IObject
        They are changed in place: ids, versions, details.
    internal : bool
        The server itself saves, so files of repositories are allowed.

    Returns
    -------
    list of Row
        One per object, in the same order.

    Raises
    ------
    omero.ServerError
        Nothing was saved.
    """
    began = time.monotonic()
    with call.store.transaction():
        merge = Merge(call, began, internal=internal)
        rows = merge.merge_all(list(objects))
        merge.finish()
    return rows


def delete(call: Call, row: Row) -> None:
    """Delete a row with its ordered lists and links.

    Raises
    ------
    omero.SecurityViolation
        Not allowed.
    omero.ValidationException
        Other rows refer to it.
    """
    call.require_delete(row)
    for field in row.model.fields.values():
        if field.kind == "many" and _owns_members(field):
            for child in call.store.children(row, field.name):
                delete(call, child)
    constraints.check_unreferenced(call.store, row)
    call.store.delete(row)


class Merge:
    """One save, begun at a moment of `time.monotonic`: which received object is which row."""

    def __init__(self, call: Call, began: float, *, internal: bool = False) -> None:
        self._call = call
        self._began = began
        self._store = call.store
        self._internal = internal
        self._rows: dict[int, Row] = {}
        self._objects: list[tuple[Any, Row]] = []
        self._inserted: set[Row] = set()
        self._changed: dict[Row, None] = {}
        self._references: list[Reference] = []

    def merge(self, obj: Any) -> Row:
        """Save one object and all it leads to."""
        known = self._rows.get(id(obj))
        if known is not None:
            return known
        if obj is None:
            raise omero.ApiUsageException(None, None, "Cannot save null")
        model = resolve(type(obj).__name__)
        number = ownership.id_of(obj)
        if not obj.isLoaded():
            return self._existing(model, number)
        if number is not None:
            return self._update(obj, model, self._loaded_row(model, number))
        if model.is_enum:
            row = self._store.enum(model.name, read_value(obj, model.fields["value"]))
            if row is not None:
                self._remember(obj, row)
                return row
        return self._insert(obj, model)

    def merge_all(self, objects: list[Any]) -> list[Row]:
        """Save objects, whose ids follow no order, and give their rows in the order given."""
        for position in self._store.shuffled(range(len(objects))):
            self.merge(objects[position])
        return [self.merge(obj) for obj in objects]

    def finish(self) -> None:
        """Check what can only be judged once all is in place, then refresh the objects."""
        for row in self._changed:
            constraints.check_required(row)
            if row.model.root == "Annotation":
                namespaces.register(self._store, row, began=self._began, event=self._call.event())
            if row.type == "Folder":
                constraints.check_folder_tree(self._store, row)
        for reference in self._references:
            if reference.target not in self._inserted:
                require_link(self._call, reference)
        marshaller = Marshaller(self._store, self._call)
        for obj, row in self._objects:
            marshaller.refresh(row, obj)

    # -- objects --------------------

    def _existing(self, model: Type, number: int | None) -> Row:
        if number is None:
            raise omero.ValidationException(None, None, f"{model.java_name}: an unloaded object needs an id")
        row = self._store.get(model.root if model.abstract else model.name, number)
        if row is None:
            raise violations.no_row(model, number)
        return row

    def _loaded_row(self, model: Type, number: int) -> Row:
        row = self._store.get(model.root if model.abstract else model.name, number)
        if row is None:
            message = f"{model.java_name}:Id_{number} could not be found: it may have been deleted"
            raise omero.ValidationException(None, "ome.conditions.ValidationException", message)
        return row

    def _remember(self, obj: Any, row: Row) -> None:
        self._rows[id(obj)] = row
        self._objects.append((obj, row))

    def _insert(self, obj: Any, model: Type) -> Row:
        if model.is_global:
            self._require_values(obj, model)
        self._require_group(obj, model)
        ownership.require_creation(self._call, model, obj, internal=self._internal)
        owner, group = ownership.of_new(self._call, model, obj)
        values = _DEFAULTS.get(model.name, {}) | self._plain(obj, model)
        row = self._store.insert(model.name, values, owner=owner, group=group, event=self._call.event())
        self._remember(obj, row)
        self._inserted.add(row)
        self._changed[row] = None
        self._write(row, {}, self._targets(obj, model), obj)
        self._collections(obj, row)
        return row

    @staticmethod
    def _require_values(obj: Any, model: Type) -> None:
        """Refuse nulls of system types, which the server notices before it asks who the caller is."""
        for name in sorted(model.fields):
            if model.fields[name].required and obj.__dict__.get(f"_{name}") is None:
                raise constraints.missing(model, name)

    def _require_group(self, obj: Any, model: Type) -> None:
        """Refuse a new object under a negative group: for what it links to, else for itself."""
        if self._call.group_id >= 0:
            return
        for field in model.fields.values():
            other = obj.__dict__.get(f"_{field.name}") if field.kind == "one" else None
            number = ownership.id_of(other)
            target = resolve(field.target or field.type) if number is not None else None
            if number is not None and target is not None and not target.is_global:
                raise not_granted("------", self._existing(target, number))
        ownership.require_group(self._call)

    def _update(self, obj: Any, model: Type, row: Row) -> Row:
        self._remember(obj, row)
        ownership.check_managed(self._call, obj, row)
        plain = self._plain(obj, model)
        if row.type == "OriginalFile":
            ownership.protect_file(self._call, row, plain)
        changes = {name: value for name, value in plain.items() if value != row.values.get(name)}
        self._write(row, changes, self._targets(obj, model), obj)
        self._collections(obj, row)
        return row

    def _write(self, row: Row, changes: dict[str, Any], targets: dict[str, Row | None], obj: Any) -> None:
        """Set values and references of a row; what does not differ counts as untouched."""
        for name, target in targets.items():
            wanted = None if target is None else target.id
            if row.values.get(name) != wanted:
                changes[name] = wanted
                if target is not None:
                    self._references.append(Reference(row, name, target))
        external = ownership.external_info(self._call, obj, row)
        if not changes and external == row.external_info:
            return
        if row in self._inserted:
            self._store.update(row, changes, external_info=external)
        else:
            ownership.require_update(self._call, row)
            self._store.update(row, changes, event=self._call.event(), external_info=external)
            self._changed[row] = None

    # -- fields --------------------

    def _plain(self, obj: Any, model: Type) -> dict[str, Any]:
        values = {}
        for field in model.fields.values():
            if field.kind not in {"one", "many"}:
                value = read_value(obj, field)
                constraints.check_value(model.name, field, value)
                values[field.name] = value
        return values

    def _targets(self, obj: Any, model: Type) -> dict[str, Row | None]:
        """Save what an object refers to; a reference that only the other side's list writes is left out."""
        targets: dict[str, Row | None] = {}
        for field in model.fields.values():
            if field.kind == "one":
                other = obj.__dict__.get(f"_{field.name}")
                if field.ordered and other is not None and not other.isLoaded() and obj.getId() is None:
                    raise _unloaded_list(resolve(field.type), field)
                target = None if other is None else self.merge(other)
                if not field.ordered:
                    targets[field.name] = target
        return targets

    def _collections(self, obj: Any, row: Row) -> None:
        for field in row.model.fields.values():
            if field.kind == "many" and obj.__dict__.get(f"_{field.name}Loaded"):
                members = obj.__dict__.get(f"_{field.name}Seq") or ()
                rows = self.merge_all([member for member in members if member is not None])
                if field.ordered:
                    self._write_list(row, field, rows)
                if row not in self._inserted and _owns_members(field):
                    self._remove_others(row, field, rows)

    def _write_list(self, row: Row, field: Field, members: list[Row]) -> None:
        name = str(field.inverse)
        for position, member in enumerate(members):
            wanted = {name: row.id, f"{name}_index": position}
            if any(member.values.get(key) != value for key, value in wanted.items()):
                if member.values.get(name) != row.id:
                    self._references.append(Reference(member, name, row))
                self._store.update(member, wanted)

    def _remove_others(self, row: Row, field: Field, members: list[Row]) -> None:
        for child in self._store.children(row, field.name):
            if child not in members and self._call.can_read(child):
                delete(self._call, child)


def _unloaded_list(holder: Type, field: Field) -> BaseException:
    """Make the error of a new member of a list that is saved with its unloaded holder only."""
    message = f"Exception occurred inside getter of {holder.java_name}.{field.inverse}"
    java = "org.springframework.orm.hibernate3.HibernateSystemException"
    message += f"; nested exception is org.hibernate.PropertyAccessException: {message}"
    message = f" Wrapped Exception: ({java}):\n{message}"
    return omero.InternalException(None, "ome.conditions.InternalException", message)


def _owns_members(field: Field) -> bool:
    """Tell whether members vanish when they leave the collection: lists and links (cascade delete-orphan)."""
    return field.ordered or resolve(str(field.target)).is_link
