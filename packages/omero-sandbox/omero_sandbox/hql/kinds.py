"""What an HQL expression or property yields: static kinds, and the properties of the model's types."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from typing import Any, Literal

from omero_sandbox.db.schema import Field, Type, resolve, schema
from omero_sandbox.db.store import Row

Category = Literal[
    "scalar",
    "entity",
    "quantity",
    "collection",
    "counts",
    "entries",
    "entry",
    "permissions",
    "details",
    "unknown",
]


@dataclass(frozen=True)
class Kind:
    """Static type.

    Attributes
    ----------
    category : str
        ``entry`` is one name-value pair of a map, ``entries`` the map, ``counts`` the number of members of a
        link collection by owner; ``unknown`` is a parameter or null.
    name : str
        Scalar type, entity type (of the members, for a collection) or unit class.
    """

    category: Category
    name: str = ""

    @property
    def model(self) -> Type:
        """Type of the objects, of the members, or of the owner of the details."""
        return resolve(self.name)


class Time(int):
    """A parameter that is a time, in milliseconds since 1970."""


STRING = Kind("scalar", "string")
LONG = Kind("scalar", "long")
INT = Kind("scalar", "int")
DOUBLE = Kind("scalar", "double")
BOOLEAN = Kind("scalar", "boolean")
CLASS = Kind("scalar", "class")
UNKNOWN = Kind("unknown")


@dataclass(frozen=True)
class Property:
    """One property as a path reaches it.

    Attributes
    ----------
    kind : Kind
    read : callable
        Value of the property given its owner; the id for a reference, nothing useful for a collection.
    field : Field or None
        The model's field, if it is one.
    """

    name: str
    kind: Kind
    read: Callable[[Any], Any]
    field: Field | None = None

    @property
    def many(self) -> bool:
        """Whether there may be several values, so that a path ends here."""
        return self.kind.category in {"collection", "entries"}


@cache
def property_of(kind: Kind, name: str) -> Property | None:
    """Find a property; one that only subtypes declare counts too, as in Hibernate."""
    match kind.category:
        case "entity":
            return _of_type(kind.model, name)
        case "details":
            return _of_details(kind.model, name)
        case "quantity":
            return _parts(name, {"value": DOUBLE, "unit": Kind("scalar", "unit")})
        case "entry":
            return _parts(name, {"name": STRING, "value": STRING}, positions=("name", "value"))
        case _:
            return None


def _of_type(model: Type, name: str) -> Property | None:
    match name:
        case "id":
            return Property("id", LONG, attrgetter("id"))
        case "class":
            return Property("class", CLASS, lambda row: row.model.java_name)
        case "details":
            return Property("details", Kind("details", model.name), lambda row: row)
        case "version":
            return None if model.is_immutable else Property("version", INT, attrgetter("version"))
    field = model.fields.get(name)
    if field is None:
        declared = (schema().types[each].fields.get(name) for each in model.subtypes)
        field = next((each for each in declared if each is not None), None)
    return _counts(model, name) if field is None else _of_field(field)


def _counts(model: Type, name: str) -> Property | None:
    """Find ``annotationLinksCountPerOwner`` and the like, which clients may only fetch."""
    field = model.fields.get(name.removesuffix("CountPerOwner"))
    if field is None or field.kind != "many" or not resolve(field.target or "").is_link:
        return None
    return Property(field.name, Kind("counts"), lambda _: None)


def _of_field(field: Field) -> Property:
    kinds: dict[str, Kind] = {
        "scalar": Kind("scalar", "string" if field.type == "text" else field.type),
        "unit": Kind("quantity", field.type),
        "one": Kind("entity", field.target or ""),
        "many": Kind("collection", field.target or ""),
        "map": Kind("entries"),
        "bytes": Kind("scalar", "bytes"),
    }

    def read(row: Row) -> Any:
        return row.values.get(field.name)

    return Property(field.name, kinds[field.kind], read, field)


def _of_details(model: Type, name: str) -> Property | None:
    """Find a detail: system types have permissions and external info only, immutable ones no update event."""
    known: dict[str, Property] = {
        "permissions": Property("permissions", Kind("permissions"), lambda row: row),
        "externalInfo": Property("externalInfo", Kind("entity", "ExternalInfo"), attrgetter("external_info")),
    }
    if not model.is_global:
        known |= {
            "owner": Property("owner", Kind("entity", "Experimenter"), attrgetter("owner")),
            "group": Property("group", Kind("entity", "ExperimenterGroup"), attrgetter("group")),
            "creationEvent": Property("creationEvent", Kind("entity", "Event"), attrgetter("created")),
        }
        if not model.is_immutable:
            known["updateEvent"] = Property("updateEvent", Kind("entity", "Event"), attrgetter("updated"))
    return known.get(name)


def _parts(
    name: str, kinds: dict[str, Kind], positions: tuple[str, ...] = ("value", "unit")
) -> Property | None:
    if name not in kinds:
        return None
    position = positions.index(name)
    return Property(name, kinds[name], lambda pair: pair[position])
