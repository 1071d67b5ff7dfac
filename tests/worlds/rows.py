"""Rows put straight into the store of a sandbox, but only such as its database would take."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from omero_sandbox.db import constraints
from omero_sandbox.db.schema import resolve
from omero_sandbox.db.schema.schema import Field
from omero_sandbox.db.store import Row, Store
from tests.worlds.values import Draw, enumerations

#: Fields whose values mean something that chance would not hit, by type and field.
Special = Mapping[tuple[str, str], Callable[[Draw], Any]]

_COLOUR: dict[str, Callable[[Draw], Any]] = dict.fromkeys(
    ("red", "green", "blue", "alpha"), lambda draw: draw.pick((0, 255, draw.integer(0, 255)))
)
SPECIAL: Special = {
    **{(kind, name): draw for kind in ("Channel", "Well") for name, draw in _COLOUR.items()},
    ("Channel", "lookupTable"): lambda draw: draw.pick(("fire.lut", "16_colors.lut", "odd name.lut")),
    ("Plate", "rowNamingConvention"): lambda draw: draw.pick(("letter", "number", "Letter", "A1")),
    ("Plate", "columnNamingConvention"): lambda draw: draw.pick(("letter", "number", "", "1")),
    ("Plate", "defaultSample"): lambda draw: draw.integer(0, 3),
    ("Plate", "rows"): lambda draw: draw.integer(1, 32),
    ("Plate", "columns"): lambda draw: draw.integer(1, 48),
    ("Image", "series"): lambda _draw: 0,
    ("Pixels", "sha1"): lambda _draw: "Pending...",
}


class Rows:
    """Inserts rows with random values; references are given, everything else is drawn.

    Parameters
    ----------
    store : Store
    draw : Draw
    group : int
    owners : list of int
        Experimenters; the first owns most.
    """

    def __init__(self, store: Store, draw: Draw, group: int, owners: list[int]) -> None:
        self.store = store
        self.draw = draw
        self._group = group
        self._owners = owners
        self.event = store.new_event(user=owners[0], group=group)

    @property
    def others(self) -> list[int]:
        """Owners but the first."""
        return self._owners[1:]

    @property
    def owner(self) -> int:
        """Owner for the next row."""
        return self.draw.pick(self._owners) if self.draw.chance(0.2) else self._owners[0]

    def add(self, kind: str, *, owner: int | None = None, fill: float = 0.5, **given: Any) -> Row:
        """Insert a row.

        Parameters
        ----------
        kind : str
            Concrete type.
        owner : int, optional
        fill : float
            Share of the optional fields that get values.
        **given
            Fields that are not drawn; rows for references, None for null.
        """
        values = {name: value.id if isinstance(value, Row) else value for name, value in given.items()}
        for field in resolve(kind).fields.values():
            drawn = field.name not in values and self._is_drawn(field)
            if drawn and (field.required or self.draw.chance(fill)):
                values[field.name] = self.value(kind, field)
        row = self.store.insert(kind, values, owner=owner or self.owner, group=self._group, event=self.event)
        self._check(row)
        return row

    def change(self, row: Row, **values: Any) -> None:
        """Update a row in an event of its own, as a user's edit does."""
        event = self.store.new_event(user=row.owner or 0, group=self._group)
        self.store.update(row, values, event=event)
        self._check(row)

    def redraw(self, row: Row, *names: str) -> None:
        """Give fields other values."""
        self.change(row, **{name: self.value(row.type, row.model.fields[name]) for name in names})

    def link(self, parent: Row, child: Row, *, owner: int | None = None) -> Row:
        """Link two rows."""
        name = "Annotation" if child.model.root == "Annotation" else child.type
        return self.add(f"{parent.model.root}{name}Link", parent=parent, child=child, owner=owner)

    def identify(self, row: Row, kind: str) -> None:
        """Give an object an identifier of some other system."""
        info = self.add("ExternalInfo", entityType=kind)
        self.store.update(row, {}, external_info=info.id)

    def value(self, kind: str, field: Field) -> Any:
        """Draw a value for a field; of an enumeration, the id of a row."""
        special = SPECIAL.get((kind, field.name))
        if special is not None:
            return special(self.draw)
        if field.kind == "one":
            return self.draw.pick(list(self.store.rows(str(field.target)))).id
        return self.draw.value(field)

    def _is_drawn(self, field: Field) -> bool:
        if field.kind == "one":
            # one row per reader, which nobody chooses
            return field.target in enumerations() and field.target != "Format"
        return field.kind not in {"many", "bytes"}

    def _check(self, row: Row) -> None:
        constraints.check_required(row)
        for name, field in row.model.fields.items():
            if field.kind not in {"one", "many"}:
                constraints.check_value(row.type, field, row.values.get(name))
        namespace = row.values.get("ns") if row.model.root == "Annotation" else None
        if namespace and self.store.lookup("Namespace", "name", namespace) is None:
            self.store.insert("Namespace", {"name": namespace}, event=self.event)
