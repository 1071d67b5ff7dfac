"""A small populated store, and a way to query it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from omero_sandbox.db import bootstrap
from omero_sandbox.db.store import Quantity, Row, Store
from omero_sandbox.hql.query import execute
from omero_sandbox.hql.statement import Answer

Query = Callable[..., list[tuple[Any, ...]]]


class World:
    """Five images of owner 0 in group 0.

    Image 1 and 2 share fileset 1; 1 to 3 are in dataset 1 (in project 1), 4 is on plate 1, 5 is nowhere.
    Image 1 has two channels, a tag, a comment and a map annotation; image 2 the same tag.
    """

    def __init__(self) -> None:
        self.store = Store()
        bootstrap.install(self.store, "omero")
        self.fileset = self.add("Fileset", templatePrefix="root_0/")
        self.images = [self._image(number) for number in range(1, 6)]
        self._containers()
        self._plate()
        self._annotations()

    def add(self, type_name: str, **values: Any) -> Row:
        return self.store.insert(type_name, values, owner=0, group=0, event=1)

    def _image(self, number: int) -> Row:
        values: dict[str, Any] = {"name": f"image {number}", "series": number}
        if number <= 2:
            values["fileset"] = self.fileset.id
        if number % 2:
            values["description"] = "odd"
        image = self.add("Image", **values)
        size = Quantity(0.5 * number, "MICROMETER")
        pixels = self.add(
            "Pixels", image=image.id, image_index=0, sizeX=10 * number, physicalSizeX=size, sha1="x"
        )
        for index in range(3 - number if number < 3 else 0):
            logical = self.add("LogicalChannel", name=f"channel {index}")
            self.add("Channel", pixels=pixels.id, pixels_index=index, logicalChannel=logical.id)
        return image

    def _containers(self) -> None:
        self.dataset = self.add("Dataset", name="dataset")
        self.project = self.add("Project", name="project")
        self.add("ProjectDatasetLink", parent=self.project.id, child=self.dataset.id)
        for image in self.images[:3]:
            self.add("DatasetImageLink", parent=self.dataset.id, child=image.id)

    def _plate(self) -> None:
        self.plate = self.add("Plate", name="plate")
        self.well = self.add("Well", plate=self.plate.id, row=0, column=1)
        self.add("WellSample", well=self.well.id, well_index=0, image=self.images[3].id)

    def _annotations(self) -> None:
        self.tag = self.add("TagAnnotation", textValue="tag", ns="a")
        self.comment = self.add("CommentAnnotation", textValue="comment")
        self.map = self.add("MapAnnotation", mapValue=[("key", "one"), ("key", "two"), ("other", "")])
        for annotation in (self.tag, self.comment, self.map):
            self.add("ImageAnnotationLink", parent=self.images[0].id, child=annotation.id)
        self.add("ImageAnnotationLink", parent=self.images[1].id, child=self.tag.id)

    def answer(self, text: str, offset: int = 0, limit: int | None = None, **values: Any) -> Answer:
        return execute(self.store, lambda _: True, text, values, offset, limit)

    def query(
        self, text: str, offset: int = 0, limit: int | None = None, **values: Any
    ) -> list[tuple[Any, ...]]:
        """Rows with the ids of objects."""
        rows = self.answer(text, offset, limit, **values).rows
        return [tuple(value.id if isinstance(value, Row) else value for value in row) for row in rows]


@pytest.fixture(scope="session")
def world() -> World:
    return World()


@pytest.fixture
def query(world: World) -> Query:
    return world.query
