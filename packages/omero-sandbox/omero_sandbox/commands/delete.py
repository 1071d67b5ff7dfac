"""Deletion (omero-blitz ``Delete2I``)."""

from __future__ import annotations

from pathlib import Path as FilePath

import omero.clients

from omero_sandbox.commands import rules
from omero_sandbox.commands.command import graph_error
from omero_sandbox.commands.files import remove, stored_files
from omero_sandbox.commands.graph import GraphCommand, by_class, references
from omero_sandbox.commands.paths import Path
from omero_sandbox.commands.plan import Planner, Policy
from omero_sandbox.db.store import Row, Store
from omero_sandbox.net.call import Call


class DeletePolicy(Policy):
    """Deletion takes what nothing else holds, as far as the caller may delete it."""

    verb = "delete"

    def considers(self, path: Path, holder: Row, held: Row) -> bool:
        """Follow the rules of blitz-delete-rules.xml."""
        if held.model.root != "Annotation":
            return path not in rules.contents() or self.permits(held)
        if held.type in rules.OWN_ANNOTATIONS:
            return held.owner == holder.owner and self.permits(held)
        return self.permits(held)

    def permits(self, row: Row) -> bool:
        """Links and what is part of the deleted go unchecked."""
        return row.type in rules.UNCHECKED or row.model.is_link or self.call.can_delete(row)


class Delete(GraphCommand):
    """Delete objects, what they hold, their links, and their files on disk."""

    takes_more_targets = True

    def plan(self) -> None:
        """Find what goes and what lets go of it."""
        chosen = Planner(self.store, DeletePolicy(self.call), self.options).select(self.targets())
        self._gone, self._nulled = with_links(self.store, chosen)
        self._files: list[FilePath] = []

    def apply(self) -> None:
        """Delete the rows; the files follow once the transaction has ended well."""
        self._files = [path for row in self._gone for path in stored_files(self.call.context.data_dir, row)]
        delete_rows(self.store, self.call, self._gone, self._nulled)

    def response(self) -> omero.cmd.Response:
        """Remove the files and list what was deleted, or would be."""
        remove(self._files)
        return omero.cmd.Delete2Response(by_class(self._gone))


def with_links(store: Store, rows: list[Row]) -> tuple[list[Row], list[tuple[Row, str]]]:
    """Add the links of rows to be deleted.

    Returns
    -------
    gone : list of Row
        The rows and every link that has an end among them.
    nulled : list of (Row, str)
        Remaining rows with the reference that must become null.

    Raises
    ------
    CommandFailedError
        Something that remains cannot be without one of the rows.
    """
    gone = dict.fromkeys(rows)
    nulled: list[tuple[Row, str]] = []
    for row in rows:
        for referrer, field, required in references(store, row):
            if referrer in gone:
                continue
            if referrer.model.is_link:
                gone[referrer] = None
            elif required:
                raise graph_error(
                    f"may not delete {row.type}[{row.id}] while {referrer.type}[{referrer.id}] remains"
                )
            else:
                nulled.append((referrer, field))
    return list(gone), [(row, field) for row, field in nulled if row not in gone]


def delete_rows(store: Store, call: Call, gone: list[Row], nulled: list[tuple[Row, str]]) -> None:
    """Let go of the rows, then delete them."""
    for row, field in nulled:
        store.update(row, {field: None}, event=call.event())
    for row in gone:
        store.delete(row)
