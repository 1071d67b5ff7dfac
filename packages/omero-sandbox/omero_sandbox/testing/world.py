"""A small but varied world: what a user of a microscopy facility may have on a server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omero_sandbox.testing import real_input, seed


@dataclass(frozen=True)
class People:
    """A group with three members; every password is the user's name."""

    group: int
    users: dict[str, int]


@dataclass(frozen=True)
class DemoWorld:
    """Ids of what was made.

    Attributes
    ----------
    project, screen : int
    datasets : dict of str to int
        By name: ``stacks``, ``awkward files``.
    imports : dict of str to Imported
        By name of the input, see ``real_input.INPUTS``.
    images : list of int
        All of them, those of the plate included.
    plate : int
    tags : dict of str to int
    rois : list of int
    """

    project: int
    screen: int
    datasets: dict[str, int]
    imports: dict[str, seed.Imported]
    images: list[int]
    plate: int
    tags: dict[str, int]
    rois: list[int]


def add_people(client: Any, permissions: str = "rwra--") -> People:
    """Make group ``cell lab`` with users ``alice``, ``bob`` and ``carol``; needs an administrator."""
    group = seed.group(client, "cell lab", permissions)
    full = {"alice": ("Alice", "Müller"), "bob": ("Bob", "O'Hara"), "carol": ("Carol", "李")}
    users = {
        name: seed.user(client, name, name, [group], first=first, last=last, institution="Institute of Cells")
        for name, (first, last) in full.items()
    }
    return People(group, users)


def build_demo_world(client: Any, folder: Path) -> DemoWorld:
    """Fill the logged-in user's group.

    Parameters
    ----------
    client : omero.client
    folder : Path
        Where the input files are written; may be removed afterwards.
    """
    inputs = real_input.write_all(folder)
    project = seed.create(client, "Project", "Mitosis 2021", "All images of the mitosis project")
    screen = seed.create(client, "Screen", "siRNA screen", "One plate")
    stacks = seed.create(client, "Dataset", "stacks", "Stacks and movies")
    awkward = seed.create(client, "Dataset", "awkward files", "Names and layouts that break tools")
    for dataset in (stacks, awkward):
        seed.link(client, project, dataset)
    targets = {"plate": screen, "multi_series": stacks, "big_endian": stacks, "every_type": stacks}
    imports = {
        name: seed.import_fileset(client, each.folder, each.files, targets.get(name, awkward))
        for name, each in inputs.items()
    }
    return DemoWorld(
        project=project.id.val,
        screen=screen.id.val,
        datasets={"stacks": stacks.id.val, "awkward files": awkward.id.val},
        imports=imports,
        images=[image for each in imports.values() for image in each.images],
        plate=imports["plate"].plates[0],
        tags=_annotate(client, imports, folder),
        rois=_outline(client, imports["multi_series"].images[1]),
    )


def _annotate(client: Any, imports: dict[str, seed.Imported], folder: Path) -> dict[str, int]:
    images = [seed.reference("Image", number) for number in imports["multi_series"].images]
    tags = {text: seed.tag(client, text) for text in ("mitosis", "control", "to check ✓")}
    seed.tag_set(client, "phases", [tags["mitosis"], tags["control"]])
    for image in images:
        seed.link(client, image, tags["mitosis"])
    pairs = [("gene", "CDK1"), ("gene", "PLK1"), ("temperature / °C", "37"), ("empty", "")]
    seed.link(client, images[0], seed.key_values(client, pairs))
    seed.link(client, images[0], seed.comment(client, "The first line.\nThe second, with <xml> & “quotes”."))
    seed.link(client, images[0], seed.rating(client, 4))
    protocol = folder / "protocol v2.txt"
    protocol.write_text("1. Fix\n2. Stain\n3. Image\n", encoding="utf-8")
    attached = seed.attachment(client, protocol, "text/plain")
    for image in images[:2]:
        seed.link(client, image, attached)
    seed.rename(
        client, "Image", imports["big_endian"].images[0], "renamed after import", "Described after import"
    )
    return {text: each.id.val for text, each in tags.items()}


def _outline(client: Any, image: int) -> list[int]:
    cell = [
        seed.shape("Rectangle", "cell", z=1, t=0, x=4, y=5, width=10, height=8),
        seed.shape("Ellipse", "nucleus", z=1, t=0, x=9, y=9, radiusX=3, radiusY=2),
    ]
    spot = [seed.shape("Point", "spot", x=20.5, y=10.25)]
    return [seed.roi(client, image, cell, "cell 1"), seed.roi(client, image, spot)]
