"""An RO-Crate that another program wrote as a source: its image files and OME-Zarrs, described or not.

Such a crate says what its files are called and what kind they are, and nothing that OMERO would need
besides: no ids, no containers, no pixels. So what the target makes of each file is taken as it comes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from omero_rocrate_transfer.crate.archives.samples import digest_samples
from omero_rocrate_transfer.crate.foreign.contents import NO_DIGESTS, is_clutter, omit, omit_others
from omero_rocrate_transfer.crate.foreign.files import make_file
from omero_rocrate_transfer.crate.foreign.files_source import FilesSource, FilesUnitReader
from omero_rocrate_transfer.crate.foreign.parts import Parts
from omero_rocrate_transfer.crate.foreign.zarrs import find_zarr_folders, open_zarrs
from omero_rocrate_transfer.crate.media_types import guess_media_type, is_image_name, is_known
from omero_rocrate_transfer.crate.read.files import find_metadata, read_graph
from omero_rocrate_transfer.crate.read.graph import get_text, list_ids
from omero_rocrate_transfer.model.contents import Contents, ImageRecord, Omission, SourceInfo, TransferUnit
from omero_rocrate_transfer.model.document import Document
from omero_rocrate_transfer.model.refs import ObjectRef

if TYPE_CHECKING:
    from collections.abc import Iterator

    from omero_rocrate_transfer.crate.archives.base import ArchiveReader, Limits
    from omero_rocrate_transfer.crate.entities import Entity
    from omero_rocrate_transfer.transfer.ports import UnitReader

_SOURCE: Final = SourceInfo(host="unknown.localdomain", database_uuid="", version="", is_whole=False)
_NOTHING: Final = Contents(source=_SOURCE, roots=())


class RoCrateSource(FilesSource):
    """Reads a crate of others; implements the port `Source`. Safe for several threads.

    Parameters
    ----------
    archive
        Opened; closed with the source.
    limits
        How much it may ask for.

    Raises
    ------
    UnsafeCrateError
        Its metadata break a rule.
    """

    def __init__(self, archive: ArchiveReader, limits: Limits) -> None:
        graph = read_graph(archive, find_metadata(archive), {}, limits)
        folders = find_zarr_folders(archive.sizes)
        self._zarrs, broken = open_zarrs(archive, folders, limits)
        pixels = self._zarrs.read_contents(()) if self._zarrs is not None else _NOTHING
        super().__init__(archive, _make_contents(Parts(graph, archive, folders), pixels, broken))
        self._with_pixels = {unit.ref for unit in pixels.units}

    def open(self, unit: TransferUnit) -> UnitReader:
        """Return the reader of a unit; the document of a file is empty: the crate has none."""
        if self._zarrs is not None and unit.ref in self._with_pixels:
            return self._zarrs.open(unit)
        return FilesUnitReader(unit, self._archive, Document)

    def read_container_document(self) -> Document:
        """Return an empty document: the crate has none."""
        return Document()


def _make_contents(parts: Parts, pixels: Contents, broken: list[Omission]) -> Contents:
    """Return the contents: what the OME-Zarrs hold, then every image file."""
    images: list[tuple[Entity, str]] = []
    no_images = unknown = 0
    for entity, name in parts.iter_files():
        if _is_image(entity, name):
            images.append((entity, name))
        elif is_known(name) or "encodingFormat" in entity:
            no_images += 1
        else:
            unknown += 1
    # ids are made up, but no two may be the same
    first = max((ref.id for ref in _iter_refs(pixels)), default=0) + 1
    units = [
        _make_unit(number, entity, name, parts.sizes[name])
        for number, (entity, name) in enumerate(images, first)
    ]
    return replace(
        pixels,
        source=replace(pixels.source, samples=digest_samples(parts.archive), is_whole=False),
        roots=(*pixels.roots, *(image.ref for unit in units for image in unit.images)),
        units=(*pixels.units, *units),
        omissions=(
            *pixels.omissions,
            *broken,
            *omit("OriginalFile", parts.missing, "it is not in the crate"),
            *omit("Dataset", parts.missing_folders, "its folder is not in the crate, or is empty"),
            *omit("OriginalFile", no_images, "it is no image, and the crate is not one of this program"),
            *omit("OriginalFile", unknown, "its format is not known"),
            *omit_others(parts.archive, parts.archive.sizes, ""),
            *omit("Digest", len(units), NO_DIGESTS, on_request=True),
        ),
    )


def _iter_refs(contents: Contents) -> Iterator[ObjectRef]:
    yield from (one.ref for one in contents.containers)
    for unit in contents.units:
        yield unit.ref
        yield from (image.ref for image in unit.images)


def _is_image(entity: dict[str, Any], name: str) -> bool:
    """Tell whether a file is an image: omero-cli-transfer says only ``image`` of formats it does not know."""
    if is_clutter(name):
        return False
    said = list_ids(entity, "encodingFormat")
    return any(one.startswith("image") for one in (*said, guess_media_type(name))) or is_image_name(name)


def _make_unit(number: int, entity: Entity, name: str, size_bytes: int) -> TransferUnit:
    file = make_file(name, name.rpartition("/")[2], size_bytes)
    image = ImageRecord(ref=ObjectRef("Image", number), name=get_text(entity, "name") or file.name)
    return TransferUnit(ref=ObjectRef("Fileset", number), images=(image,), files=(file,), is_described=False)
