"""Writes one transfer unit into an archive: its original files and its OME-XML sidecar."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from omero_rocrate_transfer.crate import entities, names
from omero_rocrate_transfer.crate.attachments import refer_to_attachments
from omero_rocrate_transfer.crate.extras_json import render_with_extras
from omero_rocrate_transfer.crate.ome_zarr.entities import describe_zarr
from omero_rocrate_transfer.crate.vocabulary import DIGEST_TERMS
from omero_rocrate_transfer.model.digests import SHA256, Digest, Hasher
from omero_rocrate_transfer.model.errors import DigestMismatchError, IncompleteError, UnsafeCrateError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from omero_rocrate_transfer.crate.archives.base import Transaction
    from omero_rocrate_transfer.crate.entities import Entity, PackedFile
    from omero_rocrate_transfer.crate.ome_zarr.plan import PackedZarr, PixelsPlan
    from omero_rocrate_transfer.model.contents import Contents, OriginalFile, TransferUnit
    from omero_rocrate_transfer.model.document import Document
    from omero_rocrate_transfer.transfer.ports import UnitReader

_KINDS: Final = {"Fileset": "fs", "Image": "image", "Plate": "plate", "Annotation": names.ATTACHMENT}


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedUnit:
    """A unit as it lies in the crate."""

    unit: TransferUnit
    #: In the order of ``unit.files``.
    files: tuple[PackedFile, ...]
    document: PackedFile
    #: With its ROIs, where these are too many for the document.
    pages: tuple[PackedFile, ...]
    #: Characters of documents and pages that XML could not hold.
    replaced: int
    #: Where pixels travel.
    zarrs: tuple[PackedZarr, ...] = ()

    @property
    def described(self) -> tuple[PackedFile, ...]:
        """Files that have an entity each, but for those of the OME-Zarrs."""
        return (*self.files, self.document, *self.pages)


def pack_unit(transaction: Transaction, reader: UnitReader, plan: PixelsPlan) -> PackedUnit:
    """Stream a unit from its source into an archive.

    Parameters
    ----------
    plan
        How pixels are written, where they travel.

    Raises
    ------
    IntegrityError
        The bytes are not what the source promised; the caller rolls the transaction back.
    """
    unit = reader.unit
    kind = _KINDS[unit.ref.type]
    width = max(4, len(str(len(unit.files) - 1)))
    files = []
    for index, file in enumerate(unit.files):
        _check_path(unit, file)
        place = index if len(unit.files) > 1 else None
        name = names.make_name(kind, unit.ref.id, file.name, index=place, width=width)
        files.append(_pack_file(transaction, name, reader, file))
    read = reader.document()
    refer_to_attachments(read.ome)
    text, replaced = render_with_extras(read, plan.host)
    document = pack_bytes(transaction, names.make_document_name(kind, unit.ref.id), text)
    pages = []
    for index, page in enumerate(reader.pages()):
        refer_to_attachments(page.ome)
        text, more = render_with_extras(page, plan.host)
        pages.append(pack_bytes(transaction, names.make_page_name(kind, unit.ref.id, index), text))
        replaced += more
    zarrs = _pack_pixels(transaction, reader, read, plan) if unit.pixels else ()
    return PackedUnit(
        unit=unit,
        files=tuple(files),
        document=document,
        pages=tuple(pages),
        replaced=replaced,
        zarrs=zarrs,
    )


def pack_bytes(transaction: Transaction, name: str, data: bytes) -> PackedFile:
    """Write a small file that is in memory."""
    transaction.add(name, len(data), [data])
    digest = Digest(SHA256, hashlib.sha256(data).hexdigest())
    return entities.PackedFile(name=name, size_bytes=len(data), digests={SHA256: digest})


def describe_unit(
    packed: PackedUnit, contents: Contents, *, acquired: bool
) -> tuple[list[Entity], list[str]]:
    """Return the entities of a unit, and the ``@id`` of those that the root mentions.

    Parameters
    ----------
    packed
        The unit in the crate.
    contents
        What it belongs to.
    acquired
        Whether the crate says how its images were made.
    """
    unit, host = packed.unit, contents.source.host
    file_names = [file.name for file in packed.files]
    found = [
        entities.describe_original(unit, index, file, packed.files[index])
        for index, file in enumerate(unit.files)
    ]
    if unit.ref.type == "Annotation":
        found[0]["identifier"] = unit.ref.lsid(host)
    content, mentions = file_names[:1], []
    if len(file_names) > 1:
        content = [entities.object_id(unit.ref)]
        mentions.append(content[0])
        found.append(entities.describe_fileset(unit, host, file_names))
    found.append(entities.describe_document(packed.document, f"OMERO {unit.ref.type} {unit.ref.id}"))
    found.extend(
        entities.describe_document(page, f"ROIs of OMERO {unit.ref.type} {unit.ref.id}")
        for page in packed.pages
    )
    found.extend(entity for zarr in packed.zarrs for entity in describe_zarr(zarr))
    zarrs = {image: zarr.name for zarr in packed.zarrs for image in zarr.images}
    found.extend(
        entities.describe_image(
            image,
            host,
            content=[*content, *([zarrs[image.ref]] if image.ref in zarrs else [])],
            document=packed.document.name,
            acquired=acquired,
            is_root=image.ref in contents.roots,
        )
        for image in unit.images
    )
    return found, mentions


def _pack_pixels(
    transaction: Transaction, reader: UnitReader, document: Document, plan: PixelsPlan
) -> tuple[PackedZarr, ...]:
    # Zarr is only loaded where pixels travel
    from omero_rocrate_transfer.crate.ome_zarr.crate_writer import pack_pixels

    return pack_pixels(transaction, reader, document, plan)


def _check_path(unit: TransferUnit, file: OriginalFile) -> None:
    """Raise if a path could not be read again; servers may have looser rules than crates.

    Raises
    ------
    IncompleteError
    """
    try:
        names.parse_relative_path(file.path)
    except UnsafeCrateError as error:
        reason = error.message.removesuffix(".")
        raise IncompleteError(
            f"{unit.ref}: {reason}, so OriginalFile:{file.key} cannot be in a crate.",
            hint="Take its pixels instead, or rename it on its server.",
        ) from error


def _pack_file(transaction: Transaction, name: str, reader: UnitReader, file: OriginalFile) -> PackedFile:
    hasher = Hasher()
    transaction.add(name, file.size_bytes, _hashed(reader.blocks(file), hasher))
    found = hasher.digests()[SHA256]
    promised = {digest.algorithm: digest for digest in file.digests if digest.algorithm in DIGEST_TERMS}
    expected = promised.get(SHA256, found)
    if expected != found:
        raise DigestMismatchError(file.path, expected=expected, found=found)
    # the source has compared the others, while it read
    return entities.PackedFile(name=name, size_bytes=file.size_bytes, digests={**promised, SHA256: found})


def _hashed(blocks: Iterator[bytes], hasher: Hasher) -> Iterator[bytes]:
    for block in blocks:
        hasher.update(block)
        yield block
