"""Identifiers of other systems: they come back on what the transfer leaves no mark on."""

from __future__ import annotations

from collections.abc import Sequence

from omero_sandbox.db.store import Row
from tests.worlds.rows import Rows


def add_identifiers(rows: Rows, things: Sequence[Row]) -> None:
    """Give some objects identifiers, a few of them the place where a server reads pixels."""
    named = {(one.model.root, one.id): one for one in things if one.type != "LightPath"}
    for row in rows.draw.some(list(named.values()), 6):
        kind = "experiment database"
        if row.type in {"Image", "Mask"} and rows.draw.chance(0.3):
            kind = "com.glencoesoftware.ngff:multiscales"
        rows.identify(row, kind)
