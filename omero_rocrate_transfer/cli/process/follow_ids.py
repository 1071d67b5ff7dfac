"""The new ids of a run into a server: written down while it goes on."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from omero_rocrate_transfer.cli.process.log import log_folder
from omero_rocrate_transfer.transfer.journal.id_map import IdMap, run_idmap

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from omero_rocrate_transfer.model.contents import Contents, SourceInfo
    from omero_rocrate_transfer.transfer.events import Event
    from omero_rocrate_transfer.transfer.journal.file import Journal


def follow_ids(
    asked: Path | None,
    name: str,
    ends: tuple[Contents, SourceInfo],
    journal: Journal,
    events: Iterator[Event],
) -> Iterator[Event]:
    """Write down what became of everything while a run into a server goes on.

    Parameters
    ----------
    asked
        Where the id map shall be too, besides the folder of the run.
    name
        Of the run.
    ends
        What travels, and the server it goes to.
    """
    contents, target = ends
    paths = [run_idmap(log_folder(), name), *([] if asked is None else [asked])]
    with ExitStack() as stack:
        maps = []
        for path in paths:
            earlier = journal.is_resumed and journal.head.get("idmap") == str(path.absolute())
            idmap = IdMap(path, contents.source, target, earlier=earlier, run_id=journal.run_id)
            maps.append(stack.enter_context(idmap))
        for event in events:
            for idmap in maps:
                idmap.take(event)
            yield event
