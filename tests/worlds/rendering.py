"""Rendering settings: changed ones of owners, and those of other users."""

from __future__ import annotations

from typing import Any

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


def add_rendering(rows: Rows, pixels: Row, owner: int) -> None:
    """Add the settings of another user."""
    draw = rows.draw
    quantization = rows.add("QuantumDef", cdStart=0, cdEnd=255, bitResolution=255)
    settings = rows.add(
        "RenderingDef",
        owner=owner,
        pixels=pixels,
        quantization=quantization,
        defaultZ=draw.integer(0, pixels.values["sizeZ"] - 1),
        defaultT=0,
        name=None,
        compression=None,
    )
    for place in range(len(rows.store.children(pixels, "channels"))):
        ends: dict[str, Any] = {"renderingDef": settings, "renderingDef_index": place}
        _edit_binding(rows, rows.add("ChannelBinding", owner=owner, **ends, blue=draw.integer(0, 255)))


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
