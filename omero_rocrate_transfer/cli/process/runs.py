"""The plan and the run that a command belongs to.

A run is known by what travels, where to and for whom, not by how the command was spelled: a crate that was
moved, or a later version with more options, resumes the run that was begun.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from omero_rocrate_transfer.cli.process.legacy_runs import (
    legacy_copy,
    legacy_fingerprint,
    legacy_pack,
    legacy_unpack,
)
from omero_rocrate_transfer.cli.process.log import log_folder
from omero_rocrate_transfer.model.errors import NotFoundError, RefusedError
from omero_rocrate_transfer.transfer.journal.file import read_head, read_journal
from omero_rocrate_transfer.transfer.journal.id_map import is_of_run
from omero_rocrate_transfer.transfer.journal.runs import (
    find_run,
    journal_path,
    name_of_run,
    open_run,
)
from omero_rocrate_transfer.transfer.journal.state import read_history
from omero_rocrate_transfer.transfer.journal.status import set_aside
from omero_rocrate_transfer.transfer.plan import Plan, digest_contents

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from omero_rocrate_transfer.cli.options.content import PackContent, UnpackContent
    from omero_rocrate_transfer.cli.options.copy import CopyOptions
    from omero_rocrate_transfer.cli.options.owners import OwnerOptions
    from omero_rocrate_transfer.cli.options.transfers import PackOptions, UnpackOptions
    from omero_rocrate_transfer.model.contents import Contents, SourceInfo
    from omero_rocrate_transfer.transfer.journal.file import Journal
    from omero_rocrate_transfer.transfer.plan import Setting

#: What an id map has besides its name while it is written: two dots, the id of the run, an ending.
_ADDED: Final = f".{'0' * 36}.part."


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The server that a run writes into."""

    info: SourceInfo
    #: Login of the user that the new objects belong to.
    user: str
    #: Id of the group that the new objects go into.
    group: int
    #: Id of the session that the objects are created in.
    session: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The plan of a command, and what its journal says of it."""

    plan: Plan
    #: For ``status`` and ``undo``.
    facts: dict[str, str]
    #: Fingerprint of a run that an earlier version began; None for that of the plan.
    fingerprint: str | None = None
    #: Whether nothing of the run is at its target, even if its journal says that it was completed.
    is_gone: bool = False
    #: Id of the session on the target.
    session: int | None = None

    def open(self) -> AbstractContextManager[Journal]:
        """Begin the run or resume it."""
        fingerprint = self.fingerprint or self.plan.fingerprint
        set_aside(log_folder(), self.plan.run_name, fingerprint, is_gone=self.is_gone)
        return open_run(
            log_folder(), self.plan, self.facts, fingerprint=self.fingerprint, session=self.session
        )


def pack_name(chosen: PackOptions) -> str:
    """Return the name of the run that packs these objects to this path."""
    if chosen.run is not None:
        return chosen.run
    legacy, _ = legacy_pack(chosen)
    target = str(chosen.path.resolve())
    identity: dict[str, Setting] = {"objects": [str(ref) for ref in chosen.objects], "target": target}
    return _begun_before(legacy) or find_run(log_folder(), "pack", target, identity)


def pack_run(chosen: PackOptions, contents: Contents) -> Run:
    """Return the run of a pack."""
    facts = chosen.facts
    settings: dict[str, Setting] = {
        "name": facts.name,
        "description": facts.description,
        "organism": facts.organism,
        "modality": facts.modality,
        "license": facts.license,
        "publisher": facts.publisher,
        "pixels": chosen.pixels.value,
        "chunk": chosen.zarr.layout.chunk,
        "shard": chosen.zarr.layout.shard,
        "compression": chosen.zarr.layout.compression,
        **_taken(chosen.content),
    }
    plan = Plan(contents=contents, settings=settings, run_name=pack_name(chosen))
    begun = _run(plan, {"command": "pack", "target": str(chosen.path.absolute())}, legacy_pack(chosen))
    paths = (chosen.path, chosen.path.with_name(f"{chosen.path.name}.part"))
    return replace(begun, is_gone=not any(map(os.path.lexists, paths)))


def unpack_run(chosen: UnpackOptions, contents: Contents, target: Target) -> Run:
    """Return the run that unpacks a crate, whatever its path, into a group of a server."""
    legacy = legacy_unpack(chosen, target.info, target.user)
    identity = {"crate": digest_contents(contents, {}), **_place(target, chosen.target, chosen.owners)}
    name = (
        chosen.run
        or _begun_before(legacy[0])
        or find_run(log_folder(), "unpack", str(chosen.path.absolute()), identity)
    )
    settings: dict[str, Setting] = {
        "merge": chosen.merge,
        "pixels_as": chosen.pixels_as and chosen.pixels_as.value,
        **_made(chosen.content),
        **_place(target, chosen.target, chosen.owners),
    }
    facts = {"command": "unpack", "crate": str(chosen.path.absolute()), **_facts(target)}
    plan = Plan(contents=contents, settings=settings, run_name=name)
    return replace(_run(plan, facts, legacy), session=target.session)


def copy_run(chosen: CopyOptions, contents: Contents, target: Target) -> Run:
    """Return the run that copies these objects from one server into a group of another."""
    legacy = legacy_copy(chosen, contents.source, target.info, target.user)
    identity: dict[str, Setting] = {
        "source_database": contents.source.database_uuid,
        "objects": [str(ref) for ref in chosen.objects],
        **_place(target, chosen.target, chosen.owners),
    }
    name = (
        chosen.run
        or _begun_before(legacy[0])
        or find_run(log_folder(), "copy", str(chosen.objects[0]), identity)
    )
    settings: dict[str, Setting] = {
        "merge": chosen.merge,
        "pixels": chosen.pixels.value,
        "pixels_as": chosen.pixels_as and chosen.pixels_as.value,
        **{f"taken_{name}": value for name, value in _taken(chosen.content).items()},
        **_made(chosen.made),
        **_place(target, chosen.target, chosen.owners),
    }
    facts = {"command": "copy", **_facts(target)}
    plan = Plan(contents=contents, settings=settings, run_name=name)
    return replace(_run(plan, facts, legacy), session=target.session)


def _run(plan: Plan, facts: dict[str, str], legacy: tuple[str, dict[str, str]]) -> Run:
    name, options = legacy
    fingerprint = legacy_fingerprint(plan.contents, options) if plan.run_name == name else None
    return Run(plan=plan, facts=facts, fingerprint=fingerprint)


def _begun_before(name: str) -> str | None:
    """Return the name if an earlier version began that run."""
    return name if journal_path(log_folder(), name).exists() else None


def _taken(content: PackContent) -> dict[str, Setting]:
    namespaces = content.annotations.namespaces
    return {
        "annotations": None if namespaces is None else list(namespaces),
        "client_paths": content.annotations.client_paths,
        "figures": content.figures,
        "emails": content.emails,
    }


def _made(content: UnpackContent) -> dict[str, Setting]:
    return {"figures": content.figures, "provenance": list(content.provenance)}


def _place(target: Target, container: str | None, owners: OwnerOptions) -> dict[str, Setting]:
    return {
        "target_database": target.info.database_uuid,
        "group": target.group,
        "user": target.user,
        "container": container,
        "as_owner": owners.as_owner,
        "user_map": [[source, login or ""] for source, login in owners.user_map],
    }


def _facts(target: Target) -> dict[str, str]:
    return {
        "target": target.info.host,
        "target_database": target.info.database_uuid,
        "user": target.user,
        "group": str(target.group),
    }


def refuse_doubles(run: Run, find: Callable[[str], Counter[str]]) -> None:
    """Raise if other runs put objects of a plan into the same group, and this run has not begun yet.

    So a journal that is lost, or a crate that was packed again, doubles nothing in silence.

    Parameters
    ----------
    find
        Returns how many there are, by the ids of their runs; is given the id of this run.

    Raises
    ------
    RefusedError
    """
    folder = log_folder()
    path = journal_path(folder, run.plan.run_name)
    history = read_history(read_journal(path)[1:])
    if history.begun:
        return
    found = find(str((read_head(path) or {}).get("id", "")))
    if found:
        run_id, _ = found.most_common(1)[0]
        name = name_of_run(folder, run_id)
        others = f" and {len(found) - 1} more" if len(found) > 1 else ""
        raise RefusedError(
            f"{found.total()} objects of this plan are in the target group already, "
            f"from the run {name or run_id}{others}.",
            hint=f"Take it back with 'omero transfer undo {name or run_id}', or make another copy with "
            "--run NAME.",
        )


def refuse_existing(path: Path, run: str, hint: str) -> None:
    """Raise where something is at the path that no earlier process of the run can have written.

    Raises
    ------
    RefusedError
    """
    _refuse_long(path.with_name(f"{path.name}.part"))
    if os.path.lexists(path) and not journal_path(log_folder(), run).exists():
        raise RefusedError(f"{path} exists already.", hint=hint)


def _refuse_long(path: Path) -> None:
    """Raise where a name is longer than the file system takes; it has an ending while it is written.

    Raises
    ------
    NotFoundError
    """
    try:
        path.lstat()
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise NotFoundError(
                f"{path!s:.120}… cannot be written: its name is too long.", hint="Choose a shorter one."
            ) from error


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
    _refuse_long(path.with_name(f"{path.name}{_ADDED}"))
    if os.path.lexists(path):
        head = read_head(journal_path(log_folder(), run)) or {}
        # Earlier versions did not note in the file which run it is of, but in the journal which file it is.
        earlier = head.get("idmap") == str(path.absolute())
        if not is_of_run(path, str(head.get("id", "")), earlier=earlier):
            raise RefusedError(
                f"The id map {path} exists already.",
                hint="Move it away, or name another file with --idmap.",
            )
