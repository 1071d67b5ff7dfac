"""Thumbnails (omero.api.ThumbnailStore; ome.services.ThumbnailBean), made whenever they are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import omero
import omero.clients
from PIL import Image

from omero_sandbox.security.ownership import require_group
from omero_sandbox.services import pixel_access
from omero_sandbox.services.default_settings import reset_defaults, settings_of
from omero_sandbox.services.rendering import jpeg, thumbnail

if TYPE_CHECKING:
    from omero_sandbox.db.store import Row
    from omero_sandbox.net.call import Call
    from omero_sandbox.net.context import ServiceContext

_DEFAULT_SIZE = 48
_MIMETYPE = "image/jpeg"


class ThumbnailStoreService:
    """Pictures of one image, or of sets of images, with the caller's settings or else the owner's."""

    def __init__(self, context: ServiceContext) -> None:
        self.context = context
        self._pixels: Row | None = None
        self._settings: Row | None = None

    # -- choosing

    def setPixelsId(self, call: Call, pixelsId: int) -> bool:
        """Choose an image; False if there are no rendering settings yet."""
        self._pixels = pixel_access.load_pixels(call, pixelsId)
        self._settings = _settings(call, self._pixels)
        return self._settings is not None

    def isInProgress(self, call: Call) -> bool:
        """Tell whether the pixels cannot be read yet."""
        try:
            pixel_access.buffer_of(self.context, self._require_pixels(), write=False).close()
        except omero.ConcurrencyException:
            return True
        return False

    def setRenderingDefId(self, call: Call, renderingDefId: int) -> None:
        """Choose other settings of the image."""
        row = call.store.get("RenderingDef", renderingDefId)
        if row is None or row.values["pixels"] != self._require_pixels().id:
            message = f"No rendering definition exists with ID = {renderingDefId}"
            raise omero.ValidationException(None, None, message)
        self._settings = row

    def getRenderingDefId(self, call: Call) -> int:
        """Return the id of the settings in use."""
        if self._settings is None:
            raise omero.ApiUsageException(None, None, "No rendering definition")
        return self._settings.id

    def resetDefaults(self, call: Call) -> None:
        """Make settings, or set them back."""
        require_group(call)
        reset_defaults(call, self._require_pixels())

    # -- the image that is set

    def getThumbnail(self, call: Call, sizeX: Any, sizeY: Any) -> bytes:
        """Return a picture of the given size; a grey one if the pixels cannot be read."""
        try:
            return self.getThumbnailWithoutDefault(call, sizeX, sizeY)
        except omero.ConcurrencyException:
            size = _size(self._require_pixels(), sizeX, sizeY)
            return jpeg(Image.new("RGB", size, (128, 128, 128)))

    def getThumbnailWithoutDefault(self, call: Call, sizeX: Any, sizeY: Any) -> bytes:
        """Return a picture of the given size."""
        pixels = self._require_pixels()
        return thumbnail(self.context, pixels, self._require_settings(), _size(pixels, sizeX, sizeY))

    def getThumbnailByLongestSide(self, call: Call, size: Any) -> bytes:
        """Return a picture in the image's own proportions."""
        pixels = self._require_pixels()
        return thumbnail(self.context, pixels, self._require_settings(), fit(pixels, size))

    def getThumbnailDirect(self, call: Call, sizeX: Any, sizeY: Any) -> bytes:
        """Return a picture, without storing it."""
        return self.getThumbnail(call, sizeX, sizeY)

    def getThumbnailByLongestSideDirect(self, call: Call, size: Any) -> bytes:
        """Return a picture, without storing it."""
        return self.getThumbnailByLongestSide(call, size)

    def getThumbnailForSectionDirect(self, call: Call, theZ: int, theT: int, sizeX: Any, sizeY: Any) -> bytes:
        """Return a picture of one plane."""
        pixels = self._require_pixels()
        size = _size(pixels, sizeX, sizeY)
        return thumbnail(self.context, pixels, self._require_settings(), size, (theZ, theT))

    def getThumbnailForSectionByLongestSideDirect(self, call: Call, theZ: int, theT: int, size: Any) -> bytes:
        """Return a picture of one plane, in the image's own proportions."""
        pixels = self._require_pixels()
        return thumbnail(self.context, pixels, self._require_settings(), fit(pixels, size), (theZ, theT))

    def thumbnailExists(self, call: Call, sizeX: Any, sizeY: Any) -> bool:
        """Tell whether a thumbnail of this size has been made."""
        pixels = self._require_pixels()
        return _stored(call, pixels, _size(pixels, sizeX, sizeY)) is not None

    def createThumbnail(self, call: Call, sizeX: Any, sizeY: Any) -> None:
        """Make a thumbnail."""
        pixels = self._require_pixels()
        self._require_settings()
        store_thumbnail(call, pixels, _size(pixels, sizeX, sizeY))

    def createThumbnails(self, call: Call) -> None:
        """Make the thumbnails of all sizes that the image has: the default one."""
        pixels = self._require_pixels()
        self._require_settings()
        store_thumbnail(call, pixels, fit(pixels, None))

    # -- sets of images

    def getThumbnailSet(self, call: Call, sizeX: Any, sizeY: Any, pixelsIds: list[int]) -> dict[int, bytes]:
        """Return a picture per image, see `getThumbnailByLongestSideSet`."""
        return self._set(call, pixelsIds, lambda pixels: _size(pixels, sizeX, sizeY))

    def getThumbnailByLongestSideSet(self, call: Call, size: Any, pixelsIds: list[int]) -> dict[int, bytes]:
        """Return a picture per image.

        Settings that are missing are made. Pixels that cannot be read now give empty bytes, ids that are not
        readable nothing.
        """
        return self._set(call, pixelsIds, lambda pixels: fit(pixels, size))

    def createThumbnailsByLongestSideSet(self, call: Call, size: Any, pixelsIds: list[int]) -> None:
        """Make the thumbnails of several images."""
        for pixels in _readable(call, pixelsIds):
            store_thumbnail(call, pixels, fit(pixels, size))

    def _set(self, call: Call, ids: list[int], size_of: Any) -> dict[int, bytes]:
        found = {}
        for pixels in _readable(call, ids):
            size = size_of(pixels)
            try:
                settings = _settings(call, pixels) or reset_defaults(call, pixels)
                found[pixels.id] = thumbnail(self.context, pixels, settings, size)
            except omero.ServerError:
                found[pixels.id] = b""
        return found

    # -- parts

    def _require_pixels(self) -> Row:
        if self._pixels is None:
            raise omero.ApiUsageException(None, None, "Thumbnail service not properly initialized: no pixels")
        return self._pixels

    def _require_settings(self) -> Row:
        pixels = self._require_pixels()
        self._settings = self._settings or settings_of(self.context.store, pixels)
        if self._settings is None:
            message = (
                f"The owner id:{pixels.owner} has not viewed the Pixels set id:{pixels.id}, "
                "rendering settings are missing."
            )
            raise omero.ResourceError(None, None, message)
        return self._settings


def _settings(call: Call, pixels: Row) -> Row | None:
    return settings_of(call.store, pixels, call.user_id) or settings_of(call.store, pixels)


def _readable(call: Call, ids: list[int]) -> list[Row]:
    rows = [call.store.get("Pixels", identifier) for identifier in ids]
    return [row for row in rows if row is not None and call.can_read(row)]


def _size(pixels: Row, width: Any, height: Any) -> tuple[int, int]:
    """Clamp a size to that of the image; ApiUsageException for negative numbers."""
    wanted = [_DEFAULT_SIZE if value is None else int(value.getValue()) for value in (width, height)]
    if min(wanted) < 0:
        raise omero.ApiUsageException(None, None, f"Negative thumbnail size: {wanted}")
    return min(wanted[0], pixels.values["sizeX"]) or 1, min(wanted[1], pixels.values["sizeY"]) or 1


def fit(pixels: Row, side: Any) -> tuple[int, int]:
    """Size of a picture in the image's proportions of which the longest side is `side`, or less."""
    wanted = _DEFAULT_SIZE if side is None else int(side.getValue())
    if wanted < 0:
        raise omero.ApiUsageException(None, None, f"Negative thumbnail size: {wanted}")
    width, height = pixels.values["sizeX"], pixels.values["sizeY"]
    scale = min(1.0, wanted / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _stored(call: Call, pixels: Row, size: tuple[int, int]) -> Row | None:
    rows = call.store.referrers("Thumbnail", "pixels", pixels.id)
    return next((row for row in rows if (row.values["sizeX"], row.values["sizeY"]) == size), None)


def store_thumbnail(call: Call, pixels: Row, size: tuple[int, int]) -> None:
    """Note that a thumbnail of this size has been made."""
    require_group(call)
    if _stored(call, pixels, size) is None:
        values = {"pixels": pixels.id, "mimeType": _MIMETYPE, "sizeX": size[0], "sizeY": size[1]}
        call.store.insert("Thumbnail", values, owner=call.user_id, group=call.group_id, event=call.event())
