"""Rendering settings: changed ones of owners, and those of other users."""

from __future__ import annotations

from omero_rocrate_transfer.sandbox.store import Row
from tests.worlds.rows import Rows


def edit_rendering(rows: Rows, pixels: Row) -> None:
    """Change some of the settings that there are."""
    draw = rows.draw
    for settings in rows.store.children(pixels, "settings"):
        if draw.chance(0.6):
            rows.redraw(settings, "model")
            rows.change(settings, defaultZ=draw.integer(0, pixels.values["sizeZ"] - 1))
            for binding in rows.store.children(settings, "waveRendering"):
                _edit_binding(rows, binding)


def _edit_binding(rows: Rows, binding: Row) -> None:
    draw = rows.draw
    start = float(draw.integer(0, 100))
    rows.change(
        binding,
        inputStart=start,
        inputEnd=start + draw.integer(1, 1000),
        active=draw.chance(0.7),
        red=draw.integer(0, 255),
        green=draw.integer(0, 255),
        alpha=draw.integer(0, 255),
        lookupTable=draw.pick((None, "fire.lut", "ice.lut")),
        coefficient=draw.pick((1.0, 0.5, 2.0)),
    )
    rows.redraw(binding, "family", "noiseReduction")
    if draw.chance(0.3):
        rows.add("ReverseIntensityContext", channelBinding=binding, channelBinding_index=0, reverse=True)
