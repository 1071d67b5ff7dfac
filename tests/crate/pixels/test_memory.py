"""Memory does not grow with the size of an image."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_PACK = """
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from omero_rocrate_transfer.cli.process.memory import return_large_buffers
from omero_rocrate_transfer.crate.ome_zarr.options import ZarrOptions
from omero_rocrate_transfer.model.refs import ObjectRef
from tests.crate.pixels.support import PixelSource, PixelUnit, make_pixel_world, pack_source

height, width, path = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])

class Noise:
    shape, dtype, tile_size = (1, 1, 1, height, width), np.dtype(">u2"), (1024, 1024)

    def read_tile(self, t, c, z, x, y, width, height):
        data = np.random.default_rng(x + y).bytes(width * height * 2)
        return np.frombuffer(data, ">u2").reshape(height, width)

    def close(self): pass

return_large_buffers()
contents, _, _ = make_pixel_world()
ref = ObjectRef("Image", 205)
contents = replace(contents, units=contents.units[:1], containers=(), roots=(ref,))
source = PixelSource(contents, {ref: np.broadcast_to(np.zeros((), ">u2"), Noise.shape)}, {})
PixelUnit.pixels = lambda unit, image: Noise()
pack_source(path, source, ZarrOptions())
# not ru_maxrss: that of a child begins with what its parent had taken
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(int(peak.split()[1]) // 1024)
"""


def measure(path: Path, height: int, width: int) -> int:
    """Pack an image in a process of its own, and return its peak memory in MiB."""
    command = [sys.executable, "-c", _PACK, str(height), str(width), str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=170)
    return int(done.stdout)


def test_memory_of_an_image_of_a_dozen_shards_is_bounded(tmp_path: Path) -> None:
    small, large = measure(tmp_path / "small", 512, 512), measure(tmp_path / "large", 3000, 4000)

    assert large <= 350
    assert large - small <= 32, f"{large} MiB against {small} MiB"


@pytest.mark.soak
def test_memory_of_a_large_image_is_that_of_a_small_one(tmp_path: Path) -> None:
    small, large = measure(tmp_path / "small.zip", 512, 512), measure(tmp_path / "large.zip", 9000, 12000)

    assert large <= 350
    assert large - small <= 32, f"{large} MiB against {small} MiB"
