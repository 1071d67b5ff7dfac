"""How much disk space objects use (omero-blitz ``DiskUsage2I``)."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import omero.clients

from omero_sandbox.commands import rules
from omero_sandbox.commands.files import stored_files
from omero_sandbox.commands.graph import all_groups
from omero_sandbox.db.schema import resolve
from omero_sandbox.db.store import Row
from omero_sandbox.net.call import Call

_PEOPLE = {"Experimenter": "owner", "ExperimenterGroup": "group"}


class DiskUsage:
    """Count and sum the files of the targets and all below them, each file once."""

    steps = 1

    def __init__(self, call: Call, request: Any) -> None:
        self._call = all_groups(call)
        self._request = request
        self._counts: dict[tuple[int, int], dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self._bytes: dict[tuple[int, int], dict[str, int]] = defaultdict(lambda: defaultdict(int))

    def step(self, number: int) -> None:
        """Walk from the targets to the files."""
        queue = list(self._targets())
        seen = set(queue)
        while queue:
            row = queue.pop()
            self._count(row)
            for paths in (rules.members(), rules.parts()):
                for _, found in paths.follow(self._call.store, row):
                    if found not in seen and self._call.can_read(found):
                        seen.add(found)
                        queue.append(found)

    def response(self) -> omero.cmd.Response:
        """Give counts and bytes by (owner, group) and kind of object."""
        return omero.cmd.DiskUsage2Response(
            fileCountByReferer={_pair(key): dict(found) for key, found in self._counts.items()},
            bytesUsedByReferer={_pair(key): dict(found) for key, found in self._bytes.items()},
            totalFileCount={_pair(key): sum(found.values()) for key, found in self._counts.items()},
            totalBytesUsed={_pair(key): sum(found.values()) for key, found in self._bytes.items()},
        )

    def _targets(self) -> list[Row]:
        rows: list[Row] = []
        for name in self._request.targetClasses or ():
            rows += self._call.store.rows(resolve(name.rpartition(".")[2]).name)
        for name, ids in (self._request.targetObjects or {}).items():
            kind = resolve(name.rpartition(".")[2]).name
            if kind in _PEOPLE:
                rows += self._of_people(_PEOPLE[kind], set(ids))
            else:
                found = (self._call.store.get(kind, each) for each in ids)
                rows += [row for row in found if row is not None]
        return [row for row in dict.fromkeys(rows) if self._call.can_read(row)]

    def _of_people(self, detail: str, ids: set[int]) -> list[Row]:
        kinds = ("OriginalFile", "Pixels", "Thumbnail")
        return [row for kind in kinds for row in self._call.store.rows(kind) if getattr(row, detail) in ids]

    def _count(self, row: Row) -> None:
        paths = [path for path in stored_files(self._call.context.data_dir, row) if path.is_file()]
        if not paths or row.owner is None or row.group is None:
            return
        self._counts[row.owner, row.group][row.type] += len(paths)
        self._bytes[row.owner, row.group][row.type] += sum(path.stat().st_size for path in paths)


def _pair(key: tuple[int, int]) -> Any:
    return omero.api.LongPair(*key)
