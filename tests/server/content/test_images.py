"""What images say besides pixels: instruments, channels, planes, environment, rendering settings."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import omero.model as om
from omero.rtypes import rbool, rdouble, rint, rstring, rtime
from omero.sys import ParametersI

from omero_rocrate_transfer.model.contents import Omission
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.read.documents.images import Part, read_images, read_instruments
from omero_rocrate_transfer.server.read.documents.planes import read_planes
from omero_rocrate_transfer.server.read.documents.rendering import read_rendering
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.queries import Reader
from omero_sandbox.testing import seed
from omero_sandbox.testing import world as demo_world
from tests.server.content.conftest import Two, find
from tests.server.content.files import import_rich

IMAGE = (
    "select i from Image i join fetch i.pixels p join fetch p.channels c join fetch c.logicalChannel"
    " where i.id = :id"
)


def named(connection: Connection, number: int) -> dict[str, Any]:
    """Return all that is known of an image; parts of instruments by what they say, not by their ids."""
    reader, enumerations = Reader(connection), connection.enumerations
    content = read_images(reader, enumerations, [number])[number]
    instruments = read_instruments(reader, enumerations, content.instruments)
    parts: dict[ObjectRef, Part] = {p.ref: p for one in instruments.values() for p in one.parts}

    def told(value: Any) -> Any:
        if isinstance(value, ObjectRef):
            return value.type if value not in parts else told(parts[value].values)
        if isinstance(value, dict):
            return {name: told(inner) for name, inner in value.items()}
        return tuple(map(told, value)) if isinstance(value, tuple) else value

    return {
        "image": told(content.image),
        "pixels": content.pixels,
        "channels": [(told(one.channel), told(one.logical)) for one in content.channels],
        "instruments": [
            # parts have no order on a server
            (
                told(one.microscope),
                sorted(((part.spec.type, told(part.values)) for part in one.parts), key=str),
            )
            for one in instruments.values()
        ],
        "planes": [values for found in read_planes(reader, [number]).values() for _, values in found],
    }


def enum(kind: str, value: str) -> Any:
    made = getattr(om, f"{kind}I")()
    made.setValue(rstring(value))
    return made


def full_instrument() -> tuple[Any, dict[str, Any]]:
    """An instrument with a part of every kind."""
    instrument = om.InstrumentI()
    scope = om.MicroscopeI()
    scope.type, scope.model = enum("MicroscopeType", "Unknown"), rstring("Axio")
    instrument.microscope = scope
    lens, detector, laser = om.ObjectiveI(), om.DetectorI(), om.LaserI()
    lens.immersion, lens.correction = enum("Immersion", "Oil"), enum("Correction", "PlanApo")
    lens.lensNA, lens.iris = rdouble(1.4), rbool(val=True)
    lens.workingDistance = om.LengthI(0.17, "MILLIMETER")
    detector.type, detector.voltage = enum("DetectorType", "PMT"), om.ElectricPotentialI(5, "VOLT")
    laser.type, laser.laserMedium = enum("LaserType", "Gas"), enum("LaserMedium", "Ar")
    laser.repetitionRate, laser.power = om.FrequencyI(80, "MEGAHERTZ"), om.PowerI(2, "MILLIWATT")
    arc, filament = om.ArcI(), om.FilamentI()
    arc.type, filament.type = enum("ArcType", "Hg"), enum("FilamentType", "Halogen")
    diode, generic = om.LightEmittingDiodeI(), om.GenericExcitationSourceI()
    generic.map = [om.NamedValue("a", "1"), om.NamedValue("a", "2")]
    laser.pump = arc
    first, second, mirror = om.FilterI(), om.FilterI(), om.DichroicI()
    first.transmittanceRange = om.TransmittanceRangeI()
    first.transmittanceRange.cutIn = om.LengthI(400, "NANOMETER")
    second.filterWheel, mirror.model = rstring("wheel 2"), rstring("mirror")
    cube = om.FilterSetI()
    cube.model, cube.dichroic = rstring("cube"), mirror
    cube.linkExcitationFilter(first)
    cube.linkEmissionFilter(second)
    instrument.addObjective(lens)
    instrument.addDetector(detector)
    for source in (laser, arc, filament, diode, generic):
        instrument.addLightSource(source)
    for one in (first, second):
        instrument.addFilter(one)
    instrument.addDichroic(mirror)
    instrument.addFilterSet(cube)
    return instrument, {
        "lens": lens, "detector": detector, "laser": laser, "filters": (first, second), "mirror": mirror,
        "cube": cube,
    }  # fmt: skip


def equip(two: Two, number: int) -> None:
    """Give an image of the source an instrument, and all that can be said of it and its channels."""
    instrument, parts = full_instrument()
    image = find(two.source, IMAGE, number)
    image.instrument, image.acquisitionDate = instrument, rtime(1_709_208_000_123)
    image.objectiveSettings = om.ObjectiveSettingsI()
    image.objectiveSettings.objective = parts["lens"]
    image.objectiveSettings.medium = enum("Medium", "Unknown")
    image.stageLabel, image.imagingEnvironment = om.StageLabelI(), om.ImagingEnvironmentI()
    image.stageLabel.name = rstring("left")
    image.stageLabel.positionX = om.LengthI(3, "REFERENCEFRAME")
    image.imagingEnvironment.temperature = om.TemperatureI(37.2, "CELSIUS")
    image.imagingEnvironment.co2percent = rdouble(0.05)
    image.imagingEnvironment.map = [om.NamedValue("k", "v"), om.NamedValue("k", "")]
    pixels = image.getPrimaryPixels()
    pixels.physicalSizeX, pixels.timeIncrement = om.LengthI(0.5, "ANGSTROM"), om.TimeI(2, "MINUTE")
    pixels.methodology, pixels.waveStart = rstring("by hand"), rint(3)
    first, second = pixels.copyChannels()
    first.red, first.green, first.blue, first.alpha = rint(1), rint(2), rint(3), rint(4)
    second.alpha, second.lookupTable = None, rstring("fire.lut")
    fill_logical(first.logicalChannel, parts)
    two.source.update.saveObject(image, two.source.context(0))


def fill_logical(logical: Any, parts: dict[str, Any]) -> None:
    logical.name, logical.fluor, logical.ndFilter = rstring("DAPI"), rstring("肝"), rdouble(0.25)
    logical.emissionWave = om.LengthI(461.5, "NANOMETER")
    logical.pinHoleSize = om.LengthI(1, "MICROMETER")
    logical.mode = enum("AcquisitionMode", "WideField")
    logical.contrastMethod = enum("ContrastMethod", "Fluorescence")
    logical.illumination = enum("Illumination", "Unknown")
    logical.photometricInterpretation = enum("PhotometricInterpretation", "Monochrome")
    logical.pockelCellSetting, logical.samplesPerPixel = rint(7), rint(1)
    logical.filterSet = parts["cube"]
    logical.detectorSettings, logical.lightSourceSettings = om.DetectorSettingsI(), om.LightSettingsI()
    logical.detectorSettings.detector, logical.detectorSettings.gain = parts["detector"], rdouble(math.pi)
    logical.detectorSettings.binning = enum("Binning", "2x2")
    logical.lightSourceSettings.lightSource = parts["laser"]
    logical.lightSourceSettings.attenuation = rdouble(0.5)
    logical.lightPath = om.LightPathI()
    logical.lightPath.dichroic = parts["mirror"]
    for one in reversed(parts["filters"]):
        logical.lightPath.linkExcitationFilter(one)
    logical.lightPath.linkEmissionFilter(parts["filters"][0])


def add_plane(connection: Connection, pixels: int, z: int, **values: Any) -> None:
    plane = om.PlaneInfoI()
    plane.pixels = om.PixelsI(pixels, False)
    plane.theZ, plane.theC, plane.theT = rint(z), rint(0), rint(0)
    for name, value in values.items():
        setattr(plane, name, value)
    connection.update.saveObject(plane, connection.context(0))


def test_everything_that_can_be_said_of_an_image_arrives(two: Two, image: int) -> None:
    equip(two, image)
    pixels = find(two.source, IMAGE, image).getPrimaryPixels().id.val
    add_plane(two.source, pixels, 0, deltaT=om.TimeI(1.5, "MILLISECOND"))
    add_plane(two.source, pixels, 1, positionX=om.LengthI(-2, "REFERENCEFRAME"))

    made = two.copy(ObjectRef("Image", image))

    target = made.ids[ObjectRef("Image", image)].id
    expected = named(two.source, image)
    assert len(expected["instruments"][0][1]) == 11
    assert named(two.target, target) == expected
    assert made.omissions == []


def test_two_images_keep_sharing_their_instrument(two: Two, image: int, tmp_path: Path) -> None:
    equip(two, image)
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "b&sizeC=2.fake").write_bytes(b"")
    other = seed.import_fileset(two.source.client, tmp_path / "more", ["b&sizeC=2.fake"]).images[0]
    second = find(two.source, IMAGE, other)
    second.instrument = find(two.source, IMAGE, image).instrument
    two.source.update.saveObject(second, two.source.context(0))

    two.copy(ObjectRef("Image", image), ObjectRef("Image", other))

    instruments = two.target.query.findAllByQuery("select i from Instrument i", None)
    images = two.target.query.findAllByQuery("select i from Image i", None)
    assert len(instruments) == 1
    assert [one.instrument.id.val for one in images] == [instruments[0].id.val] * 2


def test_what_the_import_makes_is_recognised_and_left_alone(two: Two, tmp_path: Path) -> None:
    image = import_rich(two.source.client, tmp_path)

    made = two.copy(ObjectRef("Image", image))

    target = made.ids[ObjectRef("Image", image)].id
    assert named(two.target, target) == named(two.source, image)
    calls = two.sandboxes[1].calls
    assert calls["IUpdate.saveAndReturnArray"] == 0
    assert len(two.target.query.findAllByQuery("select i from Instrument i", None)) == 1


def test_what_users_changed_wins_over_the_file(two: Two, tmp_path: Path) -> None:
    image = import_rich(two.source.client, tmp_path)
    changed = find(two.source, IMAGE, image)
    changed.stageLabel = None
    (first, second) = changed.getPrimaryPixels().copyChannels()
    first.logicalChannel.name, second.red = rstring("renamed"), rint(17)
    first.logicalChannel.emissionWave = None
    two.source.update.saveObject(changed, two.source.context(0))
    plane = two.source.query.findAllByQuery("select p from PlaneInfo p order by p.id", None)[0]
    plane.exposureTime = om.TimeI(9, "HOUR")
    two.source.update.saveObject(plane, two.source.context(0))

    made = two.copy(ObjectRef("Image", image))

    target = made.ids[ObjectRef("Image", image)].id
    assert named(two.target, target) == named(two.source, image)
    assert named(two.target, target)["channels"][0][1]["name"] == "renamed"


def test_rendering_settings_of_the_owner_are_restored_and_those_of_others_counted(
    two: Two, image: int
) -> None:
    reader, enumerations = Reader(two.source), two.source.enumerations
    change_rendering(two.source, image)
    people = demo_world.add_people(two.source.client)
    rows = two.sandboxes[0].store
    (own,) = rows.rows("RenderingDef")
    copy_row(two, own, people.users["alice"])

    made = two.copy(ObjectRef("Image", image))

    target = made.ids[ObjectRef("Image", image)].id
    users = read_rendering(reader, enumerations, [image])[image]
    mine = next(user.rendering for _, user in users if user.login == "root")
    assert [channel.inverted for channel in mine.channels] == [False, True]
    names = [[one.type for one in channel.maps] for channel in mine.channels]
    assert names == [["ContrastStretchingContext", "PlaneSlicingContext"], []]
    assert [(one.axis, one.start, one.end) for one in mine.projections] == [("Z", 0, None), ("ModuloT", 0, 5)]
    assert len(users) == 2
    ((_, restored),) = read_rendering(Reader(two.target), two.target.enumerations, [target])[target]
    assert restored.rendering == mine
    lost = Omission(
        type="RenderingDef",
        count=1,
        reason="rendering settings of other users are only restored with --as-owner",
        on=made.omissions[0].on,
    )
    assert made.omissions == [lost]


def change_rendering(connection: Connection, image: int) -> None:
    hql = (
        "select d from RenderingDef d join fetch d.waveRendering w left outer join fetch"
        " w.spatialDomainEnhancement left outer join fetch d.projections where d.pixels.image.id = :id"
    )
    settings = connection.query.findByQuery(hql, ParametersI().addId(image), connection.context())
    first, second = settings.copyWaveRendering()
    settings.name, settings.compression = rstring("mine"), rdouble(0.85)
    settings.defaultZ, settings.model = rint(0), enum("RenderingModel", "greyscale")
    first.active, first.inputStart, first.inputEnd = rbool(val=False), rdouble(0.5), rdouble(99)
    first.family, first.coefficient = enum("Family", "exponential"), rdouble(2)
    second.lookupTable, second.red = rstring("ice.lut"), rint(9)
    reverse = om.ReverseIntensityContextI()
    reverse.reverse = rbool(val=True)
    second.addCodomainMapContext(reverse)
    slicing, stretching = om.PlaneSlicingContextI(), om.ContrastStretchingContextI()
    for name, value in (("upperLimit", 9), ("lowerLimit", -1), ("planeSelected", 3), ("planePrevious", 0)):
        setattr(slicing, name, rint(value))
    slicing.constant = rbool(val=False)
    for name in ("xstart", "ystart", "xend", "yend"):
        setattr(stretching, name, rint(7))
    for context in (stretching, slicing):
        first.addCodomainMapContext(context)
    for axis, end in (("Z", None), ("ModuloT", 5)):
        projection = om.ProjectionDefI()
        projection.axis, projection.type = enum("ProjectionAxis", axis), enum("ProjectionType", "mean")
        projection.active, projection.startPlane = rbool(val=axis == "Z"), rint(0)
        projection.endPlane = None if end is None else rint(end)
        settings.addProjectionDef(projection)
    connection.update.saveObject(settings, connection.context(0))


def copy_row(two: Two, settings: Any, owner: int) -> None:
    """Give another user settings for the same pixels."""
    store = two.sandboxes[0].store
    event = store.new_event(user=owner, group=0)
    store.insert("RenderingDef", dict(settings.values), owner=owner, group=0, event=event)
