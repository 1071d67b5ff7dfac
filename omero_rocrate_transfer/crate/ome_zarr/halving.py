"""Makes the levels of a pyramid: each half of the one before."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def halve_mean(plane: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the means of 2 x 2 blocks, shape halved and rounded up, same dtype (native byte order).

    An odd last row or column is repeated, so that it keeps its own mean. Integer means are rounded down.
    """
    even = _pad_to_even(plane)
    if even.dtype.kind == "f":
        return _mean_of_floats(even.astype(even.dtype.newbyteorder("="), copy=False))
    if even.dtype.kind == "b":
        return np.asarray(even[0::2, 0::2])
    sums: npt.NDArray[Any] = np.add(even[0::2, 0::2], even[1::2, 0::2], dtype=_wider(even.dtype))
    sums += even[0::2, 1::2]
    sums += even[1::2, 1::2]
    sums >>= 2
    return np.asarray(sums, even.dtype.newbyteorder("="))


def _mean_of_floats(even: npt.NDArray[Any]) -> npt.NDArray[Any]:
    # Each quartered before the sum, which else could leave the range of the type.
    with np.errstate(all="ignore"):  # NaN and infinities are data
        means: npt.NDArray[Any] = even[0::2, 0::2] * even.dtype.type(0.25)
        for part in (even[1::2, 0::2], even[0::2, 1::2], even[1::2, 1::2]):
            means += part * even.dtype.type(0.25)
    return means


def halve_nearest(plane: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return every second pixel of every second row: for labels, whose values must not be mixed."""
    return np.asarray(plane[0::2, 0::2])


def _pad_to_even(plane: npt.NDArray[Any]) -> npt.NDArray[Any]:
    height, width = plane.shape
    if height % 2 == 0 and width % 2 == 0:
        return plane
    return np.pad(plane, ((0, height % 2), (0, width % 2)), mode="edge")


def _wider(dtype: np.dtype[np.generic]) -> np.dtype[np.generic]:
    return np.dtype(f"{dtype.kind}{min(8, dtype.itemsize * 2)}")
