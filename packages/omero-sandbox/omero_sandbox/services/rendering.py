"""From samples and rendering settings to a picture (omero-renderer; windows are mapped linearly)."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from omero_sandbox.images.series import Region
from omero_sandbox.services import pixel_access

if TYPE_CHECKING:
    from omero_sandbox.db.store import Row, Store
    from omero_sandbox.images.buffer import PixelBuffer
    from omero_sandbox.net.context import ServiceContext

SETTINGS_PLAN: dict[str, Any] = {
    "pixels": {},
    "model": {},
    "quantization": {},
    "waveRendering": {"family": {}},
    "details": {"owner": {}},
}
"""What clients expect to be loaded with a RenderingDef."""

_SAMPLES_AT_ONCE = 4_000_000


@dataclass(frozen=True)
class Recipe:
    """How to show an image.

    Attributes
    ----------
    channels
        Values of the ChannelBindings, in channel order.
    grey
        Show the first active channel in grey.
    """

    channels: list[dict[str, Any]]
    grey: bool


def recipe(store: Store, settings: Row) -> Recipe:
    """Read stored settings."""
    bindings = store.children(settings, "waveRendering")
    return Recipe([binding.values for binding in bindings], is_grey(store, settings.values.get("model")))


def is_grey(store: Store, model: int | None) -> bool:
    """Tell whether a rendering model is greyscale."""
    row = store.get("RenderingModel", -1 if model is None else model)
    return row is not None and row.values["value"] == "greyscale"


def render(buffer: PixelBuffer, how: Recipe, z: int, t: int, region: Region) -> np.ndarray:
    """Mix the active channels of a rectangle: shape (h, w, 3), uint8."""
    active = [(c, binding) for c, binding in enumerate(how.channels) if binding["active"]]
    mixed = np.zeros((region.h, region.w, 3), np.float32)
    for c, binding in active[:1] if how.grey else active:
        level = _quantize(buffer, binding, (z, c, t), region)
        colour = [255, 255, 255] if how.grey else [binding[name] for name in ("red", "green", "blue")]
        mixed += level[:, :, np.newaxis] * np.asarray(colour, np.float32)
    return np.clip(np.rint(mixed), 0, 255).astype(np.uint8)


def _quantize(
    buffer: PixelBuffer, binding: dict[str, Any], plane: tuple[int, int, int], region: Region
) -> np.ndarray:
    """Map the samples to 0..1 by the channel's window."""
    samples = np.frombuffer(buffer.region(*plane, region), buffer.shape.dtype).astype(np.float64)
    low, high = binding["inputStart"], binding["inputEnd"]
    scaled = np.nan_to_num((samples - low) / ((high - low) or 1.0))
    clipped = np.clip(scaled, 0, 1) ** binding["coefficient"]
    return clipped.reshape(region.h, region.w).astype(np.float32)


def thumbnail(
    context: ServiceContext,
    pixels: Row,
    settings: Row,
    size: tuple[int, int],
    section: tuple[int, int] | None = None,
) -> bytes:
    """Render a JPEG of exactly `size`, of plane `section` = (z, t), by default that of the settings.

    Raises
    ------
    omero.ServerError
        The pixels cannot be read now.
    """
    z, t = section or (settings.values["defaultZ"], settings.values["defaultT"])
    how = recipe(context.store, settings)
    buffer = pixel_access.buffer_of(context, pixels, write=False)
    try:
        if len(buffer.levels) > 1:
            buffer.set_level(_level_for(buffer, size))
        width, height = buffer.size
        picture = Image.new("RGB", size)
        rows = max(1, _SAMPLES_AT_ONCE // width)
        for top in range(0, height, rows):
            region = Region(0, top, width, min(rows, height - top))
            strip = Image.fromarray(render(buffer, how, z, t, region))
            first, last = round(top * size[1] / height), round((top + region.h) * size[1] / height)
            if last > first:
                picture.paste(strip.resize((size[0], last - first)), (0, first))
    finally:
        buffer.close()
    return jpeg(picture)


def jpeg(picture: Image.Image, quality: float = 0.85) -> bytes:
    """Compress a picture; `quality` is between 0 and 1."""
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=round(quality * 100))
    return out.getvalue()


def _level_for(buffer: PixelBuffer, size: tuple[int, int]) -> int:
    """Find the smallest level that is not smaller than the picture."""
    fitting = [i for i, (w, h) in enumerate(buffer.levels) if w >= size[0] and h >= size[1]]
    return max(fitting, default=0)
