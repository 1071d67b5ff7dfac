"""Images, their pixels, channels and instruments, read with few queries as plain values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.mapping import specs
from omero_rocrate_transfer.server.mapping.fields import Spec, Values, read
from omero_rocrate_transfer.server.session.enumerations import Enumerations
from omero_rocrate_transfer.server.session.queries import IDS_PER_QUERY, Reader

_IMAGES: Final = (
    "select i from Image i left outer join fetch i.pixels p left outer join fetch p.channels c"
    " left outer join fetch i.stageLabel left outer join fetch i.imagingEnvironment"
    " left outer join fetch i.objectiveSettings os left outer join fetch os.objective where i.id in (:ids)"
)
#: Its parts are loaded for the instruments that they belong to.
_LOGICAL: Final = (
    "select g from LogicalChannel g left outer join fetch g.filterSet left outer join fetch g.otf"
    " left outer join fetch g.detectorSettings ds left outer join fetch ds.detector"
    " left outer join fetch g.lightSourceSettings ls left outer join fetch ls.lightSource"
    " left outer join fetch ls.microbeamManipulation"
    " left outer join fetch g.lightPath lp left outer join fetch lp.dichroic"
    " left outer join fetch lp.excitationFilterLink xl left outer join fetch xl.child"
    " left outer join fetch lp.emissionFilterLink ml left outer join fetch ml.child where g.id in (:ids)"
)
_INSTRUMENTS: Final = "select i from Instrument i left outer join fetch i.microscope where i.id in (:ids)"
_PART: Final = "select p from {type} p{fetch} where p.instrument.id in (:ids)"
_FETCHES: Final[Mapping[str, str]] = {
    "Filter": " left outer join fetch p.transmittanceRange",
    "FilterSet": (" left outer join fetch p.excitationFilterLink left outer join fetch p.emissionFilterLink"),
}
#: Classes of parts as they are asked for, light sources all at once.
_PART_TYPES: Final = ("Objective", "Detector", "LightSource", "Dichroic", "Filter", "FilterSet", "OTF")
_SPECS: Final[Mapping[str, Spec]] = {spec.type: spec for spec in specs.PARTS}


@dataclass(slots=True)
class ChannelContent:
    """One channel and its LogicalChannel."""

    id: int
    logical_id: int
    channel: Values
    logical: Values
    #: Id of the LightPath.
    light_path: int | None = None


@dataclass(slots=True)
class ImageContent:
    """One image without its planes and ROIs."""

    id: int
    name: str
    description: str | None
    image: Values
    pixels_id: int
    pixels: Values
    #: Pixel type and dimension order.
    pixels_type: str
    dimension_order: str
    #: X, Y, Z, C, T.
    sizes: tuple[int, int, int, int, int]
    channels: list[ChannelContent] = field(default_factory=list)
    #: Instruments that the image or its channels refer to, its own first.
    instruments: tuple[int, ...] = ()
    #: Experiments likewise.
    experiments: tuple[int, ...] = ()


@dataclass(slots=True)
class Part:
    """One part of an instrument."""

    #: With the class as in LSIDs: ``LightSource`` for a Laser.
    ref: ObjectRef
    spec: Spec
    values: Values


@dataclass(slots=True)
class InstrumentContent:
    """One instrument; the parts in the order of `specs.PARTS` and of their ids."""

    id: int
    microscope: Values | None = None
    parts: list[Part] = field(default_factory=list)


def read_images(reader: Reader, enumerations: Enumerations, ids: Iterable[int]) -> dict[int, ImageContent]:
    """Read images that have pixels, by id; of several Pixels the first, as everywhere in OMERO."""
    images = {one.id.val: one for one in reader.objects(_IMAGES, ids, doing="Reading images")}
    wanted = [
        channel.logicalChannel.id.val
        for image in images.values()
        for pixels in image.copyPixels()[:1]
        for channel in pixels.copyChannels()
        if channel is not None
    ]
    channels = reader.objects(_LOGICAL, wanted, doing="Reading channels", size=IDS_PER_QUERY)
    logical = {one.id.val: one for one in channels}
    return {
        one: _image(image, logical, enumerations) for one, image in images.items() if image.sizeOfPixels() > 0
    }


def _image(image: Any, logical: Mapping[int, Any], enumerations: Enumerations) -> ImageContent:
    pixels = image.getPrimaryPixels()
    channels = [channel for channel in pixels.copyChannels() if channel is not None]
    x, y, z, c, t = (getattr(pixels, f"size{axis}").val for axis in "XYZCT")
    content = ImageContent(
        id=image.id.val,
        name=image.name.val,
        description=None if image.description is None else image.description.val,
        image=read(image, specs.IMAGE, enumerations),
        pixels_id=pixels.id.val,
        pixels=read(pixels, specs.PIXELS, enumerations),
        pixels_type=enumerations.value("PixelsType", pixels.pixelsType),
        dimension_order=enumerations.value("DimensionOrder", pixels.dimensionOrder),
        sizes=(x, y, z, c, t),
    )
    used = [image.instrument, *_owners([image.objectiveSettings and image.objectiveSettings.objective])]
    for channel in channels:
        group = logical[channel.logicalChannel.id.val]
        content.channels.append(
            ChannelContent(
                id=channel.id.val,
                logical_id=group.id.val,
                channel=read(channel, specs.CHANNEL, enumerations),
                logical=read(group, specs.LOGICAL_CHANNEL, enumerations),
                light_path=None if group.lightPath is None else group.lightPath.id.val,
            )
        )
        used += _owners(_used_parts(group))
    content.instruments = _ids(used)
    groups = (logical[channel.logical_id] for channel in content.channels)
    beams = (
        group.lightSourceSettings and group.lightSourceSettings.microbeamManipulation for group in groups
    )
    content.experiments = _ids([image.experiment, *(beam.experiment for beam in beams if beam is not None)])
    return content


def _ids(things: Iterable[Any]) -> tuple[int, ...]:
    """Return the ids of what is there, each once."""
    return tuple(dict.fromkeys(one.id.val for one in things if one is not None))


def _used_parts(logical: Any) -> Iterator[Any]:
    yield from (logical.filterSet, logical.otf)
    yield logical.detectorSettings and logical.detectorSettings.detector
    yield logical.lightSourceSettings and logical.lightSourceSettings.lightSource
    if logical.lightPath is not None:
        yield logical.lightPath.dichroic
        for links in (
            logical.lightPath.copyExcitationFilterLink(),
            logical.lightPath.copyEmissionFilterLink(),
        ):
            yield from (link.child for link in links if link is not None)


def _owners(parts: Iterable[Any]) -> list[Any]:
    return [part.instrument for part in parts if part is not None]


def read_instruments(
    reader: Reader, enumerations: Enumerations, ids: Iterable[int]
) -> dict[int, InstrumentContent]:
    """Read instruments with all parts."""
    found: dict[int, InstrumentContent] = {}
    for one in reader.objects(_INSTRUMENTS, ids, doing="Reading instruments"):
        scope = one.microscope and read(one.microscope, specs.MICROSCOPE, enumerations)
        found[one.id.val] = InstrumentContent(one.id.val, scope)
    for type_name in _PART_TYPES:
        hql = _PART.format(type=type_name, fetch=_FETCHES.get(type_name, ""))
        for part in reader.objects(hql, found, doing="Reading instruments"):
            spec = _SPECS[type(part).__name__.removesuffix("I")]
            ref = ObjectRef(type_name, part.id.val)
            found[part.instrument.id.val].parts.append(Part(ref, spec, read(part, spec, enumerations)))
    order = {spec.type: place for place, spec in enumerate(specs.PARTS)}
    for content in found.values():
        content.parts.sort(key=lambda part: (order[part.spec.type], part.ref.id))
    return found
