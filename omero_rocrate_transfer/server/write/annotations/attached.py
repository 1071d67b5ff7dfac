"""The files of FileAnnotations, each uploaded once in a run; ids of objects in them become the new ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from omero_rocrate_transfer.model.annotations import FIGURE_NAMESPACE, TABLE_TYPE
from omero_rocrate_transfer.model.refs import ObjectRef, parse_lsid
from omero_rocrate_transfer.server.mapping import figures
from omero_rocrate_transfer.server.mapping.annotation_objects import SourceAnnotation
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.streams import BLOCK_BYTES
from omero_rocrate_transfer.server.write.annotations import tables
from omero_rocrate_transfer.server.write.annotations.table_check import UnreadableTableError
from omero_rocrate_transfer.server.write.annotations.uploads import upload_file
from omero_rocrate_transfer.server.write.target_ids import TargetIds
from omero_rocrate_transfer.transfer.ports import UnitReader
from omero_rocrate_transfer.transfer.scratch import scratch_folder

#: Larger tables are not copied to a temporary file.
MAX_TABLE_BYTES: Final = 16 << 30
#: What a table becomes whose ids could not be brought up to date: no client may take it for one.
_PLAIN_HDF5: Final = "application/x-hdf5"
_NOT_REWRITTEN: Final = "OMERO.table carried as a plain file with the ids of the source"
_GONE: Final = "a table or figure refers to it, and it is not on the target"

#: What is lost, by type and reason.
Losses = Counter[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class _Content:
    """What is uploaded."""

    blocks: Iterable[bytes]
    media_type: str | None


class Attacher:
    """Uploads attached files."""

    def __init__(self, connection: Connection, group: int, ids: TargetIds) -> None:
        self._connection = connection
        self._group = group
        self._ids = ids

    def attach(self, annotation: SourceAnnotation, reader: UnitReader, losses: Losses) -> ObjectRef:
        """Return the OriginalFile of an annotation; uploads it unless another annotation has the same.

        Raises
        ------
        IntegrityError, NotFoundError
            The file is not what was promised, or cannot be read.
        """
        facts = annotation.facts.file

        def create(lsids: Sequence[str]) -> dict[str, ObjectRef]:
            with scratch_folder() as folder:
                content = self._content(annotation, reader, folder, losses)
                number = upload_file(
                    self._connection,
                    self._group,
                    content.blocks,
                    name=annotation.element.binary_file.file_name,
                    path=None if facts is None else facts.path,
                    media_type=content.media_type,
                )
            return {lsids[0]: ObjectRef("OriginalFile", number)}

        lsid = f"{annotation.lsid}#file" if facts is None else facts.id
        return self._ids.create_once([lsid], create)[lsid]

    def _content(
        self,
        annotation: SourceAnnotation,
        reader: UnitReader,
        folder: Path,
        losses: Losses,
    ) -> _Content:
        [file] = reader.unit.files
        media_type = annotation.element.binary_file.mime_type
        blocks = reader.blocks(file)
        if annotation.namespace == FIGURE_NAMESPACE and file.size_bytes <= figures.MAX_BYTES:
            return _Content([self._figure(annotation, b"".join(blocks), losses)], media_type)
        if media_type != TABLE_TYPE:
            return _Content(blocks, media_type)
        if not tables.has_library() or file.size_bytes > MAX_TABLE_BYTES:
            losses["OMERO.table", f"{_NOT_REWRITTEN}: h5py is missing, or it is too large"] += 1
            return _Content(blocks, _PLAIN_HDF5)
        copy = folder / "table.h5"
        with copy.open("wb") as written:
            written.writelines(blocks)
        return self._table(annotation, copy, losses) or _Content(reader.blocks(file), _PLAIN_HDF5)

    def _figure(self, annotation: SourceAnnotation, data: bytes, losses: Losses) -> bytes:
        try:
            rewritten, lost = figures.rewrite_figure(data, self._finder(annotation))
        except figures.UnreadableFigureError:
            losses["OMERO.figure", "it is no JSON, and carried as it is"] += 1
            return data
        if lost:
            losses["Image", _GONE] += lost
        return rewritten

    def _table(self, annotation: SourceAnnotation, copy: Path, losses: Losses) -> _Content | None:
        """Rewrite a copy of a table; None if that has to be given up in the middle."""
        content: _Content | None = _Content(_read(copy), _PLAIN_HDF5)
        try:
            tables.check_table(copy)
            content = None
            lost = tables.rewrite_table(copy, self._finder(annotation))
        except UnreadableTableError as error:
            losses["OMERO.table", f"{_NOT_REWRITTEN}: {error}"] += 1
            return content
        for type_name, count in lost.items():
            losses[type_name, _GONE] += count
        return _Content(_read(copy), TABLE_TYPE)

    def _finder(self, annotation: SourceAnnotation) -> tables.FindId:
        host = parse_lsid(annotation.lsid)

        def find(type_name: str, number: int) -> int | None:
            ref = self._ids.get(ObjectRef(type_name, number).lsid(host[0])) if host is not None else None
            return None if ref is None else ref.id

        return find


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            yield block
