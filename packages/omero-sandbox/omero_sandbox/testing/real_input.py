"""Real input files for tests and the demo: small, deterministic, of the kinds that facilities have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from ome_types import model as ome
from ome_types import to_xml

from omero_sandbox.testing.real_tiff import (
    ACQUIRED,
    DTYPES,
    ByteOrder,
    Series,
    document,
    write_ome_tiff,
    write_planes,
)

#: A name outside ASCII and Latin-1, with spaces and an apostrophe.
UNICODE_NAME = "Zellkern µm, 細胞 d'Été 🔬.ome.tif"


@dataclass(frozen=True)
class RealInput:
    """Files that are imported together.

    Attributes
    ----------
    folder : Path
    files : tuple of str
        POSIX paths within the folder; the first is the one a reader opens.
    series : tuple of Series
        What the images hold, in series order; empty where the file itself says it (``.fake``).
    images : int
    """

    folder: Path
    files: tuple[str, ...]
    series: tuple[Series, ...]
    images: int

    @property
    def paths(self) -> list[Path]:
        """Absolute paths in import order."""
        return [self.folder / name for name in self.files]


def _single(folder: Path, name: str, *series: Series, byteorder: ByteOrder = "<") -> RealInput:
    write_ome_tiff(folder / name, series, document(series), byteorder)
    return RealInput(folder, (name,), series, len(series))


def multi_series(folder: Path) -> RealInput:
    """Write three series of different sizes and types in one OME-TIFF."""
    return _single(
        folder,
        "three series.ome.tif",
        Series("overview", "uint8", (1, 1, 1, 40, 60)),
        Series("stack", "uint16", (1, 3, 4, 32, 48)),
        Series("movie", "float", (5, 2, 1, 24, 36)),
    )


def big_endian(folder: Path) -> RealInput:
    """Write signed and floating types in big-endian order."""
    shape = (2, 2, 2, 16, 24)
    series = [Series(f"big {name}", name, shape) for name in ("int16", "int32", "uint32", "double")]
    return _single(folder, "big endian.ome.tif", *series, byteorder=">")


def every_type(folder: Path) -> RealInput:
    """Write one small series per pixel type."""
    return _single(
        folder, "types.ome.tif", *(Series(f"type {name}", name, (1, 1, 1, 8, 12)) for name in DTYPES)
    )


def same_names(folder: Path) -> RealInput:
    """Write files with one name in several folders, held together by a ``.pattern`` file.

    Bio-Formats takes numbers without a known prefix as Z (AxisGuesser).
    """
    series = Series("same names", "uint8", (1, 1, 3, 20, 30))
    names = [f"pos{number}/frame.tif" for number in (1, 2, 3)]
    for name, plane in zip(names, series.pixels().reshape(-1, 20, 30), strict=True):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_planes(folder / name, [plane], "")
    (folder / "positions.pattern").write_text("pos<1-3>/frame.tif\n", encoding="utf-8")
    return RealInput(folder, ("positions.pattern", *names), (series,), 1)


def multi_file(folder: Path) -> RealInput:
    """Write an OME-TIFF whose two time points are two files that name each other."""
    series = Series("two files", "uint16", (2, 2, 1, 24, 32))
    names = ["time_0.ome.tif", "time_1.ome.tif"]
    uuids = [f"urn:uuid:{uuid5(NAMESPACE_URL, name)}" for name in names]
    made = document((series,))
    made.images[0].pixels.tiff_data_blocks = [
        ome.TiffData(
            ifd=c,
            first_c=c,
            first_t=t,
            plane_count=1,
            uuid=ome.TiffData.UUID(value=uuids[t], file_name=names[t]),
        )
        for t in range(2)
        for c in range(2)
    ]
    folder.mkdir(parents=True, exist_ok=True)
    for name, uuid, planes in zip(names, uuids, series.pixels(), strict=True):
        made.uuid = uuid
        write_planes(folder / name, list(planes.reshape(-1, 24, 32)), to_xml(made))
    return RealInput(folder, tuple(names), (series,), 1)


def plate(folder: Path, rows: int = 2, columns: int = 3, fields: int = 2) -> RealInput:
    """Write a plate with one run; its images go well by well."""
    places = [(r, c, f) for r in range(rows) for c in range(columns) for f in range(fields)]
    series = tuple(
        Series(f"{chr(65 + r)}{c + 1} field {f + 1}", "uint8", (1, 1, 1, 16, 20)) for r, c, f in places
    )
    made = document(series)
    made.plates = [_plate(rows, columns, fields)]
    write_ome_tiff(folder / "plate.ome.tif", series, made)
    return RealInput(folder, ("plate.ome.tif",), series, len(series))


def _plate(rows: int, columns: int, fields: int) -> ome.Plate:
    wells = []
    for number in range(rows * columns):
        first = number * fields
        samples = [
            ome.WellSample(
                id=f"WellSample:0:{number}:{field}",
                index=first + field,
                position_x=float(field),
                position_y=0.0,
                image_ref=ome.ImageRef(id=f"Image:{first + field}"),
            )
            for field in range(fields)
        ]
        row, column = divmod(number, columns)
        wells.append(ome.Well(id=f"Well:0:{number}", row=row, column=column, well_samples=samples))
    refs = [ome.WellSampleRef(id=sample.id) for well in wells for sample in well.well_samples]
    run = ome.PlateAcquisition(
        id="PlateAcquisition:0:0", name="Run 1", start_time=ACQUIRED, well_sample_refs=refs
    )
    return ome.Plate(
        id="Plate:0",
        name="Test plate",
        rows=rows,
        columns=columns,
        row_naming_convention=ome.NamingConvention.LETTER,
        column_naming_convention=ome.NamingConvention.NUMBER,
        wells=wells,
        plate_acquisitions=[run],
    )


def unicode_name(folder: Path) -> RealInput:
    """Write a file whose name has spaces, accents and more."""
    return _single(folder, UNICODE_NAME, Series("Zellkern 細胞", "uint8", (1, 1, 1, 20, 30)))


def long_path(folder: Path) -> RealInput:
    """Write a file whose relative path is longer than 300 characters; OMERO keeps names up to 255."""
    parents = "/".join(f"{letter}-{'long-folder-name-' * 5}" for letter in "abc")
    name = f"{parents}/{'n' * 60}.ome.tif"
    return _single(folder, name, Series("long path", "uint8", (1, 1, 1, 12, 16)))


def fake(folder: Path) -> RealInput:
    """Make one of Bio-Formats' empty files whose name says what images to make up."""
    name = "small&sizeX=32&sizeY=24&sizeZ=2&sizeC=3&pixelType=uint16&series=2.fake"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).touch()
    return RealInput(folder, (name,), (), 2)


INPUTS: dict[str, Callable[[Path], RealInput]] = {
    made.__name__: made
    for made in (
        multi_series,
        big_endian,
        every_type,
        same_names,
        multi_file,
        plate,
        unicode_name,
        long_path,
        fake,
    )
}


def write_all(folder: Path) -> dict[str, RealInput]:
    """Write every input into a folder of its own, named like the function that writes it."""
    return {name: write(folder / name) for name, write in INPUTS.items()}
