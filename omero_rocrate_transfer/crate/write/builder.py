"""A crate that is being written: what is in it so far, and how it is completed."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from omero_rocrate_transfer.crate import entities, vocabulary
from omero_rocrate_transfer.crate.attachments import refer_to_attachments
from omero_rocrate_transfer.crate.extras_json import render_with_extras
from omero_rocrate_transfer.crate.manifest import render_line
from omero_rocrate_transfer.crate.ome_zarr.entities import describe_standards
from omero_rocrate_transfer.crate.write.acquisition import describe_acquisition
from omero_rocrate_transfer.crate.write.metadata import iter_metadata, render_unit
from omero_rocrate_transfer.crate.write.preview import render_preview
from omero_rocrate_transfer.crate.write.provenance import describe_descriptor, describe_root, describe_run
from omero_rocrate_transfer.crate.write.units import PackedUnit, describe_unit, pack_bytes, pack_unit
from omero_rocrate_transfer.model.digests import SHA256
from omero_rocrate_transfer.transfer.faultpoints import faultpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from typing import Any

    from omero_rocrate_transfer.crate.archives.base import ArchiveWriter
    from omero_rocrate_transfer.crate.entities import Entity, PackedFile
    from omero_rocrate_transfer.crate.ome_zarr.plan import PixelsPlan
    from omero_rocrate_transfer.crate.write.provenance import PackRun
    from omero_rocrate_transfer.crate.write.spool import Spool
    from omero_rocrate_transfer.model.contents import Contents
    from omero_rocrate_transfer.model.document import Document
    from omero_rocrate_transfer.model.facts import CrateFacts
    from omero_rocrate_transfer.model.refs import ObjectRef
    from omero_rocrate_transfer.transfer.ports import UnitReader


def render_containers(document: Document, host: str) -> tuple[bytes, int]:
    """Return the document of the containers, and how many characters that XML cannot hold it has lost."""
    refer_to_attachments(document.ome)
    return render_with_extras(document, host)


class Draft:
    """An archive with some units in it, and what its metadata will say of them.

    Memory: about 300 bytes per unit; descriptions wait in a spool.

    Parameters
    ----------
    archive
        Empty, and from now on the draft's.
    contents
        What is to travel.
    facts
        What the user says of the crate.
    spool
        Empty, and from now on the draft's.
    """

    def __init__(self, archive: ArchiveWriter, contents: Contents, facts: CrateFacts, spool: Spool) -> None:
        self._archive = archive
        self._contents = contents
        self._facts = facts
        self._places = {unit.ref: place for place, unit in enumerate(contents.units, 1)}
        self._spool = spool
        #: Units that are in it.
        self.done: set[ObjectRef] = set()
        self.is_complete = False
        #: SHA-256 of the metadata, once it is complete.
        self.digest = ""
        self._lock = threading.Lock()
        #: Files that belong to no unit.
        self._described: list[Entity] = []

    def add_containers(self, text: bytes) -> None:
        """Write the document of the containers, which `render_containers` made."""
        with self._archive.transaction() as transaction:
            packed = pack_bytes(transaction, vocabulary.CONTAINERS, text)
        self._described.append(entities.describe_document(packed, "the containers"))
        self._spool.append(0, {"manifest": _list_files([packed])})

    def add_unit(self, reader: UnitReader, plan: PixelsPlan) -> tuple[PackedUnit, dict[str, Any]]:
        """Write one unit, and return its receipt with it; where that fails, nothing of it stays."""
        unit = reader.unit
        acquired = bool(self._facts.organism or self._facts.modality)
        with self._archive.transaction() as transaction:
            packed = pack_unit(transaction, reader, plan)
            found, mentions = describe_unit(packed, self._contents, acquired=acquired)
            files = packed.described
            parts = [*(file.name for file in files), *(part for zarr in packed.zarrs for part in zarr.parts)]
            streams = render_unit(found, parts=parts, mentions=mentions)
            with self._lock:
                streams["manifest"] = _list_files(files) + b"".join(zarr.manifest for zarr in packed.zarrs)
                places = self._spool.append(self._places[unit.ref], streams)
            faultpoint("crate:unit-described")
        self.done.add(unit.ref)
        return packed, {"archive": transaction.receipt, "spool": places}

    def restore(self, unit: ObjectRef, receipt: dict[str, Any]) -> None:
        """Take a unit in that an earlier process wrote."""
        self._spool.restore(self._places[unit], receipt["spool"])
        self.done.add(unit)

    def sync(self) -> None:
        """Make the units that are in it durable."""
        self._archive.sync()
        self._spool.sync()

    def complete(self, run: PackRun, check: Callable[[Path], None] | None = None) -> None:
        """Write preview, manifest and, last, the metadata.

        Parameters
        ----------
        check
            As `ArchiveWriter.commit` takes it.
        """
        contents = self._select()
        root = describe_root(contents, self._facts, run)
        with self._archive.transaction() as transaction:
            preview = pack_bytes(transaction, vocabulary.PREVIEW, render_preview(contents, root))
        self._spool.append(len(self._places) + 1, {"manifest": _list_files([preview])})
        digest = hashlib.sha256()
        for block in self._iter_metadata(contents, root, run):
            digest.update(block)
            self._spool.append(0, {"metadata": block})
        self.digest = digest.hexdigest()
        self._write_manifest(self.digest)
        faultpoint("crate:manifest-written")
        size_bytes = self._spool.count_bytes("metadata")
        self._archive.commit((vocabulary.METADATA, size_bytes, self._spool.iter_blocks("metadata")), check)
        self.is_complete = True
        self._spool.close()

    def leave(self) -> None:
        """Close the archive as it is, so that a later process goes on with it."""
        self._archive.leave()
        self._spool.close()

    def abort(self) -> None:
        """Remove what was written; does nothing once it is complete."""
        self._archive.abort()
        self._spool.close()

    def _select(self) -> Contents:
        """Return what really is in the crate."""
        contents = self._contents
        if len(self.done) == len(contents.units):
            return contents
        units = tuple(unit for unit in contents.units if unit.ref in self.done)
        there = {image.ref for unit in units for image in unit.images}
        there.update(container.ref for container in contents.containers)
        containers = tuple(
            replace(container, members=tuple(member for member in container.members if member in there))
            for container in contents.containers
        )
        roots = tuple(root for root in contents.roots if root in there)
        return replace(contents, roots=roots, containers=containers, units=units)

    def _iter_metadata(self, contents: Contents, root: Entity, run: PackRun) -> Iterator[bytes]:
        mentioned = ["#pack-1", *(entities.object_id(container.ref) for container in contents.containers)]
        root = {
            **root,
            "mentions": [entities.reference(identifier) for identifier in mentioned],
            "hasPart": [entities.reference(vocabulary.CONTAINERS), entities.reference(vocabulary.MANIFEST)],
        }
        described = (
            describe_descriptor(run.crate_version),
            *self._described,
            self._describe_manifest(),
            *_describe_objects(contents),
            *describe_acquisition(self._facts),
            *describe_run(contents, self._facts, run),
            *(describe_standards() if any(unit.pixels for unit in contents.units) else ()),
        )
        return iter_metadata(self._spool, run.crate_version, root, described)

    def _describe_manifest(self) -> Entity:
        # the manifest lists the metadata, so these cannot hold its digest; its size is known beforehand
        size_bytes = self._spool.count_bytes("manifest") + len(render_line(vocabulary.METADATA, "0" * 64))
        return entities.describe_file(
            entities.PackedFile(name=vocabulary.MANIFEST, size_bytes=size_bytes, digests={}),
            name=vocabulary.MANIFEST,
            description="SHA-256 of every other file of the crate; verify with sha256sum --check",
            media_type="text/plain",
        )

    def _write_manifest(self, metadata_digest: str) -> None:
        last = render_line(vocabulary.METADATA, metadata_digest)
        self._spool.append(len(self._places) + 2, {"manifest": last})
        size_bytes = self._spool.count_bytes("manifest")
        with self._archive.transaction() as transaction:
            transaction.add(vocabulary.MANIFEST, size_bytes, self._spool.iter_blocks("manifest"))


def _list_files(files: Sequence[PackedFile]) -> bytes:
    return b"".join(render_line(file.name, file.digests[SHA256].hex) for file in files)


def _describe_objects(contents: Contents) -> Iterator[Entity]:
    """Yield people, groups and containers."""
    host = contents.source.host
    yield from entities.describe_people(contents.people, host)
    for group in contents.groups:
        yield entities.describe_group(group, host)
    for container in contents.containers:
        yield entities.describe_container(container, host, is_root=container.ref in contents.roots)
