"""One OME-Zarr from elsewhere, as OME document: from its OME-XML where that fits, else from its metadata."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from ome_types import OME, model

from omero_rocrate_transfer.crate.extras_json import extract_document
from omero_rocrate_transfer.crate.ome_zarr.axes import Flaw
from omero_rocrate_transfer.crate.ome_zarr.challenge import read_pairs
from omero_rocrate_transfer.crate.ome_zarr.elements import find_rendering_flaws, image_element, rendering_of
from omero_rocrate_transfer.crate.ome_zarr.nodes import AbsentError
from omero_rocrate_transfer.crate.ome_zarr.plates import find_wells, plate_element
from omero_rocrate_transfer.crate.omexml import HostileXmlError, check_xml, parse_document
from omero_rocrate_transfer.crate.profile import PROFILE_URI
from omero_rocrate_transfer.model.contents import Omission
from omero_rocrate_transfer.model.document import Document, structured_annotations
from omero_rocrate_transfer.model.errors import UnsafeCrateError
from omero_rocrate_transfer.model.extras import Extras, UserRendering
from omero_rocrate_transfer.model.refs import ObjectRef, parse_lsid

if TYPE_CHECKING:
    from omero_rocrate_transfer.crate.ome_zarr.chunks import Survey
    from omero_rocrate_transfer.crate.ome_zarr.images import ZarrImage
    from omero_rocrate_transfer.crate.ome_zarr.pixels import ZarrReader
    from omero_rocrate_transfer.crate.ome_zarr.reader import OmeZarr, ZarrContents
    from omero_rocrate_transfer.crate.ome_zarr.relabel import Labels

#: Of the key-value pairs that say what an RO-Crate inside said.
NAMESPACE: Final = f"{PROFILE_URI}/ngff-challenge"
_OME_XML: Final = "OME/METADATA.ome.xml"


@dataclass(slots=True)
class ZarrRoot:
    """What one OME-Zarr holds, with ids."""

    name: str
    zarr: OmeZarr
    #: Images in their order, with their pixels.
    images: dict[ObjectRef, tuple[ZarrImage, ZarrReader]]
    document: OME
    plate: ObjectRef | None
    omissions: list[Omission] = field(default_factory=list)

    def cut_document(self, refs: Sequence[ObjectRef], host: str) -> Document:
        """Return the document of some of its images, with their rendering settings."""
        wanted = {ref.lsid(host) for ref in refs}
        images = [image for image in self.document.images if image.id in wanted]
        rois = {ref.id for image in images for ref in image.roi_refs}
        cut = self.document.model_copy(
            update={
                "images": images,
                "rois": [roi for roi in self.document.rois if roi.id in rois],
                "plates": self.document.plates if self.plate is not None else [],
            }
        ).model_copy(deep=True)
        shown = {ref.lsid(host): rendering_of(*self.images[ref]) for ref in refs}
        rendering: dict[str, tuple[UserRendering, ...]] = {
            lsid: (UserRendering(login="", owner=True, rendering=one),)
            for lsid, one in shown.items()
            if one is not None
        }
        return Document(cut, Extras(rendering=rendering))


def read_root(zarr: OmeZarr, name: str, labels: Labels, max_document_bytes: int) -> ZarrRoot:
    """Read one OME-Zarr; the pixels are opened, not read.

    Raises
    ------
    AbsentError
        None of its images is there.
    UnsafeCrateError
        It breaks a rule, or holds what OMERO cannot store.
    """
    told = zarr.read_contents()
    opened, flaws = _open_images(zarr, told)
    contents = replace(told, images=[image for image, _, _ in opened])
    readers = [reader for _, reader, _ in opened]
    omissions = list(_count(flaws))
    document, elements = _describe(zarr, name, labels, max_document_bytes, (contents, readers, omissions))
    for element, image in zip(elements, contents.images, strict=True):
        element.name = element.name or image.name
    refs = [_ref_of(element.id) for element in elements]
    document.images = elements
    plate = _ref_of(document.plates[0].id) if contents.plate is not None and document.plates else None
    found = dict(zip(refs, zip(contents.images, readers, strict=True), strict=True))
    root = ZarrRoot(name, zarr, found, document, plate, omissions)
    _annotate(root, labels)
    has_masks = any(isinstance(shape, model.Mask) for roi in document.rois for shape in roi.union or ())
    for ref, (image, reader, survey) in zip(refs, opened, strict=True):
        omissions.extend(_find_omissions(ref, image, reader, has_masks=has_masks))
        omissions.extend(_count_chunks(ref, reader, survey))
    return root


Opened = tuple["ZarrImage", "ZarrReader", "Survey"]


def _open_images(zarr: OmeZarr, contents: ZarrContents) -> tuple[list[Opened], list[Flaw]]:
    """Open the images, and count those of several whose pixels are not there."""
    opened: list[Opened] = []
    flaws = list(contents.flaws)
    missing: AbsentError | None = None
    for image in contents.images:
        try:
            opened.append((image, *zarr.open_surveyed(image)))
        except AbsentError as error:
            missing = error
            flaws.append(Flaw("Image", f"its pixels are not there: {error.message}"))
    if missing is not None and not opened:
        raise missing
    return opened, flaws


def _ref_of(lsid: str) -> ObjectRef:
    found = parse_lsid(lsid)
    if found is None:
        raise RuntimeError(f"{lsid} was not given by us")
    return found[1]


def _count(
    flaws: Iterable[Flaw], on: ObjectRef | None = None, *, on_request: bool = False
) -> Iterator[Omission]:
    for flaw, count in Counter(flaws).items():
        yield Omission(type=flaw.type, count=count, reason=flaw.reason, on=on, on_request=on_request)


def _describe(
    zarr: OmeZarr,
    name: str,
    labels: Labels,
    max_bytes: int,
    told: tuple[ZarrContents, Sequence[ZarrReader], list[Omission]],
) -> tuple[OME, list[model.Image]]:
    """Return the document and its images: by the OME-XML where it fits, else by the Zarr's own metadata."""
    contents, readers, omissions = told
    try:
        document = _read_omexml(zarr, name, labels, max_bytes, omissions)
    except HostileXmlError:
        raise
    except UnsafeCrateError as error:
        omissions.append(Omission(type="OME-XML", count=1, reason=error.message))
        document = None
    elements = _match(document, contents, readers) if document is not None else None
    if document is not None and elements is None:
        reason = "it describes other images than the OME-Zarr holds"
        omissions.append(Omission(type="OME-XML", count=1, reason=reason))
    if document is None or elements is None:
        return _build(contents, readers, labels, (name, omissions))
    _drop_lost_fields(document, elements)
    return document, elements


def _read_omexml(
    zarr: OmeZarr, name: str, labels: Labels, max_bytes: int, omissions: list[Omission]
) -> OME | None:
    data = zarr.read_text(_OME_XML, max_bytes)
    if data is None:
        return None
    place = f"{name}/{_OME_XML}"
    check_xml(data, place)
    text, dropped, flaws = labels.relabel(data)
    document = extract_document(parse_document(text, place), what=place).ome
    if dropped:
        reason = "an OME-Zarr does not hold the attached files"
        omissions.append(Omission(type="FileAnnotation", count=dropped, reason=reason))
    omissions.extend(_count(flaws))
    return document


def _match(document: OME, contents: ZarrContents, readers: Sequence[ZarrReader]) -> list[model.Image] | None:
    """Return the Image elements in the order of the images; None where they are of other images.

    The images of a collection have the order of the elements (NGFF 0.5, "bioformats2raw.layout"), those of
    a plate stand in wells.
    """
    elements = document.images
    if contents.plate is None:
        # what is missing of a collection has its element, too
        whole = len(elements) == contents.series
        elements = [elements[image.series] for image in contents.images] if whole else []
    else:
        by_id = {element.id: element for element in elements}
        wells = find_wells(document)
        places = [image.field for image in contents.images]
        ids = [wells.get((one.row, one.column, one.index)) for one in places if one is not None]
        elements = [by_id[one] for one in ids if one is not None and one in by_id]
    if (
        not elements
        or len(elements) != len(readers)
        or len({element.id for element in elements}) != len(elements)
    ):
        return None
    return elements if all(map(_fits, elements, readers)) else None


def _fits(element: model.Image, reader: ZarrReader) -> bool:
    pixels = element.pixels
    return (pixels.size_t, pixels.size_c, pixels.size_z, pixels.size_y, pixels.size_x) == reader.shape


def _build(
    contents: ZarrContents,
    readers: Sequence[ZarrReader],
    labels: Labels,
    told: tuple[str, list[Omission]],
) -> tuple[OME, list[model.Image]]:
    name, omissions = told
    elements = []
    for image, reader in zip(contents.images, readers, strict=True):
        lsid = labels.new("Image").lsid(labels.host)
        element, flaws = image_element(image, reader, lsid)
        elements.append(element)
        omissions.extend(_count(flaws, _ref_of(lsid)))
    document = OME()
    if contents.plate is not None:
        plate, flaws = plate_element(contents, [one.id for one in elements], labels, name)
        document.plates.append(plate)
        omissions.extend(_count(flaws))
    return document, elements


def _drop_lost_fields(document: OME, elements: Sequence[model.Image]) -> None:
    """Take the fields of images that are not there out of the plates."""
    there = {element.id for element in elements}
    lost: set[str] = set()
    for plate in document.plates:
        for well in plate.wells:
            for sample in list(well.well_samples):
                if sample.image_ref is not None and sample.image_ref.id not in there:
                    well.well_samples.remove(sample)
                    lost.add(sample.id)
        for run in plate.plate_acquisitions:
            run.well_sample_refs = [ref for ref in run.well_sample_refs if ref.id not in lost]


def _annotate(root: ZarrRoot, labels: Labels) -> None:
    """Hang what the RO-Crate inside says on every image, as key-value pairs."""
    name = "ro-crate-metadata.json"
    try:
        data = root.zarr.read_text(name)
        pairs, flaws = read_pairs(data, f"{root.name}/{name}") if data is not None else ([], [])
    except UnsafeCrateError as error:
        pairs, flaws = [], [Flaw("RO-Crate", error.message)]
    root.omissions.extend(_count(flaws))
    if not pairs:
        return
    lsid = labels.new("Annotation").lsid(labels.host)
    annotation = model.MapAnnotation(
        id=lsid,
        namespace=NAMESPACE,
        value=model.Map(ms=[model.Map.M(k=key, value=text) for key, text in pairs]),
    )
    structured_annotations(root.document).map_annotations.append(annotation)
    for image in root.document.images:
        image.annotation_refs.append(model.AnnotationRef(id=lsid))


def _find_omissions(
    ref: ObjectRef, image: ZarrImage, reader: ZarrReader, *, has_masks: bool
) -> Iterator[Omission]:
    if image.labels and not has_masks:
        reason = "label images are not carried"
        yield Omission(type="Label image", count=image.labels, reason=reason, on=ref)
    if image.others:
        reason = "only the first of several multiscale images is carried"
        yield Omission(type="Image", count=image.others, reason=reason, on=ref)
    yield from _count([*image.flaws, *find_rendering_flaws(image, reader)], ref)
    yield from _count(image.notes, ref, on_request=True)


def _count_chunks(ref: ObjectRef, reader: ZarrReader, survey: Survey) -> Iterator[Omission]:
    """Yield a line of what is missing: a legal gap is told, and no loss where the fill value is given."""
    if survey.missing:
        fill = reader.fill_value
        shown = (
            "are read as 0, for no fill value is given"
            if fill is None
            else f"are read as the fill value {fill}"
        )
        reason = f"{survey.missing} of {survey.expected} chunks are missing and {shown}"
        yield Omission(type="Chunk", count=survey.missing, reason=reason, on=ref, on_request=fill is not None)
