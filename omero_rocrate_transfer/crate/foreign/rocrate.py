"""An RO-Crate that another program wrote as a source: every image file in it is a fileset of its own.

Such a crate says what its files are called and what kind they are, and nothing that OMERO would need
besides: no ids, no containers, no pixels. So what the target makes of each file is taken as it comes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from omero_rocrate_transfer.crate.foreign.contents import NO_DIGESTS, omit
from omero_rocrate_transfer.crate.foreign.files import make_file
from omero_rocrate_transfer.crate.foreign.files_source import FilesSource, FilesUnitReader
from omero_rocrate_transfer.crate.media_types import guess_media_type
from omero_rocrate_transfer.crate.names import parse_path
from omero_rocrate_transfer.crate.read import graph as graphs
from omero_rocrate_transfer.crate.read.files import find_metadata, read_graph
from omero_rocrate_transfer.model.contents import Contents, ImageRecord, SourceInfo, TransferUnit
from omero_rocrate_transfer.model.document import Document
from omero_rocrate_transfer.model.refs import ObjectRef

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from omero_rocrate_transfer.crate.archives.base import ArchiveReader, Limits
    from omero_rocrate_transfer.crate.entities import Entity
    from omero_rocrate_transfer.crate.read.graph import Graph

_SOURCE: Final = SourceInfo(host="unknown.localdomain", database_uuid="", version="")
_MAX_DEPTH: Final = 64


class RoCrateSource(FilesSource):
    """Reads a crate of others; implements the port `Source`. Safe for several threads.

    Parameters
    ----------
    archive
        Opened; closed with the source.
    limits
        How much it may ask for.

    Raises
    ------
    UnsafeCrateError
        Its metadata break a rule.
    """

    def __init__(self, archive: ArchiveReader, limits: Limits) -> None:
        graph = read_graph(archive, find_metadata(archive), {}, limits)
        super().__init__(archive, _make_contents(graph, archive.sizes))

    def open(self, unit: TransferUnit) -> FilesUnitReader:
        """Return the reader of a unit; its document is empty: the crate has none."""
        return FilesUnitReader(unit, self._archive, Document)

    def read_container_document(self) -> Document:
        """Return an empty document: the crate has none."""
        return Document()


def _make_contents(graph: Graph, sizes: Mapping[str, int]) -> Contents:
    units: list[TransferUnit] = []
    missing = others = 0
    for entity in _iter_files(graph, graph.read_root(), ()):
        name = _find_name(str(entity["@id"]), sizes)
        if name is None:
            missing += 1
        elif not _is_image(entity, name):
            others += 1
        else:
            units.append(_make_unit(len(units) + 1, entity, name, sizes[name]))
    return Contents(
        source=_SOURCE,
        roots=tuple(image.ref for unit in units for image in unit.images),
        units=tuple(units),
        omissions=(
            *omit("OriginalFile", missing, "it is not in the crate"),
            *omit("OriginalFile", others, "it is no image, and the crate is not one of this program"),
            *omit("Digest", len(units), NO_DIGESTS, on_request=True),
        ),
    )


def _iter_files(graph: Graph, whole: Entity, path: tuple[str, ...]) -> Iterator[Entity]:
    for identifier in graphs.list_ids(whole, "hasPart"):
        entity = graph.entities.get(identifier)
        if entity is None:
            continue
        if identifier in path or len(path) > _MAX_DEPTH:
            raise graphs.refuse(f"{identifier!a:.200} is a part of itself")
        types = graphs.list_types(entity)
        if "File" in types or "MediaObject" in types:
            yield entity
        elif "Dataset" in types:
            yield from _iter_files(graph, entity, (*path, identifier))


def _find_name(identifier: str, sizes: Mapping[str, int]) -> str | None:
    """Return the file that an ``@id`` means: older writers did not escape it, newer ones do."""
    for name in (identifier.removeprefix("./"), unquote(identifier.removeprefix("./"))):
        if name in sizes:
            return parse_path(name)
    if "://" not in identifier:
        parse_path(unquote(identifier.removeprefix("./")))
    return None


def _is_image(entity: Entity, name: str) -> bool:
    """Tell whether a file is an image: omero-cli-transfer says only ``image`` of formats it does not know."""
    told = graphs.list_ids(entity, "encodingFormat")
    return any(one.startswith("image") for one in (*told, guess_media_type(name)))


def _make_unit(number: int, entity: Entity, name: str, size_bytes: int) -> TransferUnit:
    file = make_file(name, name.rpartition("/")[2], size_bytes)
    image = ImageRecord(ref=ObjectRef("Image", number), name=graphs.get_text(entity, "name") or file.name)
    return TransferUnit(ref=ObjectRef("Fileset", number), images=(image,), files=(file,), is_described=False)
