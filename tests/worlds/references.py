"""References from ROIs to files and from pixels to pixels: those that travel, and some that do not."""

from __future__ import annotations

from collections.abc import Sequence

from omero_sandbox.db.store import Row
from tests.worlds.rows import Rows


def add_references(rows: Rows, images: Sequence[Row], annotations: Sequence[Row]) -> None:
    """Let ROIs say which file they were made from, masks and pixels which pixels they belong to."""
    draw = rows.draw
    attached = [one.values["file"] for one in annotations if one.type == "FileAnnotation"]
    for image in images:
        files = _files(rows, image)
        pixels = [rows.store.children(one, "pixels")[0] for one in images if _unit(one) == _unit(image)]
        for roi in rows.store.referrers("Roi", "image", image.id):
            if (attached or files) and draw.chance(0.2):
                rows.change(roi, source=draw.pick([*attached, *files]))
            for mask in rows.store.children(roi, "shapes"):
                if mask.type == "Mask" and draw.chance(0.3):
                    rows.change(mask, pixels=draw.pick(pixels).id)
        if draw.chance(0.2):
            rows.change(rows.store.children(image, "pixels")[0], relatedTo=draw.pick(pixels).id)


def lead_astray(rows: Rows, images: Sequence[Row]) -> None:
    """Let some pixels refer to those of other imports, which a transfer leaves out and counts."""
    draw = rows.draw
    for image in draw.some(images, 2):
        others = [one for one in images if _unit(one) != _unit(image)]
        if others:
            other = rows.store.children(draw.pick(others), "pixels")[0]
            rows.change(rows.store.children(image, "pixels")[0], relatedTo=other.id)


def _unit(image: Row) -> tuple[str, int]:
    fileset = image.get("fileset")
    return ("Image", image.id) if fileset is None else ("Fileset", fileset)


def _files(rows: Rows, image: Row) -> list[int]:
    fileset = rows.store.get("Fileset", image.get("fileset") or 0)
    entries = [] if fileset is None else rows.store.children(fileset, "usedFiles")
    return [entry.values["originalFile"] for entry in entries]
