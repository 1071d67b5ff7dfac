"""All that users have, all the way: packed, unpacked, verified, compared, done again, taken back."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import omero.model as om
import pytest
from omero.rtypes import rbool, rdouble, rstring
from omero.sys import ParametersI

from omero_rocrate_transfer.model.annotations import FIGURE_NAMESPACE
from omero_sandbox.testing import real_input, seed
from tests.integration.conftest import Server
from tests.server.annotations.conftest import annotate, new
from tests.support import inputs
from tests.support.facts import Facts
from tests.support.inputs import BLOCK, MIB
from tests.support.journeys import Journey

ROOT = str(Path(__file__).parents[2])
#: Which do not fit, fit exactly, or just do not fit into the blocks in which files are read and sent.
SMALL = (0, 1, BLOCK - 1, BLOCK, BLOCK + 1)
LARGE = (64 * MIB, 300 * MIB)
TABLE = "openmicroscopy.org/omero/bulk_annotations"


@dataclass(frozen=True)
class World:
    """What was made on the source."""

    roots: list[str]
    images: list[int]
    #: Objects that have annotations, by class.
    annotated: list[tuple[str, int]]
    files: int


@pytest.fixture
def journey(
    capsys: pytest.CaptureFixture[str], source_server: Server, target_server: Server, home: Path
) -> Journey:
    return Journey(source_server, target_server, capsys, home)


# -- what is made


def make_world(client: Any, folder: Path, token: str) -> World:
    """Make a project and a screen: of each kind of input and annotation something."""
    folder.mkdir()
    project = seed.create(client, "Project", f"Leber 肝 {token}", "a\nb")
    long = f"300 {token} ".ljust(300, "ü")
    stacks, awkward = seed.create(client, "Dataset", f"stacks {token}"), seed.create(client, "Dataset", long)
    for dataset in (stacks, awkward):
        seed.link(client, project, dataset)
    screen = seed.create(client, "Screen", f"siRNA {token}", "one plate")
    imported = {
        write.__name__: seed.import_fileset(client, made.folder, made.files, dataset)
        for write, dataset in (
            (real_input.multi_series, stacks),
            (real_input.every_type, stacks),
            (real_input.unicode_name, awkward),
            (real_input.multi_file, awkward),
        )
        for made in (write(folder / write.__name__),)
    }
    images = [image for one in imported.values() for image in one.images]
    first = imported["multi_series"].images
    seed.rename(client, "Image", first[0], f"{token} ".ljust(300, "ß"), "renamed")
    plate_files = real_input.plate(folder / "plate", rows=1, columns=2)
    plate = seed.import_fileset(client, plate_files.folder, plate_files.files, screen).plates[0]
    annotated = annotate_all(client, folder, token, project, stacks, screen, plate, first)
    draw(client, first[1], token)
    show(client, first[1])
    return World([f"Project:{project.id.val}", f"Screen:{screen.id.val}"], images, annotated, 6)


def annotate_all(
    client: Any,
    folder: Path,
    token: str,
    project: Any,
    dataset: Any,
    screen: Any,
    plate: int,
    images: list[int],
) -> list[tuple[str, int]]:
    """Put annotations of all classes on images and what holds them, and annotations on annotations."""
    image, other = (seed.reference("Image", number) for number in images[:2])
    tags = [seed.tag(client, f"{text} {token}") for text in ("mitosis", "to check ✓")]
    seed.tag_set(client, f"phases {token}", tags)
    plate_ref = seed.reference("Plate", plate)
    for parent in (project, dataset, screen, plate_ref, image, other):
        seed.link(client, parent, tags[0])
    space = rstring(f"example.org/{token}")
    pairs = [om.NamedValue("gene", "CDK1"), om.NamedValue("gene", "PLK1"), om.NamedValue("leer", "")]
    annotate(client, image, "MapAnnotation", mapValue=pairs, ns=space)
    annotate(client, image, "CommentAnnotation", textValue=rstring("first\nsecond, <xml> & “quotes”"))
    annotate(client, image, "DoubleAnnotation", doubleValue=rdouble(0.1), ns=space)
    annotate(client, image, "BooleanAnnotation", boolValue=rbool(val=True), ns=space)
    annotate(client, image, "TermAnnotation", termValue=rstring("GO:0051301"), ns=space)
    seed.link(client, image, seed.rating(client, 4))
    notes = seed.attachment(client, inputs.write_bytes(folder / "notes µ.txt", 1000), "text/plain")
    for parent in (project, image, other, plate_ref):
        seed.link(client, parent, notes)
    about = new(client, "CommentAnnotation", textValue=rstring(f"about the notes {token}"))
    seed.link(client, notes, about)
    seed.link(client, about, tags[1])
    return [
        ("Project", project.id.val),
        ("Dataset", dataset.id.val),
        ("Screen", screen.id.val),
        ("Plate", plate),
    ]


def draw(client: Any, image: int, token: str) -> None:
    """Draw ROIs of several shapes, one with a tag, and put image and ROI into a folder."""
    mask = seed.shape("Mask", z=1, t=0, x=0, y=0, width=8, height=2)
    mask.bytes = bytes((0xAA, 0x55))
    line = seed.shape("Polyline", "line", z=0, t=0)
    line.points = rstring("1.0,2.0 3.5,4.25 5.0,6.0")
    shapes = [
        seed.shape("Rectangle", "cell 細胞", z=1, t=0, x=4, y=5, width=10, height=8),
        seed.shape("Ellipse", z=1, t=0, x=9, y=9, radiusX=3, radiusY=2),
        seed.shape("Line", x1=0, y1=1, x2=2, y2=3.5),
        mask,
        line,
    ]
    roi = seed.reference("Roi", seed.roi(client, image, shapes, f"cell 1 {token}"))
    seed.roi(client, image, [seed.shape("Point", "spot", x=20.5, y=10.25)])
    seed.link(client, roi, seed.tag(client, f"drawn {token}"))
    folder = seed.create(client, "Folder", f"box {token}")
    link = om.FolderImageLinkI()
    link.parent, link.child = folder, seed.reference("Image", image)
    seed.save(client, link)


def show(client: Any, image: int) -> None:
    """Let an image be shown without its first channel, and the second in a window."""
    hql = "select d from RenderingDef d join fetch d.waveRendering where d.pixels.image.id = :id"
    client.sf.getRenderingSettingsService().resetDefaultsInSet("Image", [image])
    settings = client.sf.getQueryService().findByQuery(hql, ParametersI().addId(image))
    first, second, *_ = settings.copyWaveRendering()
    first.active, second.inputStart, second.inputEnd = rbool(val=False), rdouble(7), rdouble(700)
    seed.save(client, settings)


# -- all the way


@pytest.mark.parametrize(
    "form",
    ["crate", *(pytest.param(f"crate.{kind}", marks=pytest.mark.large) for kind in ("zip", "tar"))],
)
def test_everything_goes_all_the_way(form: str, journey: Journey, tmp_path: Path) -> None:
    world = make_world(journey.source.client(), tmp_path / "in", journey.source.token)

    packed = journey.pack(*world.roots, form)
    again = journey.pack(*world.roots, form)
    assert (again["done"], again["skipped"], again["bytes"]) == (0, packed["planned"], 0)
    listed = journey.on_target("list", form, "--json").lines[0]
    assert sum(len(unit["images"]) for unit in listed["units"]) == packed["images"]

    before = journey.held()
    unpacked = journey.unpack(form)
    assert (unpacked["done"], unpacked["images"]) == (packed["planned"], packed["images"])
    assert journey.compare().differences == []
    assert journey.unlike(world.images) == {}
    assert annotations_of_containers(journey, world) == []
    assert journey.verify(form)["differences"] == 0

    there = journey.held()
    again = journey.unpack(form)
    assert (again["done"], again["skipped"], again["bytes"]) == (0, unpacked["planned"], 0)
    assert journey.held() == there

    journey.undo()
    assert journey.held() == before


def annotations_of_containers(journey: Journey, world: World) -> list[str]:
    """Return the containers whose annotations are not the same on the target."""
    before, after = Facts(journey.source.client()), Facts(journey.target.client())
    return [
        f"{kind}:{number}"
        for kind, number in world.annotated
        if before.annotations(kind, number) != after.annotations(kind, journey.became(kind, number))
    ]


def test_tables_and_figures_have_the_new_ids(journey: Journey, tmp_path: Path) -> None:
    client, token = journey.source.client(), journey.source.token
    made = real_input.multi_series(tmp_path / "in")
    dataset = seed.create(client, "Dataset", f"measured {token}")
    images = seed.import_fileset(client, made.folder, made.files, dataset).images
    table = seed.attachment(client, inputs.table(tmp_path / "table.h5", images), "OMERO.tables", TABLE)
    seed.link(client, dataset, table)
    panels = {"panels": [{"imageId": image} for image in images]}
    (tmp_path / "figure.json").write_text(json.dumps(panels))
    seed.attachment(client, tmp_path / "figure.json", "application/json", FIGURE_NAMESPACE)

    journey.pack("--figure", f"Dataset:{dataset.id.val}", "crate")
    journey.unpack("crate", "--figure")

    wanted = [journey.became("Image", image) for image in images]
    target = journey.target.client()
    copied = tmp_path / "copied.h5"
    copied.write_bytes(attached(target, TABLE))
    with h5py.File(copied) as file:
        rows = file["OME/Measurements"][:]
    assert (rows["Image"].tolist(), rows["Area"].tolist()) == (wanted, [0.5, 1.5, 2.5])
    figure = json.loads(attached(target, FIGURE_NAMESPACE))
    assert [panel["imageId"] for panel in figure["panels"]] == wanted


def attached(client: Any, namespace: str) -> bytes:
    """Return the bytes of the only file of the user's group in a namespace."""
    hql = "select f from FileAnnotation a join a.file f where a.ns = :ns"
    parameters = ParametersI().addString("ns", namespace)
    [file] = client.sf.getQueryService().findAllByQuery(hql, parameters)
    with closing(client.sf.createRawFileStore()) as store:
        store.setFileId(file.id.val)
        return bytes(store.read(0, store.size()))


# -- by size and number


@pytest.mark.parametrize("sizes", [SMALL, pytest.param(LARGE, marks=pytest.mark.large, id="large")])
def test_files_of_every_size_arrive(sizes: tuple[int, ...], journey: Journey, tmp_path: Path) -> None:
    """As members of a fileset, and as attachments."""
    client = journey.source.client()
    dataset = seed.create(client, "Dataset", f"sizes {journey.source.token}")
    made = inputs.with_companions(tmp_path, sizes)
    [image] = seed.import_fileset(client, made.folder, made.files, dataset).images
    for path in made.paths[1:]:
        seed.link(client, dataset, seed.attachment(client, path, "application/octet-stream"))

    packed = journey.pack(f"Dataset:{dataset.id.val}", "crate.zip")
    unpacked = journey.unpack("crate.zip")

    files = 1 + 2 * len(sizes)
    assert packed["files_verified"] == unpacked["files_verified"] == packed["files"] == files
    compared = journey.compare()
    assert (compared.differences, compared.files) == ([], 1 + len(sizes))
    world = World([], [image], [("Dataset", dataset.id.val)], files)
    assert annotations_of_containers(journey, world) == []
    assert journey.verify("crate.zip")["differences"] == 0


@pytest.mark.parametrize("count", [20, pytest.param(300, marks=pytest.mark.large)])
def test_filesets_of_many_files_arrive(count: int, journey: Journey, tmp_path: Path) -> None:
    made = inputs.many_files(tmp_path / "in", count)
    [image] = seed.import_fileset(journey.source.client(), made.folder, made.files).images

    packed = journey.pack(f"Image:{image}", "crate")
    journey.unpack("crate")

    assert packed["files"] == count
    compared = journey.compare()
    assert (compared.differences, compared.files, compared.planes) == ([], count, count - 1)
    assert journey.verify("crate")["differences"] == 0


@pytest.mark.large
def test_a_plate_of_96_wells_arrives(journey: Journey, tmp_path: Path) -> None:
    """As files, or as pixels if the server keeps the files of plates back."""
    client = journey.source.client()
    screen = seed.create(client, "Screen", f"96 wells {journey.source.token}")
    made = real_input.plate(tmp_path / "in", rows=8, columns=12)
    seed.import_fileset(client, made.folder, made.files, screen)

    packed = journey.pack(f"Screen:{screen.id.val}", "crate")
    journey.unpack("crate")

    assert packed["files"] == (1 if journey.source.gives_out_plates() else 0)
    compared = journey.compare()
    assert (compared.differences, compared.images, compared.containers) == ([], 192, 2)
    assert journey.verify("crate")["differences"] == 0


@pytest.mark.parametrize("type_name", ["int32", "uint32", "float", "double"])
def test_wide_pixels_without_files_arrive(type_name: str, journey: Journey) -> None:
    name = f"{type_name} {journey.source.token}"
    expect_same_image(journey, inputs.image_without_files(journey.source.client(), name, type_name, 33, 21))


@pytest.mark.large
def test_a_plane_above_the_limit_without_files_arrives(journey: Journey) -> None:
    """The source wrote it in tiles that lose something: what it gives back is what arrives."""
    name = f"5000 x 5000 {journey.source.token}"
    expect_same_image(journey, inputs.image_without_files(journey.source.client(), name, "uint8", 5000, 5000))


def test_settings_that_only_the_target_has_are_no_difference(journey: Journey) -> None:
    client, name = journey.source.client(), f"never shown {journey.source.token}"
    image = inputs.image_without_files(client, name, "uint16", 33, 21)
    journey.pack(f"Image:{image}", "crate")
    journey.unpack("crate")

    assert Facts(client).rendering(image) is None
    assert journey.verify("crate")["differences"] == 0


def expect_same_image(journey: Journey, image: int) -> None:
    """Take an image without files over, as users saw it, and expect the same there."""
    journey.source.client().sf.getRenderingSettingsService().resetDefaultsInSet("Image", [image])
    journey.pack(f"Image:{image}", "crate")
    journey.unpack("crate")

    assert journey.unlike([image]) == {}
    assert journey.verify("crate")["differences"] == 0


@pytest.mark.parametrize("count", [300, pytest.param(20_000, marks=pytest.mark.large)])
def test_all_rois_arrive(count: int, journey: Journey, tmp_path: Path) -> None:
    client = journey.source.client()
    made = real_input.unicode_name(tmp_path / "in")
    [image] = seed.import_fileset(client, made.folder, made.files).images
    inputs.many_rois(client, image, count)

    journey.pack(f"Image:{image}", "crate")
    journey.unpack("crate")

    wanted, found = (
        Facts(client).rois(image),
        Facts(journey.target.client()).rois(journey.became("Image", image)),
    )
    assert found.total() == count
    assert found == wanted
    assert journey.verify("crate")["differences"] == 0


@pytest.mark.parametrize(("filesets", "each"), [(2, 20), pytest.param(5, 500, marks=pytest.mark.large)])
def test_all_images_of_a_dataset_arrive(filesets: int, each: int, journey: Journey, tmp_path: Path) -> None:
    client = journey.source.client()
    dataset = seed.create(client, "Dataset", f"many {journey.source.token}")
    for number in range(filesets):
        made = inputs.many_series(tmp_path, number, each)
        seed.import_fileset(client, made.folder, made.files, dataset)

    packed = journey.pack(f"Dataset:{dataset.id.val}", "crate")
    journey.unpack("crate")

    assert packed["images"] == filesets * each
    compared = journey.compare()
    assert (compared.differences, compared.images) == ([], filesets * each)
    assert journey.verify("crate")["differences"] == 0


# -- broken off


def kill_after_first_item(*words: object) -> None:
    """Run a command in a process of its own, and kill it when the first item is done."""
    command = [sys.executable, "-m", "omero_rocrate_transfer", *map(str, words), "--json", "--parallel", "1"]
    environment = os.environ | {"PYTHONPATH": ROOT}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        lines = map(json.loads, process.stdout)
        ended = next(line for line in lines if line["type"] == "item")
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert ended["state"] == "done"


@pytest.fixture
def dataset(journey: Journey, tmp_path: Path) -> str:
    """Give a dataset with six filesets, on the source."""
    client = journey.source.client()
    made = seed.create(client, "Dataset", f"six {journey.source.token}")
    for number in range(6):
        files = inputs.with_companions(tmp_path / str(number), (number, 100_000 + number))
        seed.import_fileset(client, files.folder, files.files, made)
    return f"Dataset:{made.id.val}"


def expect_whole(journey: Journey, summary: dict[str, Any], before: dict[str, int]) -> None:
    """Expect that all is there once, and nothing after the run was taken back."""
    assert summary["skipped"] >= 1
    assert summary["done"] + summary["skipped"] == 6
    compared = journey.compare()
    assert (compared.differences, compared.images) == ([], 6)
    there = journey.held()
    assert {name: there[name] - before[name] for name in ("Dataset", "Fileset", "Image")} == {
        "Dataset": 1, "Fileset": 6, "Image": 6,
    }  # fmt: skip
    journey.undo()
    assert journey.held() == before


def test_killed_pack_and_unpack_go_on(dataset: str, journey: Journey, home: Path) -> None:
    words: Sequence[object] = ("pack", "--rocrate", dataset, "crate")
    kill_after_first_item(*words, *journey.source.login())
    packed = journey.pack(*words[2:])
    assert (packed["skipped"] >= 1, packed["done"] + packed["skipped"]) == (True, 6)

    before = journey.held()
    kill_after_first_item("unpack", "crate", *journey.names(), *journey.target.login())
    unpacked = journey.unpack("crate")

    expect_whole(journey, unpacked, before)


def test_killed_copy_goes_on(dataset: str, journey: Journey, monkeypatch: pytest.MonkeyPatch) -> None:
    target = journey.target
    monkeypatch.setenv("OMERO_TRANSFER_TO_PASSWORD", target.password(target.user))
    to = ("--to-server", target.host, "--to-port", target.port, *journey.names())
    before = journey.held()

    kill_after_first_item("copy", dataset, *to, *journey.source.login())
    copied = journey.on_source("copy", dataset, *to, "--json").summary

    expect_whole(journey, copied, before)
