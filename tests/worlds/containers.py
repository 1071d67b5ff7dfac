"""Containers with links from many to many, plates of images without files, and folders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from omero_sandbox.db.store import Row
from tests.worlds.rows import Rows


@dataclass
class Containers:
    """Containers of each kind."""

    projects: list[Row] = field(default_factory=list)
    datasets: list[Row] = field(default_factory=list)
    screens: list[Row] = field(default_factory=list)
    reagents: list[Row] = field(default_factory=list)
    folders: list[Row] = field(default_factory=list)

    @property
    def all(self) -> list[Row]:
        """All of them."""
        return [*self.projects, *self.datasets, *self.screens, *self.reagents, *self.folders]


def add_containers(rows: Rows, size: int) -> Containers:
    """Add containers without links to images and plates; datasets may be in several projects or in none."""
    draw = rows.draw
    made = Containers()
    made.projects = [_named(rows, "Project") for _ in range(draw.integer(1, 1 + size))]
    made.datasets = [_named(rows, "Dataset") for _ in range(draw.integer(1, 2 + size))]
    made.screens = [_named(rows, "Screen") for _ in range(draw.integer(0, 1 + size))]
    for dataset in made.datasets:
        for project in draw.some(made.projects, 2):
            rows.link(project, dataset)
    for screen in made.screens:
        made.reagents += [rows.add("Reagent", screen=screen) for _ in range(draw.integer(0, 2))]
    for _ in range(draw.integer(0, 2 + size)):
        parent = draw.pick(made.folders).id if made.folders and draw.chance(0.6) else None
        made.folders.append(rows.add("Folder", name=draw.name(), parentFolder=parent))
    return made


def _named(rows: Rows, kind: str) -> Row:
    return rows.add(kind, name=rows.draw.name())


def put_images(rows: Rows, made: Containers, images: Sequence[Row], rois: Sequence[Row]) -> None:
    """Link images to datasets, and images and ROIs to folders; some to several, some to none."""
    draw = rows.draw
    for image in images:
        for dataset in draw.some(made.datasets, 2):
            rows.link(dataset, image)
        for folder in draw.some(made.folders, 2):
            rows.link(folder, image)
    for roi in rois:
        for folder in draw.some(made.folders, 1):
            rows.link(folder, roi)


def put_plates(rows: Rows, made: Containers, plates: Sequence[Row]) -> None:
    """Link plates to screens, and wells to reagents of these."""
    draw = rows.draw
    for plate in plates:
        screens = draw.some(made.screens, 2)
        for screen in screens:
            rows.link(screen, plate)
        ids = {screen.id for screen in screens}
        reagents = [row for row in made.reagents if row.values["screen"] in ids]
        for well in rows.store.children(plate, "wells"):
            for reagent in draw.some(reagents, 2):
                rows.link(well, reagent)


def add_plate(rows: Rows, images: Sequence[Row]) -> Row:
    """Add a plate whose fields are images without files."""
    draw = rows.draw
    plate = rows.add("Plate", name=draw.name(), rows=4, columns=6)
    runs = [rows.add("PlateAcquisition", plate=plate) for _ in range(draw.integer(0, 2))]
    places = draw.some([(r, c) for r in range(4) for c in range(6)], len(images), 1)
    wells = [rows.add("Well", plate=plate, row=r, column=c) for r, c in places]
    counts = dict.fromkeys((well.id for well in wells), 0)
    for number, image in enumerate(images):
        well = wells[number % len(wells)]
        run = draw.pick(runs).id if runs and draw.chance(0.8) else None
        rows.add("WellSample", well=well, well_index=counts[well.id], image=image, plateAcquisition=run)
        counts[well.id] += 1
    return plate


def describe_plate(rows: Rows, plate: Row) -> None:
    """Change what an import said of a plate."""
    draw = rows.draw
    rows.redraw(plate, *draw.some(("description", "status", "externalIdentifier", "wellOriginX"), 4))
    rows.change(plate, name=draw.name())
    names = ("status", "type", "red", "green", "blue", "alpha", "externalDescription", "externalIdentifier")
    for well in rows.store.children(plate, "wells"):
        rows.redraw(well, *draw.some(names, 4))
        for sample in rows.store.children(well, "wellSamples"):
            rows.redraw(sample, *draw.some(("posX", "posY", "timepoint"), 2))
    for run in rows.store.children(plate, "plateAcquisitions"):
        rows.redraw(run, *draw.some(("name", "description", "startTime", "maximumFieldCount"), 3))
