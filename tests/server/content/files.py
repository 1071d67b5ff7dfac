"""An OME-TIFF with an instrument, plane positions and ROIs in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ome_types import OME
from ome_types import model as ome

from omero_sandbox.testing import real_tiff, seed


def import_rich(client: Any, folder: Path) -> int:
    """Import the file; return the id of its image."""
    series = (real_tiff.Series("rich", "uint8", (1, 2, 1, 16, 16)),)
    real_tiff.write_ome_tiff(folder / "rich.ome.tif", series, _document(series))
    return seed.import_fileset(client, folder, ["rich.ome.tif"]).images[0]


def _document(series: tuple[real_tiff.Series, ...]) -> OME:
    document = real_tiff.document(series)
    (image,) = document.images
    laser = ome.Laser(id="LightSource:0", type=ome.Laser_Type.GAS, laser_medium=ome.Laser_LaserMedium.AR)
    lens = ome.Objective(id="Objective:0", lens_na=1.4, nominal_magnification=63)
    document.instruments.append(ome.Instrument(id="Instrument:0", lasers=[laser], objectives=[lens]))
    image.instrument_ref = ome.InstrumentRef(id="Instrument:0")
    image.objective_settings = ome.ObjectiveSettings(id="Objective:0", refractive_index=1.52)
    image.stage_label = ome.StageLabel(name="left", x=3.5, x_unit=ome.UnitsLength.MILLIMETER)
    image.pixels.channels[0].light_source_settings = ome.LightSourceSettings(
        id="LightSource:0", attenuation=0.5
    )
    for channel in range(2):
        image.pixels.planes.append(
            ome.Plane(the_z=0, the_c=channel, the_t=0, exposure_time=0.1 * (1 + channel))
        )
    for number in range(2):
        shape = ome.Rectangle(
            id=f"Shape:{number}", x=number, y=1, width=2, height=3, the_z=0, text=str(number)
        )
        union: Any = [shape]
        document.rois.append(ome.ROI(id=f"ROI:{number}", name=f"roi {number}", union=union))
        image.roi_refs.append(ome.ROIRef(id=f"ROI:{number}"))
    return document
