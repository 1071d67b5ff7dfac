"""Queries find their rows by index, and the same rows as without."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from omero_sandbox.db.store import Row, Store

if TYPE_CHECKING:
    from .conftest import World

# Conditions stand in brackets, to be written as "(… or 1 = 0)", which no index can serve.
NARROWED = [
    "select i.id from Image i where [i.id in (:ids)] order by i.id",
    "select i.id from Image i where [i.fileset.id = :id] order by i.id",
    "select i.id from Image i left outer join i.fileset f where [f.id = :id] order by i.id",
    "select i.id from DatasetImageLink l join l.child i where [l.parent.id = :id] order by i.id",
    "select i.id from DatasetImageLink l join l.child i where [i.id in (:ids)] order by i.id",
    "select d.id from Dataset d join d.imageLinks l where [l.child.id in (:ids)] order by d.id, l.id",
    "select c.id from Channel c where [c.pixels.image.fileset.id = :id] order by c.id",
    "select i.id from Image i, WellSample w where [w.image = i.id] and [w.well.plate.id = :id] order by i.id",
    "select p.id from Pixels p, DatasetImageLink l where [l.child = p.image] and [:id = l.parent.id]",
    "select a.id from Annotation a where [a in (select l.child from ImageAnnotationLink l where l.id = 1)]",
    "select i.id from Image i where [i.id in (:ids)] and exists (from DatasetImageLink l where l.child = i)",
    "select e.id from FilesetEntry e join e.fileset f join f.images i where [i.id in (:ids)] order by e.id",
]


class NoScans(Store):
    """Refuses to look at all rows."""

    def rows(self, type_name: str) -> Iterator[Row]:
        raise AssertionError(f"looks at all rows of {type_name}")


@pytest.fixture
def no_scans(world: World) -> Iterator[World]:
    """Give the world with a store in which only indexes work."""
    kind, world.store.__class__ = world.store.__class__, NoScans
    yield world
    world.store.__class__ = kind


@pytest.mark.parametrize("text", NARROWED)
def test_an_index_serves_the_query(no_scans: World, text: str) -> None:
    narrowed = text.replace("[", "").replace("]", "")
    found = no_scans.query(narrowed, id=1, ids=[1, 2, 4])
    assert found or "FilesetEntry" in text


@pytest.mark.parametrize("text", NARROWED)
def test_the_index_finds_what_a_scan_finds(world: World, text: str) -> None:
    narrowed = text.replace("[", "").replace("]", "")
    scanning = text.replace("[", "(").replace("]", " or 1 = 0)")
    assert world.query(narrowed, id=1, ids=[1, 2, 4]) == world.query(scanning, id=1, ids=[1, 2, 4])


def test_a_query_that_must_scan_does_so(no_scans: World) -> None:
    with pytest.raises(AssertionError, match="all rows of Image"):
        no_scans.query("select i from Image i where i.name = 'image 1'")
