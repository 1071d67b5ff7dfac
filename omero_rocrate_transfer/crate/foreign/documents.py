"""Parts of one foreign document: for the containers, for each unit, for each attached file."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from ome_types import OME, model

from omero_rocrate_transfer.model.document import Document, structured_annotations
from omero_rocrate_transfer.model.extras import AnnotationExtras, AnnotationLink, Extras

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from omero_rocrate_transfer.model.contents import TransferUnit


class Documents:
    """Cuts parts out of a document whose objects have LSIDs.

    Parameters
    ----------
    whole
        Changed on the way: attached files leave the lists of references.
    host
        Of the LSIDs.
    """

    def __init__(self, whole: OME, host: str) -> None:
        self._whole = whole
        self._host = host
        self._annotations = {one.id: one for one in _iter_annotations(whole)}
        self._rois = {one.id: one for one in whole.rois}
        self._images = {one.id: one for one in whole.images}
        self._plates = {one.id: one for one in whole.plates}
        self._files = {one.id: one for one in structured_annotations(whole).file_annotations}
        #: Objects that each attached file is on, by its LSID.
        self._links: dict[str, list[str]] = {}
        for thing in _iter_annotated(whole):
            for ref in thing.annotation_refs:
                if ref.id in self._files:
                    self._links.setdefault(ref.id, []).append(thing.id)
            thing.annotation_refs = [ref for ref in thing.annotation_refs if ref.id not in self._files]

    def of_containers(self) -> Document:
        """Return Projects, Datasets and Screens, and what is on them."""
        whole = self._whole
        things = [*whole.projects, *whole.datasets, *whole.screens]
        document = self._annotated(things)
        document.projects.extend(deepcopy(whole.projects))
        document.datasets.extend(deepcopy(whole.datasets))
        document.screens.extend(deepcopy(whole.screens))
        return Document(document)

    def of_unit(self, unit: TransferUnit) -> Document:
        """Return images and plates of a unit, with their ROIs and annotations."""
        images = [self._images[image.ref.lsid(self._host)] for image in unit.images]
        plates = [self._plates[plate.lsid(self._host)] for plate in unit.plates]
        rois = [self._rois[ref.id] for image in images for ref in image.roi_refs]
        wells = [well for plate in plates for well in plate.wells]
        document = self._annotated([*images, *plates, *wells, *rois])
        # who reads a document may change it
        document.images.extend(deepcopy(images))
        document.rois.extend(deepcopy(list({roi.id: roi for roi in rois}.values())))
        document.plates.extend(deepcopy(plates))
        return Document(document)

    def of_attachment(self, unit: TransferUnit) -> Document:
        """Return an attached file, and what it is on."""
        lsid = unit.ref.lsid(self._host)
        [file] = unit.files
        annotation = self._files[lsid].model_copy(deep=True)
        external = model.External(href="", sha1=bytes(20))
        annotation.binary_file = model.BinaryFile(
            file_name=file.name, size=file.size_bytes, mime_type=file.media_type, external=external
        )
        document = OME()
        structured_annotations(document).file_annotations.append(annotation)
        links = tuple(AnnotationLink(parent=parent, child=lsid) for parent in self._links.get(lsid, ()))
        return Document(document, Extras(annotations=AnnotationExtras(links=links)))

    def _annotated(self, things: Iterable[Any]) -> OME:
        """Return a document of the annotations on some objects, and of those on these annotations."""
        document = OME()
        structured = structured_annotations(document)
        for annotation in self._reach(things):
            getattr(structured, _list_of(annotation)).append(deepcopy(annotation))
        return document

    def _reach(self, things: Iterable[Any]) -> list[Any]:
        found: dict[str, Any] = {}
        waiting = list(things)
        while waiting:
            for ref in waiting.pop().annotation_refs:
                annotation = self._annotations.get(ref.id)
                if annotation is not None and ref.id not in found:
                    found[ref.id] = annotation
                    waiting.append(annotation)
        return list(found.values())


def _list_of(annotation: Any) -> str:
    name = type(annotation).__name__.removesuffix("Annotation").lower()
    return f"{name}_annotations"


def _iter_annotations(document: OME) -> Iterator[Any]:
    structured = structured_annotations(document)
    for key in type(structured).model_fields:
        if key.endswith("_annotations"):
            yield from getattr(structured, key)


def _iter_annotated(document: OME) -> Iterator[Any]:
    yield from (*document.projects, *document.datasets, *document.screens, *document.images)
    yield from (*document.plates, *document.rois, *_iter_annotations(document))
    for plate in document.plates:
        yield from plate.wells
