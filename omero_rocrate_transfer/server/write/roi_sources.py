"""The files that ROIs were made from: known once both are on the target."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from omero_rocrate_transfer.model.contents import Omission, TransferUnit
from omero_rocrate_transfer.model.extras import FileSource
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.mapping.fields import reference
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.write.restore.target import Target
from omero_rocrate_transfer.server.write.target_ids import TargetIds

_ROIS: Final = "select r from Roi r where r.id in (:ids)"
_FILES: Final = (
    "select index(e), e.originalFile.id, e.id from Fileset f join f.usedFiles e where f.id in (:ids)"
    " order by e.id"
)
_DOING: Final = "Restoring the sources of ROIs"
_NOT_THERE: Final = "the ROI or the file that it was made from is not on the target"


def restore_sources(
    connection: Connection,
    group: int,
    sources: Mapping[str, FileSource],
    ids: TargetIds,
    on: TransferUnit,
    host: str,
) -> list[Omission]:
    """Set ``Roi.source``; return what cannot be set.

    Parameters
    ----------
    sources
        By LSID of the file.
    ids
        Knows ROIs and attached files.
    on
        The unit that holds the files.
    """
    if not sources:
        return []
    target = Target(connection, group)
    _note_files(target, sources, ids, ids.get(on.ref.lsid(host)))
    wanted: dict[int, ObjectRef] = {}
    for lsid, source in sources.items():
        file, rois = ids.get(lsid), [ids.get(roi) for roi in source.rois]
        found = [roi.id for roi in rois if roi is not None] if file is not None else []
        target.lose("Roi.source", _NOT_THERE, len(rois) - len(found))
        if file is not None:
            wanted.update(dict.fromkeys(found, file))
    target.edit(_ROIS, wanted, lambda roi: roi.setSource(reference(wanted[roi.id.val])), doing=_DOING)
    return target.omissions(on.ref)


def _note_files(
    target: Target, sources: Mapping[str, FileSource], ids: TargetIds, fileset: ObjectRef | None
) -> None:
    """Note what the original files of a fileset became."""
    if fileset is not None and fileset.type == "Fileset":
        rows: Iterator[tuple[int, int, int]] = target.reader.rows(_FILES, [fileset.id], doing=_DOING)
        by_place = {place: ObjectRef("OriginalFile", file) for place, file, _ in rows}
        ids.add({lsid: by_place[one.place] for lsid, one in sources.items() if one.place in by_place})
