"""How fast pixels are read and become OME-Zarr: against BlitzGateway, bare reading and bare encoding.

Run it with ``python benchmarks/pixels.py``. All figures of a round-trip time come from one run, taken in
turn; each is the median of several. The server is the sandbox, so the figures are limits of the client.

getTile: BlitzGateway, tile by tile. pooled: RawPixelsStore.getTile of four stores at once. read: the same
tiles as arrays through this package. encoder: OME-Zarr of pixels in memory. export: OME-Zarr of the server's.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from omero.gateway import BlitzGateway
from servers import link, sandbox

sys.path.insert(0, str(Path(__file__).parent.parent))

from omero_rocrate_transfer.crate.ome_zarr.layout import ZarrLayout
from omero_rocrate_transfer.crate.ome_zarr.options import ZarrOptions
from omero_rocrate_transfer.crate.ome_zarr.writer import write_pixels
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.read.pixels import ServerPixels
from omero_rocrate_transfer.server.session.connection import Connection

TILE = 1024
STORES = 4
SIZE = 4096
CHANNELS = 4
GATEWAY_TILES = 12
MB = 1e6


class ArrayPixels:
    """Pixels in memory, for the encoder alone."""

    def __init__(self, array: Any) -> None:
        self.array = array
        self.shape = array.shape
        self.dtype = array.dtype
        self.tile_size = (TILE, TILE)

    def read_tile(self, t: int, c: int, z: int, x: int, y: int, width: int, height: int) -> Any:
        return self.array[t, c, z, y : y + height, x : x + width]

    def close(self) -> None:
        """Nothing is open."""


def microscopy() -> Any:
    """Return (1, C, 1, Y, X) samples with the noise and the range of a camera of 12 bits."""
    noise = np.random.default_rng(1)
    y, x = np.mgrid[:SIZE, :SIZE]
    planes = [
        noise.poisson(200 + 150 * np.sin(x / 90 + channel) ** 2 * np.cos(y / 70) ** 2)
        for channel in range(CHANNELS)
    ]
    return np.stack(planes).astype(">u2").reshape(1, CHANNELS, 1, SIZE, SIZE)


def upload(client: Any, pixels: Any) -> int:
    """Make an image by OMERO's own means; return its id."""
    service = client.sf.getPixelsService()
    kind = service.getEnumeration("PixelsType", "uint16")
    image = service.createImage(SIZE, SIZE, 1, 1, list(range(CHANNELS)), kind, "benchmark", "").val
    row = client.sf.getQueryService().findByQuery(f"select p from Pixels p where p.image.id = {image}", None)
    store = client.sf.createRawPixelsStore()
    store.setPixelsId(row.id.val, True)
    for channel in range(CHANNELS):
        for top in range(0, SIZE, TILE):
            band = pixels[0, channel, 0, top : top + TILE].tobytes()
            store.setTile(band, 0, channel, 0, 0, top, SIZE, TILE)
    store.save()
    store.close()
    return int(image)


def tiles() -> Iterator[tuple[int, int, int]]:
    """Yield channel, x and y."""
    return product(range(CHANNELS), range(0, SIZE, TILE), range(0, SIZE, TILE))


def gateway(connection: Connection, image: int) -> int:
    """Read some tiles as BlitzGateway does; return the bytes."""
    pixels = BlitzGateway(client_obj=connection.client).getObject("Image", image).getPrimaryPixels()
    some = list(tiles())[:GATEWAY_TILES]
    return sum(pixels.getTile(0, c, 0, (x, y, TILE, TILE)).nbytes for c, x, y in some)


def raw(connection: Connection, image: int) -> int:
    """Read all tiles through a pool of stores and throw them away."""
    query = f"select p.id from Pixels p where p.image.id = {image}"
    pixels = connection.query.projection(query, None)[0][0].val
    todo = list(tiles())

    def work(part: Iterable[tuple[int, int, int]]) -> int:
        store = connection.session.createRawPixelsStore()
        store.setPixelsId(pixels, True)
        size = sum(len(store.getTile(0, c, 0, x, y, TILE, TILE)) for c, x, y in part)
        store.close()
        return size

    with ThreadPoolExecutor(STORES) as pool:
        return sum(pool.map(work, (todo[start::STORES] for start in range(STORES))))


def read(connection: Connection, image: int) -> int:
    """Read all tiles as arrays, as the transfer does, and throw them away; return the bytes."""
    reader = ServerPixels(connection, ObjectRef("Image", image), stores=STORES)

    def one(place: tuple[int, int, int]) -> int:
        c, x, y = place
        return reader.read_tile(0, c, 0, x, y, TILE, TILE).nbytes

    with closing(reader), ThreadPoolExecutor(STORES) as pool:
        return sum(pool.map(one, tiles()))


def export(reader: Any, folder: Path, options: ZarrOptions) -> int:
    """Write a whole OME-Zarr with all its levels and digests; return the bytes of the image."""

    def write(name: str, data: Any) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            for block in [data] if isinstance(data, bytes | bytearray | memoryview) else data:
                file.write(block)

    write_pixels(write, "image.ome.zarr/", reader, options)
    return int(np.prod(reader.shape)) * reader.dtype.itemsize


def rate(do: Callable[[], int]) -> float:
    """Return MB/s of one go."""
    start = time.perf_counter()
    size = do()
    return size / (time.perf_counter() - start) / MB


def measure(
    connection: Connection, image: int, pixels: Any, options: ZarrOptions, repeats: int
) -> dict[str, float]:
    """Return the median of each figure in MB/s; the kinds take turns."""

    def to_folder(reader: Any) -> int:
        with tempfile.TemporaryDirectory() as folder:
            return export(reader, Path(folder), options)

    def of_server() -> int:
        with closing(ServerPixels(connection, ObjectRef("Image", image), stores=STORES)) as reader:
            return to_folder(reader)

    kinds: dict[str, Callable[[], int]] = {
        "gateway": lambda: gateway(connection, image),
        "raw": lambda: raw(connection, image),
        "read": lambda: read(connection, image),
        "encoder": lambda: to_folder(ArrayPixels(pixels)),
        "export": of_server,
    }
    for do in kinds.values():
        do()
    found: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(repeats):
        for name, do in kinds.items():
            found[name].append(rate(do))
    return {name: statistics.median(rates) for name, rates in found.items()}


def main() -> int:
    """Print the figures and ratios; return 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--rtt", type=float, nargs="+", default=[0, 10], metavar="MS")
    parser.add_argument("--compression", default=ZarrLayout().compression)
    chosen = parser.parse_args()
    options = ZarrOptions(layout=ZarrLayout(compression=chosen.compression))
    pixels, met = microscopy(), True
    with tempfile.TemporaryDirectory() as folder, sandbox(Path(folder)) as port:
        local = Connection.login("tcp://127.0.0.1", port, user="root", password="omero")
        image = upload(local.client, pixels)
        print(f"{CHANNELS} planes of {SIZE} x {SIZE}, uint16, {chosen.compression}, in MB/s")
        print("RTT ms getTile  pooled    read encoder  export  read:getTile  export:getTile  export:slower")
        for round_trip in chosen.rtt:
            with link(port, round_trip) as there:
                connection = Connection.login("tcp://127.0.0.1", there, user="root", password="omero")
                mb = measure(connection, image, pixels, options, chosen.repeats)
                connection.close()
            times = mb["read"] / mb["gateway"]
            share = mb["export"] / min(mb["raw"], mb["encoder"])
            met = met and times >= 10 and share >= 0.7
            rates = [mb["gateway"], mb["raw"], mb["read"], mb["encoder"], mb["export"]]
            figures = "".join(f"{one:8.0f}" for one in rates)
            whole = mb["export"] / mb["gateway"]
            print(f"{round_trip:6g}{figures}  {times:11.1f}x  {whole:13.1f}x  {share:12.0%}", flush=True)
        local.close()
    print("goals (read:getTile at least 10, export:slower at least 70 %):", "met" if met else "missed")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
