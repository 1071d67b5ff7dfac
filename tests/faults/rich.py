"""A world with one of each kind that is written in its own way, and what a server holds of it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from omero_rocrate_transfer.model.annotations import FIGURE_NAMESPACE
from omero_sandbox.db.store import Row, Store
from omero_sandbox.server import SandboxServer
from omero_sandbox.testing import real_input, seed
from tests.worlds.comparison import compare
from tests.worlds.digests import Digests
from tests.worlds.graph import Graph, read_graph

ROOT = ("root", "omero")
#: Two filesets, two images and a plate without files that may be had, a text and a figure.
UNITS = 7
#: Planes above 32 x 32 pixels go into such a target as OME-TIFF.
LOW_LIMIT = {"omero.pixeldata.max_plane_width": "32", "omero.pixeldata.max_plane_height": "32"}
#: What such a world needs to travel whole.
PACK, UNPACK = ("--figure", "--chunk", "64"), ("--figure",)
_JSON = "application/json"


def fill(server: SandboxServer, folder: Path, user: tuple[str, str] = ROOT) -> tuple[str, ...]:
    """Make the world of a user, by name and password, on a server and return the objects to pack."""
    with _client(server, user) as client:
        project, dataset = seed.create(client, "Project", "P"), seed.create(client, "Dataset", "D", "text")
        seed.link(client, project, dataset)
        images = _import_filesets(client, folder, dataset)
        images += [_create_image(client, dataset, "small", (2, 2, 8, 16), "uint16")]
        images += [_create_image(client, dataset, "wide", (1, 2, 20, 300), "uint8")]
        screen, plate = _import_plate(client, folder / "plate")
        _annotate(client, folder, images, [project, dataset, screen, plate])
        return f"Project:{project.id.val}", f"Screen:{screen.id.val}"


@contextmanager
def _client(server: SandboxServer, user: tuple[str, str] = ROOT) -> Iterator[Any]:
    client = seed.connection(server.host, server.port, *user)
    try:
        yield client
    finally:
        client.closeSession()


def _import_filesets(client: Any, folder: Path, dataset: Any) -> list[int]:
    name = "series&sizeX=16&sizeY=8&series=2.fake"
    (folder / name).write_bytes(os.urandom(3000))
    several = real_input.same_names(folder / "several")
    made = seed.import_fileset(client, folder, [name], dataset).images
    return made + seed.import_fileset(client, several.folder, several.files, dataset).images


def _create_image(client: Any, dataset: Any, name: str, shape: tuple[int, int, int, int], kind: str) -> int:
    """Make an image of random pixels, shape (z, c, y, x), that never had files."""
    z, c, height, width = shape
    service = client.sf.getPixelsService()
    pixels_type = client.sf.getQueryService().findByString("PixelsType", "value", kind)
    image = service.createImage(width, height, z, 1, list(range(c)), pixels_type, name, "made of pixels").val
    [pixels] = client.sf.getContainerService().getImages("Image", [image], None)[0].copyPixels()
    with closing(client.sf.createRawPixelsStore()) as store:
        store.setPixelsId(pixels.id.val, False)
        for at_z, at_c in np.ndindex(z, c):
            store.setPlane(os.urandom(height * width * np.dtype(kind).itemsize), at_z, at_c, 0)
        store.save()
    client.sf.getRenderingSettingsService().resetDefaultsInSet("Image", [image])
    seed.link(client, dataset, seed.reference("Image", image))
    return int(image)


def _import_plate(client: Any, folder: Path) -> tuple[Any, Any]:
    made = real_input.plate(folder, rows=1, columns=2, fields=1)
    screen = seed.create(client, "Screen", "S")
    imported = seed.import_fileset(client, made.folder, made.files, screen)
    return screen, seed.reference("Plate", imported.plates[0])


def _annotate(client: Any, folder: Path, images: list[int], others: list[Any]) -> None:
    tag = seed.tag(client, "shared")
    (folder / "notes.txt").write_bytes(os.urandom(5000))
    notes = seed.attachment(client, folder / "notes.txt", "text/plain", "my/notes")
    for place, number in enumerate(images):
        image = seed.reference("Image", number)
        for annotation in (tag, notes, seed.key_values(client, [("place", str(place))])):
            seed.link(client, image, annotation)
        seed.roi(client, number, [seed.shape("Point", "p", x=place, y=2), seed.shape("Ellipse", x=3, y=3)])
    for other in others:
        seed.link(client, other, tag)
    (folder / "figure.json").write_text(json.dumps({"panels": [{"imageId": one} for one in images]}))
    seed.attachment(client, folder / "figure.json", _JSON, FIGURE_NAMESPACE)


def read(server: SandboxServer) -> Graph:
    """Read all that is on a server; figures tell the names of images instead of their ids."""
    with _client(server) as client:
        graph = read_graph(server.store, _Digests(client, server.store))
    for node in graph.values():
        if node.values.get("mimetype") == _JSON:
            del node.values["size"]
    return graph


def differences(wanted: Graph, server: SandboxServer) -> list[str]:
    """Tell what is other on a server than it should be."""
    return list(map(str, compare(wanted, read(server))))


class _Digests(Digests):
    def __init__(self, client: Any, store: Store) -> None:
        super().__init__(client)
        self._store = store

    def _file(self, row: Row) -> str:
        if row.values.get("mimetype") != _JSON:
            return super()._file(row)
        with closing(self._client.sf.createRawFileStore()) as file:
            file.setFileId(row.id)
            shown = json.loads(file.read(0, row.values["size"]))["panels"]
        names = [self._name(panel["imageId"]) for panel in shown]
        return hashlib.sha256(repr(names).encode()).hexdigest()

    def _name(self, image: int) -> str | None:
        found = self._store.get("Image", image)
        return None if found is None else found.values["name"]
