"""Random worlds: all that users may have on a server, in random amounts and ties."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omero_sandbox.db.store import Row
from omero_sandbox.server import SandboxServer
from tests.worlds import containers, images
from tests.worlds.annotations import add_annotations, annotate_annotations, link_annotations
from tests.worlds.experiments import add_experiments
from tests.worlds.identifiers import add_identifiers
from tests.worlds.instruments import add_instrument, use_instrument
from tests.worlds.references import add_references, lead_astray
from tests.worlds.rendering import add_rendering, edit_rendering
from tests.worlds.rois import add_roi
from tests.worlds.rows import Rows
from tests.worlds.values import Draw


@dataclass
class World:
    """What was made.

    Attributes
    ----------
    roots : list of str
        Objects that lead to all of it, as the command line takes them.
    """

    roots: list[str]


class _Builder:
    def __init__(self, rows: Rows, client: Any, folder: Path, size: int) -> None:
        self.rows = rows
        self.draw = rows.draw
        self.client = client
        self.folder = folder
        self.size = size
        self.loose: list[Row] = []
        self.plates: list[Row] = []
        self.fields: list[Row] = []
        self.rois: list[Row] = []
        self.annotatable: list[Row] = []

    def build(self) -> World:
        made = containers.add_containers(self.rows, self.size)
        self._add_images()
        self._add_plates()
        every = [*self.loose, *self.fields]
        self._outline(every)
        self._use_instruments(every)
        containers.put_images(self.rows, made, self.loose, self.rois)
        containers.put_plates(self.rows, made, self.plates)
        for image in every:
            pixels = self.rows.store.children(image, "pixels")[0]
            edit_rendering(self.rows, pixels)
            for user in self.draw.some(self.rows.others, 1):
                add_rendering(self.rows, pixels, user)
        self.annotatable += [*made.all, *every, *self.plates, *self._parts(every)]
        annotations = self._annotate()
        add_references(self.rows, every, annotations)
        if self.draw.chance(0.3):
            lead_astray(self.rows, every)
        if self.draw.chance(0.4):
            add_identifiers(self.rows, [*self.annotatable, *annotations])
        roots = [*made.projects, *made.datasets, *made.screens, *self.plates, *self.loose]
        return World([f"{row.type}:{row.id}" for row in roots])

    def _add_images(self) -> None:
        for number in range(self.draw.integer(1, 1 + self.size)):
            imported = images.import_images(self.rows, self.client, self.folder / f"fileset {number}")
            for image in imported:
                images.edit_import(self.rows, self.client, image)
            self.loose += imported
        for _ in range(self.draw.integer(0, 1 + self.size)):
            image = images.create_image(self.rows, self.client)
            images.describe(self.rows, image)
            self.loose.append(image)

    def _add_plates(self) -> None:
        if self.draw.chance(0.5):
            plate, fields = images.import_plate(self.rows, self.client, self.folder / "plate")
            if self.draw.chance(0.7):
                containers.describe_plate(self.rows, plate)
            self.plates.append(plate)
            self.fields += fields
        if self.draw.chance(0.4):
            fields = [images.create_image(self.rows, self.client) for _ in range(self.draw.integer(1, 3))]
            self.plates.append(containers.add_plate(self.rows, fields))
            self.fields += fields

    def _outline(self, every: list[Row]) -> None:
        for _ in range(self.draw.integer(0, 4 * self.size)):
            roi, shapes = add_roi(self.rows, self.draw.pick(every))
            self.annotatable += [roi, *shapes]
        for image in every:
            self.rois += self.rows.store.referrers("Roi", "image", image.id)

    def _use_instruments(self, every: list[Row]) -> None:
        instruments = [add_instrument(self.rows) for _ in range(self.draw.integer(0, 2))]
        for made in instruments:
            for image in self.draw.some(every, 3, 1):
                if image.get("instrument") is None:
                    use_instrument(self.rows, image, made)
                    self.annotatable += made.annotatable
        add_experiments(self.rows, every, instruments)

    def _parts(self, every: list[Row]) -> list[Row]:
        """Return what belongs to images and plates and can be annotated."""
        store = self.rows.store
        found = {
            store.get("Fileset", image.values["fileset"]) for image in every if "fileset" in image.values
        }
        parts = [row for row in found if row is not None]
        for image in every:
            for pixels in store.children(image, "pixels"):
                channels = store.children(pixels, "channels")
                parts += [*channels, *store.children(pixels, "planeInfo"), *self._light_paths(channels)]
        for plate in self.plates:
            parts += [*store.children(plate, "wells"), *store.children(plate, "plateAcquisitions")]
        return sorted(parts, key=lambda row: (row.type, row.id))

    def _light_paths(self, channels: Sequence[Row]) -> list[Row]:
        logical = (self.rows.store.get("LogicalChannel", one.values["logicalChannel"]) for one in channels)
        paths = (one.get("lightPath") for one in logical if one is not None)
        found = (self.rows.store.get("LightPath", number) for number in paths if number is not None)
        return [row for row in found if row is not None]

    def _annotate(self) -> list[Row]:
        made = add_annotations(
            self.rows, self.client, self.draw.integer(1, 12 * self.size), self.folder / "attached"
        )
        link_annotations(self.rows, made, list({id(row): row for row in self.annotatable}.values()))
        annotate_annotations(self.rows, made)
        return made


def build_world(
    server: SandboxServer, client: Any, folder: Path, seed: int, size: int = 1, owners: Sequence[int] = ()
) -> World:
    """Fill a sandbox with a world that is the same for the same seed.

    Parameters
    ----------
    server : SandboxServer
    client : omero.client
        Logged in as whoever owns most of it, in the group it goes to.
    folder : Path
        For input files.
    seed, size : int
    owners : sequence of int
        Members of the group who own some of it.
    """
    context = client.sf.getAdminService().getEventContext()
    rows = Rows(server.store, Draw(seed), context.groupId, [context.userId, *owners])
    return _Builder(rows, client, folder, size).build()
