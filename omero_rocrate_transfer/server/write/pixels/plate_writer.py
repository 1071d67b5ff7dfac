"""New plates from the OME document: Plate, PlateAcquisitions, Wells and WellSamples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import omero.model
from ome_types import model
from omero.rtypes import rint, rstring, rtime

from omero_rocrate_transfer.model.contents import Omission
from omero_rocrate_transfer.model.refs import ObjectRef, parse_lsid
from omero_rocrate_transfer.model.results import Mapping as MappingTo
from omero_rocrate_transfer.server.mapping.times import milliseconds
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.errors import server_errors
from omero_rocrate_transfer.server.session.marks import remember_source
from omero_rocrate_transfer.server.write.pixels.image_graph import quantity, set_color
from omero_rocrate_transfer.transfer.faultpoints import faultpoint

#: Wells per save, each a transaction of its own.
_WELLS_PER_SAVE: Final = 200
_PLATE_TEXTS: Final = {"status": "Status", "external_identifier": "ExternalIdentifier"}
_WELL_TEXTS: Final = {
    "type": "Type",
    "external_description": "ExternalDescription",
    "external_identifier": "ExternalIdentifier",
}


class PlateWriter:
    """Writes plates in one group.

    Parameters
    ----------
    images
        What the images of the source became, by id.
    created
        Called with the id of a plate as soon as it is there.
    """

    def __init__(
        self, connection: Connection, group: int, images: Mapping[int, int], created: Callable[[int], None]
    ) -> None:
        self._connection = connection
        self._context = connection.context(group)
        self._images = images
        self._created = created
        self._acquisitions: dict[str, int] = {}
        #: Acquisitions and wells, from source to target.
        self.mappings: list[MappingTo] = []
        #: Samples whose image is not among the images.
        self.omissions: list[Omission] = []

    def write(self, ref: ObjectRef, name: str, description: str | None, element: model.Plate) -> int:
        """Create a plate whole; return its id."""
        doing = f"Creating the plate of {ref}"
        (plate,) = self._insert([_plate(name, description, element)], doing)
        self._created(plate)
        faultpoint("server:plate-created")
        runs = element.plate_acquisitions
        ids = self._insert([_acquisition(plate, run) for run in runs], doing)
        self._acquisitions = dict(zip((run.id for run in runs), ids, strict=True))
        self._map("PlateAcquisition", runs, ids)
        acquisition_of = {sample.id: run.id for run in runs for sample in run.well_sample_refs}
        wells = element.wells
        missing = 0
        for start in range(0, len(wells), _WELLS_PER_SAVE):
            batch = wells[start : start + _WELLS_PER_SAVE]
            graphs = [self._well(plate, well, acquisition_of) for well in batch]
            missing += sum(len(well.well_samples) for well in batch)
            missing -= sum(graph.sizeOfWellSamples() for graph in graphs)
            self._map("Well", batch, self._insert(graphs, doing))
            faultpoint("server:wells-created")
        if missing:
            reason = "their images did not travel with the plate"
            self.omissions.append(Omission(type="WellSample", count=missing, reason=reason, on=ref))
        return plate

    def _well(self, plate: int, element: model.Well, acquisition_of: Mapping[str, str]) -> Any:
        well = omero.model.WellI()
        well.setPlate(_reference("Plate", plate))
        well.setRow(rint(element.row))
        well.setColumn(rint(element.column))
        _set_texts(well, element, _WELL_TEXTS)
        if "color" in element.model_fields_set:
            set_color(well, element.color)
        for sample in sorted(element.well_samples, key=lambda one: one.index):
            image = self._image_of(sample)
            if image is not None:
                run = self._acquisitions.get(acquisition_of.get(sample.id, ""))
                well.addWellSample(_sample(sample, image, run))
        return well

    def _image_of(self, sample: model.WellSample) -> int | None:
        lsid = parse_lsid(sample.image_ref.id) if sample.image_ref is not None else None
        return None if lsid is None else self._images.get(lsid[1].id)

    def _map(self, kind: str, elements: Sequence[Any], ids: Sequence[int]) -> None:
        for element, number in zip(elements, ids, strict=True):
            if (lsid := parse_lsid(element.id)) is not None:
                self.mappings.append(MappingTo(source=lsid[1], target=ObjectRef(kind, number)))

    def _insert(self, objects: list[Any], doing: str) -> list[int]:
        if not objects:
            return []
        with server_errors(doing):
            return list(self._connection.update.saveAndReturnIds(objects, self._context))


def _plate(name: str, description: str | None, element: model.Plate) -> Any:
    plate = omero.model.PlateI()
    remember_source(plate, element.id)
    plate.setName(rstring(name))
    if description is not None:
        plate.setDescription(rstring(description))
    for field in ("rows", "columns"):
        if (count := getattr(element, field)) is not None:
            getattr(plate, f"set{field.capitalize()}")(rint(count))
    for axis in "XY":
        origin = quantity("Length", element, f"well_origin_{axis.lower()}")
        getattr(plate, f"setWellOrigin{axis}")(origin)
    for axis in ("Row", "Column"):
        if (convention := getattr(element, f"{axis.lower()}_naming_convention")) is not None:
            getattr(plate, f"set{axis}NamingConvention")(rstring(convention.value))
    if element.field_index is not None:
        plate.setDefaultSample(rint(element.field_index))
    _set_texts(plate, element, _PLATE_TEXTS)
    return plate


def _acquisition(plate: int, element: model.PlateAcquisition) -> Any:
    run = omero.model.PlateAcquisitionI()
    run.setPlate(_reference("Plate", plate))
    _set_texts(run, element, {"name": "Name", "description": "Description"})
    for field, moment in (("StartTime", element.start_time), ("EndTime", element.end_time)):
        if moment is not None:
            getattr(run, f"set{field}")(rtime(milliseconds(moment)))
    if element.maximum_field_count is not None:
        run.setMaximumFieldCount(rint(element.maximum_field_count))
    return run


def _sample(element: model.WellSample, image: int, acquisition: int | None) -> Any:
    sample = omero.model.WellSampleI()
    sample.setImage(_reference("Image", image))
    sample.setPosX(quantity("Length", element, "position_x"))
    sample.setPosY(quantity("Length", element, "position_y"))
    if element.timepoint is not None:
        sample.setTimepoint(rtime(milliseconds(element.timepoint)))
    if acquisition is not None:
        sample.setPlateAcquisition(_reference("PlateAcquisition", acquisition))
    return sample


def _set_texts(thing: Any, element: Any, names: Mapping[str, str]) -> None:
    for field, name in names.items():
        if (text := getattr(element, field)) is not None:
            getattr(thing, f"set{name}")(rstring(text))


def _reference(kind: str, number: int) -> Any:
    return getattr(omero.model, f"{kind}I")(number, False)  # noqa: FBT003 -- a reference
