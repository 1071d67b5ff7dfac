"""Turns archive, manifest and metadata of a crate into `Contents`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from omero_rocrate_transfer.crate import vocabulary
from omero_rocrate_transfer.crate.read.files import find_metadata, list_files, read_graph, read_manifest
from omero_rocrate_transfer.crate.read.objects import ObjectsReader
from omero_rocrate_transfer.crate.read.units import UnitsReader
from omero_rocrate_transfer.model.contents import Contents
from omero_rocrate_transfer.model.digests import SHA256, Digest, Hasher
from omero_rocrate_transfer.model.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omero_rocrate_transfer.crate.archives.base import ArchiveReader, Limits
    from omero_rocrate_transfer.crate.entities import PackedFile
    from omero_rocrate_transfer.model.refs import ObjectRef


@dataclass(frozen=True, slots=True, kw_only=True)
class CrateIndex:
    """What a crate holds and where."""

    contents: Contents
    #: Every file that may be opened: in metadata, manifest and archive alike.
    files: dict[str, PackedFile]
    #: Names of the OME-XML sidecars, by unit.
    documents: dict[ObjectRef, str]
    #: Names of the pages with ROIs, in their order, of units that have some.
    pages: dict[ObjectRef, tuple[str, ...]]
    #: Folders of the OME-Zarrs, by the images that are in them.
    zarrs: dict[ObjectRef, str]
    #: SHA-256 of the files that the metadata do not describe one by one: those inside the OME-Zarrs.
    members: dict[str, Digest]


def read_index(archive: ArchiveReader, limits: Limits) -> CrateIndex:
    """Read what a crate says of itself; no payload is opened.

    Raises
    ------
    UnsafeCrateError
        The crate breaks a rule.
    DigestMismatchError
        Its metadata are not those that its manifest lists.
    """
    name = find_metadata(archive)
    manifest = read_manifest(archive)
    graph = read_graph(archive, name, manifest, limits)
    root = graph.find_root()
    files = list_files(graph, root, archive, manifest)
    objects = ObjectsReader(graph)
    containers = objects.read_containers()
    reading = UnitsReader(graph, files, archive.sizes).read(objects.iter_images(), containers)
    contents = Contents(
        source=replace(objects.read_source(), crate_md5=_hash_manifest(archive)),
        roots=objects.read_roots(root),
        containers=containers,
        units=reading.units,
        people=objects.read_people(),
        groups=objects.read_groups(),
        omissions=(*reading.omissions, *objects.read_omissions()),
    )
    return CrateIndex(
        contents=contents,
        files=files,
        documents=reading.documents,
        pages=reading.pages,
        zarrs=reading.zarrs,
        members={name: Digest(SHA256, digest) for name, digest in manifest.items() if name not in files},
    )


def _hash_manifest(archive: ArchiveReader) -> str:
    """Return what omero-cli-transfer notes of an archive, here of the list of all digests."""
    hasher = Hasher(["MD5-128"])
    for block in archive.iter_blocks(vocabulary.MANIFEST):
        hasher.update(block)
    return hasher.digests()["MD5-128"].hex


def select_contents(contents: Contents, roots: Sequence[ObjectRef]) -> Contents:
    """Return what belongs to some roots; units stay whole, for an import makes all their images.

    Raises
    ------
    NotFoundError
        A root is not in the crate.
    """
    if not roots:
        return contents
    members = {container.ref: container.members for container in contents.containers}
    known = {*members, *(image.ref for image in contents.iter_images())}
    wanted: set[ObjectRef] = set()
    for root in roots:
        if root not in known:
            raise NotFoundError(f"{root} is not in the crate.", hint="Name an object that is in it, or none.")
        _collect(root, members, wanted)
    return replace(
        contents,
        roots=tuple(roots),
        containers=tuple(container for container in contents.containers if container.ref in wanted),
        units=tuple(
            unit
            for unit in contents.units
            # an attachment belongs to whatever has the annotation, which only the documents tell
            if not unit.images or any(image.ref in wanted for image in unit.images)
        ),
    )


def _collect(
    root: ObjectRef, members: dict[ObjectRef, tuple[ObjectRef, ...]], wanted: set[ObjectRef]
) -> None:
    wanted.add(root)
    for member in members.get(root, ()):
        if member not in wanted:
            _collect(member, members, wanted)
