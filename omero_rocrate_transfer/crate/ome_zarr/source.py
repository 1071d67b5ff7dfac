"""An OME-Zarr from elsewhere as the source of a transfer: a folder or archive of one or several."""

from __future__ import annotations

import hashlib
import math
import threading
import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, NoReturn

from omero_rocrate_transfer.crate.archives.base import DEFAULT_LIMITS, Limits
from omero_rocrate_transfer.crate.archives.samples import digest_samples
from omero_rocrate_transfer.crate.ome_zarr.members import ArchiveMembers
from omero_rocrate_transfer.crate.ome_zarr.nodes import AbsentError
from omero_rocrate_transfer.crate.ome_zarr.reader import OmeZarr
from omero_rocrate_transfer.crate.ome_zarr.relabel import Labels
from omero_rocrate_transfer.crate.ome_zarr.root import ZarrRoot, read_root
from omero_rocrate_transfer.model.contents import (
    Container,
    Contents,
    ImageRecord,
    Omission,
    SourceInfo,
    TransferUnit,
)
from omero_rocrate_transfer.model.document import Document
from omero_rocrate_transfer.model.errors import NotFoundError, UsageError
from omero_rocrate_transfer.model.refs import ObjectRef, parse_lsid
from omero_rocrate_transfer.transfer.ports import UnitReader

if TYPE_CHECKING:
    from omero_rocrate_transfer.crate.archives.base import ArchiveReader
    from omero_rocrate_transfer.model.contents import OriginalFile
    from omero_rocrate_transfer.transfer.ports import PixelsReader

#: Metadata of a group in Zarr v3 and v2.
_METADATA: Final = ("zarr.json", ".zgroup", ".zattrs")
_REASON: Final = "an OME-Zarr holds pixels and no original files"


class ZarrSource:
    """Reads OME-Zarrs; implements the port `Source`. Safe for several threads.

    Ids are made up: numbers, below a host name that is a digest of the metadata. So the same OME-Zarr has
    the same ids wherever it lies.

    Parameters
    ----------
    archive
        Opened; closed with the source.
    folders
        Of the OME-Zarrs, with a slash at their end; empty for the archive itself.
    name
        Of the folder or archive, without its suffixes.
    omissions
        What lies beside the OME-Zarrs.
    """

    def __init__(
        self,
        archive: ArchiveReader,
        folders: Sequence[str],
        name: str,
        limits: Limits = DEFAULT_LIMITS,
        omissions: Iterable[Omission] = (),
    ) -> None:
        self._archive, self._folders, self._name, self._limits = archive, folders, name, limits
        self._omissions = tuple(omissions)
        self._members = ArchiveMembers(archive, "")
        self._lock = threading.Lock()
        self._read: tuple[Contents, dict[ObjectRef, ZarrRoot]] | None = None

    def read_contents(self, roots: Sequence[ObjectRef] = ()) -> Contents:
        """Return all there is.

        Raises
        ------
        UsageError
            Some objects were asked for: nobody knows their ids.
        UnsafeCrateError
            An OME-Zarr breaks a rule.
        """
        if roots:
            raise UsageError("An OME-Zarr is unpacked as a whole.", hint="Name no objects.")
        return self._read_once()[0]

    def open(self, unit: TransferUnit) -> ZarrUnitReader:
        """Return the reader of a unit."""
        contents, found = self._read_once()
        return ZarrUnitReader(unit, found[unit.ref], contents.source.host)

    def read_container_document(self) -> Document:
        """Return an empty document: plates are in those of their units, and there is nothing else."""
        return Document()

    def close(self) -> None:
        """Close the archive; safe to call twice."""
        self._archive.close()

    def _read_once(self) -> tuple[Contents, dict[ObjectRef, ZarrRoot]]:
        with self._lock:
            if self._read is None:
                self._read = self._read_all()
            return self._read

    def _read_all(self) -> tuple[Contents, dict[ObjectRef, ZarrRoot]]:
        digest = self._digest()
        labels = Labels(f"{digest[:16]}.ome-zarr.localdomain")
        by_unit: dict[ObjectRef, ZarrRoot] = {}
        units: list[TransferUnit] = []
        containers: list[Container] = []
        omissions = list(self._omissions)
        empty: AbsentError | None = None
        for members, title, name in self._iter_zarrs():
            try:
                root = read_root(OmeZarr(members, title), name, labels, self._limits.max_document_bytes)
            except AbsentError as error:
                empty = error
                omissions.append(Omission(type="OME-Zarr", count=1, reason=error.message))
                continue
            made = _make_units(root)
            units += made
            by_unit |= {unit.ref: root for unit in made}
            omissions += root.omissions
            containers += _make_plates(root)
        if empty is not None and not units:
            raise empty
        contents = Contents(
            source=SourceInfo(
                host=labels.host,
                database_uuid=str(uuid.UUID(digest[:32])),
                version="OME-Zarr",
                samples=digest_samples(self._archive),
                is_whole=False,
            ),
            roots=tuple(unit.ref for unit in units),
            containers=tuple(containers),
            units=tuple(units),
            omissions=tuple(omissions),
        )
        return contents, by_unit

    def _iter_zarrs(self) -> Iterator[tuple[ArchiveMembers, str, str]]:
        """Yield the members of each OME-Zarr, what messages call it, and a name for its images.

        A group that is nothing itself, and holds images and plates, is as many OME-Zarrs.
        """
        for folder in self._folders:
            members = self._members.below(folder)
            title, name = folder.rstrip("/") or self._name, _strip(folder) or self._name
            for path in OmeZarr(members, title).find_roots():
                if path:
                    yield members.below(f"{path}/"), f"{title}/{path}", f"{name}/{path}"
                else:
                    yield members, title, name

    def _digest(self) -> str:
        """Return a digest of the metadata of the groups, and of the names and sizes of all files."""
        found = hashlib.sha256()
        for folder in self._folders:
            members = self._members.below(folder)
            for name in members.names():
                found.update(f"{name}\0{members.size(name)}\n".encode())
            for name in _METADATA:
                if folder + name in self._archive.sizes:
                    found.update(b"".join(self._archive.iter_blocks(folder + name)))
        return found.hexdigest()


class ZarrUnitReader(UnitReader):
    """Reads one unit of OME-Zarrs; they have no digests to compare the stored chunks with."""

    def __init__(self, unit: TransferUnit, root: ZarrRoot, host: str) -> None:
        super().__init__(unit)
        self._root, self._host = root, host

    def document(self) -> Document:
        """Return the document of the unit."""
        return self._root.cut_document([image.ref for image in self.unit.images], self._host)

    def blocks(self, file: OriginalFile) -> NoReturn:
        """Raise an error: there are no original files."""
        raise NotFoundError(f"{file.key!a:.200} is not a file of {self.unit.ref}.")

    def pixels(self, image: ObjectRef) -> PixelsReader:
        """Open the pixels of an image."""
        return self._root.images[image][1]


def _make_units(root: ZarrRoot) -> list[TransferUnit]:
    """Return one unit for a plate, or one for each image."""
    elements = {
        lsid[1]: image for image in root.document.images if (lsid := parse_lsid(image.id)) is not None
    }
    records = [
        ImageRecord(ref=ref, name=elements[ref].name or "", description=elements[ref].description)
        for ref in root.images
    ]
    sizes = {ref: math.prod(reader.shape) * reader.dtype.itemsize for ref, (_, reader) in root.images.items()}
    if root.plate is not None:
        images = tuple(
            ImageRecord(ref=one.ref, name=one.name, description=one.description, series=series)
            for series, one in enumerate(records)
        )
        return [_make_unit(root.plate, images, sum(sizes.values()), plates=(root.plate,))]
    return [_make_unit(one.ref, (one,), sizes[one.ref]) for one in records]


def _make_unit(
    ref: ObjectRef, images: tuple[ImageRecord, ...], size_bytes: int, plates: tuple[ObjectRef, ...] = ()
) -> TransferUnit:
    return TransferUnit(
        ref=ref,
        images=images,
        plates=plates,
        pixels=True,
        pixels_size_bytes=size_bytes,
        pixels_reason=_REASON,
    )


def _make_plates(root: ZarrRoot) -> list[Container]:
    if root.plate is None:
        return []
    plate = root.document.plates[0]
    return [
        Container(
            ref=root.plate,
            name=plate.name or root.name,
            description=plate.description,
            members=tuple(root.images),
        )
    ]


def _strip(folder: str) -> str:
    return folder.rstrip("/").removesuffix(".zarr").removesuffix(".ome")
