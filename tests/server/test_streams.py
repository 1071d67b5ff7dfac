"""Files are cut into calls of one size, as many at a time as pay."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omero_rocrate_transfer.server.session.streams import (
    BLOCK_BYTES,
    FAR_BLOCK_BYTES,
    FAR_S,
    STORES,
    ReadAhead,
    read_ahead,
    resized,
)

#: The largest read that a server answers (omero-blitz RepoRawFileStoreI.read).
LARGEST_READ = 64_000_000


@given(blocks=st.lists(st.binary(max_size=30)), size=st.integers(1, 20))
def test_blocks_of_any_size_become_blocks_of_one_size(blocks: list[bytes], size: int) -> None:
    cut = list(resized(blocks, size))

    assert b"".join(cut) == b"".join(blocks)
    assert {len(block) for block in cut[:-1]} <= {size}
    assert all(0 < len(block) <= size for block in cut)


@pytest.mark.parametrize(
    ("size_bytes", "stores"),
    [(0, 1), (1, 1), (BLOCK_BYTES, 1), (BLOCK_BYTES + 1, 2), (3 * BLOCK_BYTES, 3), (1 << 40, STORES)],
)
def test_file_has_no_more_stores_than_blocks(size_bytes: int, stores: int) -> None:
    assert read_ahead(size_bytes, 0.001) == ReadAhead(stores, BLOCK_BYTES)


def test_servers_far_away_are_asked_for_more_in_a_call_but_never_for_too_much() -> None:
    assert read_ahead(1 << 30, FAR_S).block_bytes == FAR_BLOCK_BYTES > BLOCK_BYTES
    assert FAR_BLOCK_BYTES <= LARGEST_READ
