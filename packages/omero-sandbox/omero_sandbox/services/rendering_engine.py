"""Rendering one image (omero.api.RenderingEngine; ome.services.RenderingBean), as far as viewers need it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import omero
import omero.clients
import omero.romio
from PIL import Image

from omero_sandbox.db.marshal import Marshaller
from omero_sandbox.images.series import Region
from omero_sandbox.security.ownership import require_group
from omero_sandbox.services import pixel_access
from omero_sandbox.services.default_settings import reset_defaults, settings_of
from omero_sandbox.services.pixel_statistics import global_ranges
from omero_sandbox.services.rendering import SETTINGS_PLAN, Recipe, is_grey, jpeg, render

if TYPE_CHECKING:
    from omero_sandbox.db.store import Row
    from omero_sandbox.images.buffer import PixelBuffer
    from omero_sandbox.net.call import Call
    from omero_sandbox.net.context import ServiceContext

_PACKED = 0xFF000000


class RenderingEngineService:
    """Settings are changed in a copy of the stored rows and written by `saveCurrentSettings` only."""

    def __init__(self, context: ServiceContext) -> None:
        self.context = context
        self._pixels: Row | None = None
        self._stored: Row | None = None
        self._buffer: PixelBuffer | None = None
        self._draft: dict[str, Any] = {}
        self._channels: list[dict[str, Any]] = []
        self._quality = 0.85

    # -- opening

    def lookupPixels(self, call: Call, pixelsId: int) -> None:
        """Choose an image."""
        self._pixels = pixel_access.load_pixels(call, pixelsId)

    def lookupRenderingDef(self, call: Call, pixelsId: int) -> bool:
        """Choose the caller's settings, else the owner's; False if there are none."""
        pixels = self._require_pixels()
        row = settings_of(call.store, pixels, call.user_id) or settings_of(call.store, pixels)
        self._choose(row)
        return row is not None

    def loadRenderingDef(self, call: Call, renderingDefId: int) -> None:
        """Choose settings by their id."""
        row = call.store.get("RenderingDef", renderingDefId)
        if row is None or not call.can_read(row):
            message = f"No rendering definition exists with ID = {renderingDefId}"
            raise omero.ValidationException(None, None, message)
        self._choose(row)

    def load(self, call: Call) -> None:
        """Open the pixels."""
        if self._stored is None:
            raise omero.ApiUsageException(None, None, "No rendering settings: call lookupRenderingDef first")
        self.session_ended()
        self._buffer = pixel_access.buffer_of(self.context, self._require_pixels(), write=False)

    def resetDefaultSettings(self, call: Call, save: bool) -> int:
        """Make settings, or set them back; returns their id."""
        require_group(call)
        row = reset_defaults(call, self._require_pixels())
        self._choose(row)
        return row.id

    def getRenderingDefId(self, call: Call) -> int:
        """Return the id of the settings in use."""
        if self._stored is None:
            raise omero.ApiUsageException(None, None, "No rendering settings")
        return self._stored.id

    def close(self, call: Call) -> None:
        """Close."""
        self.session_ended()
        self.context.unregister(self)

    def session_ended(self) -> None:
        """Release the pixels."""
        if self._buffer is not None:
            self._buffer.close()
            self._buffer = None

    # -- pictures

    def render(self, call: Call, plane: Any) -> Any:
        """Render a plane: one byte per sample and colour."""
        picture = self._picture(call, plane)
        red, green, blue = (np.ascontiguousarray(picture[:, :, i]).tobytes() for i in range(3))
        return omero.romio.RGBBuffer([red, green, blue], picture.shape[1], picture.shape[0])

    def renderAsPackedInt(self, call: Call, plane: Any) -> list[int]:
        """Render a plane: ARGB in signed 32-bit integers."""
        picture = self._picture(call, plane).astype(np.uint32)
        packed = picture[:, :, 0] << 16 | picture[:, :, 1] << 8 | picture[:, :, 2] | _PACKED
        return [int(n) for n in packed.astype(np.int32).ravel()]

    def renderCompressed(self, call: Call, plane: Any) -> bytes:
        """Render a plane as JPEG."""
        return jpeg(Image.fromarray(self._picture(call, plane)), self._quality)

    def setCompressionLevel(self, call: Call, percentage: float) -> None:
        """Set the quality of JPEGs, between 0 and 1."""
        self._quality = percentage

    def getCompressionLevel(self, call: Call) -> float:
        """Return the quality of JPEGs."""
        return self._quality

    def _picture(self, call: Call, plane: Any) -> np.ndarray:
        if self._buffer is None or self._stored is None:
            raise omero.ApiUsageException(None, None, "RenderingEngine not ready: load() was not called")
        width, height = self._buffer.size
        wanted = plane.region
        region = Region(0, 0, width, height) if wanted is None else _clip(wanted, width, height)
        how = Recipe(self._channels, is_grey(call.store, self._draft.get("model")))
        return render(self._buffer, how, plane.z, plane.t, region)

    # -- facts

    def getPixels(self, call: Call) -> Any:
        """Return the Pixels with type and channels."""
        return self.context.get_service("IPixels").retrievePixDescription(call, self._require_pixels().id)

    def getDefaultZ(self, call: Call) -> int:
        """Return the plane to show first."""
        return int(self._draft["defaultZ"])

    def getDefaultT(self, call: Call) -> int:
        """Return the time point to show first."""
        return int(self._draft["defaultT"])

    def setDefaultZ(self, call: Call, z: int) -> None:
        """Set the plane to show first."""
        self._draft["defaultZ"] = z

    def setDefaultT(self, call: Call, t: int) -> None:
        """Set the time point to show first."""
        self._draft["defaultT"] = t

    def getModel(self, call: Call) -> Any:
        """Return the rendering model: rgb or greyscale."""
        row = call.store.get("RenderingModel", self._draft["model"])
        return None if row is None else Marshaller(call.store, call).entity(row)

    def setModel(self, call: Call, model: Any) -> None:
        """Set the rendering model."""
        self._draft["model"] = model.getId().getValue()

    def getAvailableModels(self, call: Call) -> list[Any]:
        """List the rendering models."""
        return Marshaller(call.store, call).entities(list(call.store.rows("RenderingModel")))

    def getAvailableFamilies(self, call: Call) -> list[Any]:
        """List the families of transfer functions."""
        return Marshaller(call.store, call).entities(list(call.store.rows("Family")))

    def getQuantumDef(self, call: Call) -> Any:
        """Return the quantization."""
        row = call.store.get("RenderingDef", self.getRenderingDefId(call))
        return (
            None if row is None else Marshaller(call.store, call).entity(row, SETTINGS_PLAN).getQuantization()
        )

    def isPixelsTypeSigned(self, call: Call) -> bool:
        """Tell whether samples may be negative."""
        return pixel_access.shape_of(call.store, self._require_pixels()).dtype.kind in "if"

    def getPixelsTypeLowerBound(self, call: Call, w: int) -> float:
        """Return the smallest sample possible, or found in floating-point images."""
        return self._bounds(call, w)[0]

    def getPixelsTypeUpperBound(self, call: Call, w: int) -> float:
        """Return the largest sample possible, or found in floating-point images."""
        return self._bounds(call, w)[1]

    def _bounds(self, call: Call, channel: int) -> tuple[float, float]:
        pixels = self._require_pixels()
        dtype = pixel_access.shape_of(call.store, pixels).dtype
        if dtype.kind in "iu":
            info = np.iinfo(dtype)
            return float(info.min), float(info.max)
        return global_ranges(call.store, pixels).get(channel, (0.0, 1.0))

    # -- channels

    def isActive(self, call: Call, w: int) -> bool:
        """Tell whether a channel is shown."""
        return bool(self._channels[w]["active"])

    def setActive(self, call: Call, w: int, active: bool) -> None:
        """Show or hide a channel."""
        self._channels[w]["active"] = active

    def getChannelWindowStart(self, call: Call, w: int) -> float:
        """Return the sample shown black."""
        return float(self._channels[w]["inputStart"])

    def getChannelWindowEnd(self, call: Call, w: int) -> float:
        """Return the sample shown brightest."""
        return float(self._channels[w]["inputEnd"])

    def setChannelWindow(self, call: Call, w: int, start: float, end: float) -> None:
        """Set the window of a channel."""
        self._channels[w] |= {"inputStart": start, "inputEnd": end}

    def getRGBA(self, call: Call, w: int) -> list[int]:
        """Return the colour of a channel."""
        return [int(self._channels[w][name]) for name in ("red", "green", "blue", "alpha")]

    def setRGBA(self, call: Call, w: int, red: int, green: int, blue: int, alpha: int) -> None:
        """Set the colour of a channel."""
        self._channels[w] |= {"red": red, "green": green, "blue": blue, "alpha": alpha}

    def getChannelLookupTable(self, call: Call, w: int) -> str:
        """Return the name of a channel's lookup table."""
        return str(self._channels[w].get("lookupTable") or "")

    def setChannelLookupTable(self, call: Call, w: int, lookup: str) -> None:
        """Name a lookup table; pictures of the sandbox keep the colour."""
        self._channels[w]["lookupTable"] = lookup or None

    def getChannelFamily(self, call: Call, w: int) -> Any:
        """Return the family of a channel's transfer function."""
        row = call.store.get("Family", self._channels[w]["family"])
        return None if row is None else Marshaller(call.store, call).entity(row)

    def getChannelCurveCoefficient(self, call: Call, w: int) -> float:
        """Return the coefficient of a channel's transfer function."""
        return float(self._channels[w]["coefficient"])

    def getChannelNoiseReduction(self, call: Call, w: int) -> bool:
        """Tell whether noise reduction is on."""
        return bool(self._channels[w]["noiseReduction"])

    def getCodomainMapContext(self, call: Call, w: int) -> list[Any]:
        """List the codomain maps of a channel: none."""
        return []

    # -- saving

    def saveCurrentSettings(self, call: Call) -> None:
        """Write what was changed to the caller's settings of the image."""
        require_group(call)
        pixels = self._require_pixels()
        row = settings_of(call.store, pixels, call.user_id) or reset_defaults(call, pixels)
        with call.store.transaction():
            kept = {name: self._draft[name] for name in ("defaultZ", "defaultT", "model")}
            call.store.update(row, kept, event=call.event())
            for binding, values in zip(
                call.store.children(row, "waveRendering"), self._channels, strict=True
            ):
                changed = {key: value for key, value in values.items() if not key.startswith("renderingDef")}
                call.store.update(binding, changed, event=call.event())
        self._choose(row)

    def _choose(self, row: Row | None) -> None:
        self._stored = row
        if row is not None:
            self._draft = dict(row.values)
            self._channels = [dict(b.values) for b in self.context.store.children(row, "waveRendering")]

    def _require_pixels(self) -> Row:
        if self._pixels is None:
            raise omero.ApiUsageException(
                None, None, "RenderingEngine not ready: lookupPixels was not called"
            )
        return self._pixels


def _clip(wanted: Any, width: int, height: int) -> Region:
    x, y = max(0, wanted.x), max(0, wanted.y)
    return Region(x, y, min(wanted.width, width - x), min(wanted.height, height - y))
