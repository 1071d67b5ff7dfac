"""The new ids of a run into a server: written down while it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omero_rocrate_transfer.transfer.journal.id_map import IdMap

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from omero_rocrate_transfer.model.contents import Contents, SourceInfo
    from omero_rocrate_transfer.transfer.events import Event
    from omero_rocrate_transfer.transfer.journal.file import Journal


def follow_ids(
    path: Path, ends: tuple[Contents, SourceInfo], journal: Journal, events: Iterator[Event]
) -> Iterator[Event]:
    """Write down what became of everything while a run into a server goes on.

    Parameters
    ----------
    path
        Of the id map.
    ends
        What travels, and the server it goes to.
    """
    contents, target = ends
    again = journal.head.get("idmap") == str(path.absolute())
    with IdMap(path, contents.source, target, again=again, run_id=journal.run_id) as idmap:
        for event in events:
            idmap.take(event)
            yield event
