"""Questions about the original files of an image.

Facts: omero-blitz ``UsedFilesRequestI``, ``OriginalMetadataRequestI``.
"""

from __future__ import annotations

from typing import Any

import omero.clients
from omero.rtypes import rlong

from omero_sandbox.commands.command import CommandFailedError
from omero_sandbox.db.store import Row
from omero_sandbox.net.call import Call


class _ImageCommand:
    """Finds the image when it runs."""

    steps = 1

    def __init__(self, call: Call, request: Any) -> None:
        self.store = call.store
        self._call = call
        self._image_id = request.imageId

    def step(self, number: int) -> None:
        """Find the image.

        Raises
        ------
        CommandFailedError
            There is none, or the caller cannot see it.
        """
        image = self.store.get("Image", self._image_id)
        if image is None or not self._call.can_read(image):
            raise CommandFailedError(f"no image {self._image_id}", name="bad-image")
        self.image = image

    def fileset(self) -> Row | None:
        """Fileset of the image, if it has one."""
        number = self.image.get("fileset")
        return None if number is None else self.store.get("Fileset", number)


class UsedFiles(_ImageCommand):
    """List the ids of the files that an image was read from.

    Every file of the fileset counts as binary and as this series': only Bio-Formats' readers know which file
    holds which series.
    """

    def response(self) -> omero.cmd.Response:
        """Give file ids in fileset order, or the archived files of an image from before filesets."""
        fileset = self.fileset()
        if fileset is not None:
            entries = self.store.children(fileset, "usedFiles")
            return omero.cmd.UsedFilesResponse(
                [entry.values["originalFile"] for entry in entries], [], [], []
            )
        archived = [
            link.values["parent"]
            for pixels in self.store.children(self.image, "pixels")
            for link in self.store.children(pixels, "pixelsFileMaps")
        ]
        return omero.cmd.UsedFilesResponsePreFs(archived, [], [])


class OriginalMetadata(_ImageCommand):
    """Say where an image's original metadata are; the sandbox has no Bio-Formats to list them."""

    def response(self) -> omero.cmd.Response:
        """Give the fileset id and no metadata."""
        fileset = self.fileset()
        found = None if fileset is None else rlong(fileset.id)
        return omero.cmd.OriginalMetadataResponse(found, None, {}, {})
