"""An OME document in the making: what is read goes in as elements, what they cannot hold beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from ome_types import OME, model

from omero_rocrate_transfer.model.extras import ExtraObject, MemberLink, Place, UserRendering
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.mapping import specs
from omero_rocrate_transfer.server.mapping.conversions import legible, parse_ref
from omero_rocrate_transfer.server.mapping.elements import ElementMaker, Leftovers, json_values
from omero_rocrate_transfer.server.mapping.fields import Spec, Values
from omero_rocrate_transfer.server.mapping.shapes import ROI
from omero_rocrate_transfer.server.read.documents.experiments import ExperimentContent
from omero_rocrate_transfer.server.read.documents.images import ImageContent, InstrumentContent
from omero_rocrate_transfer.server.read.documents.planes import Plane
from omero_rocrate_transfer.server.read.documents.rois import RoiContent, ShapeContent

#: Lists of an Instrument in ome-types.
_LISTS: Final = {
    "Objective": "objectives",
    "Detector": "detectors",
    "Arc": "arcs",
    "Filament": "filaments",
    "LightEmittingDiode": "light_emitting_diodes",
    "GenericExcitationSource": "generic_excitation_sources",
    "Laser": "lasers",
    "Dichroic": "dichroics",
    "Filter": "filters",
    "FilterSet": "filter_sets",
}


def plane_path(place: int) -> str:
    """Return where the leftovers of a plane are found, below those of its Pixels: planes have no ids."""
    return f"planes[{place}]."


class Draft:
    """The document of one unit and its extras."""

    def __init__(self, document: OME, host: str) -> None:
        self.document = document
        self.host = host
        #: Parts of `model.extras.Extras`.
        self.fields: dict[str, Leftovers] = {}
        self.objects: list[ExtraObject] = []
        self.shapes: dict[str, tuple[str, ...]] = {}
        self.folders: dict[str, tuple[str, ...]] = {}
        self.rendering: dict[str, tuple[UserRendering, ...]] = {}
        #: Where planes and light paths are, which have no ids in it.
        self.places: dict[ObjectRef, Place] = {}
        self.owners: dict[str, str] = {}
        self.member_links: list[MemberLink] = []
        #: Login of whoever everything belongs to of which nothing else is said.
        self.owner: str | None = None
        self._maker = ElementMaker(host)
        self._images: dict[int, model.Image] = {}

    def arguments(self, spec: Spec, ref: ObjectRef, values: Values, path: str = "") -> dict[str, Any]:
        """Return the arguments for an element from values; what they cannot say is kept."""
        left: Leftovers = {}
        made = self._maker.arguments(spec, values, left, path)
        if left:
            self.fields.setdefault(ref.lsid(self.host), {}).update(json_values(left, self.host))
        return made

    def members(self) -> Iterator[ObjectRef]:
        """Yield the images and ROIs of the document, which may be in folders."""
        outside = (one.id for one in self.objects if one.type == ROI.type)
        for lsid in (
            *(image.id for image in self.document.images),
            *(roi.id for roi in self.document.rois),
            *outside,
        ):
            ref = parse_ref(lsid)
            if ref is not None:
                yield ref

    def add_instrument(self, content: InstrumentContent) -> None:
        """Add an instrument with all parts."""
        ref = ObjectRef("Instrument", content.id)
        fields: dict[str, Any] = {}
        for part in content.parts:
            if part.spec.element is None:
                self._add_object(part.ref, part.spec, ref.lsid(self.host), 0, part.values)
                continue
            arguments = self.arguments(part.spec, part.ref, part.values)
            element = part.spec.element(id=part.ref.lsid(self.host), **arguments)
            fields.setdefault(_LISTS[part.spec.type], []).append(element)
        if content.microscope is not None:
            scope = self.arguments(specs.MICROSCOPE, ref, content.microscope, "microscope.")
            fields["microscope"] = model.Microscope(**scope)
        self.document.instruments.append(model.Instrument(id=ref.lsid(self.host), **fields))

    def add_experiment(self, content: ExperimentContent) -> None:
        """Add an experiment; its microbeam manipulations have no place in a document."""
        ref = ObjectRef("Experiment", content.id)
        arguments = self.arguments(specs.EXPERIMENT, ref, content.values)
        self.document.experiments.append(model.Experiment(id=ref.lsid(self.host), **arguments))
        for place, each in enumerate(content.manipulations):
            own = ObjectRef(specs.MICROBEAM.type, each.id)
            self._add_object(own, specs.MICROBEAM, ref.lsid(self.host), place, each.values)
            for index, (number, values) in enumerate(each.settings):
                light = ObjectRef(specs.LIGHT_SETTINGS.type, number)
                self._add_object(light, specs.LIGHT_SETTINGS, own.lsid(self.host), index, values)

    def add_image(self, content: ImageContent, experimenter: model.ExperimenterRef | None) -> None:
        """Add an image with its pixels and channels."""
        ref = ObjectRef("Image", content.id)
        fields = self.arguments(specs.IMAGE, ref, content.image)
        if experimenter is not None:
            fields["experimenter_ref"] = experimenter
        if content.description is not None:
            fields["description"] = legible(content.description)
        pixels = self._pixels(content)
        element = model.Image(id=ref.lsid(self.host), name=legible(content.name), pixels=pixels, **fields)
        self._images[content.id] = element
        self.document.images.append(element)

    def add_outline(self, content: ImageContent, experimenter: model.ExperimenterRef | None) -> None:
        """Add as much of an image as the schema asks for: everything else of it is in another document."""
        lsid = ObjectRef("Image", content.id).lsid(self.host)
        element = model.Image(id=lsid, pixels=self._bare_pixels(content))
        if experimenter is not None:
            element.experimenter_ref = experimenter
        self._images[content.id] = element
        self.document.images.append(element)

    def _pixels(self, content: ImageContent) -> model.Pixels:
        ref = ObjectRef("Pixels", content.pixels_id)
        channels = []
        for channel in content.channels:
            own = ObjectRef("Channel", channel.id)
            arguments = self.arguments(specs.CHANNEL, own, channel.channel)
            arguments |= self.arguments(specs.LOGICAL_CHANNEL, own, channel.logical)
            channels.append(model.Channel(id=own.lsid(self.host), **arguments))
            if channel.light_path is not None:
                path = ObjectRef("LightPath", channel.light_path)
                self.places.setdefault(path, Place(of=own.lsid(self.host)))
        more = self.arguments(specs.PIXELS, ref, content.pixels)
        return self._bare_pixels(content, channels=channels, **more)

    def _bare_pixels(self, content: ImageContent, **more: Any) -> model.Pixels:
        x, y, z, c, t = content.sizes
        return model.Pixels(
            id=ObjectRef("Pixels", content.pixels_id).lsid(self.host),
            dimension_order=model.Pixels_DimensionOrder(content.dimension_order),
            type=model.PixelType(content.pixels_type),
            size_x=x, size_y=y, size_z=z, size_c=c, size_t=t,
            metadata_only=model.MetadataOnly(),
            **more,
        )  # fmt: skip

    def add_planes(self, image: int, planes: dict[int, list[Plane]]) -> None:
        """Add what is known of the planes of an image that was added.

        Parameters
        ----------
        planes
            By the ids of Pixels; those of the image are taken out.
        """
        if image not in self._images:  # it has no pixels
            return
        pixels = self._images[image].pixels
        ref = parse_ref(pixels.id)
        if ref is None:
            raise ValueError(f"{pixels.id} is no LSID")
        for index, (number, values) in enumerate(planes.pop(ref.id, ())):
            pixels.planes.append(model.Plane(**self.arguments(specs.PLANE, ref, values, plane_path(index))))
            self.places[ObjectRef("Plane", number)] = Place(of=pixels.id, index=index)

    def add_rois(self, image: int, rois: Iterable[RoiContent]) -> None:
        """Add ROIs of an image that was added."""
        if image not in self._images:
            return
        element = self._images[image]
        for roi in rois:
            ref = ObjectRef("ROI", roi.id)
            if roi.owner != self.owner:
                self.owners[ref.lsid(self.host)] = roi.owner
            if any(shape.spec.element is not None for shape in roi.shapes):
                arguments = self.arguments(ROI, ref, roi.values)
                union: Any = [self._shape(shape) for shape in roi.shapes if shape.spec.element is not None]
                if len({type(shape) for shape in union}) > 1:
                    self.shapes[ref.lsid(self.host)] = tuple(shape.id for shape in union)
                self.document.rois.append(model.ROI(id=ref.lsid(self.host), union=union, **arguments))
                element.roi_refs.append(model.ROIRef(id=ref.lsid(self.host)))
            else:
                self._add_object(ref, ROI, ObjectRef("Image", image).lsid(self.host), 0, roi.values)
            for index, shape in enumerate(roi.shapes):
                if shape.spec.element is None:
                    own = ObjectRef("Shape", shape.id)
                    self._add_object(own, shape.spec, ref.lsid(self.host), index, shape.values)

    def _shape(self, shape: ShapeContent) -> Any:
        ref = ObjectRef("Shape", shape.id)
        return shape.spec.element(id=ref.lsid(self.host), **self.arguments(shape.spec, ref, shape.values))

    def _add_object(self, ref: ObjectRef, spec: Spec, parent: str, index: int, values: Values) -> None:
        self.objects.append(
            ExtraObject(
                id=ref.lsid(self.host),
                type=spec.type,
                parent=parent,
                index=index,
                fields=json_values(values, self.host),
            )
        )
