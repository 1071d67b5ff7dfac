"""Rendering settings of images and sets of images (omero.api.IRenderingSettings; RenderingSettingsImpl)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import omero
import omero.clients

from omero_sandbox.db.marshal import Marshaller
from omero_sandbox.security.ownership import require_group
from omero_sandbox.services import pixel_access
from omero_sandbox.services.default_settings import copy_settings, reset_defaults, set_windows, settings_of
from omero_sandbox.services.rendering import SETTINGS_PLAN

if TYPE_CHECKING:
    from omero_sandbox.db.store import Row, Store
    from omero_sandbox.net.call import Call
    from omero_sandbox.net.context import ServiceContext

log = logging.getLogger(__name__)

Work = Callable[["Call", "Row"], object]


class RenderingSettingsService:
    """Methods on sets skip what fails and return the ids of the images that were done; the others raise."""

    def __init__(self, context: ServiceContext) -> None:
        self.context = context

    def sanityCheckPixels(self, call: Call, pFrom: Any, pTo: Any) -> bool:
        """Tell whether settings of one image fit another."""
        first, second = (pixel_access.load_pixels(call, p.getId().getValue()) for p in (pFrom, pTo))
        return _compatible(first, second)

    def getRenderingSettings(self, call: Call, pixelsId: int) -> Any:
        """Return the caller's settings, else the owner's, else None."""
        pixels = pixel_access.load_pixels(call, pixelsId)
        row = settings_of(call.store, pixels, call.user_id) or settings_of(call.store, pixels)
        return None if row is None else Marshaller(call.store, call).entity(row, SETTINGS_PLAN)

    # -- defaults

    def resetDefaultsInImage(self, call: Call, imageId: int) -> None:
        """Set back the settings of an image."""
        self._all(call, "Image", [imageId], reset_defaults)

    def resetDefaultsForPixels(self, call: Call, pixelsId: int) -> None:
        """Set back the settings of an image."""
        self._all(call, "Pixels", [pixelsId], reset_defaults)

    def resetDefaultsInDataset(self, call: Call, dataSetId: int) -> list[int]:
        """Set back the settings of a dataset's images."""
        return self._each(call, "Dataset", [dataSetId], reset_defaults)

    def resetDefaultsInSet(self, call: Call, type: str, nodeIds: list[int]) -> list[int]:
        """Set back the settings of all images below some objects."""
        return self._each(call, type, nodeIds, reset_defaults)

    def resetMinMaxInSet(self, call: Call, type: str, nodeIds: list[int]) -> list[int]:
        """Set the windows to the extremes of the channels."""
        return self._each(call, type, nodeIds, set_windows)

    def setOriginalSettingsInImage(self, call: Call, imageId: int) -> None:
        """Set back the settings of an image to those it was imported with."""
        self._all(call, "Image", [imageId], reset_defaults)

    def setOriginalSettingsForPixels(self, call: Call, pixelsId: int) -> None:
        """Set back the settings of an image to those it was imported with."""
        self._all(call, "Pixels", [pixelsId], reset_defaults)

    def setOriginalSettingsInDataset(self, call: Call, dataSetId: int) -> list[int]:
        """Set back the settings of a dataset's images."""
        return self._each(call, "Dataset", [dataSetId], reset_defaults)

    def setOriginalSettingsInSet(self, call: Call, type: str, nodeIds: list[int]) -> list[int]:
        """Set back the settings of all images below some objects."""
        return self._each(call, type, nodeIds, reset_defaults)

    def resetDefaultsByOwnerInSet(self, call: Call, type: str, nodeIds: list[int]) -> list[int]:
        """Give the images the settings of their owners, where those have some."""
        return self._each(
            call, type, nodeIds, lambda c, pixels: copy_settings(c, pixels, pixels, pixels.owner)
        )

    def resetDefaults(self, call: Call, _def: Any, pixels: Any) -> None:
        """Set back the settings of an image."""
        self._all(call, "Pixels", [pixels.getId().getValue()], reset_defaults)

    # -- copying

    def applySettingsToSet(
        self, call: Call, fromId: int, toType: str, nodeIds: list[int]
    ) -> dict[bool, list[int]]:
        """Copy the settings of one image to all below some objects; lists the ids done and not done."""
        source = pixel_access.load_pixels(call, fromId)
        pixels = pixels_below(call, toType, nodeIds)
        done = self._work(call, pixels, lambda c, target: copy_settings(c, source, _fitting(source, target)))
        images = [row.values["image"] for row in pixels]
        return {True: done, False: [image for image in images if image not in done]}

    def applySettingsToDataset(self, call: Call, fromId: int, toDataset: int) -> dict[bool, list[int]]:
        """Copy the settings of one image to those of a dataset."""
        return self.applySettingsToSet(call, fromId, "Dataset", [toDataset])

    def applySettingsToProject(self, call: Call, fromId: int, toProject: int) -> dict[bool, list[int]]:
        """Copy the settings of one image to those of a project."""
        return self.applySettingsToSet(call, fromId, "Project", [toProject])

    def applySettingsToImages(self, call: Call, fromId: int, imageIds: list[int]) -> dict[bool, list[int]]:
        """Copy the settings of one image to others."""
        return self.applySettingsToSet(call, fromId, "Image", imageIds)

    def applySettingsToImage(self, call: Call, fromId: int, toImage: int) -> bool:
        """Copy the settings of one image to another; False if they do not fit."""
        return bool(self.applySettingsToSet(call, fromId, "Image", [toImage])[True])

    def applySettingsToPixels(self, call: Call, fromId: int, toId: int) -> bool:
        """Copy the settings of one image to another; False if they do not fit."""
        return bool(self.applySettingsToSet(call, fromId, "Pixels", [toId])[True])

    # -- parts

    def _all(self, call: Call, type_name: str, ids: list[int], work: Work) -> None:
        require_group(call)
        for pixels in pixels_below(call, type_name, ids):
            work(call, pixels)

    def _each(self, call: Call, type_name: str, ids: list[int], work: Work) -> list[int]:
        return self._work(call, pixels_below(call, type_name, ids), work)

    @staticmethod
    def _work(call: Call, rows: list[Row], work: Work) -> list[int]:
        require_group(call)
        done = []
        for pixels in rows:
            try:
                work(call, pixels)
            except omero.ServerError:
                log.debug("No rendering settings for Pixels %d", pixels.id, exc_info=True)
            else:
                done.append(pixels.values["image"])
        return done


def pixels_below(call: Call, type_name: str, ids: list[int]) -> list[Row]:
    """Find the readable Pixels of images, containers or plates.

    Raises
    ------
    omero.ApiUsageException
        A type that holds no images.
    """
    simple = type_name.rpartition(".")[2]
    if simple not in _STEPS:
        raise omero.ApiUsageException(None, None, f"Rendering settings cannot be set for {type_name}")
    rows = [row for row in (call.store.get(simple, i) for i in ids) if row is not None and call.can_read(row)]
    while simple != "Pixels":
        simple, step = _STEPS[simple]
        rows = [found for row in rows for found in step(call.store, row)]
    return list({row.id: row for row in rows if call.can_read(row)}.values())


def _linked(link: str, child: str) -> Callable[[Store, Row], list[Row]]:
    def step(store: Store, row: Row) -> list[Row]:
        found = [store.get(child, each.values["child"]) for each in store.referrers(link, "parent", row.id)]
        return [each for each in found if each is not None]

    return step


def _samples(store: Store, row: Row) -> list[Row]:
    if row.type == "PlateAcquisition":
        return store.referrers("WellSample", "plateAcquisition", row.id)
    wells = store.referrers("Well", "plate", row.id)
    return [sample for well in wells for sample in store.children(well, "wellSamples")]


def _image(store: Store, row: Row) -> list[Row]:
    image = store.get("Image", row.values["image"])
    return [] if image is None else [image]


_STEPS: dict[str, tuple[str, Callable[[Store, Row], list[Row]]]] = {
    "Project": ("Dataset", _linked("ProjectDatasetLink", "Dataset")),
    "Dataset": ("Image", _linked("DatasetImageLink", "Image")),
    "Screen": ("Plate", _linked("ScreenPlateLink", "Plate")),
    "Plate": ("WellSample", _samples),
    "PlateAcquisition": ("WellSample", _samples),
    "WellSample": ("Image", _image),
    "Image": ("Pixels", lambda store, row: store.children(row, "pixels")[:1]),
    "Pixels": ("Pixels", lambda _, row: [row]),
}


def _compatible(first: Row, second: Row) -> bool:
    return all(first.values[name] == second.values[name] for name in ("pixelsType", "sizeC"))


def _fitting(source: Row, target: Row) -> Row:
    if not _compatible(source, target):
        raise omero.ValidationException(None, None, f"Pixels {source.id} and {target.id} are not compatible")
    return target
