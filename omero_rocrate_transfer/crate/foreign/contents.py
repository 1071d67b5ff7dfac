"""What a ``transfer.xml`` holds, as the contents of a transfer."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from omero_rocrate_transfer.crate import vocabulary
from omero_rocrate_transfer.crate.archives.samples import digest_samples
from omero_rocrate_transfer.crate.foreign.files import PackFiles
from omero_rocrate_transfer.crate.foreign.identities import clean_host, give_identities
from omero_rocrate_transfer.model.contents import (
    Container,
    Contents,
    ImageRecord,
    Omission,
    SourceInfo,
    TransferUnit,
)
from omero_rocrate_transfer.model.document import structured_annotations
from omero_rocrate_transfer.model.refs import ObjectRef, parse_lsid

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from ome_types import OME

    from omero_rocrate_transfer.crate.archives.base import ArchiveReader
    from omero_rocrate_transfer.crate.foreign.transfer_xml import TransferXml
    from omero_rocrate_transfer.model.contents import OriginalFile

NO_DIGESTS: Final = "the pack has no digests: what was damaged in it before cannot be told"
#: Files at the top of a crate that are about it.
_OWN: Final = frozenset(
    [
        vocabulary.METADATA, vocabulary.LEGACY_METADATA, vocabulary.PREVIEW, vocabulary.TRANSFER_XML,
        "ro-crate-metadata-1.1.json", "ro-crate-preview.jsonld",
    ]
)  # fmt: skip
#: Files that macOS and Windows put into folders.
_SYSTEM: Final = frozenset([".DS_Store", "Thumbs.db", "desktop.ini", "Desktop.ini", "Icon"])


def make_contents(pack: TransferXml, archive: ArchiveReader, name: str) -> Contents:
    """Return the contents of a pack, and give the objects of its document their LSIDs.

    Parameters
    ----------
    name
        Of the document in the archive.

    Raises
    ------
    UnsafeCrateError
        A path leaves the pack.
    """
    document, host = pack.document, clean_host(pack.host)
    ids = give_identities(document, host)
    paths = {ids[old]: path for old, path in pack.paths.items() if old in ids}
    order_fields(document)
    containers = tuple(_iter_containers(document))
    pack_files = PackFiles(archive.sizes)
    units, lost = _make_units(document, paths, pack_files)
    attached = tuple(_iter_attachments(document, paths, pack_files))
    without = len(structured_annotations(document).file_annotations) - len(attached)
    files = sum(len(unit.files) for unit in (*units, *attached))
    omissions = (
        *omit("Image", lost, "its file is not in the pack"),
        *omit("FileAnnotation", without, "its file is not in the pack"),
        *omit_others(archive, {name, *pack_files.found}, "nothing in the pack refers to it"),
        *omit("Digest", files, NO_DIGESTS, on_request=True),
    )
    there = {image.ref for unit in units for image in unit.images} | {one.ref for one in containers}
    containers = tuple(_without_lost(one, there) for one in containers)
    members = {member for one in containers for member in one.members}
    return Contents(
        source=SourceInfo(
            host=host,
            database_uuid=pack.database_uuid,
            version="",
            samples=digest_samples(archive),
            is_whole=False,
        ),
        roots=tuple(
            ref
            for ref in (*(one.ref for one in containers), *(i.ref for unit in units for i in unit.images))
            if ref not in members
        ),
        containers=containers,
        units=(*units, *attached),
        omissions=omissions,
    )


def ref_of(lsid: str) -> ObjectRef:
    """Return the object of an LSID that was given here."""
    found = parse_lsid(lsid)
    if found is None:
        raise ValueError(lsid)
    return found[1]


def order_fields(document: OME) -> None:
    """Give fields of plates the numbers from 0: packs have the id of the image in their place."""
    for plate in document.plates:
        wells = sorted(plate.wells, key=lambda well: (well.row, well.column))
        samples = [one for well in wells for one in sorted(well.well_samples, key=lambda one: one.index)]
        for index, sample in enumerate(samples):
            sample.index = index


def omit(kind: str, count: int, reason: str, *, on_request: bool = False) -> Iterator[Omission]:
    """Yield what is left out, unless it is nothing."""
    if count:
        yield Omission(type=kind, count=count, reason=reason, on_request=on_request)


def is_clutter(name: str) -> bool:
    """Tell whether a file belongs to a system or to the crate itself, so that leaving it out is no loss."""
    last = name.rpartition("/")[2]
    return (
        name in _OWN
        or name.startswith((vocabulary.PREVIEW_FILES, "__MACOSX/"))
        or last.startswith("._")
        or last.rstrip("\r") in _SYSTEM
    )


def omit_others(archive: ArchiveReader, known: Collection[str], reason: str) -> Iterator[Omission]:
    """Yield what is left out of the files that nothing is made of, and of members that cannot be read."""
    rest = sum(name not in known and not is_clutter(name) for name in archive.sizes)
    yield from omit("OriginalFile", rest, reason)
    reasons = Counter(why for name, why in archive.passed_over.items() if not is_clutter(name))
    for why, count in reasons.items():
        yield from omit("OriginalFile", count, why)


def _iter_containers(document: OME) -> Iterator[Container]:
    for project in document.projects:
        yield _container(project, [ref.id for ref in project.dataset_refs])
    for screen in document.screens:
        yield _container(screen, [ref.id for ref in screen.plate_refs])
    for dataset in document.datasets:
        yield _container(dataset, [ref.id for ref in dataset.image_refs])
    for plate in document.plates:
        samples = [one for well in plate.wells for one in well.well_samples]
        samples.sort(key=lambda one: one.index)
        yield _container(plate, [one.image_ref.id for one in samples if one.image_ref is not None])


def _container(thing: Any, members: list[str]) -> Container:
    return Container(
        ref=ref_of(thing.id),
        name=thing.name or str(ref_of(thing.id)),
        description=thing.description,
        members=tuple(dict.fromkeys(map(ref_of, members))),
    )


def _without_lost(container: Container, there: set[ObjectRef]) -> Container:
    members = tuple(member for member in container.members if member in there)
    if members == container.members:
        return container
    return Container(
        ref=container.ref, name=container.name, description=container.description, members=members
    )


def _make_units(
    document: OME, paths: Mapping[str, str], pack_files: PackFiles
) -> tuple[tuple[TransferUnit, ...], int]:
    """Return a unit for each path, and how many images have none: images of one path are its series."""
    images: dict[str, list[Any]] = {}
    for image in document.images:
        images.setdefault(paths.get(image.id, ""), []).append(image)
    plates = _map_plates(document)
    units, lost = [], 0
    for path, members in images.items():
        files = pack_files.find(path) if path else ()
        if files:
            units.append(_make_unit(members, files, plates))
        else:
            lost += len(members)
    return tuple(units), lost


def _make_unit(
    images: list[Any], files: tuple[OriginalFile, ...], plates: Mapping[ObjectRef, list[ObjectRef]]
) -> TransferUnit:
    in_order = sorted(images, key=lambda image: ref_of(image.id))
    records = tuple(
        ImageRecord(
            ref=ref_of(image.id),
            name=image.name or files[0].name,
            series=series,
            description=image.description,
        )
        for series, image in enumerate(in_order)
    )
    return TransferUnit(
        # the pack does not tell the id of the fileset, so its first image lends its own
        ref=ObjectRef("Fileset", records[0].ref.id),
        images=records,
        files=files,
        plates=tuple(dict.fromkeys(plate for one in records for plate in plates.get(one.ref, ()))),
    )


def _map_plates(document: OME) -> dict[ObjectRef, list[ObjectRef]]:
    found: dict[ObjectRef, list[ObjectRef]] = {}
    for plate in document.plates:
        for well in plate.wells:
            for sample in well.well_samples:
                if sample.image_ref is not None:
                    found.setdefault(ref_of(sample.image_ref.id), []).append(ref_of(plate.id))
    return found


def _iter_attachments(
    document: OME, paths: Mapping[str, str], pack_files: PackFiles
) -> Iterator[TransferUnit]:
    for annotation in structured_annotations(document).file_annotations:
        path = paths.get(annotation.id)
        files = pack_files.find(path) if path else ()
        if len(files) == 1:
            yield TransferUnit(ref=ref_of(annotation.id), images=(), files=files)
