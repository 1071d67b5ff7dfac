"""The content of a crate: streamed out of its archive, and compared with its digests on the way."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from omero_rocrate_transfer.crate.extras_json import extract_document
from omero_rocrate_transfer.crate.omexml import parse_document
from omero_rocrate_transfer.model.digests import SHA256, Hasher
from omero_rocrate_transfer.model.errors import GET_AGAIN, DigestMismatchError, UnsafeCrateError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from omero_rocrate_transfer.crate.archives.base import ArchiveReader, Limits
    from omero_rocrate_transfer.crate.ome_zarr.crate_reader import CratePixels
    from omero_rocrate_transfer.crate.read.metadata import CrateIndex
    from omero_rocrate_transfer.model.document import Document
    from omero_rocrate_transfer.model.refs import ObjectRef
    from omero_rocrate_transfer.transfer.ports import PixelsReader


class CrateContent:
    """Reads the files of a crate; safe for several threads.

    Parameters
    ----------
    archive
        Opened; it is closed by its owner.
    index
        What its metadata promise.
    limits
        How much it may ask for.
    """

    def __init__(self, archive: ArchiveReader, index: CrateIndex, limits: Limits) -> None:
        self.index = index
        self._archive = archive
        self._limits = limits
        self._lock = threading.Lock()
        self._pixels: CratePixels | None = None
        #: Names of the files of every OME-Zarr, by its folder.
        self._members: dict[str, list[str]] = {}
        #: Names of the files that were read once, with all digests right.
        self._sound: set[str] = set()

    def read_document(self, name: str) -> Document:
        """Return a document with its extras.

        Raises
        ------
        UnsafeCrateError
            It is too long or cannot be read.
        """
        document = parse_document(self._read_file(name), name, self._limits.max_memory_bytes)
        return extract_document(document, what=name)

    def open_pixels(self, image: ObjectRef) -> PixelsReader:
        """Open the pixels of an image; see `CratePixels.open`."""
        # Zarr is only loaded where pixels travel
        from omero_rocrate_transfer.crate.ome_zarr.crate_reader import CratePixels

        with self._lock:
            if self._pixels is None:
                self._pixels = CratePixels(self._archive, self.index, self._read_file)
            pixels = self._pixels
        return pixels.open(image)

    def list_members(self, zarr: str) -> list[str]:
        """Return the names of the files of an OME-Zarr."""
        with self._lock:
            if not self._members:
                for name in (*self.index.members, *self.index.files):
                    folder, slash, _ = name.partition("/")
                    self._members.setdefault(folder + slash, []).append(name)
            return self._members.get(zarr, [])

    def iter_file(self, name: str) -> Iterator[bytes]:
        """Yield the bytes of a file, and compare its digests after the last one.

        Raises
        ------
        IntegrityError
            The archive is damaged or too short.
        DigestMismatchError
            The bytes are not those that the crate promises.
        """
        index = self.index
        promised = index.files[name].digests if name in index.files else {SHA256: index.members[name]}
        if name in self._sound and SHA256 in promised:
            # that the digests agree with each other is known; one tells whether the bytes are still the same
            promised = {SHA256: promised[SHA256]}
        hasher = Hasher(promised)
        for block in self._archive.iter_blocks(name):
            hasher.update(block)
            yield block
        found = hasher.digests()
        for algorithm, expected in promised.items():
            if found[algorithm] != expected:
                raise DigestMismatchError(name, expected=expected, found=found[algorithm])
        self._sound.add(name)

    def _read_file(self, name: str) -> bytes:
        """Return a file whole."""
        if self.index.files[name].size_bytes > self._limits.max_document_bytes:
            raise UnsafeCrateError(
                f"{name} is longer than {self._limits.max_document_bytes} bytes.",
                hint=GET_AGAIN,
            )
        return b"".join(self.iter_file(name))
