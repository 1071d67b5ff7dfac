"""OME-Zarrs of other programs by whole command lines: each value arrives as it is, or is counted."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from omero.rtypes import rlong, unwrap
from omero.sys import ParametersI

from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.read.pixels import ServerPixels
from omero_rocrate_transfer.server.session.connection import Connection
from omero_sandbox.server import SandboxServer
from tests.command_line import CommandLine, idmap_of
from tests.crate.ome_zarr.made import (
    multiscale,
    scale,
    write_group,
    write_image,
    write_plate,
)
from tests.crate.ome_zarr.test_other_programs import collection, ome


class End:
    """One sandbox, its command line, and what is on it."""

    def __init__(self, capsys: pytest.CaptureFixture[str], server: SandboxServer) -> None:
        host = f"tcp://{server.host}"
        self.connection = Connection.login(host, server.port, user="root", password="omero")
        login = ["-s", host, "-p", str(server.port), "-u", "root", "-w", "omero", "-C"]
        self.line = CommandLine(capsys, login)

    def pixels(self, image: int) -> Any:
        reader = ServerPixels(self.connection, ObjectRef("Image", image))
        *planes, height, width = reader.shape
        found = np.empty(reader.shape, reader.dtype)
        for t, c, z in np.ndindex(*planes):
            found[t, c, z] = reader.read_tile(t, c, z, 0, 0, width, height)
        reader.close()
        return found


def new_ids(home: Path) -> dict[str, int]:
    objects = json.loads(idmap_of(home).read_text())["objects"]
    return {one["source"]: int(one["target"].partition(":")[2]) for one in objects}


#: What stands for the size along an axis, and what OMERO shall say: value and unit, or nothing.
GOOD: list[tuple[Any, Any, tuple[float, str]]] = [
    (0.3357, "micrometer", (0.3357, "MICROMETER")),
    (0.13, "um", (0.13, "MICROMETER")),
    (2, "\N{MICRO SIGN}m", (2.0, "MICROMETER")),
    (1.0, "\N{GREEK SMALL LETTER MU}m", (1.0, "MICROMETER")),
    (65.5, "nm", (65.5, "NANOMETER")),
    (1e-3, "millimetres", (1e-3, "MILLIMETER")),
    (0.5, "microns", (0.5, "MICROMETER")),
    (3, "pixel", (3.0, "PIXEL")),
]
TIMES: list[tuple[Any, Any, tuple[float, str]]] = [
    (0.25, "second", (0.25, "SECOND")),
    (40, "ms", (40.0, "MILLISECOND")),
    (2.5, "minutes", (2.5, "MINUTE")),
    (1, "h", (1.0, "HOUR")),
]
#: What is of no use, whatever the unit.
BAD: list[Any] = [0, -1.5, None, float("nan"), float("inf"), "0.5", True, [], {}, 10**400]
#: Units that are none, of a number that is one.
NO_UNITS: list[Any] = [None, "", "furlong", 7, "kilogram", "micro meter"]
WORDS = {"t": "TimeIncrement", "z": "PhysicalSizeZ", "y": "PhysicalSizeY", "x": "PhysicalSizeX"}
LABELS: list[tuple[Any, str | None, bool]] = [
    *(("DAPI", "DAPI", False), (488, "488", False), (None, None, False)),
    *((True, None, True), (["a"], None, True)),
]


@dataclass
class Made:
    """An image with defects, and what must become of it."""

    name: str
    array: Any
    #: By axis.
    sizes: dict[str, tuple[float, str] | None]
    channels: list[str | None]
    #: Kinds of what is left out, each once.
    counted: set[str] = field(default_factory=set)
    #: Kinds of what is told, and is no loss.
    told: set[str] = field(default_factory=set)


def make(folder: Path, number: int, random_: random.Random) -> Made:
    """Write an image of one of the layouts, with random defects."""
    choose = random_.choice
    letters = choose(["yx", "cyx", "zyx", "czyx", "tcyx", "tczyx"])
    shape = [{"t": 2, "c": 2, "z": 3, "y": 6, "x": 8}[letter] for letter in letters]
    array = np.arange(np.prod(shape), dtype="<u2").reshape(shape) + number
    made = Made(f"image {number}", array, {}, [None] * (2 if "c" in letters else 1))
    axes, numbers = [], []
    for letter in letters:
        value, unit, made.sizes[letter] = 1.0, None, None
        if letter != "c":
            value, unit = _choose_size(letter, made, random_)
        axes.append({"name": letter} | ({} if unit is None else {"unit": unit}))
        numbers.append(value)
    levels: list[Any] = [{"path": "0", "coordinateTransformations": [scale(*numbers)]}]
    if random_.random() < 0.2:
        levels.insert(0, {"path": "small"})
        made.told.add("Level order")
    attributes: dict[str, Any] = {"omero": {"channels": []}}
    for index in range(len(made.channels)):
        label, made.channels[index], is_bad = choose(LABELS)
        attributes["omero"]["channels"].append({"label": label})
        made.counted |= {"Channel name"} if is_bad else set()
    zarr_format = choose([2, 3])
    attributes["multiscales"] = [multiscale(letters, name=made.name, axes=axes, datasets=levels)]
    key = choose([".".join, "/".join])
    write_image(folder, attributes, array, key=key, zarr_format=zarr_format)
    if len(levels) == 2:
        write_image(folder / "other", array=array[..., :2], zarr_format=zarr_format)
        (folder / "other/0").rename(folder / "small")
        shutil.rmtree(folder / "other")
    if random_.random() < 0.2:
        (folder / "ro-crate-metadata.json").write_bytes(choose([b"", b"{", b"\xff", b"[]"]))
        made.counted.add("RO-Crate")
    if random_.random() < 0.2:
        (folder / "OME").mkdir()
        (folder / "OME/METADATA.ome.xml").write_text(choose(["", "<OME/>", "text", "<OME><"]))
        made.counted.add("OME-XML")
    return made


def _choose_size(letter: str, made: Made, random_: random.Random) -> tuple[Any, Any]:
    value: Any
    expected: tuple[float, str] | None
    value, unit, expected = random_.choice(TIMES if letter == "t" else GOOD)
    kind = random_.random()
    if kind < 0.3:
        value, expected = random_.choice(BAD), None
        made.counted.add(WORDS[letter])
    elif kind < 0.5:
        # 1 without a unit stands for "unknown", so the number is another
        value, unit, expected = 0.7, random_.choice(NO_UNITS), None
        made.counted.add(WORDS[letter])
    made.sizes[letter] = expected
    return value, unit


@pytest.fixture
def end(capsys: pytest.CaptureFixture[str], sandbox_factory: Any) -> Iterator[End]:
    end = End(capsys, sandbox_factory())
    yield end
    end.connection.close()


def read_image(end: End, image: int) -> Any:
    query = (
        "select i from Image i join fetch i.pixels p join fetch p.channels c join fetch c.logicalChannel "
        "where i.id = :id"
    )
    return end.connection.query.findByQuery(query, ParametersI().addId(rlong(image)))


def said(measure: Any) -> tuple[float, str] | None:
    return None if measure is None else (measure.getValue(), str(measure.getUnit()))


def differences(end: End, made: Made, image: int, omissions: list[Any]) -> list[str]:
    """Return what on the target is neither the source's nor absent and counted."""
    found = read_image(end, image)
    pixels = found.getPrimaryPixels()
    sizes = {axis: said(getattr(pixels, f"physicalSize{axis.upper()}")) for axis in "xyz"}
    sizes["t"] = said(pixels.timeIncrement)
    wrong = [
        f"{axis}: {size} for {made.sizes.get(axis)}"
        for axis, size in sizes.items()
        if size != made.sizes.get(axis)
    ]
    channels = [unwrap(channel.logicalChannel.name) for channel in pixels.copyChannels()]
    if channels != made.channels:
        wrong.append(f"channels: {channels} for {made.channels}")
    if unwrap(found.name) != made.name:
        wrong.append(f"name: {unwrap(found.name)}")
    if end.pixels(image).tobytes() != made.array.astype(">u2").tobytes():
        wrong.append("pixels")
    # documents that cannot be read are of the OME-Zarr, not of one image
    kinds = {one["type"] for one in omissions if not one["on_request"]}
    if kinds != made.counted - {"RO-Crate", "OME-XML"}:
        wrong.append(f"counted: {kinds} for {made.counted}")
    if {one["type"] for one in omissions if one["on_request"]} != made.told:
        wrong.append("told")
    return wrong


def go_round(end: End, home: Path, folder: Path, seed: int, count: int) -> list[str]:
    """Unpack a folder of so many OME-Zarrs, and return what went wrong with each that did."""
    random_ = random.Random(seed)  # noqa: S311 - the same images in every run
    made = [make(folder / f"{number:04}.ome.zarr", number, random_) for number in range(count)]

    done = end.line("unpack", str(folder), "--json", exit_code=3)

    assert (done.summary["done"], done.summary["failed"]) == (count, 0), done.stderr
    (omissions,) = (line["omissions"] for line in done.lines if line["type"] == "plan")
    for kind in ("RO-Crate", "OME-XML"):
        assert sum(one["count"] for one in omissions if one["type"] == kind) == sum(
            kind in one.counted for one in made
        )
    ids = new_ids(home)
    wrong = []
    for number, one in enumerate(made):
        source = f"Image:{number + 1}"
        told = [omission for omission in omissions if omission["on"] == source]
        if found := differences(end, one, ids[source], told):
            wrong.append(f"{one.name}: {'; '.join(found)}")
    return wrong


def test_each_value_is_the_sources_or_absent_and_counted(
    end: End, home: Path, tmp_path: Path, promise: Callable[[str, int, int], None]
) -> None:
    wrong = go_round(end, home, tmp_path / "all", 1, 20)

    assert wrong == []
    promise("OME-Zarrs with defects unpacked exactly or counted", 20 - len(wrong), 20)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_each_value_of_many_is_the_sources_or_absent_and_counted(
    end: End, home: Path, tmp_path: Path, promise: Callable[[str, int, int], None]
) -> None:
    wrong = go_round(end, home, tmp_path / "all", 2, 200)

    assert wrong == []
    promise("OME-Zarrs with defects unpacked exactly or counted", 200 - len(wrong), 200)


def _nothing(folder: Path) -> None:
    write_image(folder, chunks=(1, 8, 8), key=lambda _: None)


def _hollow(folder: Path) -> None:
    write_group(folder, {"bioformats2raw.layout": 3})


def _empty_plate(folder: Path) -> None:
    write_plate(folder, {"A/1": ["0"]}, lambda *_: False)


@pytest.mark.parametrize("command", ["list", "unpack"])
@pytest.mark.parametrize("make_", [_nothing, _hollow, _empty_plate])
def test_what_holds_no_image_is_refused_with_one_sentence(
    end: End, tmp_path: Path, make_: Callable[[Path], None], command: str
) -> None:
    make_(tmp_path / "x.zarr")
    line = end.line if command == "unpack" else type(end.line)(end.line._capsys)

    done = line(command, str(tmp_path / "x.zarr"), exit_code=8)

    (sentence,) = done.sentences
    assert "x has none of the 8 chunks" in sentence or "x holds no image" in sentence
    assert " at 0x" not in done.stderr


def test_a_gap_in_the_chunks_is_told_and_no_loss(end: End, tmp_path: Path) -> None:
    write_image(
        tmp_path / "x.zarr", chunks=(1, 8, 8), key=lambda place: None if place[2] == "1" else ".".join(place)
    )

    planned = end.line("unpack", str(tmp_path / "x.zarr"), "--dry-run")
    done = end.line("unpack", str(tmp_path / "x.zarr"))

    line = "4 Chunk on Image:1: 4 of 8 chunks are missing and are read as the fill value 0"
    assert line in planned.stdout + planned.stderr
    assert line in done.stdout + done.stderr


def test_a_plate_with_gaps_comes_with_what_is_there(end: End, home: Path, tmp_path: Path) -> None:
    write_plate(tmp_path / "p.zarr", {"A/1": ["0", "1"], "A/2": ["0"]}, lambda well, _: well != "A/2")

    planned = end.line("unpack", str(tmp_path / "p.zarr"), "--dry-run", exit_code=3)
    done = end.line("unpack", str(tmp_path / "p.zarr"), "--json", exit_code=3)

    assert "1 Well: the plate lists it, and it is not there" in planned.stdout + planned.stderr
    assert (done.summary["images"], done.summary["omitted"]) == (2, 1)


def test_a_plate_keeps_its_xml_and_loses_only_the_field_that_is_not_there(
    end: End, home: Path, tmp_path: Path
) -> None:
    collection(tmp_path / "c.zarr", 3)
    (tmp_path / "c.zarr/OME/METADATA.ome.xml").write_text(ome("", 'PhysicalSizeZ="0"', ""), "utf-8")
    shutil.rmtree(tmp_path / "c.zarr/0")

    done = end.line("unpack", str(tmp_path / "c.zarr"), "--json", exit_code=3)

    assert {one["type"] for one in done.summary["omissions"]} == {"Image", "PhysicalSizeZ"}
    names = {unwrap(read_image(end, number).name) for key, number in new_ids(home).items() if "Image" in key}
    assert names == {"field 1", "field 2"}


def test_the_places_of_planes_come_with_them(end: End, home: Path, tmp_path: Path) -> None:
    told = multiscale("cyx", scale(1, 0.5, 0.5), {"type": "translation", "translation": [0, 12.5, -3]})
    write_image(tmp_path / "x.zarr", told)

    end.line("unpack", str(tmp_path / "x.zarr"))

    image = read_image(end, new_ids(home)["Image:1"])
    query = "select p from PlaneInfo p where p.pixels.id = :id order by p.theC"
    planes = end.connection.query.findAllByQuery(query, ParametersI().addId(image.getPrimaryPixels().id))
    assert [(said(p.positionX), said(p.positionY), said(p.positionZ)) for p in planes] == [
        ((-3.0, "MICROMETER"), (12.5, "MICROMETER"), None)
    ] * 2


def test_files_beside_zarrs_are_counted(end: End, tmp_path: Path) -> None:
    write_image(tmp_path / "mixed/cells.ome.zarr")
    (tmp_path / "mixed/photo.tif").write_bytes(b"II*\0")

    done = end.line("unpack", str(tmp_path / "mixed"), "--json", exit_code=3)

    assert [(one["count"], one["type"]) for one in done.summary["omissions"]] == [(1, "OriginalFile")]


def test_an_array_that_claims_anything_is_refused_by_the_command(end: End, tmp_path: Path) -> None:
    write_image(tmp_path / "x.zarr", chunks=(1, 8, 8), key=".".join)
    path = tmp_path / "x.zarr/0/.zarray"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"shape": [2**31 - 1, 16, 16]}))

    done = end.line("unpack", str(tmp_path / "x.zarr"), exit_code=8)

    assert "has 2147483647 channels in '0', more than 10000" in done.stderr
