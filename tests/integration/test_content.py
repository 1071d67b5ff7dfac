"""What images hold besides pixels and annotations, through whole command lines."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import omero.model as om
import pytest
from ome_types import validate_xml
from omero.rtypes import rbool, rdouble, rstring
from omero.sys import ParametersI

from omero_sandbox.testing import real_input, seed
from tests.command_line import idmap_of
from tests.integration.conftest import Server

Line = Callable[..., Any]
ROIS = "select r from Roi r join fetch r.shapes where r.image.id = :id order by r.id"
SETTINGS = "select d from RenderingDef d join fetch d.waveRendering where d.pixels.image.id = :id"
CHANNELS = "select p from Pixels p join fetch p.channels c join fetch c.logicalChannel where p.image.id = :id"


def find(server: Server, hql: str, image: int) -> list[Any]:
    found = server.client().sf.getQueryService().findAllByQuery(hql, ParametersI().addId(image))
    return list(found)


def make_content(client: Any, image: int) -> None:
    """Draw on an image, rename its first channel, put it into a folder, change how it is shown."""
    mask = seed.shape("Mask", x=0, y=0, width=8, height=2)
    mask.bytes = bytes((0xAA, 0x55))
    seed.roi(client, image, [mask, seed.shape("Point", "here", z=0, x=1, y=2)], "drawn 肝")
    query = client.sf.getQueryService()
    parameters = ParametersI().addId(image)
    channel = query.findByQuery(CHANNELS, parameters).getChannel(0)
    channel.logicalChannel.name = rstring("renamed")
    seed.save(client, channel)
    settings = query.findByQuery(SETTINGS, parameters)
    first = settings.copyWaveRendering()[0]
    first.active, first.inputEnd = rbool(val=False), rdouble(7)
    seed.save(client, settings)
    link = om.FolderImageLinkI()
    link.parent, link.child = seed.create(client, "Folder", "box"), seed.reference("Image", image)
    seed.save(client, link)


@pytest.mark.parametrize("form", ["crate", "crate.zip"])
def test_content_comes_back_and_the_documents_are_valid(
    form: str,
    pack: Line,
    unpack: Line,
    source_server: Server,
    target_server: Server,
    home: Path,
    tmp_path: Path,
) -> None:
    client = source_server.client()
    made = real_input.unicode_name(tmp_path / "in")
    image = seed.import_fileset(client, made.folder, made.files).images[0]
    make_content(client, image)

    pack("--rocrate", f"Image:{image}", form)
    unpack(form)

    lines = json.loads(idmap_of(home).read_text("utf-8"))["objects"]
    ids = {line["source"]: int(line["target"].partition(":")[2]) for line in lines}
    target = ids[f"Image:{image}"]
    (roi,) = find(target_server, ROIS, target)
    mask, point = roi.copyShapes()
    assert (roi.name.val, bytes(mask.bytes), point.textValue.val) == ("drawn 肝", b"\xaa\x55", "here")
    (pixels,) = find(target_server, CHANNELS, target)
    assert pixels.getChannel(0).logicalChannel.name.val == "renamed"
    (settings,) = find(target_server, SETTINGS, target)
    first = settings.copyWaveRendering()[0]
    assert (first.active.val, first.inputEnd.val) == (False, 7)
    links = "select l from FolderImageLink l join fetch l.parent where l.child.id = :id"
    assert [link.parent.name.val for link in find(target_server, links, target)] == ["box"]
    for document in (home / form).glob("*.ome.xml") if form == "crate" else ():
        validate_xml(document.read_text("utf-8"))
