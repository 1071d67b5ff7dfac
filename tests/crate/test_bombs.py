"""Archives that ask for too much are refused quickly and in little memory."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import tarfile
import zlib
from pathlib import Path

import pytest

from tests.crate import hostile_zip, valid

CODE = r"""
import re, sys, time
from pathlib import Path
from omero_rocrate_transfer.crate.read.source import CrateSource
from omero_rocrate_transfer.model.errors import UnsafeCrateError
started = time.process_time()
try:
    CrateSource(Path(sys.argv[1])).read_contents()
except UnsafeCrateError as error:
    assert "\n" not in str(error)
    peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]
    print(time.process_time() - started, peak)
"""
MAX_SECONDS = 10
MAX_RSS_KIB = 300 * 1024


def write_zeros_bomb(path: Path) -> None:
    """1 GiB of zeros in 1 MiB."""
    stream, crc, parts = zlib.compressobj(9, zlib.DEFLATED, -15), 0, []
    block = bytes(1 << 20)
    for _ in range(1024):
        crc = zlib.crc32(block, crc)
        parts.append(stream.compress(block))
    body = b"".join([*parts, stream.flush()])
    member = hostile_zip.Member(b"bomb", b"", method=8, compressed=body, crc=crc, size=1 << 30)
    path.write_bytes(hostile_zip.build_zip([member]))


def write_many_names(path: Path) -> None:
    """A directory of 10 million members that all lie in one place."""
    with path.open("wb") as file:
        file.write(struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 0, 0, 0, 0, 0, 0, 1, 0) + b"x")
        place = file.tell()
        entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"x"
        count = 10_000_000
        for _ in range(100):
            file.write(entry * (count // 100))
        size = count * len(entry)
        end64 = place + size
        file.write(struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, place))
        file.write(struct.pack("<4sLQL", b"PK\6\7", 0, end64, 1))
        file.write(struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0))


def write_overlap_bomb(path: Path) -> None:
    """Members that share their bytes, as in David Fifield's bombs."""
    members = [hostile_zip.Member(b"%05d" % number, b"x" * 100, offset=0) for number in range(50_000)]
    path.write_bytes(hostile_zip.build_zip(members))


def write_long_json(path: Path) -> None:
    """1 GiB of JSON that is no graph of ours, mostly a hole."""
    valid.write_folder(path)
    (path / "ro-crate-metadata.json").write_bytes(b'{"@graph": [')
    os.truncate(path / "ro-crate-metadata.json", 1 << 30)
    drop_metadata_line(path)


def write_long_line(path: Path) -> None:
    """A first line that looks like ours and never ends."""
    valid.write_folder(path)
    (path / "ro-crate-metadata.json").write_bytes(b'{"@context": ')
    os.truncate(path / "ro-crate-metadata.json", 1 << 30)
    drop_metadata_line(path)


def write_long_manifest(path: Path) -> None:
    valid.write_folder(path)
    os.truncate(path / "manifest-sha256.txt", 1 << 30)


def write_deep_json(path: Path) -> None:
    valid.write_folder(path)
    (path / "ro-crate-metadata.json").write_bytes(b'{"a":' * 10**7)
    drop_metadata_line(path)


def write_sparse_tar(path: Path) -> None:
    """A tar of 2 TiB, all of it a hole."""
    info = tarfile.TarInfo("big.tif")
    info.size = 2 << 40
    with path.open("wb") as file:
        file.write(info.tobuf(tarfile.GNU_FORMAT))
        file.truncate(512 + info.size + 1024)


def drop_metadata_line(path: Path) -> None:
    manifest = path / "manifest-sha256.txt"
    lines = manifest.read_text().splitlines(keepends=True)
    manifest.write_text("".join(line for line in lines if "metadata.json" not in line))


@pytest.mark.promise("bombs refused")
@pytest.mark.parametrize(
    "write",
    [
        write_zeros_bomb,
        write_many_names,
        write_overlap_bomb,
        write_long_json,
        write_long_line,
        write_long_manifest,
        write_deep_json,
        write_sparse_tar,
    ],
)
def test_bomb_is_refused_quickly_and_in_little_memory(tmp_path: Path, write: valid.Build) -> None:
    write(tmp_path / "crate")

    done = subprocess.run(
        [sys.executable, "-c", CODE, str(tmp_path / "crate")], capture_output=True, text=True, check=True
    )

    assert done.stdout, "it was not refused"
    seconds, rss_kib = map(float, done.stdout.split())
    assert seconds < MAX_SECONDS
    assert rss_kib < MAX_RSS_KIB
