"""One pass over all pixels of an image: digest and extremes, in bounded memory."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from omero_sandbox.images.series import Region, Series

_BAND_BYTES = 8 << 20

Read = Callable[[int, int, int, Region], bytes]


@dataclass(frozen=True)
class Scan:
    """What one pass found.

    Attributes
    ----------
    digest
        SHA-1 over little-endian samples, t slowest, then c, z, rows (ManagedRepositoryI's parseData).
    extremes
        (minimum, maximum) per channel; NaN counts as nothing.
    """

    digest: bytes
    extremes: list[tuple[float, float]]


def scan(series: Series, read: Read) -> Scan:
    """Read every plane of `series` in bands of rows through `read`, called with z, c, t and a region."""
    running = hashlib.sha1(usedforsecurity=False)
    lows, highs = [np.inf] * series.size_c, [-np.inf] * series.size_c
    for c, data in _bands(series, read):
        running.update(data.astype(series.dtype.newbyteorder("<")).tobytes())
        valid = data[~np.isnan(data)] if data.dtype.kind in "fc" else data
        if valid.size and data.dtype.kind != "c":
            lows[c], highs[c] = min(lows[c], float(valid.min())), max(highs[c], float(valid.max()))
    pairs = zip(lows, highs, strict=True)
    return Scan(running.digest(), [(low, high) if low <= high else (0.0, 0.0) for low, high in pairs])


def _bands(series: Series, read: Read) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (channel, samples) of full-width bands, t slowest, then c, then z."""
    tile = series.tile_size[1]
    rows = max(1, _BAND_BYTES // (series.size_x * series.dtype.itemsize) // tile) * tile
    for t in range(series.size_t):
        for c in range(series.size_c):
            for z in range(series.size_z):
                for y in range(0, series.size_y, rows):
                    region = Region(0, y, series.size_x, min(rows, series.size_y - y))
                    yield c, np.frombuffer(read(z, c, t, region), series.dtype)
