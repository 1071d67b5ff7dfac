"""A crate held against itself: its files against the manifest, its metadata against the profile."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from omero_rocrate_transfer.crate import vocabulary
from omero_rocrate_transfer.crate.archives import open_archive
from omero_rocrate_transfer.crate.archives.base import DEFAULT_LIMITS, Limits
from omero_rocrate_transfer.crate.archives.headers import iter_damaged_headers
from omero_rocrate_transfer.crate.extras_json import extract_document
from omero_rocrate_transfer.crate.ome_zarr.names import name_planes
from omero_rocrate_transfer.crate.omexml import parse_document
from omero_rocrate_transfer.crate.read import graph as graphs
from omero_rocrate_transfer.crate.read.files import find_metadata, read_digests, read_graph
from omero_rocrate_transfer.crate.read.metadata import read_index
from omero_rocrate_transfer.crate.read.source import CrateSource
from omero_rocrate_transfer.model.digests import SHA256, Digest, Hasher
from omero_rocrate_transfer.model.errors import (
    DigestMismatchError,
    IntegrityError,
    TransferError,
    UnsafeCrateError,
)
from omero_rocrate_transfer.transfer.events import Compared, Symbol
from omero_rocrate_transfer.transfer.planes import iter_plane_digests

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from omero_rocrate_transfer.crate.archives.base import ArchiveReader
    from omero_rocrate_transfer.crate.read.metadata import CrateIndex
    from omero_rocrate_transfer.model.contents import ImageRecord, TransferUnit


class CrateAudit:
    """Implements `omero_rocrate_transfer.transfer.verify.audit.Audit` for a crate of ours.

    Parameters
    ----------
    path
        A folder, a zip or a tar.
    limits
        How much it may ask for.
    """

    #: Whether there is something to compare its files with.
    has_digests = True

    def __init__(self, path: Path, limits: Limits = DEFAULT_LIMITS) -> None:
        self._path = path
        self._limits = limits
        self._source = CrateSource(path, limits)
        self._archive: ArchiveReader | None = None
        self._index: CrateIndex | None = None
        #: SHA-256 by name, of files that are in the archive.
        self._promised: dict[str, str] = {}
        #: Names of all OME-XML.
        self._documents: set[str] = set()
        #: Files that were told to be wrong already.
        self._told: set[str] = set()
        #: Images of each OME-Zarr, with their unit, by the name of the file with their digests.
        self._pixels: dict[str, list[tuple[TransferUnit, ImageRecord]]] = {}

    def inspect(self) -> Iterator[Compared]:
        """Compare names, sizes, structure and metadata; yield what differs."""
        try:
            archive = self._archive = open_archive(self._path, self._limits)
        except (UnsafeCrateError, IntegrityError) as error:
            yield self._error(self._path.name, error)
            return
        for name, reason in iter_damaged_headers(self._path):
            yield Compared(symbol="!", path=name, text=f"{reason}.")
        try:
            manifest = read_digests(archive)
        except TransferError as error:
            yield self._error(vocabulary.MANIFEST, error)
            return
        self._promised = {name: digest for name, digest in manifest.items() if name in archive.sizes}
        missing = [name for name in manifest if name not in archive.sizes]
        yield from self._tell("+", missing, f"is missing; {vocabulary.MANIFEST} lists it.")
        # stricter than reading: a preview that somebody added does no harm, but nobody vouches for it
        unlisted = [name for name in archive.sizes if name not in manifest and name != vocabulary.MANIFEST]
        yield from self._tell("-", unlisted, f"is not listed in {vocabulary.MANIFEST}.")
        yield from self._inspect_metadata(archive)

    def list_files(self) -> list[tuple[str, int]]:
        """Return name and size in bytes of the files whose content can be checked."""
        sizes = self._archive.sizes if self._archive is not None else {}
        return [(name, sizes[name]) for name in self._promised if name not in self._told]

    def iter_blocks(self, name: str) -> Iterator[bytes]:
        """Yield the bytes of a file, and compare its digests after the last block."""
        if self._archive is None:
            raise RuntimeError("inspect comes first")
        promised = {SHA256: Digest(SHA256, self._promised[name])}
        if self._index is not None and name in self._index.files:
            promised |= self._index.files[name].digests
        hasher = Hasher(promised)
        for block in self._archive.iter_blocks(name):
            hasher.update(block)
            yield block
        for algorithm, found in hasher.digests().items():
            if found != promised[algorithm]:
                raise DigestMismatchError(name, expected=promised[algorithm], found=found)

    def check_content(self, name: str) -> None:
        """Parse a document, or compare the planes of an OME-Zarr with their digests."""
        if self._index is None or self._archive is None:
            return
        if name in self._documents:
            if self._archive.sizes[name] > self._limits.max_document_bytes:
                raise UnsafeCrateError(f"{name} is longer than {self._limits.max_document_bytes} bytes.")
            data = b"".join(self._archive.iter_blocks(name))
            extract_document(parse_document(data, name, self._limits.max_memory_bytes), what=name)
        for unit, image in self._pixels.get(name, ()):
            with self._source.open(unit) as reader, closing(reader.pixels(image.ref)) as pixels:
                for _ in iter_plane_digests(pixels):
                    pass

    def close(self) -> None:
        """Close the archive; safe to call twice."""
        self._source.close()
        if self._archive is not None:
            self._archive.close()

    def _inspect_metadata(self, archive: ArchiveReader) -> Iterator[Compared]:
        wrong = list(self._list_wrong_sizes(archive))
        yield from wrong
        if self._told:
            # whatever is missing, unlisted or of another size makes the rest of the metadata wrong too
            return
        try:
            index = self._index = read_index(archive, self._limits)
        except DigestMismatchError as error:
            name = find_metadata(archive)
            yield from self._tell("*", [name], error.message.removeprefix(f"{name}: "))
            return
        except TransferError as error:
            yield self._error(vocabulary.METADATA, error)
            return
        pages = (name for names in index.pages.values() for name in names)
        self._documents = {vocabulary.CONTAINERS, *index.documents.values(), *pages}
        for unit in index.contents.units:
            for image in unit.images:
                if image.ref in index.zarrs:
                    name = name_planes(index.zarrs[image.ref])
                    self._pixels.setdefault(name, []).append((unit, image))

    def _list_wrong_sizes(self, archive: ArchiveReader) -> Iterator[Compared]:
        """Yield the files whose size is not that of the metadata, the manifest among them."""
        try:
            graph = read_graph(archive, find_metadata(archive), {}, self._limits)
            for name, entity in graph.entities.items():
                if name in archive.sizes and "contentSize" in entity:
                    size, found = graphs.get_number(entity, "contentSize"), archive.sizes[name]
                    if found != size and name not in self._told:
                        yield from self._tell("*", [name], f"has {found} bytes, not {size}.")
        except TransferError:
            # metadata that cannot be read are told of by whoever reads them whole
            return

    def _tell(self, symbol: Symbol, names: list[str], text: str) -> Iterator[Compared]:
        for name in names:
            self._told.add(name)
            yield Compared(symbol=symbol, path=name, text=text)

    def _error(self, name: str, error: TransferError) -> Compared:
        self._told.add(name)
        return Compared(symbol="!", path=name, text=str(error), error=error)
