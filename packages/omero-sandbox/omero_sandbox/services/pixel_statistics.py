"""Extremes and histograms of planes (ome.services.RawPixelsBean.findMinMax, getHistogram)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from omero_sandbox.db.store import Row, Store
from omero_sandbox.images.buffer import PixelBuffer


def samples(buffer: PixelBuffer, z: int, c: int, t: int) -> np.ndarray:
    """Read a plane at the level in use: shape (height, width), big-endian."""
    width, height = buffer.size
    return np.frombuffer(buffer.plane(z, c, t), buffer.shape.dtype).reshape(height, width)


def extremes(buffer: PixelBuffer, c: int) -> tuple[float, float]:
    """Minimum and maximum of the middle plane of a channel."""
    shape = buffer.shape
    plane = samples(buffer, (shape.z - 1) // 2, c, (shape.t - 1) // 2)
    return float(plane.min()), float(plane.max())


def histogram(
    buffer: PixelBuffer, c: int, at: tuple[int, int], bins: int, limits: tuple[float, float] | None
) -> list[int]:
    """Count the samples of plane `at` = (z, t) in `bins` bins between `limits`, by default the extremes."""
    plane = samples(buffer, at[0], c, at[1]).astype(float)
    low, high = limits or (float(plane.min()), float(plane.max()))
    width = (high - low + 1) / bins
    found = np.clip((plane[(plane >= low) & (plane <= high)] - low) // width, 0, bins - 1)
    return [int(n) for n in np.bincount(found.astype(int), minlength=bins)]


def global_ranges(store: Store, pixels: Row) -> dict[int, tuple[float, float]]:
    """Read the known extremes of each channel."""
    ranges = {}
    for c, channel in enumerate(store.children(pixels, "channels")):
        info = store.get("StatsInfo", channel.values.get("statsInfo", -1))
        if info is not None:
            ranges[c] = (info.values["globalMin"], info.values["globalMax"])
    return ranges


def fitting_level(levels: Sequence[tuple[int, int]], config: dict[str, str]) -> int:
    """Find the largest level that is not above the limit for planes."""
    limit = int(config.get("omero.pixeldata.max_plane_width", 3192)) ** 2
    return next((i for i, (w, h) in enumerate(levels) if w * h <= limit), len(levels) - 1)
