"""Axes of an OME-Zarr and the size of a pixel along them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

Json = Mapping[str, Any]
#: Letter and NGFF unit.
Axis = tuple[str, str | None]


def parse_axis(item: object) -> Axis:
    """Return letter and unit of an axis; ``?`` for what is none."""
    if isinstance(item, str):
        return item.lower(), None
    if isinstance(item, dict) and isinstance(item.get("name"), str):
        unit = item.get("unit")
        return item["name"].lower(), unit if isinstance(unit, str) else None
    return "?", None


def read_scales(axes: list[Axis], level: Json, multiscale: Json) -> dict[str, tuple[float, str | None]]:
    """Return the physical steps of the largest level, the multiscale's own scale on top."""
    steps = [1.0] * len(axes)
    for place in (level, multiscale):
        transformations = place.get("coordinateTransformations")
        for item in transformations if isinstance(transformations, list) else []:
            scale = item.get("scale") if isinstance(item, dict) and item.get("type") == "scale" else None
            if isinstance(scale, list) and len(scale) == len(axes) and all(map(_is_step, scale)):
                steps = [step * float(factor) for step, factor in zip(steps, scale, strict=True)]
    return {name: (step, unit) for (name, unit), step in zip(axes, steps, strict=True) if unit}


def _is_step(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and value > 0
