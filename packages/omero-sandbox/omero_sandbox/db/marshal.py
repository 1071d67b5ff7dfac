"""Rows to ``omero.model`` objects and back.

What a query did not fetch arrives as an unloaded proxy or an unloaded collection; references to an abstract
type (link children, light sources ...) and maps are always loaded: omero-model's mappings make those eager.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

import omero
import omero.clients
from omero.rtypes import rbool, rdouble, rfloat, rint, rlong, rstring, rtime

from omero_sandbox.db.schema import Field, resolve
from omero_sandbox.db.store import Quantity, Row, Store
from omero_sandbox.security import binary_access, permissions
from omero_sandbox.security import rights as security

if TYPE_CHECKING:
    from omero_sandbox.net.call import Call

# What was fetched, by field; "details" holds owner, group, creationEvent, updateEvent and externalInfo.
FetchPlan = dict[str, Any]

_TO_RTYPE: dict[str, Callable[[Any], Any]] = {
    "string": rstring,
    "text": rstring,
    "int": rint,
    "long": rlong,
    "double": rdouble,
    "float": rfloat,
    "boolean": rbool,
    "timestamp": rtime,
    "strings": list,
}
_SYSTEM_PERMISSIONS = "rwr-r-"


def python_class(type_name: str) -> Any:
    """Find the concrete Python class of a model type, such as ``omero.model.ImageI``."""
    return getattr(omero.model, f"{type_name}I")


def quantity_object(type_name: str, quantity: Quantity) -> Any:
    """Build a unit object such as ``omero.model.LengthI``."""
    return python_class(type_name)(quantity.value, quantity.unit)


def proxy(type_name: str, id: int) -> Any:
    """Build an unloaded object."""
    return python_class(type_name)(id, False)


@cache
def _codec(field: Field) -> Callable[[Any], Any]:
    """Find the function that turns a stored value into a data member."""
    if field.kind == "scalar":
        return _TO_RTYPE[field.type]
    if field.kind == "unit":
        return lambda quantity: quantity_object(field.type, quantity)
    if field.kind == "map":
        return lambda pairs: [omero.model.NamedValue(name, value) for name, value in pairs]
    return lambda value: value


@cache
def _template(type_name: str) -> dict[str, Any]:
    """Make the members of a loaded object with nothing in it; copying them is faster than ``ImageI()``."""
    made = python_class(type_name)()
    made.unloadCollections()
    members = dict(made.__dict__)
    return {name: () if name.endswith("Seq") else value for name, value in members.items()}


@cache
def _empty_details() -> dict[str, Any]:
    """Give the data members of details with nothing in them; see ``_template``."""
    return dict(omero.model.DetailsI().__dict__)


@cache
def _fields(type_name: str) -> tuple[list[tuple[Field, str, Callable[[Any], Any]]], list[Field], list[Field]]:
    """Split the fields of a type into plain ones (with member and codec), references and collections."""
    fields = resolve(type_name).fields.values()
    plain = [(f, f"_{f.name}", _codec(f)) for f in fields if f.kind not in {"one", "many"}]
    return plain, [f for f in fields if f.kind == "one"], [f for f in fields if f.kind == "many"]


class Marshaller:
    """Builds the objects of one answer; a row becomes one instance however often it is reached.

    Parameters
    ----------
    store : Store
    call : Call or None
        Whose rights ``details.permissions`` shows; without a call there are no restrictions in it.
    """

    def __init__(self, store: Store, call: Call | None) -> None:
        self._store = store
        self._call = call
        self._loaded: dict[tuple[str, int], Any] = {}
        self._proxies: dict[tuple[str, int], Any] = {}
        self._waiting: dict[tuple[str, int], list[tuple[dict[str, Any], str]]] = {}
        self._permissions: dict[tuple[str, int | None, int | None, str, bool], Any] = {}

    def entity(self, row: Row, fetch: FetchPlan | None = None) -> Any:
        """Build a loaded object with what ``fetch`` names loaded below it."""
        plan = fetch or {}
        key = row.model.root, row.id
        made = self._loaded.get(key)
        if made is None:
            made = self._make(row, key)
            self._details(row, made)
            self._references(row, made, plan)
        elif plan:
            self._references(row, made, plan)
        if plan:
            self._collections(row, made, plan)
            if "details" in plan:
                self._fetch_details(row, made, plan["details"])
        return made

    def entities(self, rows: Iterable[Row], fetch: FetchPlan | None = None) -> list[Any]:
        """Build a list of loaded objects."""
        return [self.entity(row, fetch) for row in rows]

    def refresh(self, row: Row, obj: Any) -> None:
        """Bring a received object up to date with its row: id, version, plain fields, details."""
        members = obj.__dict__
        members["_id"] = rlong(row.id)
        members["_version"] = None if row.version is None else rint(row.version)
        for field, member, codec in _fields(row.type)[0]:
            value = row.values.get(field.name)
            members[member] = None if value is None else codec(value)
        self._details(row, obj)

    def set_collection(self, owner: Row, field_name: str, members: Iterable[Row | None]) -> None:
        """Load a collection with these members only, as a query does that restricts what it fetches."""
        made = self.entity(owner).__dict__
        made[f"_{field_name}Seq"] = [None if member is None else self.entity(member) for member in members]
        made[f"_{field_name}Loaded"] = True

    def set_counts(self, owner: Row, field_name: str, counts: dict[int, int]) -> None:
        """Load a collection's number of members by their owner's id."""
        self.entity(owner).__dict__[f"_{field_name}CountPerOwner"] = counts

    def _make(self, row: Row, key: tuple[str, int]) -> Any:
        cls = python_class(row.type)
        made = cls.__new__(cls)
        members = made.__dict__
        members.update(_template(row.type))
        members["_id"] = rlong(row.id)
        members["_version"] = None if row.version is None else rint(row.version)
        values = row.values
        for field, member, codec in _fields(row.type)[0]:
            value = values.get(field.name)
            if value is not None:
                members[member] = codec(value)
        self._loaded[key] = made
        # What was built as a proxy before is loaded now, as in a Hibernate session.
        for holder, member in self._waiting.pop(key, ()):
            holder[member] = made
        return made

    def _references(self, row: Row, made: Any, plan: FetchPlan) -> None:
        for field in _fields(row.type)[1]:
            number = row.values.get(field.name)
            if number is None:
                continue
            target = resolve(field.target or field.type)
            other = self._store.get(target.root, number)
            if other is not None and field.name in plan:
                made.__dict__[f"_{field.name}"] = self.entity(other, plan[field.name])
            elif made.__dict__[f"_{field.name}"] is None:
                eager = other is not None and target.abstract and (target.root, number) not in self._loaded
                if eager:
                    made.__dict__[f"_{field.name}"] = self.entity(other, {})  # type: ignore[arg-type]
                else:
                    name = target.name if other is None else other.type
                    self._refer(made.__dict__, f"_{field.name}", target.root, name, number)

    def _collections(self, row: Row, made: Any, plan: FetchPlan) -> None:
        for field in _fields(row.type)[2]:
            if field.name in plan:
                rows = [child for child in self._store.children(row, field.name) if self._visible(child)]
                made.__dict__[f"_{field.name}Seq"] = self.entities(rows, plan[field.name])
                made.__dict__[f"_{field.name}Loaded"] = True

    def _visible(self, row: Row) -> bool:
        return self._call is None or self._call.can_read(row)

    def _refer(self, holder: dict[str, Any], member: str, root: str, type_name: str, id: int) -> None:
        """Refer to the loaded object if there is one, else to a proxy that gives way to it later."""
        key = root, id
        loaded = self._loaded.get(key)
        if loaded is not None:
            holder[member] = loaded
            return
        if key not in self._proxies:
            self._proxies[key] = proxy(type_name, id)
        holder[member] = self._proxies[key]
        self._waiting.setdefault(key, []).append((holder, member))

    # -- details --------------------

    def _details(self, row: Row, made: Any) -> None:
        details = omero.model.DetailsI.__new__(omero.model.DetailsI)
        members = details.__dict__
        members.update(_empty_details())
        for member, type_name, number in (
            ("_owner", "Experimenter", row.owner),
            ("_group", "ExperimenterGroup", row.group),
            ("_creationEvent", "Event", row.created),
            ("_updateEvent", "Event", row.updated),
            ("_externalInfo", "ExternalInfo", row.external_info),
        ):
            if number is not None:
                self._refer(members, member, type_name, type_name, number)
        members["_permissions"] = self.permissions(row)
        made.__dict__["_details"] = details

    def _fetch_details(self, row: Row, made: Any, plan: FetchPlan) -> None:
        members = made.__dict__["_details"].__dict__
        for name, type_name, number in (
            ("owner", "Experimenter", row.owner),
            ("group", "ExperimenterGroup", row.group),
            ("creationEvent", "Event", row.created),
            ("updateEvent", "Event", row.updated),
            ("externalInfo", "ExternalInfo", row.external_info),
        ):
            known = None if number is None else self._store.get(type_name, number)
            other = known if name in plan else None
            if other is not None:
                members[f"_{name}"] = self.entity(other, plan[name])

    def permissions(self, row: Row) -> Any:
        """Build ``details.permissions`` of a row: the group's, with what this caller may not do."""
        if row.type == "ExperimenterGroup":
            held = row.values["permissions"]
        elif row.group is None:
            held = _SYSTEM_PERMISSIONS
        else:
            held = security.group_permissions(self._store, row.group)
        restricted = self._call is not None and binary_access.is_restricted(self._call, row)
        # Rights depend on the owner, the group and for some types on the type; equal ones are one object.
        special = row.type if row.group is None or row.type == "OriginalFile" else ""
        key = held, row.owner, row.group, special, restricted
        if key not in self._permissions:
            rights = None if self._call is None else security.restrictions(self._call, row)
            extended = [binary_access.RESTRICTED] if restricted else []
            self._permissions[key] = permissions.make(held, rights, extended)
        return self._permissions[key]


def read_value(obj: Any, field: Field) -> Any:
    """Read a plain field of a received object as a store value; None is null."""
    value = obj.__dict__.get(f"_{field.name}")
    if value is None:
        return None
    if field.kind == "scalar":
        return list(value) if field.type == "strings" else value.getValue()
    if field.kind == "unit":
        return _read_quantity(value)
    if field.kind == "map":
        return [(pair.name, pair.value) for pair in value]
    return bytes(value)


def _read_quantity(value: Any) -> Quantity | None:
    number, unit = value.getValue(), value.getUnit()
    return None if number is None or unit is None else Quantity(float(number), str(unit))
