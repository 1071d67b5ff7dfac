"""First rendering settings and thumbnails of new images, as an import makes them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from omero.rtypes import rint
from omero.sys import ParametersI

from omero_rocrate_transfer.model.contents import Omission
from omero_rocrate_transfer.model.errors import LoginError, TransferError
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.errors import server_errors
from omero_rocrate_transfer.server.session.timeouts import patient

log = logging.getLogger(__name__)

_PIXELS: Final = "select p.id from Pixels p where p.image.id in (:ids) order by p.id"
#: Longest side of the thumbnails that OMERO's clients show.
_THUMBNAIL: Final = 96
#: Images per call: each costs the server the reading of a plane.
_IMAGES_PER_CALL: Final = 50


def make_defaults(
    connection: Connection, images: Sequence[int], group: int, unit: ObjectRef
) -> list[Omission]:
    """Let the server choose rendering settings and make thumbnails.

    Both can be made again at any time, so that trouble with them is told and fails nothing.
    """
    without = 0
    for start in range(0, len(images), _IMAGES_PER_CALL):
        batch = list(images[start : start + _IMAGES_PER_CALL])
        try:
            done = _make(connection, batch, connection.context(group))
        except LoginError:
            raise
        except TransferError:
            log.warning("Rendering settings of %s", unit, exc_info=True)
            done = set()
        without += len(set(batch) - done)
    if not without:
        return []
    reason = "the target made no rendering settings for these images; opening them there does"
    return [Omission(type="RenderingDef", count=without, reason=reason, on=unit)]


def _make(connection: Connection, images: list[int], context: dict[str, str]) -> set[int]:
    with server_errors("Making rendering settings and thumbnails"):
        # The ids of those that could not be done are missing from the answer (RenderingSettingsImpl).
        settings = patient(
            connection.session.getRenderingSettingsService(), connection.limit_ms, images=len(images)
        )
        done = set(settings.resetDefaultsInSet("Image", images, context))
        rows = connection.query.projection(_PIXELS, ParametersI().addIds(images), context)
        store = connection.session.createThumbnailStore()
        try:
            pixels = [row[0].val for row in rows]
            patient(store, connection.limit_ms, images=len(images)).createThumbnailsByLongestSideSet(
                rint(_THUMBNAIL), pixels, context
            )
        finally:
            store.close(context)
    return done
