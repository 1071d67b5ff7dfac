from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omero_rocrate_transfer.model.digests import SHA256, Hasher, is_computable, proves_content


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        # Vectors of ome-common's ChecksumProvider tests for "abc".
        ("SHA1-160", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ("MD5-128", "900150983cd24fb0d6963f7d28e17f72"),
        ("CRC-32", "c2412435"),
        ("Adler-32", "27014d02"),
        ("File-Size-64", "0300000000000000"),
    ],
)
def test_digests_are_written_as_omero_writes_them(algorithm: str, expected: str) -> None:
    hasher = Hasher([algorithm])
    hasher.update(b"abc")

    assert hasher.digests()[algorithm].hex == expected


@given(st.lists(st.binary(max_size=50)))
def test_blocks_add_up_to_the_digest_of_the_whole(blocks: list[bytes]) -> None:
    hasher = Hasher([SHA256, "SHA1-160"])
    for block in blocks:
        hasher.update(block)

    whole = b"".join(blocks)
    assert hasher.size_bytes == len(whole)
    assert hasher.digests()[SHA256].hex == hashlib.sha256(whole).hexdigest()
    assert hasher.digests()["SHA1-160"].hex == hashlib.sha1(whole, usedforsecurity=False).hexdigest()


def test_an_algorithm_that_is_not_computable_gives_no_digest() -> None:
    assert set(Hasher([SHA256, "Murmur3-128"]).digests()) == {SHA256}
    assert not is_computable("Murmur3-128")


def test_a_size_is_no_proof_of_content() -> None:
    assert is_computable("File-Size-64")
    assert not proves_content("File-Size-64")
    assert proves_content("CRC-32")
