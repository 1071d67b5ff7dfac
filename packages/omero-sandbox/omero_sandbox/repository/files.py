"""Rows and directories of the managed repository (omero-blitz RepositoryDaoImpl)."""

from __future__ import annotations

import mimetypes
import time
import uuid
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import omero
import omero.clients

from omero_sandbox.db import violations
from omero_sandbox.db.schema import resolve
from omero_sandbox.net.pause import let_others_in
from omero_sandbox.repository import paths
from omero_sandbox.repository.paths import Path
from omero_sandbox.security import roles

if TYPE_CHECKING:
    from omero_sandbox.db.store import Row
    from omero_sandbox.net.call import Call
    from omero_sandbox.server import SandboxServer

NAME = "ManagedRepository"
DIRECTORY = "Directory"
#: Seconds between looking for a directory and inserting it.
_GAP = 0.002
_KNOWN_BY_JAVA = {"tif": "image/tiff", "tiff": "image/tiff", "jpg": "image/jpeg", "txt": "text/plain"}


def mimetype_of(name: str) -> str:
    """Guess a media type from a file name."""
    suffix = name.rpartition(".")[2].lower()
    return _KNOWN_BY_JAVA.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"


class RepositoryFiles:
    """The repository of one server: its uuid, root row, and the rows of its files by path.

    Every file of the repository is registered here, so its index knows them all; deleted rows leave entries
    that look-ups notice.
    """

    def __init__(self, server: SandboxServer) -> None:
        self._store = server.store
        self.folder = server.data_dir / NAME
        self.folder.mkdir(parents=True, exist_ok=True)
        self.uuid = self._stored_uuid(server.data_dir)
        self._index: dict[tuple[str, str], int] = {}
        values = {"name": NAME, "path": f"{server.data_dir}/", "mimetype": "Repository", "hash": self.uuid}
        self.root = self._store.insert(
            "OriginalFile", {**values, "repo": self.uuid}, owner=roles.ROOT, group=roles.USER_GROUP, event=0
        )

    @staticmethod
    def _stored_uuid(data_dir: FilePath) -> str:
        """Read the repository's uuid, the same for every start on a data folder."""
        path = data_dir / "repository-uuid"
        if not path.exists():
            path.write_text(str(uuid.uuid4()), encoding="ascii")
        return path.read_text(encoding="ascii")

    def path(self, path: Path) -> FilePath:
        """Path on disk."""
        return self.folder.joinpath(*path)

    def find(self, path: Path) -> Row | None:
        """Find the row of a path, whoever may see it."""
        if not path:
            return self.root
        key = f"{paths.join(path[:-1])}/", path[-1]
        row = self._store.get("OriginalFile", self._index.get(key, -1))
        return row if row is not None and (row.values["path"], row.values["name"]) == key else None

    def children(self, path: Path) -> list[Row]:
        """Rows directly below a directory, by id."""
        parent = f"{paths.join(path)}/"
        known = [
            self._store.get("OriginalFile", i)
            for (folder, _), i in list(self._index.items())
            if folder == parent
        ]
        return sorted((row for row in known if row is not None), key=lambda row: row.id)

    def register(self, call: Call, path: Path, mimetype: str | None, **values: Any) -> Row:
        """Insert the row of a new file or directory; files of an import have no media type.

        Raises
        ------
        omero.SecurityViolation
            The caller may not write into the directory above.
        omero.ValidationException
            The path is registered already.
        """
        self._require_parent(call, path[:-1])
        group = roles.USER_GROUP if mimetype == DIRECTORY else call.group_id
        return self.insert(path, mimetype, call.user_id, group, call.event(), **values)

    def insert(
        self, path: Path, mimetype: str | None, owner: int, group: int, event: int, **values: Any
    ) -> Row:
        """Insert a row without asking; directories belong to group "user" (createOrFixUserDir).

        Raises
        ------
        omero.ValidationException
            The path is registered already.
        """
        facts = {
            "name": path[-1],
            "path": f"{paths.join(path[:-1])}/",
            "mimetype": mimetype,
            "repo": self.uuid,
            "ctime": time.time_ns() // 1_000_000,
        }
        with self._store.lock:
            if self.find(path) is not None:
                raise violations.refused_insert(resolve("OriginalFile"), "originalfile_repo_path_index")
            row = self._store.insert(
                "OriginalFile", {**facts, **values}, owner=owner, group=group, event=event
            )
            self._index[str(facts["path"]), path[-1]] = row.id
        return row

    def make_directories(self, call: Call, path: Path, *, owner: int | None = None) -> None:
        """Make and register a directory and those above it if they are missing.

        Nothing keeps two calls from finding the same directory missing: the second to insert it fails, or
        finds it on the disk before its row is there.

        Raises
        ------
        omero.ResourceError
            A directory is on the disk only (PublicRepositoryI.assertFindDir).
        omero.ValidationException
            Another call has just registered it.
        """
        for end in range(1, len(path) + 1):
            part = path[:end]
            if self.find(part) is None:
                if self.path(part).is_dir():
                    message = f"Directory exists but is not registered: CheckedPath({paths.join(part)})"
                    raise omero.ResourceError(None, None, message)
                let_others_in(_GAP)
                who = call.user_id if owner is None else owner
                self.path(part).mkdir(exist_ok=True)
                self.insert(part, DIRECTORY, who, roles.USER_GROUP, call.event())
            else:
                self.path(part).mkdir(exist_ok=True)

    def _require_parent(self, call: Call, parent: Path) -> None:
        row = self.find(parent)
        if row is None:
            raise omero.SecurityViolation(None, None, f"Cannot find parent directory: {paths.join(parent)}")
        shared = row.owner == roles.ROOT and row.group == roles.USER_GROUP
        if not shared and not call.can_annotate(row):
            raise omero.SecurityViolation(None, None, f"No annotate access for parent directory: {row.id}")


_REPOSITORIES: WeakKeyDictionary[SandboxServer, RepositoryFiles] = WeakKeyDictionary()


def repository_of(server: SandboxServer) -> RepositoryFiles:
    """Give the server's managed repository, made when it is first asked for."""
    with server.store.lock:
        if server not in _REPOSITORIES:
            _REPOSITORIES[server] = RepositoryFiles(server)
        return _REPOSITORIES[server]
