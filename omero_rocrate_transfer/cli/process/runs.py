"""Which run a command belongs to."""

from __future__ import annotations

import dataclasses
import os
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Final

from omero_rocrate_transfer.cli.process.log import log_folder
from omero_rocrate_transfer.model.errors import NotFoundError, RefusedError
from omero_rocrate_transfer.transfer.journal.runs import journal_path, open_run, run_name

if TYPE_CHECKING:
    from pathlib import Path

    from omero_rocrate_transfer.cli.options.copy import CopyOptions
    from omero_rocrate_transfer.cli.options.transfers import PackOptions, UnpackOptions
    from omero_rocrate_transfer.model.contents import Contents, SourceInfo
    from omero_rocrate_transfer.transfer.journal.file import Journal

#: Options that do not decide about what is on the target in the end.
_FREE: Final = {
    "objects", "path", "to", "idmap", "dry_run", "parallel", "ignore_errors", "run", "retries", "timeout",
    "limits",
}  # fmt: skip


def pack_run(chosen: PackOptions) -> str:
    """Return the name of the run that packs these objects to this path."""
    return chosen.run or run_name(
        "pack", *map(str, chosen.objects), *_decisive(chosen), str(chosen.path.absolute())
    )


def unpack_run(chosen: UnpackOptions, target: SourceInfo, user: str) -> str:
    """Return the name of the run that unpacks this crate into this server."""
    return chosen.run or run_name(
        "unpack", target.database_uuid, user, *_decisive(chosen), str(chosen.path.absolute())
    )


def copy_run(chosen: CopyOptions, source: SourceInfo, target: SourceInfo, user: str) -> str:
    """Return the name of the run that copies these objects from one server into another."""
    first, *others = map(str, chosen.objects)
    words = [
        source.database_uuid,
        target.database_uuid,
        user,
        str(chosen.to.group),
        *_decisive(chosen),
        *others,
        first,
    ]
    return chosen.run or run_name("copy", *words)


def refuse_existing(path: Path, run: str, hint: str) -> None:
    """Raise where something is at the path that no earlier process of the run can have written.

    Raises
    ------
    RefusedError
    """
    if os.path.lexists(path) and not journal_path(log_folder(), run).exists():
        raise RefusedError(f"{path} exists already.", hint=hint)


def check_idmap(path: Path, run: str) -> None:
    """Raise where the id map of a run cannot be written.

    Raises
    ------
    NotFoundError, RefusedError
    """
    if not path.absolute().parent.is_dir():
        raise NotFoundError(
            f"The id map {path} cannot be written: there is no such folder.",
            hint="Name another file with --idmap.",
        )
    refuse_existing(path, run, hint="Move it away, or name another file with --idmap.")


def open_pack(chosen: PackOptions, contents: Contents) -> AbstractContextManager[Journal]:
    """Begin the run of a pack, or go on with it."""
    facts = {"command": "pack", "target": str(chosen.path.absolute())}
    return open_run(log_folder(), pack_run(chosen), contents, facts, _options(chosen))


def open_unpack(
    chosen: UnpackOptions, contents: Contents, target: SourceInfo, user: str
) -> AbstractContextManager[Journal]:
    """Begin the run of an unpack, or go on with it."""
    facts = {
        "command": "unpack",
        "crate": str(chosen.path.absolute()),
        "target": target.host,
        "target_database": target.database_uuid,
        "user": user,
        "idmap": str(chosen.idmap.absolute()),
    }
    return open_run(
        log_folder(),
        unpack_run(chosen, target, user),
        contents,
        facts,
        _options(chosen) | {"database": target.database_uuid, "user": user},
    )


def open_copy(
    chosen: CopyOptions, name: str, idmap: Path, contents: Contents, target: tuple[SourceInfo, str]
) -> AbstractContextManager[Journal]:
    """Begin the run of a copy, or go on with it.

    Parameters
    ----------
    target
        The server, and the user there.
    """
    info, user = target
    facts = {
        "command": "copy",
        "target": info.host,
        "target_database": info.database_uuid,
        "user": user,
        "idmap": str(idmap.absolute()),
    }
    options = _options(chosen) | {"database": info.database_uuid, "user": user}
    return open_run(log_folder(), name, contents, facts, options)


def _options(chosen: PackOptions | UnpackOptions | CopyOptions) -> dict[str, Any]:
    return {
        field.name: str(getattr(chosen, field.name))
        for field in dataclasses.fields(chosen)
        if field.name not in _FREE
    }


def _decisive(chosen: PackOptions | UnpackOptions | CopyOptions) -> list[str]:
    return [f"{name}={value}" for name, value in _options(chosen).items()]
