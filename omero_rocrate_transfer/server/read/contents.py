"""What a server holds of the objects asked for: containers, transfer units, people, omissions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Final

from omero_rocrate_transfer.model.choices import PixelsPolicy
from omero_rocrate_transfer.model.contents import Container, Contents, Omission, Person, TransferUnit
from omero_rocrate_transfer.model.errors import NotFoundError
from omero_rocrate_transfer.model.extras import MemberLink
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.mapping.times import iso_utc
from omero_rocrate_transfer.server.read.filesets import FilesetRows, read_filesets
from omero_rocrate_transfer.server.read.omissions import iter_omissions
from omero_rocrate_transfer.server.read.traversal import CONTAINER_TYPES, Walk, add_plates, walk_down
from omero_rocrate_transfer.server.read.units import Choice, FilesetOf, UnitMaker, choose
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.people import read_groups, read_people
from omero_rocrate_transfer.server.session.queries import Reader, Row

_FILESET_OF: Final = (
    "select i.id, f.id from Image i left outer join i.fileset f where i.id in (:ids) order by i.id"
)
_CONTAINERS: Final = (
    "select o.id, o.name, o.description, o.details.owner.id, o.details.group.id,"
    " o.details.creationEvent.time from {type} o where o.id in (:ids) order by o.id"
)
_ARCHIVED: Final = (
    "select m.child.image.id, count(m.id) from PixelsOriginalFileMap m where m.child.image.id in (:ids)"
    " group by m.child.image.id order by m.child.image.id"
)
Containers = dict[ObjectRef, Container]


def read_contents(
    connection: Connection,
    roots: Sequence[ObjectRef],
    pixels: PixelsPolicy = PixelsPolicy.ORIGINAL,
    *,
    emails: bool = False,
) -> Contents:
    """Read what belongs to the roots; everything readable, where none are named.

    The number of calls grows with batches of 1,000 objects, not with objects.

    Parameters
    ----------
    pixels
        Whether original files travel, pixels or both.

    Raises
    ------
    NotFoundError
        Roots are missing or not readable; names all of them.
    """
    reader = Reader(connection)
    walk = walk_down(reader, roots)
    fileset_of: dict[int, int | None] = dict(
        reader.rows(_FILESET_OF, walk.ids["Image"], doing="Reading images")
    )
    filesets = read_filesets(reader, _in_walk_order(walk, fileset_of))
    choice = choose(pixels, walk, fileset_of, filesets)
    add_plates(
        walk, reader, [plate for fileset in sorted(choice.files) for plate in filesets[fileset].plates]
    )
    containers = _read_containers(reader, walk)
    _check_roots(roots, containers, fileset_of, connection.user)

    maker = UnitMaker(reader, walk, choice, fileset_of, filesets)
    units = maker.make()
    kept = _travelling(containers, units)
    omissions = [
        *maker.omissions,
        *_lost_omissions(filesets),
        *_files_omissions(pixels, filesets),
        *_archived_omissions(reader, choice, fileset_of),
        *_plate_omissions(containers, walk, choice, filesets),
        *iter_omissions(reader, _ids_by_type(kept, units)),
    ]
    images = [image for unit in units for image in unit.images]
    travelling = {one.ref for one in kept} | {image.ref for image in images}
    owners = [*(one.owner for one in kept), *(image.owner for image in images)]
    people = read_people(reader, [*owners, *chain(*walk.linkers.values())], emails=emails)
    return Contents(
        source=connection.info,
        # what is left out as a whole is no part of what travels
        roots=tuple(ref for ref in roots if ref in travelling),
        containers=kept,
        units=units,
        people=people,
        groups=read_groups(reader, [*(one.group for one in kept), *(one.group for one in images)]),
        member_links=tuple(_member_links(walk, kept, people, connection.info.host)),
        omissions=tuple(omissions),
    )


def _in_walk_order(walk: Walk, fileset_of: FilesetOf) -> list[int]:
    met = (fileset_of.get(image) for image in walk.ids["Image"])
    return list(dict.fromkeys(fileset for fileset in met if fileset is not None))


def _read_containers(reader: Reader, walk: Walk) -> Containers:
    found: Containers = {}
    for name in CONTAINER_TYPES:
        rows = {
            row[0]: row
            for row in reader.rows(_CONTAINERS.format(type=name), walk.ids[name], doing=f"Reading {name}s")
        }
        for one in walk.ids[name]:
            if one in rows:
                found[ObjectRef(name, one)] = _container(name, rows[one], walk)
    return found


def _container(type_name: str, row: Row, walk: Walk) -> Container:
    one, name, description, owner, group, created = row
    ref = ObjectRef(type_name, one)
    return Container(
        ref=ref,
        name=name,
        description=description,
        owner=owner,
        group=group,
        created=iso_utc(created),
        members=tuple(walk.members.get(ref, ())),
    )


def _check_roots(roots: Sequence[ObjectRef], containers: Containers, images: FilesetOf, user: str) -> None:
    missing = [
        str(ref) for ref in roots if ref not in containers and not (ref.type == "Image" and ref.id in images)
    ]
    if missing:
        raise NotFoundError(
            f"{', '.join(missing)}: not found, or not readable by user {user}.",
            hint="Check the ids, or log in as a user who may read them.",
        )


def _travelling(containers: Containers, units: Sequence[TransferUnit]) -> tuple[Container, ...]:
    """Keep the containers that travel, with those members that do."""
    kept = {image.ref for unit in units for image in unit.images}
    kept |= {plate for unit in units for plate in unit.plates}
    kept |= {ref for ref in containers if ref.type != "Plate"}
    return tuple(
        Container(
            ref=one.ref,
            name=one.name,
            description=one.description,
            owner=one.owner,
            group=one.group,
            created=one.created,
            members=tuple(member for member in one.members if member in kept),
        )
        for one in containers.values()
        if one.ref in kept
    )


def _member_links(
    walk: Walk, kept: Iterable[Container], people: Iterable[Person], host: str
) -> Iterator[MemberLink]:
    """Yield the links that somebody made who does not own what they lead to, with those beside them."""
    logins = {person.id: person.login for person in people}
    for one in kept:
        for member in one.members:
            for linker in walk.linkers.get((one.ref, member), ()):
                yield MemberLink(parent=one.ref.lsid(host), child=member.lsid(host), owner=logins[linker])


def _lost_omissions(filesets: Mapping[int, FilesetRows]) -> Iterator[Omission]:
    for fileset, rows in filesets.items():
        if rows.lost:
            on = ObjectRef("Fileset", fileset)
            yield Omission(type="Image", count=len(rows.images), reason=rows.withheld, on=on)


def _files_omissions(policy: PixelsPolicy, filesets: Mapping[int, FilesetRows]) -> Iterator[Omission]:
    for fileset, rows in filesets.items():
        if rows.without_pixels and rows.files and not rows.lost and policy is not PixelsPolicy.ZARR:
            reason = f"{rows.withheld}, so only pixels of the others travel"
            on = ObjectRef("Fileset", fileset)
            yield Omission(type="OriginalFile", count=len(rows.files), reason=reason, on=on)


def _archived_omissions(reader: Reader, choice: Choice, fileset_of: FilesetOf) -> Iterator[Omission]:
    lone = [image for images in choice.pixels.values() for image in images if fileset_of[image] is None]
    reason = "files that OMERO 4 archived are not carried yet"
    for image, count in reader.rows(_ARCHIVED, lone, doing="Reading archived original files"):
        yield Omission(type="OriginalFile", count=count, reason=reason, on=ObjectRef("Image", image))


def _plate_omissions(
    containers: Containers, walk: Walk, choice: Choice, filesets: Mapping[int, FilesetRows]
) -> Iterator[Omission]:
    filesets_of = Counter(plate for fileset in choice.files for plate in filesets[fileset].plates)
    for ref in containers:
        if ref.type != "Plate" or ref.id in choice.plates or filesets_of[ref.id] == 1:
            continue
        reason = "none of its images can be had" if walk.members.get(ref) else "it has no images"
        if filesets_of[ref.id] > 1:
            reason = "its images come from several filesets, each of which makes a plate of its own"
        yield Omission(type="Plate", count=1, reason=reason, on=ref)


def _ids_by_type(containers: Iterable[Container], units: Iterable[TransferUnit]) -> dict[str, list[int]]:
    ids: dict[str, list[int]] = {}
    refs = [one.ref for one in containers]
    for unit in units:
        refs += [unit.ref, *(image.ref for image in unit.images)]
    for ref in refs:
        ids.setdefault(ref.type, []).append(ref.id)
    return ids
