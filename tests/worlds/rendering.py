"""Rendering settings: changed ones of owners, and those of other users."""

from __future__ import annotations

from typing import Any

from omero_sandbox.db.store import Row
from tests.worlds.rows import Rows

_CONTEXTS = ("ReverseIntensityContext", "PlaneSlicingContext", "ContrastStretchingContext")


def edit_rendering(rows: Rows, pixels: Row) -> None:
    """Change some of the settings that there are."""
    draw = rows.draw
    for settings in rows.store.children(pixels, "settings"):
        if draw.chance(0.6):
            rows.redraw(settings, "model")
            rows.change(settings, defaultZ=draw.integer(0, pixels.values["sizeZ"] - 1))
            _add_projections(rows, settings)
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
    _add_projections(rows, settings)


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
    place = len(rows.store.children(binding, "spatialDomainEnhancement"))
    for kind in draw.some(_CONTEXTS, 2) if draw.chance(0.3) else ():
        rows.add(kind, owner=binding.owner, channelBinding=binding, channelBinding_index=place)
        place += 1


def _add_projections(rows: Rows, settings: Row) -> None:
    if rows.draw.chance(0.3):
        for place in range(rows.draw.integer(1, 2)):
            rows.add("ProjectionDef", owner=settings.owner, renderingDef=settings, renderingDef_index=place)
