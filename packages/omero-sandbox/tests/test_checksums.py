"""Digests are those that OMERO's providers print (ome.util.checksum.*ProviderImplTest)."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from omero_sandbox.repository.checksums import ALGORITHMS, checksum

ABC = {
    "SHA1-160": "a9993e364706816aba3e25717850c26c9cd0d89d",
    "MD5-128": "900150983cd24fb0d6963f7d28e17f72",
    "CRC-32": "c2412435",
    "Adler-32": "27014d02",
    "File-Size-64": "0300000000000000",
    "Murmur3-32": "fa93ddb3",
    "Murmur3-128": "6778ad3f3f3f96b4522dca264174a23b",
}


@pytest.mark.parametrize("name", list(ALGORITHMS))
def test_digest_of_abc_is_the_published_one(tmp_path: Path, name: Any) -> None:
    (tmp_path / "f").write_bytes(b"abc")
    assert checksum(tmp_path / "f", name) == ABC[name]


@pytest.mark.parametrize("name", list(ALGORITHMS))
def test_digest_does_not_depend_on_the_size_of_the_blocks(tmp_path: Path, name: Any) -> None:
    (tmp_path / "f").write_bytes(bytes(range(256)) * 5 + b"rest")
    assert checksum(tmp_path / "f", name, block=7) == checksum(tmp_path / "f", name)


def test_sha1_is_the_first_choice(tmp_path: Path) -> None:
    assert next(iter(ALGORITHMS)) == "SHA1-160"
    (tmp_path / "f").write_bytes(b"x" * 100)
    assert checksum(tmp_path / "f", "SHA1-160") == hashlib.sha1(b"x" * 100).hexdigest()
