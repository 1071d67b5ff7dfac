"""Experiments with microbeam manipulations, and optical transfer functions of instruments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import omero.model as om
from omero.rtypes import rbool, rdouble, rint, rstring

from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.session.connection import Connection
from omero_sandbox.testing import seed
from tests.server.content.conftest import Two, find
from tests.server.content.test_images import IMAGE, enum, full_instrument

EXPERIMENTS = (
    "select i.id, t.value, e.description, b.description, u.value from Image i join i.experiment e"
    " join e.type t left outer join e.microbeamManipulation b left outer join b.type u"
    " order by i.id, b.description"
)
LIGHTS = (
    "select b.description, s.attenuation, l.model from LightSettings s join s.microbeamManipulation b"
    " join s.lightSource l order by s.attenuation"
)
OTFS = (
    "select c.id, o.path, o.sizeX, o.sizeY, o.opticalAxisAveraged, t.value, j.lensNA, f.model"
    " from LogicalChannel c join c.otf o join o.pixelsType t join o.objective j"
    " left outer join o.filterSet f order by o.path"
)


def rows(connection: Connection, hql: str) -> list[list[Any]]:
    """Return rows without their ids, which come first."""
    found = connection.query.projection(hql, None, connection.context())
    return [[None if one is None else one.val for one in row] for row in found]


def bleach(two: Two, number: int) -> Any:
    """Give an image an experiment: a channel's laser bleached, and another light of the same instrument."""
    instrument, parts = full_instrument()
    laser, arc = parts["laser"], parts["laser"].pump
    laser.model, arc.model = rstring("laser"), rstring("arc")
    experiment = om.ExperimentI()
    experiment.type, experiment.description = enum("ExperimentType", "FRET"), rstring("µ\x01")
    beams = []
    for kind, said in (("FRAP", "first"), ("Unknown", "second")):
        beam = om.MicrobeamManipulationI()
        beam.type, beam.description = enum("MicrobeamManipulationType", kind), rstring(said)
        experiment.addMicrobeamManipulation(beam)
        beams.append(beam)
    image = find(two.source, IMAGE, number)
    image.instrument, image.experiment = instrument, experiment
    logical = image.getPrimaryPixels().getChannel(0).logicalChannel
    logical.lightSourceSettings = light(laser, 0.5, beams[0])
    saved = two.source.update.saveAndReturnObject(image, two.source.context(0))
    both = {one.description.val: one for one in saved.experiment.copyMicrobeamManipulation()}
    by_model = {one.model.val: one for one in saved.instrument.copyLightSource() if one.model is not None}
    for said, share in (("first", 0.25), ("second", 0.75)):
        own = om.MicrobeamManipulationI(both[said].id.val, False)
        source = type(by_model["arc"])(by_model["arc"].id.val, False)
        two.source.update.saveObject(light(source, share, own), two.source.context(0))
    return om.ExperimentI(saved.experiment.id.val, False)


def light(source: Any, attenuation: float, beam: Any) -> Any:
    made = om.LightSettingsI()
    made.lightSource, made.attenuation, made.microbeamManipulation = source, rdouble(attenuation), beam
    return made


def test_an_experiment_comes_with_its_manipulations_and_their_light(two: Two, image: int) -> None:
    bleach(two, image)

    made = two.copy(ObjectRef("Image", image))

    assert made.omissions == []
    assert [row[1:] for row in rows(two.target, EXPERIMENTS)] == [
        ["FRET", "µ\x01", "first", "FRAP"],
        ["FRET", "µ\x01", "second", "Unknown"],
    ]
    lights = [["first", 0.25, "arc"], ["first", 0.5, "laser"], ["second", 0.75, "arc"]]
    assert rows(two.target, LIGHTS) == rows(two.source, LIGHTS) == lights
    channel = (
        "select m.description from LogicalChannel c join c.lightSourceSettings s"
        " join s.microbeamManipulation m where s.attenuation = 0.5"
    )
    assert rows(two.target, channel) == [["first"]]
    assert len(two.target.query.findAllByQuery("select s from LightSettings s", None)) == 3


def test_images_of_several_filesets_keep_sharing_their_experiment(
    two: Two, image: int, tmp_path: Path
) -> None:
    experiment = bleach(two, image)
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "b&sizeC=2.fake").write_bytes(b"")
    other = seed.import_fileset(two.source.client, tmp_path / "more", ["b&sizeC=2.fake"]).images[0]
    second = find(two.source, IMAGE, other)
    second.experiment = experiment
    two.source.update.saveObject(second, two.source.context(0))

    two.copy(ObjectRef("Image", image), ObjectRef("Image", other))

    images = two.target.query.findAllByQuery("select i from Image i", None)
    assert len({one.experiment.id.val for one in images}) == 1
    for name, count in (("Experiment", 1), ("MicrobeamManipulation", 2), ("LightSettings", 3)):
        assert len(two.target.query.findAllByQuery(f"select o from {name} o", None)) == count


def test_copying_again_makes_an_experiment_of_its_own(two: Two, image: int) -> None:
    bleach(two, image)
    for _ in range(2):
        two.copy(ObjectRef("Image", image))
    assert len(rows(two.target, EXPERIMENTS)) == 4


def test_optical_transfer_functions_come_with_the_channels_that_use_them(two: Two, image: int) -> None:
    instrument, parts = full_instrument()
    for path, cube in (("/otf/one", parts["cube"]), ("/otf/two", None)):
        otf = om.OTFI()
        otf.sizeX, otf.sizeY, otf.opticalAxisAveraged = rint(64), rint(32), rbool(val=False)
        otf.pixelsType, otf.path = enum("PixelsType", "float"), rstring(path)
        otf.objective, otf.filterSet = parts["lens"], cube
        instrument.addOTF(otf)
    found = find(two.source, IMAGE, image)
    found.instrument = instrument
    channels = found.getPrimaryPixels().copyChannels()
    for channel, otf in zip(channels, instrument.copyOtf(), strict=True):
        channel.logicalChannel.otf = otf
    two.source.update.saveObject(found, two.source.context(0))

    made = two.copy(ObjectRef("Image", image))

    assert made.omissions == []
    expected = [
        ["/otf/one", 64, 32, False, "float", 1.4, "cube"],
        ["/otf/two", 64, 32, False, "float", 1.4, None],
    ]
    assert [row[1:] for row in rows(two.target, OTFS)] == expected


def test_an_otf_that_no_channel_uses_stays_with_its_instrument(two: Two, image: int) -> None:
    instrument, parts = full_instrument()
    otf = om.OTFI()
    otf.sizeX, otf.sizeY, otf.opticalAxisAveraged = rint(64), rint(32), rbool(val=True)
    otf.pixelsType, otf.path, otf.objective = enum("PixelsType", "float"), rstring("/otf"), parts["lens"]
    instrument.addOTF(otf)
    found = find(two.source, IMAGE, image)
    found.instrument = instrument
    two.source.update.saveObject(found, two.source.context(0))

    two.copy(ObjectRef("Image", image))

    (made,) = two.target.query.findAllByQuery("select o from OTF o join fetch o.instrument", None)
    (target,) = two.target.query.findAllByQuery("select i from Image i", None)
    assert made.instrument.id == target.instrument.id
