"""Experiments that images share, with microbeam manipulations and the light used for them."""

from __future__ import annotations

from collections.abc import Sequence

from omero_sandbox.db.store import Row
from tests.worlds.instruments import Instrument
from tests.worlds.rows import Rows


def add_experiments(rows: Rows, images: Sequence[Row], instruments: Sequence[Instrument]) -> None:
    """Let some images belong to experiments; what is used of their instruments may belong to one, too."""
    draw = rows.draw
    for _ in range(draw.integer(0, 2)):
        experiment = rows.add("Experiment")
        used = draw.some(images, 3, 1)
        for image in used:
            rows.change(image, experiment=experiment.id)
        for _ in range(draw.integer(0, 2)):
            beam = rows.add("MicrobeamManipulation", experiment=experiment)
            sources = [source for made in instruments for source in made.sources]
            for source in draw.some(sources, 2):
                rows.add("LightSettings", lightSource=source, microbeamManipulation=beam.id)
            for image in draw.some(used, 1):
                _bleach(rows, image, beam)


def _bleach(rows: Rows, image: Row, beam: Row) -> None:
    """Let the light of the channels of an image be that of a manipulation."""
    for pixels in rows.store.children(image, "pixels"):
        for channel in rows.store.children(pixels, "channels"):
            logical = rows.store.get("LogicalChannel", channel.values["logicalChannel"])
            number = logical.get("lightSourceSettings") if logical is not None else None
            settings = rows.store.get("LightSettings", number or 0)
            if settings is not None:
                rows.change(settings, microbeamManipulation=beam.id)
