"""Images rebuilt from pixels, through Ice, on a server that refuses what OMERO refuses."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import Ice
import numpy as np
import omero
import omero.clients
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ome_types import model

from omero_rocrate_transfer.model.choices import PixelsAs
from omero_rocrate_transfer.model.errors import IntegrityError, LinkLostError, RefusedError, StoppedError
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.model.results import UnitResult
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.write.sink import ServerSink
from omero_sandbox.images.romio import RomioBuffer
from omero_sandbox.server import SandboxServer
from tests.server.raster.arrays import TYPES, Array, PixelsSource, read_back

#: A server that takes planes of up to 64 x 64 pixels tile by tile.
LOW_LIMIT = {"omero.pixeldata.max_plane_width": "64", "omero.pixeldata.max_plane_height": "64"}
#: NaN with a payload, signalling NaN, signed zeros, infinities.
ODD_FLOATS = np.array([0x7FC12345, 0xFF800001, 0x80000000, 0, 0x7F800000, 0xFF800000, 1], ">u4").view(">f4")


def write(connection: Connection, source: PixelsSource, **options: Any) -> UnitResult:
    sink = ServerSink(connection, **options)
    sink.begin(source.contents, source.read_container_document)
    return sink.write_unit(source)


def new_image(result: UnitResult, number: int = 1) -> int:
    return next(one.target.id for one in result.mappings if one.source == ObjectRef("Image", number))


def random_pixels(seed: int, code: str, shape: tuple[int, ...]) -> Array:
    dtype = np.dtype(code)
    return np.frombuffer(
        np.random.default_rng(seed).bytes(int(np.prod(shape)) * dtype.itemsize), dtype
    ).reshape(shape)


def images_of(server: SandboxServer) -> list[int]:
    return [row.id for row in server.store.rows("Image")]


@pytest.fixture
def low_connection(
    sandbox_factory: Callable[..., SandboxServer], open_connection: Callable[..., Connection]
) -> Connection:
    return open_connection(server=sandbox_factory(config=LOW_LIMIT))


@pytest.mark.parametrize("pixels_as", [None, PixelsAs.OME_TIFF])
@pytest.mark.parametrize("code", TYPES.values(), ids=TYPES)
def test_every_type_comes_back_bit_by_bit(
    connection: Connection, code: str, pixels_as: PixelsAs | None
) -> None:
    pixels = random_pixels(1, code, (2, 3, 2, 37, 53))

    result = write(connection, PixelsSource(pixels), pixels_as=pixels_as)

    back = read_back(connection, new_image(result))
    assert back.dtype == pixels.dtype
    assert back.tobytes() == pixels.tobytes()
    assert result.planes_verified == 12


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    code=st.sampled_from(sorted(TYPES.values())),
    counts=st.tuples(*[st.integers(1, 3)] * 3),
    sides=st.tuples(*[st.sampled_from([1, 2, 17, 255, 256, 257, 300])] * 2),
    seed=st.integers(0, 2**32),
    little=st.booleans(),
)
def test_any_image_comes_back_bit_by_bit(
    connection: Connection,
    code: str,
    counts: tuple[int, ...],
    sides: tuple[int, ...],
    seed: int,
    little: bool,
) -> None:
    pixels = random_pixels(seed, code, (*counts, *sides))
    given_pixels = pixels.astype(pixels.dtype.newbyteorder("<")) if little else pixels

    result = write(connection, PixelsSource(given_pixels))

    assert read_back(connection, new_image(result)).tobytes() == pixels.tobytes()


@pytest.mark.parametrize("pixels_as", [None, PixelsAs.OME_TIFF])
def test_nan_and_signed_zero_keep_their_bits(connection: Connection, pixels_as: PixelsAs | None) -> None:
    pixels = np.resize(ODD_FLOATS, (1, 1, 1, 20, 30)).astype(">f4")

    result = write(connection, PixelsSource(pixels), pixels_as=pixels_as)

    assert read_back(connection, new_image(result)).tobytes() == pixels.tobytes()


def test_a_plane_of_many_bands_comes_back(connection: Connection) -> None:
    pixels = random_pixels(3, ">u2", (1, 1, 1, 3000, 4000))

    result = write(connection, PixelsSource(pixels))

    assert (read_back(connection, new_image(result)) == pixels).all()


def test_a_plane_that_begins_like_an_unwritten_one_comes_back(connection: Connection) -> None:
    # OMERO takes a plane that begins with these 64 bytes for one that was never written
    pixels = np.frombuffer(b"\x80\x7f" * 600, "u1").reshape(1, 1, 1, 30, 40)

    result = write(connection, PixelsSource(pixels))

    assert result.planes_verified == 1


@pytest.mark.parametrize("pixels_as", [None, PixelsAs.OME_TIFF])
def test_names_colours_sizes_and_times_are_restored(
    connection: Connection, pixels_as: PixelsAs | None
) -> None:
    channels = [
        model.Channel(id="Channel:1", name="DAPI", color=model.Color((1, 2, 3)), emission_wavelength=461.5),
        model.Channel(id="Channel:2", name="µ-GFP", fluor="GFP"),
    ]
    source = PixelsSource(
        random_pixels(2, ">u2", (2, 2, 1, 8, 9)),
        dimension_order="XYTZC", channels=channels, significant_bits=12,
        physical_size_x=0.25, physical_size_y=250.0, physical_size_y_unit=model.UnitsLength.NANOMETER,
        time_increment=2.5,
    )  # fmt: skip
    source.ome.images[0].acquisition_date = "2020-02-29T12:00:00.250Z"  # type: ignore[assignment]

    result = write(connection, source, pixels_as=pixels_as)

    hql = (
        "select i from Image i join fetch i.pixels p join fetch p.dimensionOrder join fetch p.channels c"
        " join fetch c.logicalChannel left outer join fetch c.statsInfo where i.id = :id"
    )
    image = connection.query.findByQuery(hql, omero.sys.ParametersI().addId(new_image(result)))
    pixels = image.getPrimaryPixels()
    first, second = pixels.copyChannels()
    assert image.name.val == "image 1"
    assert image.acquisitionDate.val == 1_582_977_600_250
    # importing writes the order of the server's own storage, whatever that of the file is
    order = "XYZCT" if pixels_as is PixelsAs.OME_TIFF else "XYTZC"
    assert pixels.dimensionOrder.value.val == order
    assert pixels.significantBits.val == 12
    assert (pixels.physicalSizeX.getValue(), str(pixels.physicalSizeX.getUnit())) == (0.25, "MICROMETER")
    assert (pixels.physicalSizeY.getValue(), str(pixels.physicalSizeY.getUnit())) == (250.0, "NANOMETER")
    assert pixels.physicalSizeZ is None
    assert pixels.timeIncrement.getValue() == 2.5
    assert [first.logicalChannel.name.val, second.logicalChannel.name.val] == ["DAPI", "µ-GFP"]
    assert [part.val for part in (first.red, first.green, first.blue, first.alpha)] == [1, 2, 3, 255]
    assert first.logicalChannel.emissionWave.getValue() == 461.5
    expected = source.arrays[0][:, 0]
    assert (first.statsInfo.globalMin.val, first.statsInfo.globalMax.val) == (expected.min(), expected.max())


def test_no_rendering_settings_and_thumbnails_are_made_that_the_source_does_not_have(
    connection: Connection, sandbox: SandboxServer
) -> None:
    write(connection, PixelsSource(random_pixels(5, "u1", (1, 3, 1, 40, 50))))

    assert list(sandbox.store.rows("RenderingDef")) == []
    assert list(sandbox.store.rows("Thumbnail")) == []


# -- the server's limit


def test_integers_above_the_limit_go_as_ome_tiff(low_connection: Connection) -> None:
    pixels = random_pixels(6, ">i4", (1, 2, 2, 300, 700))

    result = write(low_connection, PixelsSource(pixels))

    image = new_image(result)
    assert read_back(low_connection, image).tobytes() == pixels.tobytes()
    assert low_connection.query.get("Image", image).fileset is not None
    rows = low_connection.query.projection("select i.id from Image i", None)
    assert [row[0].val for row in rows] == [image], "the image that asked for the limit is gone"


def test_floats_above_the_limit_go_by_tiles(low_connection: Connection) -> None:
    pixels = random_pixels(7, ">f8", (1, 1, 1, 300, 700))

    result = write(low_connection, PixelsSource(pixels))

    image = new_image(result)
    assert read_back(low_connection, image).tobytes() == pixels.tobytes()
    assert low_connection.query.get("Image", image).fileset is None


def test_the_limit_is_asked_for_once_in_a_unit(low_connection: Connection) -> None:
    pixels = random_pixels(8, "u1", (1, 1, 1, 100, 100))

    result = write(low_connection, PixelsSource(pixels, pixels, pixels))

    ids = [new_image(result, number) for number in (1, 2, 3)]
    assert max(ids) - min(ids) == 2


def test_lossy_tiles_are_refused(low_connection: Connection) -> None:
    source = PixelsSource(random_pixels(9, "u1", (1, 1, 1, 100, 100)))

    with pytest.raises(RefusedError, match=r"Image:1 \(image 1\): .*with loss"):
        write(low_connection, source, pixels_as=PixelsAs.TILES)

    assert low_connection.query.projection("select i.id from Image i", None) == []


def test_a_file_too_big_for_the_disk_is_not_begun(
    connection: Connection, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=2**28 + 1000))

    with pytest.raises(StoppedError, match=r"needs \d+ bytes"):
        write(connection, PixelsSource(random_pixels(1, "u1", (1, 1, 1, 9, 9))), pixels_as=PixelsAs.OME_TIFF)

    assert images_of(sandbox) == []


def test_temporary_files_are_removed(
    connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    write(connection, PixelsSource(random_pixels(1, "u1", (1, 1, 1, 9, 9))), pixels_as=PixelsAs.OME_TIFF)

    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("omero-rocrate")] == []


# -- failures


@pytest.mark.parametrize(
    "operation", ["RawPixelsStore.setTile", "RawPixelsStore.save", "RawPixelsStore.getTile"]
)
def test_a_failure_on_the_way_leaves_no_image(
    connection: Connection, sandbox: SandboxServer, operation: str
) -> None:
    source = PixelsSource(*(random_pixels(n, "u1", (1, 2, 2, 20, 20)) for n in range(3)))
    sandbox.faults.add(operation, omero.ResourceError(None, "java.io.IOException", "broken"), times=99)

    with pytest.raises(Exception, match="broken"):
        write(connection, source)

    assert images_of(sandbox) == []


def test_a_lost_store_leaves_no_image(connection: Connection, sandbox: SandboxServer) -> None:
    source = PixelsSource(random_pixels(1, "u1", (1, 4, 4, 20, 20)))
    sandbox.faults.add("RawPixelsStore.setTile", Ice.ObjectNotExistException())

    with pytest.raises(LinkLostError, match="Writing Image:1"):
        write(connection, source)

    assert images_of(sandbox) == []


def test_other_pixels_than_were_sent_are_found(
    connection: Connection, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = RomioBuffer.write_tile

    def lossy(self: RomioBuffer, data: bytes, z: int, c: int, t: int, region: Any) -> None:
        damaged = bytes([data[0] ^ 1]) + data[1:] if (z, c, t) == (1, 0, 1) else data
        honest(self, damaged, z, c, t, region)

    monkeypatch.setattr(RomioBuffer, "write_tile", lossy)

    with pytest.raises(IntegrityError, match=r"Image:1 \(image 1\): .* plane t=1 c=0 z=1"):
        write(connection, PixelsSource(random_pixels(1, "u1", (2, 1, 2, 20, 20))))

    assert images_of(sandbox) == []


def test_pixels_of_another_shape_than_the_metadata_are_refused(
    connection: Connection, sandbox: SandboxServer
) -> None:
    source = PixelsSource(random_pixels(1, "u1", (1, 1, 1, 20, 20)))
    source.ome.images[0].pixels.size_x = 21

    with pytest.raises(IntegrityError, match="Image:1"):
        write(connection, source)

    assert images_of(sandbox) == []


def test_one_store_writes_an_image(connection: Connection, sandbox: SandboxServer) -> None:
    source = PixelsSource(random_pixels(1, "u1", (2, 2, 2, 20, 20)))

    write(connection, source)

    # eight planes through a single store; saved once, for each save digests the whole file
    assert sandbox.calls["RawPixelsStore.setTile"] == 8
    assert sandbox.calls["RawPixelsStore.save"] == 1
