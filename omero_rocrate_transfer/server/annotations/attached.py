"""The files of FileAnnotations, each uploaded once in a run."""

from __future__ import annotations

from collections.abc import Sequence

from omero_rocrate_transfer.model.contents import TransferUnit
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.annotations.objects import SourceAnnotation
from omero_rocrate_transfer.server.annotations.uploads import upload_file
from omero_rocrate_transfer.server.session import Connection
from omero_rocrate_transfer.server.target_ids import TargetIds
from omero_rocrate_transfer.transfer.ports import Source


def attach_file(
    connection: Connection,
    group: int,
    ids: TargetIds,
    annotation: SourceAnnotation,
    unit: TransferUnit,
    source: Source,
) -> ObjectRef:
    """Return the OriginalFile of an annotation; uploads it unless another annotation has the same.

    Raises
    ------
    IntegrityError, NotFoundError
        The file is not what was promised, or cannot be read.
    """
    [file] = unit.files
    described, facts = annotation.element.binary_file, annotation.facts.file

    def create(lsids: Sequence[str]) -> dict[str, ObjectRef]:
        number = upload_file(
            connection,
            group,
            source.iter_blocks(unit, file),
            name=described.file_name,
            path=None if facts is None else facts.path,
            media_type=described.mime_type,
            size_bytes=file.size_bytes,
        )
        return {lsids[0]: ObjectRef("OriginalFile", number)}

    lsid = f"{annotation.lsid}#file" if facts is None else facts.id
    return ids.create_once([lsid], create)[lsid]
