"""Images that exist only as a file name: Bio-Formats' test images (FakeReader).

``name&sizeX=64&sizeY=48&sizeC=2&pixelType=uint16&series=3.fake``: keys after the first ``&``; a companion
``….fake.ini`` adds keys that win over the name.
"""

import configparser
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from ome_types import model as ome

from omero_sandbox.images.errors import FormatError
from omero_sandbox.images.pixel_types import DTYPES
from omero_sandbox.images.series import Original, Region, Series

_BOX = 10
"""Side of the squares in the first rows that carry series, plane number, z, c and t."""

_NAMESPACE = "fakeReader"


@dataclass
class _Recipe:
    name: str
    sizes: dict[str, int] = field(default_factory=lambda: {"X": 512, "Y": 512, "Z": 1, "C": 1, "T": 1})
    pixel_type: str = "uint8"
    order: str = "XYZCT"
    series: int = 1
    scale: float = 1.0
    physical: dict[str, float] = field(default_factory=dict)
    plate: dict[str, int] = field(default_factory=dict)
    maps: int = 0
    resolutions: int = 1
    resolution_scale: int = 2


def open_fake(path: Path) -> Original:
    """Make up the images that the name of `path` (and its ``.ini`` file) asks for.

    Raises
    ------
    FormatError
        A size is below 1 or a type unknown, as FakeReader.initFile refuses them.
    """
    recipe = _parse(path)
    document = ome.OME()
    if recipe.plate:
        recipe.series = _add_plates(document, recipe)
    document.images = [_image(recipe, i) for i in range(recipe.series)]
    _annotate(document, recipe)
    series: list[Series] = [_FakeSeries(im, i, recipe) for i, im in enumerate(document.images)]
    return Original(document, series, "Fake")


def _tokens(path: Path) -> list[tuple[str, str]]:
    pairs = [part.partition("=") for part in path.name.removesuffix(".fake").split("&")[1:]]
    tokens = [(key, value) for key, equals, value in pairs if equals]
    ini = path.with_name(path.name + ".ini")
    if ini.is_file():
        parser = configparser.ConfigParser(interpolation=None)
        parser.optionxform = str  # type: ignore[assignment,method-assign]  # keys are case-sensitive
        parser.read_string(
            "[GlobalMetadata]\n" + ini.read_text(encoding="utf-8").replace("[GlobalMetadata]", "")
        )
        tokens += list(parser["GlobalMetadata"].items())
    return tokens


def _parse(path: Path) -> _Recipe:
    recipe = _Recipe(name=path.name.removesuffix(".fake").split("&")[0])
    plate = {}
    for key, value in _tokens(path):
        if key in ("sizeX", "sizeY", "sizeZ", "sizeC", "sizeT"):
            recipe.sizes[key[4:]] = _number(value)
        elif key in ("physicalSizeX", "physicalSizeY", "physicalSizeZ"):
            recipe.physical[key[12:]] = float(value)
        elif key in ("plates", "plateRows", "plateCols", "fields", "plateAcqs"):
            plate[key] = _number(value)
        else:
            _set(recipe, key, value)
    _validate(recipe)
    if len(plate) == 5 and min(plate.values()) > 0:
        recipe.plate = plate
    return recipe


def _set(recipe: _Recipe, key: str, value: str) -> None:
    match key:
        case "pixelType":
            recipe.pixel_type = value.lower()
        case "dimOrder":
            recipe.order = value.upper()
        case "series":
            recipe.series = _number(value)
        case "scaleFactor":
            recipe.scale = float(value)
        case "annMap":
            recipe.maps = _number(value)
        case "resolutions":
            recipe.resolutions = _number(value)
        case "resolutionScale":
            recipe.resolution_scale = _number(value)


def _number(value: str) -> int:
    try:
        return int(float(value))
    except ValueError:
        return -1


def _validate(recipe: _Recipe) -> None:
    for axis, size in recipe.sizes.items():
        if size < 1:
            raise FormatError(f"Invalid size{axis}: {size}")
    if recipe.series < 1:
        raise FormatError(f"Invalid seriesCount: {recipe.series}")
    if recipe.pixel_type not in DTYPES:
        raise FormatError(f"Unknown type: '{recipe.pixel_type}'")
    if sorted(recipe.order) != sorted("XYZCT") or not recipe.order.startswith("XY"):
        raise FormatError(f"Invalid dimension order: {recipe.order}")


def _image(recipe: _Recipe, index: int) -> ome.Image:
    sizes, physical = recipe.sizes, recipe.physical
    pixels = ome.Pixels(
        id=f"Pixels:{index}",
        dimension_order=ome.Pixels_DimensionOrder(recipe.order),
        type=ome.PixelType(recipe.pixel_type),
        size_x=sizes["X"],
        size_y=sizes["Y"],
        size_z=sizes["Z"],
        size_c=sizes["C"],
        size_t=sizes["T"],
        physical_size_x=physical.get("X"),
        physical_size_y=physical.get("Y"),
        physical_size_z=physical.get("Z"),
        channels=[ome.Channel(id=f"Channel:{index}:{c}", samples_per_pixel=1) for c in range(sizes["C"])],
    )
    name = recipe.name if index == 0 else f"{recipe.name} {index + 1}"
    return ome.Image(id=f"Image:{index}", name=name, pixels=pixels)


def _annotate(document: ome.OME, recipe: _Recipe) -> None:
    maps: list[ome.MapAnnotation] = []
    for series, image in enumerate(document.images):
        for _ in range(recipe.maps):
            number = len(maps)
            pairs = {f"keyS{series}N{k}": f"val{(k + 1) * (number + 1)}" for k in range(10)}
            annotation = ome.MapAnnotation(
                id=f"Annotation:{number}",
                namespace=_NAMESPACE,
                value=ome.Map(ms=[ome.Map.M(k=k, value=v) for k, v in pairs.items()]),
            )
            maps.append(annotation)
            image.annotation_refs.append(ome.AnnotationRef(id=annotation.id))
    if maps:
        document.structured_annotations = ome.StructuredAnnotations(map_annotations=maps)


def _add_plates(document: ome.OME, recipe: _Recipe) -> int:
    """Add plates in the order plate, row, column, field, run; return the number of images."""
    p = recipe.plate
    count = 0
    for index in range(p["plates"]):
        plate = ome.Plate(
            id=f"Plate:{index}", name=f"Plate Name {index}", rows=p["plateRows"], columns=p["plateCols"]
        )
        runs = [_run(index, a, p) for a in range(p["plateAcqs"])]
        for row in range(p["plateRows"]):
            for column in range(p["plateCols"]):
                well = ome.Well(id=f"Well:{index}:{len(plate.wells)}", row=row, column=column)
                for f in range(p["fields"]):
                    for run in runs:
                        well.well_samples.append(_sample(well.id, count, len(well.well_samples), f, run))
                        count += 1
                plate.wells.append(well)
        plate.plate_acquisitions = runs
        document.plates.append(plate)
    return count


def _run(plate: int, index: int, p: dict[str, int]) -> ome.PlateAcquisition:
    return ome.PlateAcquisition(
        id=f"PlateAcquisition:{plate}:{index}",
        name=f"PlateAcquisition Name {index}",
        maximum_field_count=p["fields"],
    )


def _sample(well: str, image: int, number: int, f: int, run: ome.PlateAcquisition) -> ome.WellSample:
    sample = ome.WellSample(
        id=f"WellSample:{well.removeprefix('Well:')}:{number}",
        index=image,
        position_x=float(f),
        position_y=1.0,
        image_ref=ome.ImageRef(id=f"Image:{image}"),
    )
    run.well_sample_refs.append(ome.WellSampleRef(id=sample.id))
    return sample


class _FakeSeries(Series):
    """A horizontal gradient whose first ten rows carry the plane's coordinates (FakeReader.openBytes)."""

    def __init__(self, image: ome.Image, index: int, recipe: _Recipe) -> None:
        super().__init__(image)
        self._index = index
        self._recipe = recipe

    @property
    def levels(self) -> list[tuple[int, int]]:
        scale = self._recipe.resolution_scale
        return [
            (max(1, self.size_x // scale**i), max(1, self.size_y // scale**i))
            for i in range(self._recipe.resolutions)
        ]

    def region(self, z: int, c: int, t: int, region: Region, level: int) -> np.ndarray:
        row = self._gradient(region)
        block = np.repeat(row[np.newaxis], region.h, axis=0)
        inside = max(0, min(_BOX - region.y, region.h))
        if inside:
            marks = np.array([self._index, self._number(z, c, t), z, c, t])
            boxes = np.arange(region.x, min(region.x + region.w, _BOX * len(marks))) // _BOX
            block[:inside, : len(boxes)] = marks[boxes].astype(np.int64).astype(self.dtype)
        return block

    def _gradient(self, region: Region) -> np.ndarray:
        start = int(np.iinfo(self.dtype).min) if self.dtype.kind == "i" else 0
        values = start + np.arange(region.x, region.x + region.w, dtype=np.int64)
        scaled = values * self._recipe.scale
        return (
            scaled.astype(self.dtype)
            if self.dtype.kind in "fc"
            else scaled.astype(np.int64).astype(self.dtype)
        )

    def _number(self, z: int, c: int, t: int) -> int:
        where, size = {"Z": z, "C": c, "T": t}, {"Z": self.size_z, "C": self.size_c, "T": self.size_t}
        first, second, third = tuple(self._recipe.order[2:])
        return where[first] + size[first] * (where[second] + size[second] * where[third])
