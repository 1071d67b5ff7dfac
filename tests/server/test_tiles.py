"""Sizes of tiles for all kinds of planes and servers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omero_rocrate_transfer.model.planes import SQUARE
from omero_rocrate_transfer.server.session.tiles import BAND_BYTES, PLANE_BYTES, band_height, best_tile


@pytest.mark.parametrize(
    ("plane", "server", "expected"),
    [
        # small planes whole, whatever the server says
        ((512, 512), (256, 256), (512, 512)),
        ((2048, 2048), (2048, 256), (2048, 2048)),
        # tiles of the server's, about 1024
        ((20_000, 20_000), (256, 256), (1024, 1024)),
        ((20_000, 20_000), (512, 512), (1024, 1024)),
        ((20_000, 20_000), (1024, 1024), (1024, 1024)),
        ((20_000, 20_000), (240, 240), (1024, 1024)),
        # strips stay strips
        ((12_000, 9_000), (12_000, 43), (12_000, 256)),
        # a band of OMERO's own file may be said to have no height
        ((50_000, 4_000), (50_000, 0), (50_000, 256)),
    ],
)
def test_tiles_suit_plane_and_server(
    plane: tuple[int, int], server: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert best_tile(*plane, *server, np.dtype(">u2")) == expected


SIDES = st.integers(1, 3_000_000)


@given(
    plane=st.tuples(SIDES, SIDES),
    server=st.tuples(st.integers(0, 3_000_000), SIDES),
    size=st.sampled_from([1, 2, 4, 8]),
)
def test_tiles_fit_digests_and_messages(plane: tuple[int, int], server: tuple[int, int], size: int) -> None:
    dtype = np.dtype(f"V{size}")

    found = best_tile(*plane, *server, dtype)

    for side, whole in zip(found, plane, strict=True):
        assert 0 < side <= whole
        assert side % SQUARE == 0 or side == whole
    assert found[0] * found[1] * size <= max(PLANE_BYTES, 4 * BAND_BYTES)


@pytest.mark.parametrize(
    ("step", "expected"), [(256, 1024), (1000, 1024), (512, 1024), (768, 768), (4096, 1024)]
)
def test_bands_end_where_tiles_of_the_source_do(step: int, expected: int) -> None:
    assert band_height(4096, 100_000, np.dtype("u2"), step=step) == expected
