"""What has another name on the target than on the source."""

from __future__ import annotations

from collections.abc import Mapping

from omero_rocrate_transfer.model.contents import Omission, TransferUnit
from omero_rocrate_transfer.server.read.filesets import read_files
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.queries import Reader
from omero_rocrate_transfer.server.write.pairing import NewObject


def different_names(
    wanted: Mapping[NewObject, tuple[str, str | None]],
) -> dict[int, tuple[str, str | None]]:
    """Return name and description by id, of the objects that have others."""
    return {new.id: names for new, names in wanted.items() if names != (new.name, new.description)}


def changed_paths(connection: Connection, unit: TransferUnit, fileset: int) -> tuple[Omission, ...]:
    """Tell of files whose paths the server changed when it imported them."""
    files = read_files(Reader(connection), [fileset])[fileset]
    changed = [
        (old.path, new.path) for old, new in zip(unit.files, files, strict=True) if old.path != new.path
    ]
    if not changed:
        return ()
    old, new = changed[0]
    reason = f"the target changed the path of files, like {old!r} to {new!r}"
    return (Omission(type="OriginalFile", count=len(changed), reason=reason, on=unit.ref),)
