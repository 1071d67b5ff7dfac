"""Reads new pixels back and compares them, plane by plane, with what was sent."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing

from omero_rocrate_transfer.model.errors import IntegrityError
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.read.pixels import ServerPixels
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.write.pixels.bands import Plane, PlaneFacts, iter_parts, iter_planes


def verify(connection: Connection, image: int, expected: Mapping[Plane, str], told: str) -> int:
    """Compare what the server answers with the digests of what it was sent.

    Parameters
    ----------
    image
        Id of the new image.
    told
        How the image is named in an error, like ``"Image:7 (liver)"``.

    Returns
    -------
    int
        Number of planes that were compared.

    Raises
    ------
    IntegrityError
        A plane came back different; names it.
    """
    with closing(ServerPixels(connection, ObjectRef("Image", image))) as reader:
        facts = PlaneFacts(reader)
        for part in iter_parts(reader, iter_planes(reader), reader.tile_size):
            facts.take(part)
    if set(facts.digests) != set(expected):
        raise IntegrityError(f"{told}: the target has {len(facts.digests)} planes, not {len(expected)}.")
    for plane, digest in expected.items():
        if facts.digests[plane] != digest:
            t, c, z = plane
            raise IntegrityError(
                f"{told}: the target gives back other pixels in the plane t={t} c={c} z={z}.",
                hint="The new image was removed; run it again.",
            )
    return len(expected)
