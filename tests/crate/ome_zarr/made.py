"""OME-Zarrs as other programs write them, with every detail open to be wrong."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from omero_rocrate_transfer.crate.read.open import open_source
from omero_rocrate_transfer.model.contents import Contents, Omission

KINDS = {"t": "time", "c": "channel"}
NUMBERS = np.arange(2 * 16 * 16, dtype="<u2").reshape(2, 16, 16) + 1


def axes(letters: str, unit: object = "micrometer") -> list[dict[str, Any]]:
    units = {"t": "second", "c": None}
    told = [(letter, units.get(letter, unit)) for letter in letters]
    return [
        {"name": letter, "type": KINDS.get(letter, "space")} | ({} if one is None else {"unit": one})
        for letter, one in told
    ]


def multiscale(letters: str, *transformations: object, unit: object = "micrometer", **more: Any) -> Any:
    level = {"path": "0"} | ({"coordinateTransformations": list(transformations)} if transformations else {})
    return {"version": "0.4", "name": "cells", "axes": axes(letters, unit), "datasets": [level]} | more


def scale(*numbers: object) -> dict[str, Any]:
    return {"type": "scale", "scale": list(numbers)}


def translation(*numbers: object) -> dict[str, Any]:
    return {"type": "translation", "translation": list(numbers)}


def write_json(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), "utf-8")


def write_group(folder: Path, attributes: object = None, zarr_format: int = 2) -> Path:
    if zarr_format == 3:
        ome = {} if attributes is None else {"ome": attributes}
        write_json(folder / "zarr.json", {"zarr_format": 3, "node_type": "group", "attributes": ome})
        return folder
    write_json(folder / ".zgroup", {"zarr_format": 2})
    if attributes is not None:
        write_json(folder / ".zattrs", attributes)
    return folder


def write_array(
    folder: Path,
    array: npt.NDArray[Any],
    chunks: Sequence[int] | None = None,
    key: Callable[[Sequence[str]], str | None] = "/".join,
    zarr_format: int = 2,
    **more: Any,
) -> None:
    """Write an array whose chunks are not packed, with the keys that a function gives them (None: none)."""
    chunks = list(chunks or array.shape)
    if zarr_format == 2:
        told = {"zarr_format": 2, "shape": list(array.shape), "chunks": chunks, "dtype": array.dtype.str}
        told |= {"compressor": None, "fill_value": 0, "order": "C", "filters": None}
        write_json(folder / ".zarray", told | more)
    else:
        told = {"zarr_format": 3, "node_type": "array", "shape": list(array.shape)}
        told |= {"data_type": array.dtype.newbyteorder("=").name, "fill_value": 0, "attributes": {}}
        told |= {"chunk_grid": {"name": "regular", "configuration": {"chunk_shape": chunks}}}
        told |= {"chunk_key_encoding": {"name": "default"}}
        told |= {"codecs": [{"name": "bytes", "configuration": {"endian": "little"}}]}
        write_json(folder / "zarr.json", told | more)
    for place in itertools.product(
        *(range(-(-side // part)) for side, part in zip(array.shape, chunks, strict=True))
    ):
        name = key([str(one) for one in place])
        if name is None:
            continue
        some = array[tuple(slice(n * part, (n + 1) * part) for n, part in zip(place, chunks, strict=True))]
        whole = np.zeros(chunks, array.dtype)
        whole[tuple(slice(side) for side in some.shape)] = some
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(whole.tobytes())


def write_image(folder: Path, told: Any = None, array: npt.NDArray[Any] = NUMBERS, **more: Any) -> Path:
    """Write an image of one level; `told` is its multiscale entry, or all of its attributes."""
    told = multiscale("cyx", scale(1, 0.5, 0.5)) if told is None else told
    attributes = told if "multiscales" in told else {"multiscales": [told]}
    write_group(folder, attributes, more.get("zarr_format", 2))
    write_array(folder / "0", array, **({"dimension_separator": "/"} if len(more) == 0 else {}) | more)
    return folder


def write_plate(
    folder: Path,
    fields: Mapping[str, Sequence[str]],
    there: Callable[[str, str], bool] = lambda well, field: True,
    **more: Any,
) -> Path:
    """Write a plate of two rows and three columns, with those fields that are there."""
    plate = {
        "name": "a plate",
        "rows": [{"name": "A"}, {"name": "B"}],
        "columns": [{"name": "1"}, {"name": "2"}, {"name": "3"}],
        "wells": [
            {"path": well, "rowIndex": "AB".index(well[0]), "columnIndex": int(well[2]) - 1}
            for well in fields
        ],
    }
    write_group(folder, {"plate": plate | more})
    for well, names in fields.items():
        if there(well, ""):
            write_group(folder / well, {"well": {"images": [{"path": name} for name in names]}})
        for name in names:
            if there(well, name):
                write_image(folder / well / name)
    return folder


def read(path: Path) -> Contents:
    source = open_source(path)
    contents = source.read_contents(())
    source.close()
    return contents


def told_of(omissions: Sequence[Omission]) -> list[tuple[int, str, str]]:
    """Return number, type and reason of what is left out."""
    return [(one.count, one.type, one.reason) for one in omissions]
