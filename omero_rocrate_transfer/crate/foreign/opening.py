"""Tells packs of omero-cli-transfer and RO-Crates of others from crates of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from omero_rocrate_transfer.crate import vocabulary
from omero_rocrate_transfer.crate.archives import open_archive
from omero_rocrate_transfer.crate.read.files import find_metadata, read_graph
from omero_rocrate_transfer.model.errors import TransferError, UnsafeCrateError

if TYPE_CHECKING:
    from pathlib import Path

    from omero_rocrate_transfer.crate.archives.base import ArchiveReader, Limits
    from omero_rocrate_transfer.transfer.ports import Source

#: The document of a pack of omero-cli-transfer.
TRANSFER_XML: Final = vocabulary.TRANSFER_XML
#: What may stand before the first character of XML or JSON.
_BLANK: Final = b"\xef\xbb\xbf \t\r\n"
_START_BYTES: Final = 64


def open_any(path: Path, limits: Limits) -> ArchiveReader:
    """Open an archive by the strict rules of our crates, or as one of others if it is not ours.

    Raises
    ------
    NotFoundError, UnsafeCrateError
        As `open_archive`.
    """
    try:
        return open_archive(path, limits)
    except UnsafeCrateError:
        archive = open_archive(path, limits, foreign=True)
        try:
            is_ours = _is_ours(archive, limits)
        except BaseException:
            archive.close()
            raise
        if is_ours:
            archive.close()
            raise
        return archive


def open_foreign(archive: ArchiveReader, limits: Limits) -> Source | None:
    """Return the source that an archive is; None where it is nothing of these kinds.

    Raises
    ------
    UnsafeCrateError
        Its metadata break a rule; then the archive is closed.
    """
    try:
        document = _find_document(archive)
        if document is not None:
            from omero_rocrate_transfer.crate.foreign.source import ForeignSource

            return _not_empty(ForeignSource(archive, document, limits))
        if _has_metadata(archive) and not _is_ours(archive, limits):
            from omero_rocrate_transfer.crate.foreign.rocrate import RoCrateSource

            return _not_empty(RoCrateSource(archive, limits))
    except BaseException:
        archive.close()
        raise
    return None


def _not_empty(source: Source) -> Source:
    """Refuse what has neither images nor containers, and nothing that is left out."""
    contents = source.read_contents(())
    if not contents.units and not contents.containers and not contents.omissions:
        raise UnsafeCrateError("It holds no image.", hint="Nothing was written.")
    return source


def _find_document(archive: ArchiveReader) -> str | None:
    """Return the name of the OME-XML of a pack: ``--rocrate`` of omero-cli-transfer misnames it."""
    if vocabulary.METADATA in archive.sizes:
        size = min(_START_BYTES, archive.sizes[vocabulary.METADATA])
        start = archive.read(vocabulary.METADATA, 0, size)
        return vocabulary.METADATA if start.lstrip(_BLANK).startswith(b"<") else None
    return TRANSFER_XML if TRANSFER_XML in archive.sizes else None


def _has_metadata(archive: ArchiveReader) -> bool:
    return any(name in archive.sizes for name in (vocabulary.METADATA, vocabulary.LEGACY_METADATA))


def _is_ours(archive: ArchiveReader, limits: Limits) -> bool:
    """Tell whether it is a crate of ours, whole or not.

    Raises
    ------
    UnsafeCrateError
        It has metadata that cannot be read, and nothing else that ours have.
    """
    if not _has_metadata(archive) or _find_document(archive) is not None:
        return False
    if vocabulary.MANIFEST in archive.sizes:
        return True
    graph = read_graph(archive, find_metadata(archive), {}, limits)
    return graph.is_ours(graph.read_root())


def may_be_ours(path: Path, limits: Limits) -> bool:
    """Tell whether something that was refused is a crate of ours, as far as can be seen."""
    try:
        archive = open_archive(path, limits, foreign=True)
    except TransferError:
        return True
    try:
        return _is_ours(archive, limits)
    except TransferError:
        return False
    finally:
        archive.close()
