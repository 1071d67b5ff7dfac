"""Annotations on planes and light paths, which have no ids in OME-XML."""

from __future__ import annotations

from typing import Any

import omero.model as om
from ome_types import to_xml, validate_xml
from omero.rtypes import rint, rstring

from omero_rocrate_transfer.model.annotations import AnnotationChoice
from omero_rocrate_transfer.model.extras import Place
from omero_rocrate_transfer.model.refs import ObjectRef, parse_objects
from omero_rocrate_transfer.server.read.source import ServerSource
from omero_rocrate_transfer.server.session.owners import Owners
from omero_rocrate_transfer.server.write.annotations.annotations import AnnotationWriter
from omero_rocrate_transfer.server.write.annotations.found import ImportedAnnotations
from omero_rocrate_transfer.server.write.target_ids import TargetIds
from omero_sandbox.testing.seed import link, save
from tests.server.annotations.conftest import Two, annotate, attach, new, values

ON_PLANES = (
    "select p.theZ, p.theC, p.theT, p.deltaT.value, a.textValue from PlaneInfoAnnotationLink l"
    " join l.parent p join l.child a order by p.theC, p.deltaT.value, a.textValue"
)
CHANNELS = "select c.id from Pixels p join p.channels c order by index(c)"
ON_PATHS = (
    "select index(c), a.textValue from Pixels p join p.channels c join c.logicalChannel g join g.lightPath h"
    " join h.annotationLinks l join l.child a order by index(c), a.textValue"
)


def add_plane(client: Any, pixels: int, c: int, seconds: float) -> Any:
    plane = om.PlaneInfoI()
    plane.pixels = om.PixelsI(pixels, False)
    plane.theZ, plane.theC, plane.theT = rint(0), rint(c), rint(0)
    plane.deltaT = om.TimeI(seconds, "SECOND")
    saved = client.sf.getUpdateService().saveAndReturnObject(plane)
    return om.PlaneInfoI(saved.id.val, False)


def add_light_path(client: Any, *channels: int) -> Any:
    """Give channels a light path, all the same one."""
    path = om.LightPathI()
    for number in channels:
        hql = f"select g from Channel c join c.logicalChannel g where c.id = {number}"
        logical = client.sf.getQueryService().findByQuery(hql, None)
        logical.lightPath = path
        saved = client.sf.getUpdateService().saveAndReturnObject(logical)
        path = om.LightPathI(saved.lightPath.id.val, False)
    return path


def test_annotations_on_planes_come_to_the_same_planes(two: Two) -> None:
    client = two.source.client
    [image] = two.image().images
    [[pixels]] = values(two.source, "select p.id from Pixels p")
    # two facts about one plane are two planes
    planes = [add_plane(client, pixels, c, seconds) for c, seconds in ((1, 4.5), (0, 1.5), (0, 2.5))]
    shared = annotate(client, planes[0], "CommentAnnotation", textValue=rstring("shared"))
    for plane in (planes[2], om.ImageI(image, False)):
        link(client, plane, shared)
    annotate(client, planes[1], "TagAnnotation", textValue=rstring("tag"))

    two.copy(f"Image:{image}")

    assert two.omissions == []
    assert values(two.target, ON_PLANES) == values(two.source, ON_PLANES)
    assert len(values(two.target, ON_PLANES)) == 3
    assert len(values(two.target, "select a.id from Annotation a")) == 2


def test_annotations_on_light_paths_come_to_those_of_the_same_channels(two: Two) -> None:
    client = two.source.client
    [image] = two.image().images
    channels = [one for [one] in values(two.source, CHANNELS)]
    for number, channel in enumerate(channels):
        path = add_light_path(client, channel)
        annotate(client, path, "CommentAnnotation", textValue=rstring(f"channel {number}"))

    two.copy(f"Image:{image}")

    assert two.omissions == []
    assert values(two.target, ON_PATHS) == [[0, "channel 0"], [1, "channel 1"]]


def test_a_light_path_of_several_channels_keeps_its_annotation_once(two: Two) -> None:
    client = two.source.client
    [image] = two.image().images
    channels = [one for [one] in values(two.source, CHANNELS)]
    annotate(client, add_light_path(client, *channels), "CommentAnnotation", textValue=rstring("x"))

    two.copy(f"Image:{image}")

    assert two.omissions == []
    assert two.links("LightPath").total() == 1


def test_files_attached_to_planes_and_light_paths_come_over(two: Two) -> None:
    client = two.source.client
    [image] = two.image().images
    [[pixels]] = values(two.source, "select p.id from Pixels p")
    [[channel], _] = values(two.source, CHANNELS)
    attached = attach(client, add_plane(client, pixels, 0, 1), "a.txt", b"abc", "text/plain")
    link(client, add_light_path(client, channel), attached)

    two.copy(f"Image:{image}")

    assert two.omissions == []
    for word in ("PlaneInfo", "LightPath"):
        assert two.links(word).total() == 1


def test_the_document_is_valid_and_tells_where_they_are(two: Two) -> None:
    client = two.source.client
    [image] = two.image().images
    [[pixels]] = values(two.source, "select p.id from Pixels p")
    planes = [add_plane(client, pixels, c, 1) for c in (0, 1)]
    annotate(client, planes[1], "CommentAnnotation", textValue=rstring("x"))
    source = ServerSource(two.source)

    [unit] = source.read_contents(parse_objects([f"Image:{image}"])).units
    document = source.open(unit).document()

    validate_xml(to_xml(document.ome))
    [first, second] = document.ome.images[0].pixels.planes
    assert (len(first.annotation_refs), len(second.annotation_refs)) == (0, 1)
    places = document.extras.annotations.places
    assert list(places.values()) == [Place(of=document.ome.images[0].pixels.id, index=1)]


def test_what_is_left_out_on_planes_is_counted(two: Two) -> None:
    client = two.source.client
    [image] = two.image().images
    [[pixels]] = values(two.source, "select p.id from Pixels p")
    annotate(client, add_plane(client, pixels, 0, 1), "CommentAnnotation", textValue=rstring("x"))

    two.copy(f"Image:{image}", choice=AnnotationChoice(()))

    assert [(one.count, one.on_request) for one in two.omissions] == [(1, True)]
    assert two.links("PlaneInfo").total() == 0


def test_light_paths_that_are_one_on_the_target_get_one_link(two: Two) -> None:
    """Another version of Bio-Formats may give channels one LogicalChannel that had one each."""
    client = two.source.client
    [image] = two.image().images
    channels = [one for [one] in values(two.source, CHANNELS)]
    comment = new(client, "CommentAnnotation", textValue=rstring("x"))
    for channel in channels:
        link(client, add_light_path(client, channel), comment)
    source = ServerSource(two.source)
    [unit] = source.read_contents(parse_objects([f"Image:{image}"])).units
    document = source.open(unit).document()
    extras = document.extras.annotations
    path = ObjectRef("LightPath", save(two.target.client, om.LightPathI()).id.val)
    ids = TargetIds()
    ids.add(dict.fromkeys(extras.places, path))
    writer = AnnotationWriter(Owners(two.target), two.target.group_id, ids, [unit], merge=False)

    lost = writer.write_unit(document, None, (), ImportedAnnotations())

    assert len(extras.places) == len(channels) == 2
    assert lost == []
    assert two.links("LightPath").total() == 1
