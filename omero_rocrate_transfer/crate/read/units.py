"""Groups the files and images of a crate into transfer units."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from omero_rocrate_transfer.crate import names
from omero_rocrate_transfer.crate.entities import object_id
from omero_rocrate_transfer.crate.ome_zarr.names import name_planes
from omero_rocrate_transfer.crate.read import graph as graphs
from omero_rocrate_transfer.crate.read.graph import Graph, refuse
from omero_rocrate_transfer.crate.vocabulary import RESERVED
from omero_rocrate_transfer.model.contents import Omission, OriginalFile, TransferUnit
from omero_rocrate_transfer.model.refs import MAX_ID, ObjectRef

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from omero_rocrate_transfer.crate.entities import Entity, PackedFile
    from omero_rocrate_transfer.model.contents import Container, ImageRecord

#: ``fs101.cells.tif``: the kind and id of what a file belongs to.
_NAME = re.compile(r"(?P<kind>[a-z]{1,16})(?P<id>\d{1,19})\.(?P<rest>.+)\Z", re.ASCII | re.DOTALL)
_TYPES: Final = {"fs": "Fileset", "image": "Image", "plate": "Plate", names.ATTACHMENT: "Annotation"}
#: Kinds whose files travel as they are.
_FILES: Final = ("fs", names.ATTACHMENT)
_ZARR: Final = ".ome.zarr/"
#: What other files are, by the kind in their names; derived ones like thumbnails are no loss.
_OMITTED: Final[dict[str, str | None]] = {"thumb": None}


@dataclass(frozen=True, slots=True)
class UnitsReading:
    """What was found."""

    units: tuple[TransferUnit, ...]
    #: Names of the OME-XML sidecars.
    documents: dict[ObjectRef, str]
    #: Names of the pages with ROIs, in their order, of units that have some.
    pages: dict[ObjectRef, tuple[str, ...]]
    #: Folders of the OME-Zarrs, by the images that are in them.
    zarrs: dict[ObjectRef, str]
    omissions: tuple[Omission, ...]


@dataclass(slots=True)
class _Group:
    """Files of one unit, and images that say they are in it."""

    ref: ObjectRef
    #: Names of original files, or of the files of an OME-Zarr.
    names: list[str]
    pixels: bool
    images: list[tuple[ImageRecord, Entity]]


class UnitsReader:
    """Groups files by the unit that their names tell, and images by the file they are in.

    Parameters
    ----------
    graph
        Of the crate.
    files
        By name, in the order of the root's ``hasPart``.
    sizes
        Of all files in the archive, the chunks of an OME-Zarr too.
    """

    def __init__(self, graph: Graph, files: Mapping[str, PackedFile], sizes: Mapping[str, int]) -> None:
        self._graph = graph
        self._files = files
        self._sizes = sizes
        #: By ``@id`` of what holds the images: a file, a fileset, an OME-Zarr.
        self._groups: dict[str, _Group] = {}
        #: Names of pages by their index.
        self._pages: dict[ObjectRef, dict[int, str]] = {}
        self._zarrs: dict[ObjectRef, str] = {}
        #: Bytes of every OME-Zarr.
        self._sums: dict[str, int] = {}
        self._omitted: dict[str, int] = {}

    def read(
        self, images: Iterable[tuple[ImageRecord, Entity]], containers: Sequence[Container]
    ) -> UnitsReading:
        """Return the units.

        Raises
        ------
        UnsafeCrateError
            Files, filesets and images contradict each other.
        """
        for name in self._files:
            self._sort_in(name)
        self._name_by_content()
        for image, entity in images:
            self._find_group(image, entity).images.append((image, entity))
        plates = _map_plates(containers)
        groups = [group for group in self._groups.values() if group.images or not group.pixels]
        self._count_pixels()
        return UnitsReading(
            units=tuple(self._make_unit(group, plates) for group in groups),
            documents={group.ref: found for group in groups if (found := self._find_document(group))},
            pages=self._order_pages({group.ref for group in groups if group.images}),
            zarrs=self._zarrs,
            omissions=tuple(
                Omission(type=kind, count=count, reason="files of this kind are not carried yet")
                for kind, count in self._omitted.items()
            ),
        )

    def _sort_in(self, name: str) -> None:
        page = names.parse_page_name(name)
        if page is not None and page[0] in _TYPES and page[1] <= MAX_ID:
            self._pages.setdefault(ObjectRef(_TYPES[page[0]], page[1]), {})[page[2]] = name
            return
        match = _NAME.match(name)
        kind = match["kind"] if match else ""
        if match is None or kind not in _TYPES or int(match["id"]) > MAX_ID:
            self._omit(name, kind)
            return
        ref = ObjectRef(_TYPES[kind], int(match["id"]))
        if name in {names.make_document_name(kind, ref.id), name_planes(f"{kind}{ref.id}{_ZARR}")}:
            return
        pixels = match["rest"].startswith(_ZARR[1:])
        if not pixels and kind not in _FILES:
            self._omit(name, kind)
            return
        group = self._groups.setdefault(str(ref), _Group(ref, [], pixels, []))
        if group.pixels != pixels:
            raise refuse(f"{ref} has both original files and pixels")
        group.names.append(names.check_payload(name))

    def _order_pages(self, units: Collection[ObjectRef]) -> dict[ObjectRef, tuple[str, ...]]:
        for ref, pages in self._pages.items():
            if ref not in units or sorted(pages) != list(range(len(pages))):
                raise refuse(f"{ref} has pages of ROIs, but not all of them or no images")
        return {ref: tuple(pages[index] for index in sorted(pages)) for ref, pages in self._pages.items()}

    def _find_group(self, image: ImageRecord, entity: Entity) -> _Group:
        """Return the unit of an image: that of its original files where there are some, else its OME-Zarr."""
        contents = graphs.list_ids(entity, "hasFile")
        found = {content: group for content in contents if (group := self._groups.get(content)) is not None}
        files = [group for group in found.values() if not group.pixels]
        zarrs = [content for content, group in found.items() if group.pixels]
        if not contents or len(found) < len(contents) or len(files) > 1 or len(zarrs) > 1:
            told = ", ".join(contents)
            raise refuse(f"{image.ref} is in {told!a:.200}, which is none of its files, or too many")
        if zarrs:
            self._zarrs[image.ref] = zarrs[0]
        return files[0] if files else found[zarrs[0]]

    def _count_pixels(self) -> None:
        """Sum up the sizes of the members of every OME-Zarr."""
        for name, size_bytes in self._sizes.items():
            folder, slash, _ = name.partition("/")
            if slash and folder.endswith(_ZARR[:-1]):
                self._sums[folder + slash] = self._sums.get(folder + slash, 0) + size_bytes
        unused = sum(group.pixels for group in self._groups.values()) - len(set(self._zarrs.values()))
        if unused:
            self._omitted["OME-Zarr"] = unused

    def _omit(self, name: str, kind: str) -> None:
        omitted = _OMITTED.get(kind, "OriginalFile")
        if omitted is not None and name not in RESERVED:
            self._omitted[omitted] = self._omitted.get(omitted, 0) + 1

    def _name_by_content(self) -> None:
        """Key the groups by what images refer to, and check the filesets of several files."""
        groups, self._groups = self._groups, {}
        for group in groups.values():
            content = _folder_of(group) if group.pixels else self._check_fileset(group)
            self._groups[content] = group

    def _check_fileset(self, group: _Group) -> str:
        content = object_id(group.ref)
        collection = self._graph.entities.get(content)
        if collection is None:
            if len(group.names) > 1:
                raise refuse(f"{group.ref} has several files and is not described")
            return group.names[0]
        order = graphs.list_ids(collection, "hasPart")
        if sorted(order) != sorted(group.names):
            raise refuse(f"{group.ref} has other files than its description lists")
        if graphs.get_id(collection, "mainEntity") not in {None, order[0]}:
            raise refuse(f"{group.ref} has a main file that is not its first")
        group.names = order
        return content

    def _make_unit(self, group: _Group, plates: Mapping[ObjectRef, list[ObjectRef]]) -> TransferUnit:
        images = sorted((image for image, _ in group.images), key=lambda image: image.series)
        if len({image.series for image in images}) != len(images):
            raise refuse(f"two images of {group.ref} have the same position")
        files = () if group.pixels else tuple(map(self._make_file, group.names))
        zarrs = {self._zarrs[image.ref] for image in images if image.ref in self._zarrs}
        if zarrs and any(image.ref not in self._zarrs for image in images):
            raise refuse(f"pixels of some images of {group.ref} are missing")
        if len({file.path for file in files}) != len(files):
            raise refuse(f"two files of {group.ref} have the same original path")
        return TransferUnit(
            ref=group.ref,
            images=tuple(images),
            files=files,
            plates=tuple(dict.fromkeys(plate for image in images for plate in plates.get(image.ref, ()))),
            pixels=bool(zarrs),
            pixels_size_bytes=sum(self._sums.get(zarr, 0) for zarr in zarrs),
        )

    def _make_file(self, name: str) -> OriginalFile:
        entity, packed = self._graph.entities[name], self._files[name]
        path = graphs.get_text(entity, "alternateName") or graphs.get_text(entity, "name")
        if path is None:
            raise refuse(f"{name!a:.200} has no original name")
        media_types = graphs.list_ids(entity, "encodingFormat")
        return OriginalFile(
            key=name,
            path=names.parse_relative_path(path),
            size_bytes=packed.size_bytes,
            digests=tuple(packed.digests.values()),
            media_type=media_types[0] if media_types else None,
        )

    def _find_document(self, group: _Group) -> str | None:
        found = {graphs.get_id(entity, "subjectOf") for _, entity in group.images} - {None}
        if len(found) > 1:
            raise refuse(f"the images of {group.ref} are described in several documents")
        kind = next(kind for kind, name in _TYPES.items() if name == group.ref.type)
        document = found.pop() if found else names.make_document_name(kind, group.ref.id)
        if document in self._files:
            return document
        if group.images:
            raise refuse(f"{group.ref} has no OME-XML")
        return None


def _folder_of(group: _Group) -> str:
    """Return the ``@id`` of an OME-Zarr."""
    return group.names[0].partition("/")[0] + "/"


def _map_plates(containers: Sequence[Container]) -> dict[ObjectRef, list[ObjectRef]]:
    """Return the plates of every image that is in one."""
    found: dict[ObjectRef, list[ObjectRef]] = {}
    for container in containers:
        if container.ref.type == "Plate":
            for image in container.members:
                found.setdefault(image, []).append(container.ref)
    return found
