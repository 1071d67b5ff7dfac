"""Types and fields of the OMERO model, parsed once from ``model.txt``.

The facts are those of omero-model's ``*.ome.xml`` mappings (OMERO 5.6). Every type also has an ``id``, a
``version`` and ``details``; these are attributes of a row, not fields.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Literal

import omero
import omero.clients  # puts the exceptions into the omero module

Kind = Literal["scalar", "unit", "one", "many", "map", "bytes"]

UNITS = frozenset({"Length", "Time", "Power", "Pressure", "Temperature", "Frequency", "ElectricPotential"})
_SCALARS = frozenset({"string", "text", "int", "long", "double", "float", "boolean", "timestamp", "strings"})
_FIELD = re.compile(r"(\w+)(\??): (.*)")
_TYPE = re.compile(r"type (\w+)(?:\((\w+)\))?(.*)")


@dataclass(frozen=True)
class Field:
    """One property of a type.

    Attributes
    ----------
    name : str
    kind : {"scalar", "unit", "one", "many", "map", "bytes"}
    type : str
        Scalar type (``string`` is limited to 255 characters, ``text`` is not), unit class or target type.
    target : str or None
        Type at the other end of a reference or collection; for links of a container, the link class.
    required : bool
        The column is ``not null``. Collections are never required.
    ordered : bool
        Of a collection: it is an indexed list. Of a reference: its column is written only through that list.
    inverse : str or None
        Of a collection: the reference on the target that points back. Of a reference: the collection.
    check : str or None
        Constraint on the value: ``>0``, ``>=0`` or ``0..1``.
    unique : bool
    """

    name: str
    kind: Kind
    type: str
    target: str | None = None
    required: bool = False
    ordered: bool = False
    inverse: str | None = None
    check: str | None = None
    unique: bool = False

    @property
    def index(self) -> str:
        """Key of the list position in the values of an ordered child."""
        return f"{self.name}_index"


@dataclass(frozen=True)
class Type:
    """One type of the model; ``fields`` holds inherited fields too, base first."""

    name: str
    java_name: str
    base: str | None
    root: str
    abstract: bool
    fields: dict[str, Field] = field(repr=False)
    is_link: bool = False
    is_enum: bool = False
    is_global: bool = False
    is_immutable: bool = False
    is_annotated: bool = False
    subtypes: tuple[str, ...] = ()
    enumeration: tuple[str, ...] = field(default=(), repr=False)

    @property
    def unique_keys(self) -> tuple[tuple[str, ...], ...]:
        """Combinations of fields no two rows share; of links, no two rows of one owner."""
        keys: list[tuple[str, ...]] = [(each.name,) for each in self.fields.values() if each.unique]
        if self.is_link:
            keys.append(("parent", "child"))
        if self.name == "Well":
            keys.append(("plate", "column", "row"))
        return tuple(keys)


class Schema:
    """All types by simple name."""

    def __init__(self, text: str) -> None:
        self.types: dict[str, Type] = {}
        for each in _parse(text):
            self.types[each.name] = self._inherit(each)
        self._add_annotation_links()
        self._connect()

    def __iter__(self) -> Iterator[Type]:
        return iter(self.types.values())

    def _inherit(self, each: Type) -> Type:
        if each.base is None:
            return each
        base = self.types[each.base]
        return replace(
            each,
            root=base.root,
            fields={**base.fields, **each.fields},
            is_annotated=base.is_annotated,
            is_global=base.is_global or each.is_global,
        )

    def _add_annotation_links(self) -> None:
        """Give every annotated type its link class; the root of a hierarchy declares it."""
        for each in [t for t in self if t.is_annotated]:
            name = f"{each.root}AnnotationLink"
            each.fields["annotationLinks"] = Field("annotationLinks", "many", name, name, inverse="parent")
            if each.base is None:
                ends = {
                    "parent": Field("parent", "one", each.name, each.name, required=True),
                    "child": Field("child", "one", "Annotation", "Annotation", required=True),
                }
                java = f"ome.model.annotations.{name}"
                self.types[name] = Type(name, java, None, name, False, ends, is_link=True)

    def _connect(self) -> None:
        """Fill the concrete subtypes and the inverse of every reference."""
        subtypes: dict[str, list[str]] = {name: [] for name in self.types}
        for each in self:
            ancestor: str | None = None if each.abstract else each.name
            while ancestor:
                subtypes[ancestor].append(each.name)
                ancestor = self.types[ancestor].base
        self.types = {n: replace(t, subtypes=tuple(subtypes[n])) for n, t in self.types.items()}
        for each in list(self):
            for many in [f for f in each.fields.values() if f.kind == "many"]:
                if many.target and many.inverse:
                    self._point_back(many.target, many.inverse, many.name)

    def _point_back(self, target: str, reference: str, collection: str) -> None:
        for name in {target, *self.types[target].subtypes}:
            fields = self.types[name].fields
            fields[reference] = replace(fields[reference], inverse=collection)


def _parse(text: str) -> Iterator[Type]:
    package, current = "", None
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        if line.startswith("  ") and current is not None:
            parsed = _parse_field(line.strip())
            current.fields[parsed.name] = parsed
            continue
        if current is not None:
            yield current
            current = None
        if line.startswith("package "):
            package = line.split()[1]
        elif line.startswith("enum "):
            current = _parse_enum(line, package)
        else:
            current = _parse_type(line, package)
    if current is not None:
        yield current


def _parse_type(line: str, package: str) -> Type:
    match = _TYPE.fullmatch(line)
    if match is None:
        raise ValueError(f"model.txt: not a type: {line!r}")
    name, base, flags = match[1], match[2], set(match[3].split())
    return Type(
        name,
        f"ome.model.{package}.{name}",
        base,
        root=name,
        abstract="abstract" in flags,
        fields={},
        is_link="link" in flags,
        is_global="global" in flags,
        is_immutable="immutable" in flags,
        is_annotated="annotated" in flags,
    )


def _parse_enum(line: str, package: str) -> Type:
    head, _, values = line.partition(":")
    name = head.split()[1]
    value = Field("value", "scalar", "string", required=True, unique=True)
    return Type(
        name,
        f"ome.model.{package}.{name}",
        None,
        root=name,
        abstract=False,
        fields={"value": value},
        is_enum=True,
        is_global=True,
        is_immutable=True,
        enumeration=tuple(values.split()),
    )


def _parse_field(line: str) -> Field:
    match = _FIELD.fullmatch(line)
    if match is None:
        raise ValueError(f"model.txt: not a field: {line!r}")
    name, required, what = match[1], not match[2], match[3]
    if what[0] in "{[":
        target, _, inverse = what[1:-1].partition(".")
        return Field(name, "many", target, target, ordered=what[0] == "[", inverse=inverse)
    words = what.split()
    if words[0].startswith("->"):
        target = words[0][2:]
        return Field(name, "one", target, target, required, ordered="listed" in words)
    check = next((word for word in words[1:] if word != "unique"), None)
    return Field(name, _kind(words[0]), words[0], None, required, check=check, unique="unique" in words)


def _kind(word: str) -> Kind:
    if word in UNITS:
        return "unit"
    if word in _SCALARS:
        return "scalar"
    if word == "map":
        return "map"
    if word == "bytes":
        return "bytes"
    raise ValueError(f"model.txt: unknown field type {word!r}")


@cache
def schema() -> Schema:
    """Return the parsed model, shared by all servers of a process."""
    return Schema(files(__package__).joinpath("model.txt").read_text(encoding="utf-8"))


@cache
def _aliases() -> dict[str, Type]:
    names: dict[str, Type] = {}
    for each in schema():
        for simple in (each.name, f"{each.name}I"):
            names |= {simple: each, f"::omero::model::{simple}": each, f"omero.model.{simple}": each}
        names[each.java_name] = each
    return names


def resolve(name: str) -> Type:
    """Find a type by simple, Java, Ice or Python class name.

    Raises
    ------
    omero.ApiUsageException
        There is no such type.
    """
    try:
        return _aliases()[name]
    except KeyError:
        raise omero.ApiUsageException(None, None, f"Unknown type: {name}") from None
