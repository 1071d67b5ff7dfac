"""The id map: which object of the source became which object of the target, as one JSON file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, NamedTuple, Self

from omero_rocrate_transfer.model.errors import NotFoundError, RefusedError, UsageError
from omero_rocrate_transfer.model.refs import MAX_ID, ObjectRef
from omero_rocrate_transfer.transfer.disk import full_disk_errors
from omero_rocrate_transfer.transfer.events import ContainersCreated, UnitEnded
from omero_rocrate_transfer.transfer.faultpoints import faultpoint

if TYPE_CHECKING:
    from collections.abc import Iterable

    from omero_rocrate_transfer.model.contents import SourceInfo
    from omero_rocrate_transfer.model.results import Mapping
    from omero_rocrate_transfer.transfer.events import Event


#: Characters of the first line, which names both servers.
_LONGEST_HEAD: Final = 10_000


class IdMap:
    """Writes the id map while the run goes on, and gives it its name when the run has ended.

    The file is ``{"source": {…}, "crate": "…", "target": {…}, "run": "…", "objects": [{"source": "Image:1",
    "target": "Image:7"}, …], "complete": true}``, one object a line; ``crate`` is `SourceInfo.crate_digest`.
    It is also written where a run breaks off, then with ``"complete": false``: what was created until then is
    on the target.

    Parameters
    ----------
    path
        Where it shall be. An id map of the same run that is there is replaced, nothing else.
    earlier
        Whether an earlier version may have written it for the same run, without a note of that.
    run_id
        Of the run: one process at a time is at work on it, so what bears its name is left by one that died.

    Raises
    ------
    RefusedError
        There is such a file.
    NotFoundError
        There is no such folder, or it cannot be written.
    """

    def __init__(
        self, path: Path, source: SourceInfo, target: SourceInfo, *, earlier: bool = False, run_id: str = ""
    ) -> None:
        self._path = path
        self._earlier = earlier
        self._run_id = run_id
        self._part = path.with_name(f".{path.name}.{run_id or os.getpid()}.part")
        self._head = {
            "source": _server(source),
            "crate": source.crate_digest,
            "target": _server(target),
            **({"run": run_id} if run_id else {}),
        }
        self._count = 0
        self._refuse_existing()
        try:
            self._part.unlink(missing_ok=True)
            # never through a link that somebody put there meanwhile
            self._file: IO[str] = self._part.open("x", encoding="utf-8")
        except OSError as error:
            raise NotFoundError(
                f"The id map {path} cannot be written: {error.strerror}.",
                hint="Name another file with --idmap.",
            ) from error

    def __enter__(self) -> Self:
        self._file.write(json.dumps(self._head)[:-1] + ', "objects": [')
        return self

    def __exit__(self, error_type: type[BaseException] | None, *_: object) -> None:
        """Give the file its name, or remove it where nothing was created."""
        with full_disk_errors(self._path), self._file:
            self._file.write(f'\n], "complete": {json.dumps(error_type is None)}}}\n')
            self._file.flush()
            os.fsync(self._file.fileno())
        if self._count == 0 and error_type is not None:
            self._part.unlink()
            return
        faultpoint("idmap:written")
        self._publish()
        _sync_folder(self._path.parent)

    def take(self, event: Event) -> None:
        """Write down what the event says was created."""
        match event:
            case ContainersCreated() | UnitEnded():
                self._write(event.mappings)

    def _refuse_existing(self) -> None:
        if os.path.lexists(self._path) and not is_of_run(self._path, self._run_id, earlier=self._earlier):
            refuse_existing(self._path)

    def _publish(self) -> None:
        """Give the file its name, unless something else got it meanwhile; then it stays as it is called."""
        try:
            # fails where the name is taken, which a look before could miss
            os.link(self._part, self._path)
        except OSError:
            self._refuse_existing()
            self._part.rename(self._path)
        else:
            self._part.unlink()

    def _write(self, mappings: Iterable[Mapping]) -> None:
        for mapping in mappings:
            self._file.write("," if self._count else "")
            line = {"source": str(mapping.source), "target": str(mapping.target)}
            self._file.write("\n" + json.dumps(line))
            self._count += 1
        with full_disk_errors(self._path):
            self._file.flush()


class Ids(NamedTuple):
    """What an id map says."""

    #: UUID of the target's database.
    database: str
    #: What the objects of the source became.
    became: dict[ObjectRef, ObjectRef]
    #: `SourceInfo.crate_digest` of the crate that was unpacked; None for a server.
    crate_digest: str | None


def read_idmap(path: Path) -> Ids:
    """Read an id map.

    Raises
    ------
    NotFoundError
        It is not there, or cannot be read.
    UsageError
        It is no id map.
    """
    try:
        document = json.loads(path.read_text("utf-8"))
        objects = {_parse(one["source"]): _parse(one["target"]) for one in document["objects"]}
        database, crate = document["target"]["database"], document.get("crate")
    except OSError as error:
        raise NotFoundError(
            f"The id map {path} cannot be read: {error.strerror}.",
            hint="Name the one that unpack wrote with --idmap.",
        ) from error
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise UsageError(f"{path} is no id map.", hint="Name the one that unpack wrote.") from error
    if not isinstance(database, str) or not isinstance(crate, str | None):
        raise UsageError(f"{path} is no id map.", hint="Name the one that unpack wrote.")
    return Ids(database, objects, crate)


def _parse(text: object) -> ObjectRef:
    if not isinstance(text, str):
        raise TypeError(text)
    name, _, number = text.partition(":")
    if not (name.isascii() and name.isalpha() and number.isascii() and number.isdigit()):
        raise ValueError(text)
    if len(number) > len(str(MAX_ID)) or int(number) > MAX_ID:
        raise ValueError(text)
    return ObjectRef(name, int(number))


def run_idmap(folder: Path, run: str) -> Path:
    """Return where the id map of a run is, in the folder of all runs."""
    return folder / run / "idmap.json"


def is_of_run(path: Path, run_id: str, *, earlier: bool = False) -> bool:
    """Tell whether a file is an id map that the run wrote, without reading all of it.

    Parameters
    ----------
    earlier
        Whether those count that do not say which run wrote them.
    """
    try:
        with path.open(encoding="utf-8") as file:
            head = json.loads(file.readline(_LONGEST_HEAD).rstrip("\n") + "]}")
        return run_id != "" and head.get("run", run_id if earlier else None) == run_id
    except (OSError, ValueError, AttributeError):
        return False


def refuse_existing(path: Path) -> None:
    """Raise where the id map exists, before any work begins.

    Raises
    ------
    RefusedError
    """
    if os.path.lexists(path):
        raise RefusedError(
            f"The id map {path} exists already.", hint="Move it away, or name another file with --idmap."
        )


def _server(info: SourceInfo) -> dict[str, str]:
    return {"host": info.host, "database": info.database_uuid, "version": info.version}


def _sync_folder(folder: Path) -> None:
    """Make the new name last through a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
