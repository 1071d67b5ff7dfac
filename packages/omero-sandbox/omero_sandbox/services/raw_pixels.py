"""Reading and writing pixels (omero.api.RawPixelsStore; ome.services.RawPixelsBean)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np
import omero
import omero.clients

from omero_sandbox.images.errors import FormatError
from omero_sandbox.images.series import Region
from omero_sandbox.security.ownership import require_group, require_update
from omero_sandbox.services import pixel_access, pixel_statistics
from omero_sandbox.services.raw_pixels_sizes import PixelSizes

if TYPE_CHECKING:
    from omero_sandbox.images.buffer import PixelBuffer
    from omero_sandbox.net.call import Call
    from omero_sandbox.net.context import ServiceContext


log = logging.getLogger(__name__)


class RawPixelsStoreService(PixelSizes):
    """One image's pixels, big-endian, plane addresses (z, c, t)."""

    def __init__(self, context: ServiceContext) -> None:
        self.context = context
        self._pixels: int | None = None
        self._buffer: PixelBuffer | None = None
        self._dirty = False

    @property
    def buffer(self) -> PixelBuffer:
        """The open buffer; without one Java meets a null pointer."""
        if self._buffer is None:
            java = "java.lang.NullPointerException"
            message = "RawPixelsStore not properly initialized: setPixelsId was not called"
            raise omero.ApiUsageException(None, java, message)
        return self._buffer

    # -- life

    def setPixelsId(self, call: Call, pixelsId: int, bypassOriginalFile: bool) -> None:
        """Open an image; another one that was open is closed without being saved."""
        if pixelsId == self._pixels:
            return
        row = pixel_access.load_pixels(call, pixelsId)
        self._release()
        self._buffer = pixel_access.buffer_of(self.context, row, write=True)
        self._pixels = pixelsId

    def getPixelsId(self, call: Call) -> int | None:
        """Return the id of the open image."""
        return self._pixels

    def getPixelsPath(self, call: Call) -> str:
        """Return the path on the server."""
        return str(self.buffer.path)

    def prepare(self, call: Call, pixelsIds: list[int]) -> None:
        """Do nothing: rows are in memory anyway; ids that cannot be read are not reported."""

    def save(self, call: Call) -> Any:
        """Store the digest of what was written; None if nothing was."""
        buffer = self.buffer
        if not (buffer.dirty or self._dirty) or self._pixels is None:
            return None
        row = call.store.get("Pixels", self._pixels)
        if row is None:
            raise omero.ValidationException(None, None, f"Cannot read pixels id={self._pixels}")
        require_group(call)
        require_update(call, row)
        digest = buffer.digest().hex()
        with call.store.transaction():
            call.store.update(row, {"sha1": digest}, event=call.event())
        buffer.dirty = self._dirty = False
        return self.context.get_service("IQuery").get(call, "Pixels", self._pixels)

    def close(self, call: Call) -> None:
        """Save, then close; OMERO's own errors of saving come through, others only reach the server's log."""
        try:
            if self._buffer is not None:
                self.save(call)
        except (OSError, ValueError, NotImplementedError, FormatError):
            log.exception("Pixels %s were closed without being saved", self._pixels)
        finally:
            self._release()
            self.context.unregister(self)

    def session_ended(self) -> None:
        """Release the file; what was not saved has no digest."""
        self._release()

    def _release(self) -> None:
        if self._buffer is not None:
            self._dirty = self._dirty or self._buffer.dirty
            self._buffer.close()
        self._buffer, self._pixels = None, None

    # -- reading

    def getTile(self, call: Call, z: int, c: int, t: int, x: int, y: int, w: int, h: int) -> bytes:
        """Read a rectangle."""
        return self.buffer.region(z, c, t, Region(x, y, w, h))

    def getPlane(self, call: Call, z: int, c: int, t: int) -> bytes:
        """Read a plane."""
        return self.buffer.plane(z, c, t)

    def getRow(self, call: Call, y: int, z: int, c: int, t: int) -> bytes:
        """Read a row."""
        return self.buffer.region(z, c, t, Region(0, y, self.buffer.size[0], 1))

    def getCol(self, call: Call, x: int, z: int, c: int, t: int) -> bytes:
        """Read a column."""
        return self.buffer.region(z, c, t, Region(x, 0, 1, self.buffer.size[1]))

    def getStack(self, call: Call, c: int, t: int) -> bytes:
        """Read the planes of all z; not from pyramids."""
        shape = self.buffer.shape
        return self.buffer.planes(shape.plane(0, c, t), shape.z)

    def getTimepoint(self, call: Call, t: int) -> bytes:
        """Read the planes of all z and c; not from pyramids."""
        shape = self.buffer.shape
        return self.buffer.planes(shape.plane(0, 0, t), shape.z * shape.c)

    def getRegion(self, call: Call, size: int, offset: int) -> bytes:
        """Read bytes of a ROMIO file."""
        return self.buffer.raw(offset, size)

    def getPlaneRegion(self, call: Call, z: int, c: int, t: int, size: int, offset: int) -> bytes:
        """Read samples of a plane of a ROMIO file, `size` and `offset` counted in samples."""
        width = self.buffer.byte_width
        return self.buffer.raw(self.getPlaneOffset(call, z, c, t) + offset * width, size * width)

    def getHypercube(self, call: Call, offset: list[int], size: list[int], step: list[int]) -> bytes:
        """Read every `step`-th sample of a block, all three given as [x, y, z, c, t]; not from pyramids."""
        if len(self.buffer.levels) > 1 and self.buffer.path.name.endswith("_pyramid"):
            raise NotImplementedError("Not supported by pyramids")
        x, y, z, c, t = offset
        w, h, depth, channels, times = size
        sx, sy, sz, sc, st = step
        parts = []
        for at in range(t, t + times, st):
            for channel in range(c, c + channels, sc):
                for plane in range(z, z + depth, sz):
                    data = np.frombuffer(self.buffer.region(plane, channel, at, Region(x, y, w, h)), np.uint8)
                    parts.append(data.reshape(h, w, -1)[::sy, ::sx].tobytes())
        return b"".join(parts)

    # -- writing

    def setTile(self, call: Call, buf: bytes, z: int, c: int, t: int, x: int, y: int, w: int, h: int) -> None:
        """Write a rectangle: a full-width band of a normal image, the next tile of a pyramid."""
        self.buffer.write_tile(buf, z, c, t, Region(x, y, w, h))

    def setPlane(self, call: Call, buf: bytes, z: int, c: int, t: int) -> None:
        """Write a plane; the length must be right."""
        self._require_plane_writer()
        self.buffer.write_raw(buf, self.getPlaneOffset(call, z, c, t), self.getPlaneSize(call))

    def setRow(self, call: Call, buf: bytes, y: int, z: int, c: int, t: int) -> None:
        """Write a row; longer data run into the next row."""
        self._require_plane_writer()
        self.buffer.write_raw(buf, self.getRowOffset(call, y, z, c, t), None)

    def setRegion(self, call: Call, size: int, offset: int, buf: bytes) -> None:
        """Write bytes of a ROMIO file."""
        self._require_plane_writer()
        self.buffer.write_raw(buf, offset, None)

    def setStack(self, call: Call, buf: bytes, z: int, c: int, t: int) -> None:
        """Write the planes of all z."""
        self._require_plane_writer()
        self.buffer.write_raw(buf, self.getStackOffset(call, c, t), self.getStackSize(call))

    def setTimepoint(self, call: Call, buf: bytes, t: int) -> None:
        """Write the planes of all z and c."""
        self._require_plane_writer()
        self.buffer.write_raw(buf, self.getTimepointOffset(call, t), self.getTimepointSize(call))

    def _require_plane_writer(self) -> None:
        """Refuse before any size is asked for: that would end the writing of a pyramid."""
        if self.buffer.is_tiled_writer:
            raise NotImplementedError("Non-tile based writing unsupported.")

    # -- resolution levels

    def requiresPixelsPyramid(self, call: Call) -> bool:
        """Tell whether the server needs a pyramid for the image."""
        return pixel_access.is_big(self.context, pixel_access.load_pixels(call, self._pixels or -1))

    def getResolutionLevels(self, call: Call) -> int:
        """Return the number of levels."""
        return len(self.buffer.levels)

    def getResolutionLevel(self, call: Call) -> int:
        """Return the level in use; the highest number is the full size."""
        return len(self.buffer.levels) - 1 - self.buffer.level

    def setResolutionLevel(self, call: Call, resolutionLevel: int) -> None:
        """Use a level; 0 is the smallest."""
        self.buffer.set_level(len(self.buffer.levels) - 1 - resolutionLevel)

    def getResolutionDescriptions(self, call: Call) -> list[Any]:
        """Return the sizes of the levels, largest first: the other way round than their numbers."""
        return [omero.api.ResolutionDescription(w, h) for w, h in self.buffer.levels]

    def getTileSize(self, call: Call) -> list[int]:
        """Return [width, height]; the height of a very wide ROMIO image is 0."""
        return list(self.buffer.tile_size)

    # -- statistics

    def calculateMessageDigest(self, call: Call) -> bytes:
        """SHA-1 of all pixels, not comparable between kinds of buffers."""
        return self.buffer.digest()

    def findMinMax(self, call: Call, channels: list[int]) -> dict[int, list[float]]:
        """Return the extremes of the middle plane of each channel; nothing for images with pyramids."""
        if self.requiresPixelsPyramid(call):
            return {}
        return {c: list(pixel_statistics.extremes(self.buffer, c)) for c in self._valid(channels)}

    def getHistogram(
        self, call: Call, channels: list[int], binCount: int, globalRange: bool, plane: Any
    ) -> Any:
        """Count the samples of a plane in bins; images with levels are left at one that fits into a plane."""
        pixels = pixel_access.load_pixels(call, self._pixels or -1)
        ranges = pixel_statistics.global_ranges(call.store, pixels) if globalRange else {}
        if len(self.buffer.levels) > 1:
            self.buffer.set_level(pixel_statistics.fitting_level(self.buffer.levels, self.context.config))
        at = (plane.z or 0, plane.t or 0) if plane is not None else (0, 0)
        bins = binCount if binCount > 0 else 256
        return {
            c: pixel_statistics.histogram(self.buffer, c, at, bins, ranges.get(c))
            for c in self._valid(channels)
        }

    def _valid(self, channels: list[int]) -> list[int]:
        for channel in channels:
            if not 0 <= channel < self.buffer.shape.c:
                raise FormatError(f"Channel index {channel} is out of range")
        return channels
