"""References to files and pixels: restored where what they lead to travels too, else counted."""

from __future__ import annotations

from typing import Any

import omero.model as om
from omero.rtypes import rdouble, rint, rstring

from omero_rocrate_transfer.model.refs import ObjectRef
from omero_sandbox.testing.seed import save
from tests.server.annotations.conftest import Two, attach, values

TWO = "two&series=2&sizeX=16&sizeY=8.fake"
SOURCES = "select r.name, f.name from Roi r left outer join r.source f order by r.name"
MASKS = "select m.x, i.id from Mask m left outer join m.pixels p left outer join p.image i order by m.x"
RELATED = "select p.image.id, o.image.id from Pixels p left outer join p.relatedTo o"


def add_roi(client: Any, image: int, name: str, *shapes: Any, source: int | None = None) -> None:
    roi = om.RoiI()
    roi.image, roi.name = om.ImageI(image, False), rstring(name)
    roi.source = None if source is None else om.OriginalFileI(source, False)
    for shape in shapes:
        roi.addShape(shape)
    save(client, roi)


def mask(x: float, pixels: int | None) -> Any:
    made = om.MaskI()
    made.x = rdouble(x)
    for name in ("y", "width", "height"):
        setattr(made, name, rdouble(8))
    made.bytes = b"\x01" * 8
    made.pixels = None if pixels is None else om.PixelsI(pixels, False)
    return made


def point() -> Any:
    made = om.PointI()
    made.x, made.y, made.theZ = rdouble(1), rdouble(2), rint(0)
    return made


def pixels_of(two: Two, *images: int) -> list[int]:
    found = dict(values(two.source, "select p.image.id, p.id from Pixels p"))
    return [found[image] for image in images]


def test_rois_keep_the_files_they_were_made_from(two: Two) -> None:
    client = two.source.client
    image, other = two.image(TWO).images
    attach(client, om.ImageI(image, False), "results.csv", b"1,2", "text/csv")
    [[results]] = values(two.source, "select f.id from OriginalFile f where f.name = 'results.csv'")
    [[original]] = values(two.source, "select e.originalFile.id from FilesetEntry e")
    add_roi(client, image, "a: of results", point(), source=results)
    add_roi(client, other, "b: of results, without shapes", source=results)
    add_roi(client, image, "c: of the image file", point(), source=original)
    add_roi(client, image, "d: drawn", point())

    two.copy(f"Image:{image}")

    assert two.omissions == []
    assert values(two.target, SOURCES) == values(two.source, SOURCES)
    assert [file for _, file in values(two.target, SOURCES)] == ["results.csv", "results.csv", TWO, None]


def test_files_that_do_not_travel_are_counted(two: Two) -> None:
    client = two.source.client
    [image], [other] = two.image().images, two.image().images
    attach(client, None, "lost.csv", b"1,2", "text/csv")
    [[lost]] = values(two.source, "select f.id from OriginalFile f where f.name = 'lost.csv'")
    [_, [original]] = values(two.source, "select e.originalFile.id from FilesetEntry e order by e.id")
    add_roi(client, image, "of nothing attached", point(), source=lost)
    add_roi(client, image, "of another image's file", point(), source=original)

    two.copy(f"Image:{image},{other}")

    assert [(one.type, one.count) for one in two.omissions] == [("Roi.source", 2)]
    assert [file for _, file in values(two.target, SOURCES)] == [None, None]


def test_masks_and_pixels_keep_the_pixels_of_the_same_import(two: Two) -> None:
    client = two.source.client
    images = two.image(TWO).images
    first, second = pixels_of(two, *images)
    add_roi(client, images[0], "masks", mask(0, first), mask(1, second), mask(2, None))
    found = two.source.query.get("Pixels", second)
    found.relatedTo = om.PixelsI(first, False)
    save(client, found)

    two.copy(f"Image:{images[0]}")

    assert two.omissions == []
    new = [two.made[ObjectRef("Image", image)].id for image in images]
    assert values(two.target, MASKS) == [[0, new[0]], [1, new[1]], [2, None]]
    assert dict(values(two.target, RELATED)) == {new[0]: None, new[1]: new[0]}


def test_pixels_of_other_imports_are_counted(two: Two) -> None:
    client = two.source.client
    [image], [other] = two.image().images, two.image().images
    first, second = pixels_of(two, image, other)
    add_roi(client, image, "masks", mask(0, second), mask(1, first))
    found = two.source.query.get("Pixels", second)
    found.relatedTo = om.PixelsI(first, False)
    save(client, found)

    two.copy(f"Image:{image},{other}")

    lost = {"Mask.pixels": 1, "Pixels.relatedTo": 1}
    assert {one.type: one.count for one in two.omissions} == lost
    new = two.made[ObjectRef("Image", image)].id
    assert values(two.target, MASKS) == [[0, None], [1, new]]


def test_what_hangs_on_further_pixels_is_not_mixed_with_the_first(two: Two) -> None:
    [image] = two.image().images
    store = two.servers[0].store
    [row] = store.rows("Pixels")
    event, owner = store.new_event(user=row.owner or 0, group=row.group or 0), row.owner
    again = store.insert("Pixels", row.values | {"image_index": 1}, owner=owner, group=row.group, event=event)
    plane = {"pixels": again.id, "theZ": 0, "theC": 0, "theT": 0}
    store.insert("PlaneInfo", plane, owner=owner, group=row.group, event=event)
    [settings] = store.rows("RenderingDef")
    other = settings.values | {"pixels": again.id, "name": "of the second"}
    store.insert("RenderingDef", other, owner=owner, group=row.group, event=event)

    two.copy(f"Image:{image}")

    assert [(one.type, one.count) for one in two.omissions] == [("Pixels", 1)]
    assert values(two.target, "select p.id from PlaneInfo p") == []
    assert [name for _, name in values(two.target, "select d.id, d.name from RenderingDef d")] == [None]
