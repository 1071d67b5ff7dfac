"""Attachments as transfer units of their own, and what of the annotations stays behind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from omero_rocrate_transfer.model.annotations import AnnotationChoice, attachment_path
from omero_rocrate_transfer.model.contents import Container, Contents, Omission, OriginalFile, TransferUnit
from omero_rocrate_transfer.model.digests import Digest
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.mapping.annotation_kinds import IMAGES_OF_ROIS
from omero_rocrate_transfer.server.read.annotations.links import Link, LinkReader
from omero_rocrate_transfer.server.read.files import stored_size
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.queries import Reader, Row

_FILES: Final = (
    "select a.id, a.ns, f.id, f.name, f.size, h.value, f.hash, f.mimetype from FileAnnotation a"
    " join a.file f left outer join f.hasher h where a.id in (:ids) order by a.id"
)
_LEFT_OUT: Final = "left out by --annotations"

Anchors = dict[str, set[int]]
#: Links to the FileAnnotations that travel, by their ids.
AttachmentLinks = dict[int, list[Link]]


def add_attachments(
    connection: Connection,
    links: LinkReader,
    contents: Contents,
    choice: AnnotationChoice,
    extra: Iterable[int] = (),
    folders: Iterable[int] = (),
) -> tuple[Contents, AttachmentLinks]:
    """Add a unit for each attached file to the contents, after all other units.

    Parameters
    ----------
    choice
        Which annotations travel.
    extra
        Ids of FileAnnotations that travel although nothing links to them, such as figures.
    folders
        Ids of the folders that travel: they are not among the contents.

    Returns
    -------
    contents, links
        The links say what the attachments are on: their units come last, when all of that is on the target.
    """
    reader = Reader(connection)
    anchors = anchors_of(contents.containers, contents.units) | {"Folder": set(folders)}
    omissions = [*_left_out(links, anchors, choice)]
    on: AttachmentLinks = {one: [] for one in extra}
    chosen = set(on)
    if choice.namespaces != ():
        for link in _file_links(links, anchors):
            on.setdefault(link.child, []).append(link)
    rows = reader.rows(_FILES, sorted(on), doing="Reading attachments")
    units = [_unit(connection, row) for row in rows if row[0] in chosen or choice.takes(row[1])]
    added = replace(contents, units=(*contents.units, *units), omissions=(*contents.omissions, *omissions))
    return added, on


def anchors_of(containers: Iterable[Container], units: Sequence[TransferUnit]) -> Anchors:
    """Return the ids by which annotations are looked for."""
    anchors: Anchors = {}
    for one in containers:
        anchors.setdefault(one.ref.type, set()).add(one.ref.id)
    for unit in units:
        for ref in (unit.ref, *unit.plates, *(image.ref for image in unit.images)):
            anchors.setdefault(ref.type, set()).add(ref.id)
    if "Image" in anchors:
        anchors[IMAGES_OF_ROIS] = anchors["Image"]
    return anchors


def _file_links(links: LinkReader, anchors: Anchors) -> Iterator[Link]:
    """Yield links to annotations with files: on the anchors, and on annotations on these."""
    yield from links.file_links(anchors)
    met = new = links.annotation_ids(anchors)
    while new:
        below = links.below(new)
        yield from below
        new = {link.child for link in below} - met
        met = met | new


def _left_out(links: LinkReader, anchors: Anchors, choice: AnnotationChoice) -> Iterator[Omission]:
    if not choice.is_all:
        count = links.count_links(anchors, choice.namespaces or ())
        if count:
            yield Omission(type="Annotation", count=count, reason=_LEFT_OUT, on_request=True)


def _unit(connection: Connection, row: Row) -> TransferUnit:
    annotation, _, file, name, size_bytes, algorithm, digest, media_type = row
    path = attachment_path(name)
    return TransferUnit(
        ref=ObjectRef("Annotation", annotation),
        images=(),
        files=(
            OriginalFile(
                key=str(file),
                path=path,
                # A table has no size in the database until it is closed (omero-py omero.tables).
                size_bytes=stored_size(connection, file, path) if size_bytes is None else size_bytes,
                digests=(Digest(algorithm, digest.lower()),) if algorithm and digest else (),
                media_type=media_type,
            ),
        ),
    )
