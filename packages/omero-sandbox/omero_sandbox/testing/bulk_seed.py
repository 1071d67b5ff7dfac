"""Big worlds in seconds: rows put straight into the store, past all services and checks.

For benchmarks and tests of scale only; what is made here has no original files and no pixels on disk.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from omero_sandbox.db.store import Row, Store


@dataclass(frozen=True)
class BulkWorld:
    """Ids of what was made."""

    project: int
    datasets: list[int]
    images: list[int]
    annotations: int


class _Writer:
    """Inserts rows that belong to one user in one group, in one event."""

    def __init__(self, store: Store, owner: int, group: int) -> None:
        self._store = store
        self._details: dict[str, Any] = {"owner": owner, "group": group}
        self._details["event"] = store.new_event(user=owner, group=group)
        enums = {"pixelsType": ("PixelsType", "uint8"), "dimensionOrder": ("DimensionOrder", "XYZCT")}
        self._enums = {field: _enum(store, *value) for field, value in enums.items()}

    def add(self, kind: str, **values: Any) -> Row:
        return self._store.insert(kind, values, **self._details)

    def image(self, name: str) -> Row:
        image = self.add("Image", name=name, series=0)
        sizes = {"sizeX": 16, "sizeY": 16, "sizeZ": 1, "sizeC": 1, "sizeT": 1, "sha1": "Pending..."}
        pixels = self.add("Pixels", image=image.id, image_index=0, **sizes, **self._enums)
        logical = self.add("LogicalChannel", name="Channel 0")
        self.add("Channel", pixels=pixels.id, pixels_index=0, logicalChannel=logical.id)
        return image

    def link(self, parent: Row, child: Row) -> None:
        name = "Annotation" if child.model.root == "Annotation" else child.type
        self.add(f"{parent.type}{name}Link", parent=parent.id, child=child.id)


def fill(store: Store, images: int, *, owner: int = 0, group: int = 0, per_dataset: int = 100) -> BulkWorld:
    """Make one project with datasets of images; every image has a shared tag, a comment and key-value pairs.

    Parameters
    ----------
    store : Store
        Of a ``SandboxServer``.
    images : int
    owner, group : int
    per_dataset : int
        Images in a dataset.
    """
    with store.transaction():
        writer = _Writer(store, owner, group)
        project = writer.add("Project", name="bulk")
        tags = [writer.add("TagAnnotation", textValue=f"tag {number}") for number in range(10)]
        datasets: list[Row] = []
        made = []
        for number in range(images):
            if number % per_dataset == 0:
                datasets.append(writer.add("Dataset", name=f"dataset {len(datasets)}"))
                writer.link(project, datasets[-1])
            image = writer.image(f"image {number}")
            writer.link(datasets[-1], image)
            _annotate(writer, image, tags[number % len(tags)], number)
            made.append(image.id)
    return BulkWorld(project.id, [row.id for row in datasets], made, len(tags) + 2 * images)


def _annotate(writer: _Writer, image: Row, tag: Row, number: int) -> None:
    pairs = [("number", str(number)), ("even", str(number % 2 == 0))]
    ns = "openmicroscopy.org/omero/client/mapAnnotation"
    writer.link(image, tag)
    writer.link(image, writer.add("CommentAnnotation", textValue=f"comment {number}"))
    writer.link(image, writer.add("MapAnnotation", ns=ns, mapValue=pairs))


def _enum(store: Store, kind: str, value: str) -> int:
    row = store.enum(kind, value)
    if row is None:
        raise LookupError(f"The store has no {kind} {value}")
    return row.id
