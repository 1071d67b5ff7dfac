"""The crate as a source: nothing is extracted; what is asked for is streamed, and checked on the way."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from omero_rocrate_transfer.crate import vocabulary
from omero_rocrate_transfer.crate.archives import open_archive
from omero_rocrate_transfer.crate.archives.base import DEFAULT_LIMITS, Limits
from omero_rocrate_transfer.crate.extras_json import extract_document
from omero_rocrate_transfer.crate.omexml import parse_document
from omero_rocrate_transfer.crate.read.metadata import CrateIndex, read_index, select_contents
from omero_rocrate_transfer.model.digests import SHA256, Hasher
from omero_rocrate_transfer.model.document import Document
from omero_rocrate_transfer.model.errors import (
    GET_AGAIN,
    DigestMismatchError,
    NotFoundError,
    UnsafeCrateError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from omero_rocrate_transfer.crate.archives.base import ArchiveReader
    from omero_rocrate_transfer.crate.ome_zarr.crate_reader import CratePixels
    from omero_rocrate_transfer.model.contents import Contents, OriginalFile, TransferUnit
    from omero_rocrate_transfer.model.refs import ObjectRef
    from omero_rocrate_transfer.transfer.ports import PixelsReader


class CrateSource:
    """Reads a crate; implements the port `Source`. Safe for several threads.

    Parameters
    ----------
    path
        A folder, a zip or a tar; told apart by what it is, not by its name.
    limits
        How much it may ask for.
    archive
        What is at the path, where it is open already; closed with the source.
    """

    def __init__(
        self, path: Path, limits: Limits = DEFAULT_LIMITS, archive: ArchiveReader | None = None
    ) -> None:
        self._path = path
        self._archive = archive
        self._limits = limits
        self._lock = threading.Lock()
        self._opened: tuple[ArchiveReader, CrateIndex] | None = None
        self._pixels: CratePixels | None = None
        #: Names of the files of every OME-Zarr, by its folder.
        self._members: dict[str, list[str]] = {}
        #: Names of the files that were read once, with all digests right.
        self._sound: set[str] = set()

    def read_contents(self, roots: Sequence[ObjectRef] = ()) -> Contents:
        """Return what belongs to the roots, all there is where none are named.

        Raises
        ------
        NotFoundError
            Nothing is at the path, or a root is not in the crate.
        UnsafeCrateError
            The crate breaks a rule; only its metadata were read.
        """
        _, index = self._open()
        return select_contents(index.contents, roots)

    def read_document(self, unit: TransferUnit) -> Document:
        """Return the document of one unit."""
        _, index = self._open()
        name = index.documents.get(unit.ref)
        if name is None:
            raise NotFoundError(f"The crate has no OME-XML of {unit.ref}.", hint="Get the crate again.")
        return self._read_document(name)

    def iter_pages(self, unit: TransferUnit) -> Iterator[Document]:
        """Yield the OME documents with the ROIs of one unit that are not in its own."""
        _, index = self._open()
        return map(self._read_document, index.pages.get(unit.ref, ()))

    def read_container_document(self) -> Document:
        """Return the document of the containers; an empty one if the crate has none."""
        _, index = self._open()
        return (
            self._read_document(vocabulary.CONTAINERS) if vocabulary.CONTAINERS in index.files else Document()
        )

    def iter_blocks(self, unit: TransferUnit, file: OriginalFile) -> Iterator[bytes]:
        """Yield the bytes of one original file, and compare size and every digest after the last one.

        Raises
        ------
        IntegrityError
            The archive is damaged or too short.
        DigestMismatchError
            The bytes are not those that the crate promises.
        """
        _, index = self._open()
        if file not in unit.files or file.key not in index.files:
            raise NotFoundError(f"{file.key!a:.200} is no file of {unit.ref}.")
        return self._iter_file(file.key)

    def open_pixels(self, unit: TransferUnit, image: ObjectRef) -> PixelsReader:
        """Open the pixels of an image; a plane that was read whole is compared with its digest.

        Raises
        ------
        NotFoundError
            The crate has none.
        UnsafeCrateError
            They are no sound OME-Zarr.
        """
        if image not in {one.ref for one in unit.images}:
            raise NotFoundError(f"{image} is not in {unit.ref}.")
        return self._open_pixels().open(image)

    def iter_stored_pixels(self, unit: TransferUnit) -> Iterator[bytes]:
        """Yield the bytes of the OME-Zarrs of a unit as they are stored, each file compared with its digest.

        Raises
        ------
        DigestMismatchError
            A file is not the one of the manifest.
        """
        _, index = self._open()
        zarrs = {index.zarrs[image.ref] for image in unit.images if image.ref in index.zarrs}
        for zarr in sorted(zarrs):
            for name in self._list_members(index).get(zarr, ()):
                yield from self._iter_file(name)

    def close(self) -> None:
        """Close the archive; safe to call twice."""
        with self._lock:
            if self._archive is not None:
                self._archive.close()

    def _open(self) -> tuple[ArchiveReader, CrateIndex]:
        with self._lock:
            if self._opened is None:
                if self._archive is None:
                    self._archive = open_archive(self._path, self._limits)
                try:
                    self._opened = self._archive, read_index(self._archive, self._limits)
                except BaseException:
                    self._archive.close()
                    raise
            return self._opened

    def _open_pixels(self) -> CratePixels:
        # Zarr is only loaded where pixels travel
        from omero_rocrate_transfer.crate.ome_zarr.crate_reader import CratePixels

        archive, index = self._open()
        with self._lock:
            if self._pixels is None:
                self._pixels = CratePixels(archive, index, self._read_file)
            return self._pixels

    def _list_members(self, index: CrateIndex) -> dict[str, list[str]]:
        """Return the names of the files of every OME-Zarr."""
        with self._lock:
            if not self._members:
                for name in (*index.members, *index.files):
                    folder, slash, _ = name.partition("/")
                    self._members.setdefault(folder + slash, []).append(name)
            return self._members

    def _read_document(self, name: str) -> Document:
        document = parse_document(self._read_file(name), name, self._limits.max_memory_bytes)
        return extract_document(document, what=name)

    def _read_file(self, name: str) -> bytes:
        """Return a file whole."""
        _, index = self._open()
        if index.files[name].size_bytes > self._limits.max_document_bytes:
            raise UnsafeCrateError(
                f"{name} is longer than {self._limits.max_document_bytes} bytes.",
                hint=GET_AGAIN,
            )
        return b"".join(self._iter_file(name))

    def _iter_file(self, name: str) -> Iterator[bytes]:
        archive, index = self._open()
        promised = index.files[name].digests if name in index.files else {SHA256: index.members[name]}
        if name in self._sound and SHA256 in promised:
            # that the digests agree with each other is known; one tells whether the bytes are still the same
            promised = {SHA256: promised[SHA256]}
        hasher = Hasher(promised)
        for block in archive.iter_blocks(name):
            hasher.update(block)
            yield block
        found = hasher.digests()
        for algorithm, expected in promised.items():
            if found[algorithm] != expected:
                raise DigestMismatchError(name, expected=expected, found=found[algorithm])
        self._sound.add(name)
