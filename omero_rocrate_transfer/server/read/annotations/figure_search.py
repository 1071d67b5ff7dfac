"""OMERO.figures that show only images that travel."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Final

from omero_rocrate_transfer.model.contents import OriginalFile
from omero_rocrate_transfer.model.errors import IntegrityError, NotFoundError
from omero_rocrate_transfer.server.mapping.figures import MAX_BYTES, UnreadableFigureError, images_of
from omero_rocrate_transfer.server.read import files
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.queries import Reader

_FIGURES: Final = (
    "select a.id, f.id, f.name, f.size from FileAnnotation a join a.file f"
    " where a.ns = 'omero.web.figure.json' and f.size is not null order by a.id"
)
_AMONG: Final = (
    "select a.id from FileAnnotation a where a.ns = 'omero.web.figure.json' and a.id in (:ids) order by a.id"
)

log = logging.getLogger(__name__)


def find_figures(connection: Connection, images: Collection[int]) -> list[int]:
    """Return the ids of the FileAnnotations of figures all of whose images are among some.

    Every figure that the user may read is read for that: nothing else tells what it shows.
    """
    found, wanted = [], set(images)
    for annotation, file, name, size_bytes in Reader(connection).all_rows(
        _FIGURES, doing="Looking for figures"
    ):
        if size_bytes > MAX_BYTES:
            continue
        try:
            blocks = files.iter_blocks(
                connection, OriginalFile(key=str(file), path=name, size_bytes=size_bytes)
            )
            shown = images_of(b"".join(blocks))
        except (IntegrityError, NotFoundError, UnreadableFigureError) as error:
            log.warning("The figure FileAnnotation:%d cannot be read: %s", annotation, error)
            continue
        if shown and shown <= wanted:
            found.append(annotation)
    return found


def figures_among(connection: Connection, annotations: Collection[int]) -> list[int]:
    """Return those of some annotations that are figures and can be read."""
    rows = Reader(connection).rows(_AMONG, sorted(annotations), doing="Looking for figures")
    return [row[0] for row in rows]
