"""100,000 images: memory of writer and reader."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.soak

#: Grows a draft of N single-file units without payload, and reports seconds and KiB.
WRITE = r"""
import re, sys, time
from pathlib import Path
from omero_rocrate_transfer.crate.write import metadata
from omero_rocrate_transfer.crate.write import provenance
from omero_rocrate_transfer.crate import (entities)
from omero_rocrate_transfer.crate.manifest import render_line
from omero_rocrate_transfer.crate.write.spool import Spool
from omero_rocrate_transfer.crate.write.units import PackedUnit, describe_unit
from omero_rocrate_transfer.model.contents import *
from omero_rocrate_transfer.model.digests import Digest
from omero_rocrate_transfer.model.facts import CrateFacts
from omero_rocrate_transfer.model.refs import ObjectRef

count, folder = int(sys.argv[1]), Path(sys.argv[2])
digests = {"SHA256": Digest("SHA256", "0" * 64), "SHA1-160": Digest("SHA1-160", "0" * 40)}
contents = Contents(source=SourceInfo(host="a.b", database_uuid="x", version="5"), roots=())
started, spool = time.monotonic(), Spool(folder)
for number in range(count):
    unit = TransferUnit(
        ref=ObjectRef("Fileset", number),
        images=(ImageRecord(ref=ObjectRef("Image", number), name=f"image {number}", owner=1, group=2),),
        files=(OriginalFile(key="", path=f"image-{number}.ome.tif", size_bytes=1),),
    )
    files = tuple(
        entities.PackedFile(name=f"fs{number}.{name}", size_bytes=1, digests=digests)
        for name in (f"image-{number}.ome.tif", "ome.xml")
    )
    packed = PackedUnit(unit=unit, files=files[:1], document=files[1], pages=(), replaced=0)
    found, mentions = describe_unit(packed, contents, acquired=True)
    spool.append(number, metadata.render_unit(found, parts=[file.name for file in files], mentions=mentions))
root = {"@id": "./", "mentions": [{"@id": "#x"}], "hasPart": [{"@id": "y"}]}
with (folder / "metadata.json").open("wb") as out:
    for block in metadata.iter_metadata(spool, "1.1", root, []):
        out.write(block)
print(time.monotonic() - started, re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1])
"""

READ = r"""
import re, sys, time
from pathlib import Path
from omero_rocrate_transfer.crate.read.source import CrateSource
started = time.monotonic()
source = CrateSource(Path(sys.argv[1]))
contents = source.read_contents()
assert contents.file_count == int(sys.argv[2])
print(time.monotonic() - started, re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1])
"""

PACK = """
import sys
from dataclasses import replace
from pathlib import Path
from omero_rocrate_transfer.model.contents import TransferUnit
from omero_rocrate_transfer.model.refs import ObjectRef
from tests.crate.worlds import make_file, make_image, make_world, pack

contents, _ = make_world()
count = int(sys.argv[2])
file = make_file("0", "x.tif", b"x")
units = tuple(
    TransferUnit(ref=ObjectRef("Fileset", number), images=(make_image(number),), files=(file,))
    for number in range(1, count + 1)
)
dataset = replace(contents.containers[1], members=tuple(unit.images[0].ref for unit in units))
contents = replace(contents, containers=(contents.containers[0], dataset), units=units)
pack(Path(sys.argv[1]), contents, {"0": b"x"})
"""


def run(code: str, *arguments: object) -> list[float]:
    root = Path(__file__).parent.parent.parent
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)
    return [float(figure) for figure in done.stdout.split()]


def test_metadata_of_100_000_images_are_written_in_bounded_memory(tmp_path: Path) -> None:
    _, few_kib = run(WRITE, 1000, tmp_path)
    seconds, many_kib = run(WRITE, 100_000, tmp_path)

    assert many_kib - few_kib < 16 * 1024
    assert many_kib < 64 * 1024
    assert seconds < 30


def test_crate_of_many_units_is_read_in_bounded_memory(tmp_path: Path) -> None:
    # a zip: making as many small files durable one by one takes a disk minutes
    run(PACK, tmp_path / "crate.zip", 5_000)

    seconds, kib = run(READ, tmp_path / "crate.zip", 5_000)

    assert kib < 300 * 1024
    assert seconds < 30
