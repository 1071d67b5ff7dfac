"""Writes one image of pixels that are computed, not stored, and prints the memory that took.

Usage: large_image.py PORT WIDTH HEIGHT
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from omero_rocrate_transfer.cli.process.memory import return_large_buffers
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.write.sink import ServerSink
from tests.server.raster.arrays import Array, ArrayPixels, PixelsSource


class Computed(ArrayPixels):
    """Samples that follow from their place."""

    def read_tile(self, t: int, c: int, z: int, x: int, y: int, width: int, height: int) -> Array:
        columns = np.arange(x, x + width, dtype="u4") * 40503 >> 3
        rows = np.arange(y, y + height, dtype="u4")[:, np.newaxis] * 30011 >> 5
        return columns.astype(">u2") ^ rows.astype(">u2")


class ComputedSource(PixelsSource):
    """One image of computed pixels."""

    def pixels(self, image: object) -> Computed:
        return Computed(self.arrays[0])


def main(port: int, width: int, height: int) -> None:
    """Write the image, check it, say the most memory in MiB."""
    return_large_buffers()  # as every command does
    connection = Connection.login("tcp://127.0.0.1", port, user="root", password="omero")
    # An array that takes no memory stands for the sizes.
    empty = np.broadcast_to(np.zeros((), ">u2"), (1, 1, 1, height, width))
    source = ComputedSource(empty)
    sink = ServerSink(connection)
    sink.begin(source.contents, source.read_container_document)
    result = sink.write_unit(source)
    assert result.planes_verified == 1
    connection.close()
    # not ru_maxrss: that of a child begins with what its parent had taken
    status = Path("/proc/self/status").read_text("utf-8").splitlines()
    peak = next(line for line in status if line.startswith("VmHWM"))
    sys.stdout.write(f"{int(peak.split()[1]) // 1024}\n")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
