"""Insert rows on behalf of an import: one owner, one group, one event."""

from dataclasses import dataclass, field
from typing import Any

from omero_sandbox.db.schema import resolve
from omero_sandbox.db.store import Row, Store
from omero_sandbox.repository.model_rows import scalars


@dataclass
class RowWriter:
    """Insert rows and remember which object of the file became which row.

    Attributes
    ----------
    known
        Row by the id that the file gives to an object, such as ``Objective:0:1``.
    """

    store: Store
    owner: int
    group: int
    event: int
    known: dict[str, Row] = field(default_factory=dict)
    _annotations: list[tuple[Row, list[str]]] = field(default_factory=list)

    def insert(self, type_name: str, values: dict[str, Any]) -> Row:
        """Insert one row."""
        return self.store.insert(type_name, values, owner=self.owner, group=self.group, event=self.event)

    def add(self, source: Any, type_name: str, **references: Any) -> Row:
        """Insert what `source`, an object of the file, says, with the references given."""
        row = self.insert(type_name, {**scalars(self.store, source, type_name), **references})
        self.remember(source, row)
        return row

    def remember(self, source: Any, row: Row) -> None:
        """Note the id of an object of the file, and its annotations for `link_annotations`."""
        identifier = getattr(source, "id", None)
        if identifier:
            self.known[identifier] = row
        refs = [ref.id for ref in getattr(source, "annotation_refs", None) or ()]
        if refs and row.model.is_annotated:
            self._annotations.append((row, refs))

    def id_of(self, reference: Any) -> int | None:
        """Row id of the object a reference of the file points to; None if there is none."""
        row = self.known.get(reference.id) if reference is not None else None
        return row.id if row is not None else None

    def link(self, type_name: str, parent: Row, child: Row) -> Row:
        """Insert a link."""
        return self.insert(type_name, {"parent": parent.id, "child": child.id})

    def link_annotations(self) -> None:
        """Link every annotation that an object of the file refers to."""
        for row, refs in self._annotations:
            link = f"{resolve(row.type).root}AnnotationLink"
            for child in filter(None, map(self.known.get, refs)):
                self.link(link, row, child)
        self._annotations.clear()
