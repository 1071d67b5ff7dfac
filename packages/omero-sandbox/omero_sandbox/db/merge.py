"""Saving graphs of objects as Hibernate's merge does in OMERO (UpdateImpl, MergeEventListener).

A loaded object without id is inserted, one with id replaces all fields of its row, an unloaded one is only
a reference. Loaded collections are followed; loaded lists and links lose what is no longer in them. All
reachable objects are saved.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import omero
import omero.clients

from omero_sandbox.db import constraints
from omero_sandbox.db.marshal import Marshaller, read_value
from omero_sandbox.db.schema import Field, Type, resolve
from omero_sandbox.db.store import Row
from omero_sandbox.security import ownership
from omero_sandbox.security.link_rights import Reference, require_link

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
    ownership.require_group(call)
    with call.store.transaction():
        merge = Merge(call, internal=internal)
        rows = [merge.merge(obj) for obj in objects]
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
    """One save: which received object is which row."""

    def __init__(self, call: Call, *, internal: bool = False) -> None:
        self._call = call
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
            return self._update(obj, model, self._existing(model, number))
        if model.is_enum:
            row = self._store.enum(model.name, read_value(obj, model.fields["value"]))
            if row is not None:
                self._remember(obj, row)
                return row
        return self._insert(obj, model)

    def finish(self) -> None:
        """Check what can only be judged once all is in place, then refresh the objects."""
        for row in self._changed:
            constraints.check_required(row)
            self._register_namespace(row)
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
            message = (
                f"{model.java_name}:Id_{number} could not be found: no row with the given identifier exists"
            )
            raise omero.ValidationException(None, None, message)
        return row

    def _remember(self, obj: Any, row: Row) -> None:
        self._rows[id(obj)] = row
        self._objects.append((obj, row))

    def _insert(self, obj: Any, model: Type) -> Row:
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

    def _register_namespace(self, row: Row) -> None:
        """Annotations make their namespace known, as a database trigger does."""
        name = row.values.get("ns") if row.model.root == "Annotation" else None
        if name and self._store.lookup("Namespace", "name", name) is None:
            self._store.insert("Namespace", {"name": name}, event=self._call.event())

    # -- fields --------------------

    def _plain(self, obj: Any, model: Type) -> dict[str, Any]:
        values = {}
        for field in model.fields.values():
            if field.kind not in {"one", "many"}:
                value = read_value(obj, field)
                constraints.check_value(model.java_name, field, value)
                values[field.name] = value
        return values

    def _targets(self, obj: Any, model: Type) -> dict[str, Row | None]:
        """Save what an object refers to; a reference that only the other side's list writes is left out."""
        targets: dict[str, Row | None] = {}
        for field in model.fields.values():
            if field.kind == "one":
                other = obj.__dict__.get(f"_{field.name}")
                target = None if other is None else self.merge(other)
                if not field.ordered:
                    targets[field.name] = target
        return targets

    def _collections(self, obj: Any, row: Row) -> None:
        for field in row.model.fields.values():
            if field.kind == "many" and obj.__dict__.get(f"_{field.name}Loaded"):
                members = obj.__dict__.get(f"_{field.name}Seq") or ()
                rows = [self.merge(member) for member in members if member is not None]
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


def _owns_members(field: Field) -> bool:
    """Tell whether members vanish when they leave the collection: lists and links (cascade delete-orphan)."""
    return field.ordered or resolve(str(field.target)).is_link
