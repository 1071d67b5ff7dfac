"""What OMERO can hold and a transfer leaves out, saying so: each of it by its class and number."""

from __future__ import annotations

from collections.abc import Sequence

from omero_rocrate_transfer.sandbox.store import Row
from tests.worlds.rows import Rows


def add_gaps(rows: Rows, images: Sequence[Row]) -> None:
    """Add some of what is left out to images; what is used of it stays whole without it."""
    draw = rows.draw
    for image in images:
        if draw.chance(0.3):
            rows.identify(image)
