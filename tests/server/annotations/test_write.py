"""From one server to another: every annotation once, on everything it was on."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import numpy as np
import omero.model as om
import pytest
import tifffile
from ome_types import OME, model, to_xml
from omero.model import NamedValue
from omero.rtypes import rbool, rdouble, rlong, rstring, rtime

from omero_rocrate_transfer.model.annotations import AnnotationChoice
from omero_rocrate_transfer.model.errors import DigestMismatchError, IntegrityError
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.read.source import ServerSource
from omero_rocrate_transfer.server.session.commands import delete
from omero_rocrate_transfer.server.write import unit_content
from omero_rocrate_transfer.server.write.sink import ServerSink
from omero_sandbox.testing.seed import create, link, reference
from tests.server.annotations.conftest import PLATE, Two, annotate, attach, new, values

TAGSET = "openmicroscopy.org/omero/insight/tagset"
VALUES: dict[str, list[dict[str, Any]]] = {
    "TagAnnotation": [{"textValue": rstring("tag")}, {"textValue": rstring(" \tµ\n\r ")}, {}],
    "CommentAnnotation": [{"textValue": rstring("")}, {"textValue": rstring("\x01\ufffe<&>")}, {}],
    "LongAnnotation": [{"longValue": rlong(-(2**63))}, {"longValue": rlong(2**63 - 1)}, {}],
    "DoubleAnnotation": [
        {"doubleValue": rdouble(value)} for value in (0.1, 1e-308, -0.0, float("nan"), float("inf"))
    ],
    "BooleanAnnotation": [{"boolValue": rbool(True)}, {"boolValue": rbool(False)}, {}],
    "TimestampAnnotation": [{"timeValue": rtime(value)} for value in (0, -1, 1_700_000_000_123, 10**15)],
    "TermAnnotation": [{"termValue": rstring("GO:1")}, {}],
    "XmlAnnotation": [
        {"textValue": rstring("<a:b  xmlns:a='u:x'>t<!-- c --></a:b>")},
        {"textValue": rstring("not <xml")},
        {"textValue": rstring("")},
        {},
    ],
    "ListAnnotation": [{}],
    "MapAnnotation": [
        {
            "mapValue": [
                NamedValue("k", "1"),
                NamedValue("k", "2"),
                NamedValue("", ""),
                NamedValue("j", "\t "),
            ]
        },
        {"mapValue": []},
    ],
    "FileAnnotation": [{}],
}


@pytest.mark.parametrize("kind", VALUES)
def test_every_class_and_value_comes_over_exactly(two: Two, kind: str) -> None:
    [image] = two.image().images
    for number, fields in enumerate(VALUES[kind]):
        common = {"ns": rstring(f"n/{number}"), "description": rstring(" said "), "name": rstring("named")}
        annotate(two.source.client, om.ImageI(image, False), kind, **fields, **common)
        annotate(two.source.client, om.ImageI(image, False), kind, **fields, ns=rstring(""))
        annotate(two.source.client, om.ImageI(image, False), kind, **fields, description=rstring(""))

    two.copy(f"Image:{image}")

    assert two.links("Image") == two.links("Image", target=False)
    assert two.links("Image").total() == 3 * len(VALUES[kind])
    assert two.omissions == []


def test_annotations_come_to_everything_that_has_them(two: Two) -> None:
    client = two.source.client
    plate = two.image(PLATE)
    simple = two.image()
    project, dataset, screen = (create(client, kind, "one") for kind in ("Project", "Dataset", "Screen"))
    link(client, project, dataset)
    link(client, dataset, om.ImageI(simple.images[0], False))
    link(client, screen, om.PlateI(plate.plates[0], False))
    refs = {
        "Project": [project], "Dataset": [dataset], "Screen": [screen],
        "Plate": [om.PlateI(plate.plates[0], False)],
        "Fileset": [om.FilesetI(simple.fileset, False), om.FilesetI(plate.fileset, False)],
    }  # fmt: skip
    for name in ("Image", "Channel", "Well", "PlateAcquisition"):
        refs[name] = [reference(name, one) for [one] in values(two.source, f"select o.id from {name} o")]
    files = values(two.source, "select e.originalFile.id from FilesetEntry e")
    refs["OriginalFile"] = [reference("OriginalFile", one) for [one] in files]
    for name, parents in refs.items():
        for place, parent in enumerate(parents):
            annotate(client, parent, "CommentAnnotation", textValue=rstring(f"{name} {place}"))

    two.copy("Project:1", "Screen:1")

    assert two.omissions == []
    for name, parents in refs.items():
        found = two.links(name)
        assert sorted(value for _, (*_, value) in found) == [
            repr(f"{name} {n}") for n in range(len(parents))
        ], name
    wells = (
        "select w.row, w.column, a.textValue from WellAnnotationLink l join l.parent w join l.child a"
        " order by l.id"
    )
    assert values(two.source, wells) == values(two.target, wells)
    channels = (
        "select c.logicalChannel.name, a.textValue from ChannelAnnotationLink l join l.parent c"
        " join l.child a"
    )
    assert sorted(map(str, values(two.source, channels))) == sorted(map(str, values(two.target, channels)))


def test_a_shared_tag_is_made_once_with_its_set_and_all_its_links(two: Two) -> None:
    client = two.source.client
    images = [two.image().images[0] for _ in range(3)]
    tag = new(client, "TagAnnotation", textValue=rstring("shared"))
    tags = new(client, "TagAnnotation", textValue=rstring("set"), ns=rstring(TAGSET))
    link(client, tags, tag)
    for image in images:
        link(client, om.ImageI(image, False), tag)

    two.copy(*(f"Image:{image}" for image in images))

    assert two.links("Image").total() == 3
    found = "select a.textValue from TagAnnotation a order by a.id"
    assert sorted(values(two.target, found)) == [["set"], ["shared"]]
    assert two.links("Annotation").total() == 1


def test_tags_of_the_same_look_are_used_again_only_when_merging(two: Two) -> None:
    [image] = two.image().images
    fields = {"textValue": rstring("cell"), "description": rstring("x"), "ns": rstring("y")}
    annotate(two.source.client, om.ImageI(image, False), "TagAnnotation", **fields)
    new(two.target.client, "TagAnnotation", **fields)
    new(two.target.client, "TagAnnotation", textValue=rstring("cell"))

    two.copy(f"Image:{image}", merge=True)
    assert len(values(two.target, "select a.id from TagAnnotation a")) == 2
    two.copy(f"Image:{image}")
    assert len(values(two.target, "select a.id from TagAnnotation a")) == 3


def test_merging_makes_nothing_on_a_container_a_second_time(two: Two) -> None:
    client = two.source.client
    dataset = create(client, "Dataset", "one")
    tags = new(client, "TagAnnotation", textValue=rstring("set"), ns=rstring(TAGSET))
    tag = annotate(client, dataset, "TagAnnotation", textValue=rstring("tag"))
    link(client, tags, tag)
    annotate(client, dataset, "CommentAnnotation", textValue=rstring("note"))
    for _ in range(2):
        two.copy(f"Dataset:{dataset.id.val}", merge=True)
    assert two.links("Dataset").total() == 2
    assert two.links("Annotation").total() == 1
    assert len(values(two.target, "select a.id from Annotation a")) == 3


def test_comments_on_comments_keep_their_order(two: Two) -> None:
    client = two.source.client
    [image] = two.image().images
    comment = annotate(client, om.ImageI(image, False), "CommentAnnotation", textValue=rstring("0"))
    for text in ("1", "2"):
        comment = annotate(client, comment, "CommentAnnotation", textValue=rstring(text))
    two.copy(f"Image:{image}")
    found = (
        "select p.textValue, c.textValue from AnnotationAnnotationLink l join l.parent p join l.child c"
        " order by p.textValue"
    )
    assert values(two.target, found) == [["0", "1"], ["1", "2"]]


def test_links_of_other_people_are_told(two: Two, open_connection: Any) -> None:
    [image] = two.image().images
    root = open_connection(server=two.servers[0])
    client = root.client
    context = root.context(two.source.group_id)
    made = om.ImageAnnotationLinkI()
    made.parent, made.child = om.ImageI(image, False), om.CommentAnnotationI()
    made.child.textValue = rstring("root was here")
    client.sf.getUpdateService().saveAndReturnObject(made, context)

    two.copy(f"Image:{image}")

    assert two.links("Image").total() == 1
    [omission] = two.omissions
    assert (omission.type, omission.count) == ("AnnotationLink", 1)


def test_what_a_user_removed_from_an_imported_image_does_not_come_back(two: Two) -> None:
    imported = two.image("one.ome.tif", ome_tiff({"kept": "1", "removed": "2"}))
    [image] = imported.images
    found = two.source.query.findAllByQuery("select a from MapAnnotation a order by a.id", None)
    assert [content[0].value for content in (one.mapValue for one in found)] == ["1", "2"]
    delete(two.source, "Annotation", [found[1].id.val], two.source.group_id)

    two.copy(f"Image:{image}")

    assert two.links("Image") == two.links("Image", target=False)
    assert two.links("Image").total() == 1
    assert len(values(two.target, "select a.id from Annotation a")) == 1


def test_without_annotations_those_of_the_import_stay(two: Two) -> None:
    [image] = two.image("one.ome.tif", ome_tiff({"kept": "1"})).images
    two.copy(f"Image:{image}", choice=AnnotationChoice(()))
    assert two.links("Image").total() == 1
    assert [one.on_request for one in two.omissions] == [True]


def ome_tiff(pairs: dict[str, str]) -> bytes:
    """Return an OME-TIFF whose image has a map annotation for each pair."""
    annotations = [
        model.MapAnnotation(id=f"Annotation:{number}", value=model.Map(ms=[model.Map.M(k=key, value=value)]))
        for number, (key, value) in enumerate(pairs.items())
    ]
    image = model.Image(
        id="Image:0",
        name="one",
        pixels=model.Pixels(
            id="Pixels:0", dimension_order=model.Pixels_DimensionOrder.XYZCT, type=model.PixelType.UINT8,
            size_x=4, size_y=4, size_z=1, size_c=1, size_t=1,
            channels=[model.Channel(id="Channel:0:0", samples_per_pixel=1)],
            tiff_data_blocks=[model.TiffData(ifd=0, plane_count=1)],
        ),
        annotation_refs=[model.AnnotationRef(id=one.id) for one in annotations],
    )  # fmt: skip
    document = OME(
        images=[image], structured_annotations=model.StructuredAnnotations(map_annotations=annotations)
    )
    written = io.BytesIO()
    pixels = np.zeros((4, 4), "uint8")
    tifffile.imwrite(written, pixels, description=to_xml(document).encode(), metadata=None)
    return written.getvalue()


def test_an_attached_file_is_uploaded_once_and_exactly(two: Two) -> None:
    client = two.source.client
    data = b"0123456789" * 600_000
    images = [two.image().images[0] for _ in range(2)]
    dataset = create(client, "Dataset", "one")
    for image in images:
        link(client, dataset, om.ImageI(image, False))
    first = attach(client, om.ImageI(images[0], False), "../\u00b5 notes.txt", data, "text/x-odd; a=b")
    link(client, om.ImageI(images[1], False), first)
    link(client, dataset, first)
    file = values(two.source, "select a.file.id from FileAnnotation a")[0][0]
    annotate(client, dataset, "FileAnnotation", file=om.OriginalFileI(file, False), ns=rstring("again"))
    annotate(client, first, "CommentAnnotation", textValue=rstring("on the attachment"))
    annotate(client, om.OriginalFileI(file, False), "CommentAnnotation", textValue=rstring("on the file"))

    two.copy("Dataset:1")

    for word in ("Image", "Dataset"):
        assert two.links(word) == two.links(word, target=False)
    assert two.omissions == []
    stored = values(two.target, "select distinct a.file.id, a.file.hash from FileAnnotation a")
    assert [digest for _, digest in stored] == [hashlib.sha1(data, usedforsecurity=False).hexdigest()]
    assert [
        text
        for [text] in values(two.target, "select c.textValue from AnnotationAnnotationLink l join l.child c")
    ] == ["on the attachment"]
    assert [
        text
        for [text] in values(
            two.target, "select c.textValue from OriginalFileAnnotationLink l join l.child c"
        )
    ] == ["on the file"]


@pytest.mark.parametrize("data", [b"", b"x"])
def test_small_attached_files_come_over(two: Two, data: bytes) -> None:
    [image] = two.image().images
    attach(two.source.client, om.ImageI(image, False), "a.txt", data, "text/plain")
    two.copy(f"Image:{image}")
    assert two.links("Image") == two.links("Image", target=False)


def test_a_file_that_is_damaged_on_the_server_is_refused(two: Two) -> None:
    [image] = two.image().images
    attach(two.source.client, om.ImageI(image, False), "a.txt", b"abc", "text/plain")
    two.source.query.findAllByQuery("select f from OriginalFile f", None)
    store = two.servers[0].store
    [row] = [row for row in store.rows("OriginalFile") if row.values["name"] == "a.txt"]
    store.update(row, {"hash": "0" * 40}, event=row.updated)

    with pytest.raises(DigestMismatchError, match=r"a\.txt"):
        two.copy(f"Image:{image}")

    assert values(two.target, "select a.id from FileAnnotation a") == []
    assert values(two.target, "select f.id from OriginalFile f where f.name = 'a.txt'") == []


def test_an_image_that_failed_takes_nothing_else_down(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    client = two.source.client
    images = [two.image().images[0] for _ in range(2)]
    shared = attach(client, om.ImageI(images[0], False), "a.txt", b"abc", "text/plain")
    comment = new(client, "CommentAnnotation", textValue=rstring("on both"))
    link(client, om.ImageI(images[1], False), shared)
    for image in images:
        link(client, om.ImageI(image, False), comment)
    source, sink = ServerSource(two.source), ServerSink(two.target)
    contents = source.read_contents([ObjectRef("Image", one) for one in images])
    sink.begin(contents, source.read_container_document)
    first, second, attached = contents.units

    with monkeypatch.context() as patched:
        patched.setattr(unit_content, "write_provenance", fail)
        with pytest.raises(IntegrityError, match="for the test"):
            sink.write_unit(source.open(first))
    sink.write_unit(source.open(second))
    result = sink.write_unit(source.open(attached))

    # one link is made, the other cannot be
    assert [(one.type, one.count) for one in result.omissions] == [("ImageAnnotationLink", 1)]
    found = "select a.id from ImageAnnotationLink l join l.child a"
    assert len(values(two.target, found)) == 2


def fail(*_: Any) -> None:
    raise IntegrityError("A failure for the test.")
