"""What a source holds, light enough to keep in memory for a whole migration.

The content of images (pixels' metadata, annotations, ROIs) is not here: it travels as one OME document
per transfer unit, read when its unit is at work.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from omero_rocrate_transfer.model.digests import Digest
    from omero_rocrate_transfer.model.extras import MemberLink
    from omero_rocrate_transfer.model.refs import ObjectRef


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceInfo:
    """Where the objects come from."""

    #: Host name, the first part of every LSID; only ``[A-Za-z0-9._-]``.
    host: str
    #: ``omero.db.uuid`` of the server: tells two servers apart even behind one host name.
    database_uuid: str
    #: Version of OMERO.server, e.g. ``"5.6.14"``.
    version: str
    #: When the crate that holds the objects was packed, as it says itself; None for a server.
    packed: str | None = None
    #: MD5 of that crate's manifest, which has the digests of all its files.
    crate_md5: str | None = None
    #: Tells what another program wrote, and has no manifest, from others: see `crate.archives.samples`.
    samples: str | None = None
    #: Whether it says all that OMERO knows of its objects; what other programs write says a part of it.
    is_whole: bool = True

    @property
    def crate_digest(self) -> str | None:
        """What tells the crate from others; None for a server."""
        return self.crate_md5 or self.samples


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """An Experimenter: who owns things, or who runs the transfer."""

    id: int
    #: ``Experimenter.omeName``.
    login: str
    first_name: str
    last_name: str
    institution: str | None = None
    #: A private fact; only carried on request.
    email: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """An ExperimenterGroup."""

    id: int
    name: str
    #: Like ``"rwra--"``.
    permissions: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A Project, Dataset, Screen or Plate, and what is linked directly into it."""

    ref: ObjectRef
    name: str
    description: str | None = None
    #: Ids of owner and group on the source.
    owner: int | None = None
    group: int | None = None
    #: Creation time, ISO 8601 in UTC.
    created: str | None = None
    #: Datasets of a Project, Images of a Dataset or Plate, Plates of a Screen; only those that travel too.
    members: tuple[ObjectRef, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginalFile:
    """One original file of a Fileset."""

    #: How its source finds it again: the OMERO id, or the name in the crate. Opaque to everybody else.
    key: str
    #: Path relative to the fileset's own root, POSIX separators, original Unicode: ``"pos1/frame.tif"``.
    path: str
    size_bytes: int
    #: What the source knows of the content: SHA256 from a crate, OMERO's own from a server. May be empty.
    digests: tuple[Digest, ...] = ()
    #: ``OriginalFile.mimetype`` as stored, free text.
    media_type: str | None = None

    @property
    def name(self) -> str:
        """Last part of the path."""
        return self.path.rsplit("/", 1)[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRecord:
    """An Image as one line of a plan."""

    ref: ObjectRef
    name: str
    #: Place among the images of its unit, from 0: ``Image.series``.
    series: int = 0
    description: str | None = None
    owner: int | None = None
    group: int | None = None
    #: Creation time in OMERO, ISO 8601 in UTC.
    created: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferUnit:
    """What is imported, retried, checksummed and resumed as one.

    A *Fileset* with its original files and all images in it, or an *Image* (or *Plate*) without originals,
    whose pixels travel as OME-Zarr.
    """

    #: ``Fileset:12``, ``Image:7`` or ``Plate:3``; ``Annotation:42`` for an attached file, without images.
    ref: ObjectRef
    #: In series order.
    images: tuple[ImageRecord, ...]
    #: In the order of ``Fileset.usedFiles``; the first is what Bio-Formats opens. Empty where pixels travel.
    files: tuple[OriginalFile, ...] = ()
    #: Plates that the import of this unit makes.
    plates: tuple[ObjectRef, ...] = ()
    #: Whether pixels of the images travel as OME-Zarr (beside or instead of files).
    pixels: bool = False
    #: Estimate of the bytes of pixels that travel, 0 where none do.
    pixels_size_bytes: int = 0
    #: Whether a document says what its images are; else whatever an import makes of the files is right.
    is_described: bool = True
    #: Why pixels travel and no files, one clause; empty where files do or nobody said.
    pixels_reason: str = ""

    @property
    def owner(self) -> int | None:
        """Id on the source of whoever owns it: the owner of its first image, None for an attached file."""
        return self.images[0].owner if self.images else None

    @property
    def size_bytes(self) -> int:
        """Bytes to move for this unit."""
        return sum(file.size_bytes for file in self.files) + self.pixels_size_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Omission:
    """Something the source has that will not travel."""

    #: What it is, in OMERO's words: ``"TagAnnotation"``, ``"Roi"``, ``"Image"``.
    type: str
    #: How many of them.
    count: int
    #: Why not, one clause: ``"annotations are not carried yet"``.
    reason: str
    #: The object concerned, or what holds them, where it is one.
    on: ObjectRef | None = None
    #: Whether the user asked for that: then it is told, and is no loss.
    on_request: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """All that travels from one source, and what does not."""

    source: SourceInfo
    #: The objects that were asked for, in that order.
    roots: tuple[ObjectRef, ...]
    #: Parents before their members; each once.
    containers: tuple[Container, ...] = ()
    #: In the order in which they are worked on.
    units: tuple[TransferUnit, ...] = ()
    people: tuple[Person, ...] = ()
    groups: tuple[Group, ...] = ()
    #: As `Extras.members` of the document of the containers, where a crate has them.
    member_links: tuple[MemberLink, ...] = ()
    omissions: tuple[Omission, ...] = field(default=())

    def iter_images(self) -> Iterator[ImageRecord]:
        """Yield every image once, in unit and series order."""
        for unit in self.units:
            yield from unit.images

    @property
    def size_bytes(self) -> int:
        """Bytes to move in all."""
        return sum(unit.size_bytes for unit in self.units)

    @property
    def attachment_count(self) -> int:
        """Attached files: units without images."""
        return sum(not unit.images for unit in self.units)

    @property
    def file_count(self) -> int:
        """Original and attached files in all."""
        return sum(len(unit.files) for unit in self.units)
