"""``.pattern`` files: one line names a series of files whose numbers are an axis (FilePatternReader)."""

import itertools
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
from ome_types.model import Image

from omero_sandbox.images.errors import FormatError
from omero_sandbox.images.series import Original, Region, Series

_BLOCK = re.compile(r"<([^<>]*)>")
_AXES = {
    "z": "Z",
    "c": "C",
    "ch": "C",
    "w": "C",
    "t": "T",
    "tp": "T",
    "plane": "Z",
    "section": "Z",
    "time": "T",
}
"""Prefixes that name an axis; other blocks take the first free one in the order Z, T, C (AxisGuesser)."""


def open_pattern(path: Path, open_file: Callable[[Path], Original]) -> Original:
    """Stitch the files that the only line of `path` stands for, relative to the folder of `path`.

    ``<0-9>``, ``<00-12:2>`` and ``<red,green>`` are expanded; each block is one axis.
    """
    text = path.read_text(encoding="utf-8").strip()
    blocks = [_expand(block) for block in _BLOCK.findall(text)]
    if not blocks or "\n" in text:
        raise FormatError(f"{path.name} is not a single line with a file pattern")
    pieces = _BLOCK.split(text)[::2]
    keys = list(itertools.product(*(range(len(block)) for block in blocks)))
    names = ["".join(_fill(pieces, blocks, key)) for key in keys]
    members = [open_file(path.parent / name) for name in names]
    axes = _axes(pieces, members[0].series[0])[: len(blocks)]
    lengths = [len(block) for block in blocks]
    series: list[Series] = [
        _Stitched(dict(zip(keys, (m.series[i] for m in members), strict=True)), axes, lengths)
        for i in range(len(members[0].series))
    ]
    document = members[0].document
    document.images = [one.image for one in series]
    return Original(document, series, "FilePattern", close=lambda: _close(members))


def _close(members: list[Original]) -> None:
    for member in members:
        member.close()


def _expand(block: str) -> list[str]:
    numbers = re.fullmatch(r"(\d+)-(\d+)(?::(\d+))?", block)
    if not numbers:
        return block.split(",")
    first, last, step = numbers.groups()
    width = len(first)
    return [str(n).zfill(width) for n in range(int(first), int(last) + 1, int(step or 1))]


def _fill(pieces: list[str], blocks: list[list[str]], key: tuple[int, ...]) -> list[str]:
    middle = [block[k] + piece for block, k, piece in zip(blocks, key, pieces[1:], strict=True)]
    return [pieces[0], *middle]


def _axes(pieces: list[str], first: Series) -> list[str]:
    """Name the axis of each block by the letters before it, else the first one the files do not use."""
    axes: list[str] = []
    for piece in pieces[:-1]:
        prefix = re.search(r"([A-Za-z]*)[^A-Za-z]*$", piece)
        known = _AXES.get(prefix.group(1).lower() if prefix else "")
        free = [a for a in "ZTC" if getattr(first, f"size_{a.lower()}") == 1 and a not in axes]
        axes.append(known or (free[0] if free else "T"))
    return axes


class _Stitched(Series):
    """Images of several files as one; a block's index runs faster than the file's own on its axis."""

    def __init__(self, members: dict[tuple[int, ...], Series], axes: list[str], lengths: list[int]) -> None:
        first = next(iter(members.values()))
        super().__init__(_grown(first.image, axes, lengths))
        self._members, self._axes, self._lengths = members, axes, lengths

    def region(self, z: int, c: int, t: int, region: Region, level: int) -> np.ndarray:
        at = {"Z": z, "C": c, "T": t}
        key: list[int] = []
        for axis, length in zip(self._axes, self._lengths, strict=True):
            at[axis], index = divmod(at[axis], length)
            key.append(index)
        return self._members[tuple(key)].region(at["Z"], at["C"], at["T"], region, level)


def _grown(image: Image, axes: list[str], lengths: list[int]) -> Image:
    grown = image.model_copy(deep=True)
    pixels = grown.pixels
    for axis, length in zip(axes, lengths, strict=True):
        name = f"size_{axis.lower()}"
        setattr(pixels, name, getattr(pixels, name) * length)
    while len(pixels.channels) < pixels.size_c and "C" in axes:
        extra = pixels.channels[0].model_copy(
            update={"id": f"Channel:0:{len(pixels.channels)}", "name": None}
        )
        pixels.channels.append(extra)
    return grown
