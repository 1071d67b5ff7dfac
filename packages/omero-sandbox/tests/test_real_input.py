"""Generated input files are what they claim to be, read by tifffile and the OME schema."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from ome_types import from_tiff

from omero_sandbox.testing import real_input
from omero_sandbox.testing.real_input import INPUTS


@pytest.mark.parametrize("name", sorted(INPUTS))
def test_every_file_exists_and_the_same_bytes_come_again(name: str, tmp_path: Path) -> None:
    once, again = INPUTS[name](tmp_path / "once"), INPUTS[name](tmp_path / "again")
    assert once.files == again.files
    for first, second in zip(once.paths, again.paths, strict=True):
        assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize(
    "name", ["multi_series", "big_endian", "every_type", "plate", "unicode_name", "long_path"]
)
def test_pages_hold_the_pixels_of_the_series(name: str, tmp_path: Path) -> None:
    made = INPUTS[name](tmp_path)
    with tifffile.TiffFile(made.paths[0]) as tiff:
        assert tiff.byteorder == (">" if name == "big_endian" else "<")
        pages = iter(tiff.pages)
        for series in made.series:
            for plane in series.pixels().reshape(-1, *series.shape[3:]):
                assert np.array_equal(next(pages).asarray(), plane)
    assert [image.name for image in from_tiff(made.paths[0]).images] == [each.name for each in made.series]


def test_tifffile_finds_the_time_points_of_both_files(tmp_path: Path) -> None:
    made = real_input.multi_file(tmp_path)
    with tifffile.TiffFile(made.paths[0]) as tiff:
        found = tiff.series[0].asarray()
    assert np.array_equal(found, made.series[0].pixels().squeeze())


def test_paths_are_as_awkward_as_promised(tmp_path: Path) -> None:
    assert len(real_input.long_path(tmp_path / "l").files[0]) > 300
    assert not real_input.unicode_name(tmp_path / "u").files[0].isascii()
    same = real_input.same_names(tmp_path / "s").files[1:]
    assert len({Path(name).name for name in same}) == 1
    assert len(set(same)) == 3


def test_plate_has_wells_fields_and_a_run(tmp_path: Path) -> None:
    plate = from_tiff(real_input.plate(tmp_path).paths[0]).plates[0]
    assert len(plate.wells) == 6
    assert [len(well.well_samples) for well in plate.wells] == [2] * 6
    assert len(plate.plate_acquisitions[0].well_sample_refs) == 12
