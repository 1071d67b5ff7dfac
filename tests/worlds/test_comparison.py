"""The oracle itself: it finds every kind of change and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from omero_sandbox.db.store import Row, Store
from tests.worlds.comparison import compare
from tests.worlds.conftest import Place
from tests.worlds.graph import read_graph
from tests.worlds.rows import Rows
from tests.worlds.scope import in_scope
from tests.worlds.values import Draw
from tests.worlds.world import build_world


def fill(store: Store, *, more: int = 0) -> Rows:
    """Make two datasets that share a tag, and an image in both; `more` moves all ids on."""
    for name in ("Dataset", "Image", "TagAnnotation", "ImageAnnotationLink"):
        for _ in range(more):
            store.delete(store.insert(name, {"name": "gone"} if name != "ImageAnnotationLink" else {}))
    rows = Rows(store, Draw(0), 0, [1])
    tag = rows.add("TagAnnotation", fill=0, textValue="shared")
    image = rows.add("Image", fill=0, name="i", stageLabel=rows.add("StageLabel", fill=0, name="here"))
    for name in ("one", "other"):
        dataset = rows.add("Dataset", fill=0, name=name)
        rows.link(dataset, image)
        rows.link(dataset, tag)
    roi = rows.add("Roi", fill=0, image=image)
    for position, x in enumerate((1.0, 2.0)):
        rows.add("Point", fill=0, roi=roi, roi_index=position, x=x)
    return rows


def first(rows: Rows, kind: str) -> Row:
    return next(rows.store.rows(kind))


def differences(source: Rows, target: Rows) -> list[str]:
    return [str(each) for each in compare(read_graph(source.store, str), read_graph(target.store, str))]


@pytest.fixture
def two() -> tuple[Rows, Rows]:
    return fill(Store()), fill(Store(), more=7)


def test_ids_make_no_difference(two: tuple[Rows, Rows]) -> None:
    assert first(two[0], "Image").id != first(two[1], "Image").id
    assert differences(*two) == []


def test_value_of_a_part_makes_a_difference(two: tuple[Rows, Rows]) -> None:
    two[1].change(first(two[1], "StageLabel"), name="there")
    assert differences(*two) == ["Image:1 'i' stageLabel.name: 'here' became 'there'"]


def test_empty_text_is_not_null(two: tuple[Rows, Rows]) -> None:
    two[1].change(first(two[1], "Image"), description="")
    assert differences(*two) == ["Image:1 'i' description: None became ''"]


def test_missing_and_new_objects_make_a_difference(two: tuple[Rows, Rows]) -> None:
    two[1].store.delete(first(two[1], "DatasetImageLink"))
    two[1].add("Project", fill=0, name="p")
    found = differences(*two)
    assert sorted(each.partition(" (")[0] for each in found) == [
        "DatasetImageLink:1 is missing",
        "Project:1 'p' is new",
    ]


def test_copy_of_a_shared_annotation_makes_a_difference(two: tuple[Rows, Rows]) -> None:
    link = first(two[1], "DatasetAnnotationLink")
    two[1].change(link, child=two[1].add("TagAnnotation", fill=0, textValue="shared").id)
    assert any("TagAnnotation" in each and "is new" in each for each in differences(*two))


def test_order_of_a_list_makes_a_difference(two: tuple[Rows, Rows]) -> None:
    shapes = list(two[1].store.rows("Shape"))
    for position, shape in enumerate(reversed(shapes)):
        two[1].change(shape, roi_index=position)
    assert any("roi[0]" in each for each in differences(*two))


def test_link_to_a_twin_makes_a_difference() -> None:
    """Objects that look alike are told apart by what they are connected to."""
    source, target = Rows(Store(), Draw(0), 0, [1]), Rows(Store(), Draw(0), 0, [1])
    for rows, tagged in ((source, (0, 0)), (target, (0, 1))):
        datasets = [rows.add("Dataset", fill=0, name="same") for _ in range(2)]
        for number in tagged:
            rows.link(datasets[number], rows.add("TagAnnotation", fill=0, textValue="t"))
    assert differences(source, target) != []


def test_wrong_id_map_is_found(two: tuple[Rows, Rows]) -> None:
    source, target = (read_graph(rows.store, str) for rows in two)
    one, other = (list(rows.store.rows("Dataset")) for rows in two)
    assert compare(source, target, {("Dataset", one[0].id): ("Dataset", other[0].id)}) == []
    assert compare(source, target, {("Dataset", one[0].id): ("Dataset", other[1].id)}) != []


@pytest.mark.parametrize(("kind", "told"), [("Image", True), ("ImageAnnotationLink", True), ("Point", False)])
def test_owner_makes_a_difference_where_that_is_asked_for(
    kind: str, told: bool, two: tuple[Rows, Rows]
) -> None:
    for rows in two:
        _, other = (rows.store.insert("Experimenter", {"omeName": name}) for name in ("alice", "bob"))
        rows.link(first(rows, "Image"), first(rows, "TagAnnotation"))
    two[1].store.update(first(two[1], kind), {}, owner=other.id)

    source, target = (read_graph(rows.store, str, owners=True) for rows in two)

    assert differences(*two) == []
    assert (compare(source, target) != []) is told


def test_not_a_number_equals_itself(two: tuple[Rows, Rows]) -> None:
    for rows in two:
        rows.add("DoubleAnnotation", fill=0, doubleValue=float("nan"))
    assert differences(*two) == []


def test_same_seed_makes_the_same_world(places: tuple[Place, Place], home: Path) -> None:
    graphs = []
    for number, place in enumerate(places):
        build_world(place.server, place.client, home / str(number), seed=5)
        graphs.append(in_scope(place.graph()))
    assert len(graphs[0]) > 50
    assert compare(graphs[0], graphs[1]) == []


def test_folders_and_instruments_that_hold_nothing_are_out_of_scope(two: tuple[Rows, Rows]) -> None:
    rows = two[0]
    parent, empty = (rows.add("Folder", fill=0, name=name) for name in ("parent", "empty"))
    child = rows.add("Folder", fill=0, name="child", parentFolder=parent)
    rows.link(child, first(rows, "Image"))
    rows.add("Instrument", fill=0)
    kept = in_scope(read_graph(rows.store, str))
    assert {("Folder", parent.id), ("Folder", child.id)} <= kept.keys()
    assert ("Folder", empty.id) not in kept
    assert "Instrument" not in {kind for kind, _ in kept}
