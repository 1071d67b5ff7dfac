"""One OME-Zarr from elsewhere, as OME document: from its OME-XML where that fits, else from its metadata."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ome_types import OME, model

from omero_rocrate_transfer.crate.extras_json import extract_document
from omero_rocrate_transfer.crate.ome_zarr.challenge import read_pairs
from omero_rocrate_transfer.crate.ome_zarr.elements import image_element, rendering_of
from omero_rocrate_transfer.crate.ome_zarr.plates import find_wells, plate_element
from omero_rocrate_transfer.crate.omexml import check_xml, parse_document
from omero_rocrate_transfer.crate.profile import PROFILE_URI
from omero_rocrate_transfer.model.contents import Omission
from omero_rocrate_transfer.model.document import Document, structured_annotations
from omero_rocrate_transfer.model.extras import Extras, UserRendering
from omero_rocrate_transfer.model.refs import ObjectRef, parse_lsid

if TYPE_CHECKING:
    from omero_rocrate_transfer.crate.ome_zarr.pixels import ZarrReader
    from omero_rocrate_transfer.crate.ome_zarr.reader import OmeZarr, ZarrContents, ZarrImage
    from omero_rocrate_transfer.crate.ome_zarr.relabel import Labels

#: Of the key-value pairs that say what an RO-Crate inside said.
NAMESPACE: Final = f"{PROFILE_URI}/ngff-challenge"
_OME_XML: Final = "OME/METADATA.ome.xml"
#: OMERO's limit of a name (omero-model, varchar(255)).
_MAX_NAME: Final = 255


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
    UnsafeCrateError
        It breaks a rule, or holds what OMERO cannot store.
    """
    contents = zarr.read_contents()
    readers = [zarr.open_pixels(image) for image in contents.images]
    omissions: list[Omission] = []
    document = _read_omexml(zarr, name, labels, max_document_bytes, omissions)
    elements = _match(document, contents, readers) if document is not None else None
    if document is None or elements is None:
        if document is not None:
            reason = "it describes other images than the OME-Zarr holds"
            omissions.append(Omission(type="OME-XML", count=1, reason=reason))
        document, elements = _build(contents, readers, labels, name)
    refs = []
    for element, image in zip(elements, contents.images, strict=True):
        element.name = (element.name or image.name)[:_MAX_NAME]
        refs.append(_ref_of(element.id))
    document.images = elements
    plate = _ref_of(document.plates[0].id) if contents.plate is not None and document.plates else None
    found = dict(zip(refs, zip(contents.images, readers, strict=True), strict=True))
    root = ZarrRoot(name, zarr, found, document, plate, omissions)
    _annotate(root, labels)
    omissions.extend(_find_omissions(root))
    return root


def _ref_of(lsid: str) -> ObjectRef:
    found = parse_lsid(lsid)
    if found is None:
        raise RuntimeError(f"{lsid} was not given by us")
    return found[1]


def _read_omexml(
    zarr: OmeZarr, name: str, labels: Labels, max_bytes: int, omissions: list[Omission]
) -> OME | None:
    data = zarr.read_text(_OME_XML, max_bytes)
    if data is None:
        return None
    place = f"{name}/{_OME_XML}"
    check_xml(data, place)
    text, dropped = labels.relabel(data)
    document = parse_document(text, place)
    if dropped:
        reason = "an OME-Zarr does not hold the attached files"
        omissions.append(Omission(type="FileAnnotation", count=dropped, reason=reason))
    return extract_document(document, what=place).ome


def _match(document: OME, contents: ZarrContents, readers: Sequence[ZarrReader]) -> list[model.Image] | None:
    """Return the Image elements in the order of the images; None where they are of other images.

    The images of a collection have the order of the elements (NGFF 0.5, "bioformats2raw.layout"), those of
    a plate stand in wells.
    """
    elements = document.images
    if contents.plate is not None:
        by_id = {element.id: element for element in elements}
        wells = find_wells(document)
        places = [image.field for image in contents.images]
        ids = [wells.get((one.row, one.column, one.index)) for one in places if one is not None]
        elements = [by_id[one] for one in ids if one is not None and one in by_id]
    if len(elements) != len(readers) or len({element.id for element in elements}) != len(elements):
        return None
    return elements if all(map(_fits, elements, readers)) else None


def _fits(element: model.Image, reader: ZarrReader) -> bool:
    pixels = element.pixels
    return (pixels.size_t, pixels.size_c, pixels.size_z, pixels.size_y, pixels.size_x) == reader.shape


def _build(
    contents: ZarrContents, readers: Sequence[ZarrReader], labels: Labels, name: str
) -> tuple[OME, list[model.Image]]:
    elements = [
        image_element(image, reader, labels.new("Image").lsid(labels.host))
        for image, reader in zip(contents.images, readers, strict=True)
    ]
    document = OME()
    if contents.plate is not None:
        document.plates.append(plate_element(contents, [one.id for one in elements], labels, name))
    return document, elements


def _annotate(root: ZarrRoot, labels: Labels) -> None:
    """Hang what the RO-Crate inside says on every image, as key-value pairs."""
    name = "ro-crate-metadata.json"
    data = root.zarr.read_text(name)
    pairs = read_pairs(data, f"{root.name}/{name}") if data is not None else []
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


def _find_omissions(root: ZarrRoot) -> list[Omission]:
    has_masks = any(isinstance(shape, model.Mask) for roi in root.document.rois for shape in roi.union or ())
    found = []
    for ref, (image, _) in root.images.items():
        if root.zarr.has_labels(image) and not has_masks:
            reason = "label images are not carried"
            found.append(Omission(type="Label image", count=1, reason=reason, on=ref))
        if image.others:
            reason = "only the first of several multiscale images is carried"
            found.append(Omission(type="Image", count=image.others, reason=reason, on=ref))
    return found
