"""Files to import: those of the sandbox, and OME-TIFFs that say much more than pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from ome_types import model as ome

from omero_sandbox.testing import real_input
from omero_sandbox.testing.real_input import RealInput
from omero_sandbox.testing.real_tiff import DTYPES, Series, document, write_ome_tiff
from tests.worlds.values import Draw


def write_input(draw: Draw, folder: Path) -> RealInput:
    """Write files of a random kind for one fileset without a plate."""
    writers = (
        described,
        described,
        several_series,
        _small_fake,
        real_input.same_names,
        real_input.multi_file,
        real_input.unicode_name,
    )
    writer = draw.pick(writers)
    return writer(draw, folder) if writer in _OWN else writer(folder)  # type: ignore[operator]


def write_plate(draw: Draw, folder: Path) -> RealInput:
    """Write a plate with a few wells."""
    return real_input.plate(folder, draw.integer(1, 2), draw.integer(1, 2), draw.integer(1, 2))


def several_series(draw: Draw, folder: Path) -> RealInput:
    """Write one to three series of random types and sizes."""
    series = tuple(_series(draw, f"series {number}") for number in range(draw.integer(1, 3)))
    write_ome_tiff(folder / "several.ome.tif", series, document(series), draw.pick(("<", ">")))
    return RealInput(folder, ("several.ome.tif",), series, len(series))


def described(draw: Draw, folder: Path) -> RealInput:
    """Write an image with an instrument, a ROI and annotations of its own."""
    series = (_series(draw, "described"),)
    made = document(series)
    image = made.images[0]
    made.instruments = [_instrument()]
    image.instrument_ref = ome.InstrumentRef(id="Instrument:0")
    image.objective_settings = ome.ObjectiveSettings(id="Objective:0", refractive_index=1.5)
    image.stage_label = ome.StageLabel(name="stage", x=1.5, y=-2.5)
    channel = image.pixels.channels[0]
    channel.detector_settings = ome.DetectorSettings(id="Detector:0", gain=2.5)
    channel.light_source_settings = ome.LightSourceSettings(id="LightSource:0", attenuation=0.5)
    image.pixels.planes = [
        ome.Plane(the_z=0, the_c=c, the_t=0, delta_t=0.5, position_x=1.25) for c in range(series[0].shape[1])
    ]
    _add_rois(draw, made)
    _annotate(made)
    write_ome_tiff(folder / "described.ome.tif", series, made)
    return RealInput(folder, ("described.ome.tif",), series, 1)


def _series(draw: Draw, name: str) -> Series:
    t, c, z = draw.integer(1, 2), draw.integer(1, 3), draw.integer(1, 2)
    shape = (t, c, z, draw.integer(4, 16), draw.integer(4, 20))
    return Series(name, draw.pick(sorted(DTYPES)), shape)


def _small_fake(draw: Draw, folder: Path) -> RealInput:
    count, channels = draw.integer(1, 2), draw.integer(1, 2)
    maps = draw.pick(("", "&annMap=2"))
    name = f"small&sizeX=32&sizeY=12&sizeC={channels}&series={count}{maps}.fake"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).touch()
    return RealInput(folder, (name,), (), count)


def _instrument() -> ome.Instrument:
    return ome.Instrument(
        id="Instrument:0",
        microscope=ome.Microscope(manufacturer="Maker", type=ome.Microscope_Type.INVERTED),
        objectives=[ome.Objective(id="Objective:0", lens_na=1.4, nominal_magnification=63)],
        detectors=[ome.Detector(id="Detector:0", model="Camera", type=ome.Detector_Type.EMCCD)],
        lasers=[ome.Laser(id="LightSource:0", wavelength=488, type=ome.Laser_Type.GAS)],
        filters=[ome.Filter(id="Filter:0", model="BP 525/50")],
    )


def _add_rois(draw: Draw, made: ome.OME) -> None:
    for number in range(draw.integer(1, 3)):
        shapes: Any = [
            ome.Rectangle(id=f"Shape:{number}:0", x=number, y=2, width=3, height=4, the_z=0),
            ome.Point(id=f"Shape:{number}:1", x=1.5, y=number, text="spot"),
        ]
        made.rois.append(ome.ROI(id=f"ROI:{number}", name=f"from the file {number}", union=shapes))
        made.images[0].roi_refs.append(ome.ROIRef(id=f"ROI:{number}"))


def _annotate(made: ome.OME) -> None:
    pairs = ome.Map(ms=[ome.Map.M(k="from", value="the file"), ome.Map.M(k="from", value="again")])
    made.structured_annotations = ome.StructuredAnnotations(
        comment_annotations=[ome.CommentAnnotation(id="Annotation:0", value="comment of the file")],
        map_annotations=[ome.MapAnnotation(id="Annotation:1", namespace="of.the/file", value=pairs)],
    )
    image = made.images[0]
    image.annotation_refs = [ome.AnnotationRef(id="Annotation:0"), ome.AnnotationRef(id="Annotation:1")]
    made.rois[0].annotation_refs = [ome.AnnotationRef(id="Annotation:1")]


def plane(draw: Draw, kind: str, height: int, width: int) -> np.ndarray:
    """Return random pixels of an OMERO pixel type: shape (height, width), big-endian."""
    dtype = np.dtype(DTYPES[kind])
    data = draw.random.randbytes(height * width * dtype.itemsize)
    return np.frombuffer(data, dtype.newbyteorder(">")).reshape(height, width)


_OWN = {described, several_series, _small_fake}
