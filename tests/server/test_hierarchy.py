"""What belongs to the objects asked for."""

from collections.abc import Callable
from typing import Any

import pytest

from omero_rocrate_transfer.model.contents import Contents
from omero_rocrate_transfer.model.errors import NotFoundError
from omero_rocrate_transfer.model.refs import ObjectRef, parse_objects
from omero_rocrate_transfer.server.read.contents import read_contents
from omero_rocrate_transfer.server.session.connection import Connection
from omero_sandbox.server import SandboxServer
from omero_sandbox.testing import world as demo_world


def read(connection: Connection, *texts: str) -> Contents:
    return read_contents(connection, parse_objects(texts))


def omitted(contents: Contents) -> dict[str, int]:
    counts: dict[str, int] = {}
    for one in contents.omissions:
        counts[one.type] = counts.get(one.type, 0) + one.count
    return counts


def test_project_brings_datasets_images_and_files(connection: Connection, rows: Any) -> None:
    project = rows.add("Project", name="Mitosis µ", description="All of it")
    dataset = rows.add("Dataset", name="stacks")
    fileset, images = rows.fileset(images=2, files=("a.tif", "pos1/b.tif"))
    rows.link("ProjectDatasetLink", project, dataset)
    for image in images:
        rows.link("DatasetImageLink", dataset, image)

    contents = read(connection, f"Project:{project.id}")

    first, second = contents.containers
    assert (first.name, first.description, first.owner, first.group) == ("Mitosis µ", "All of it", 0, 0)
    assert first.members == (second.ref,) == (ObjectRef("Dataset", dataset.id),)
    assert second.members == tuple(ObjectRef("Image", image.id) for image in images)
    (unit,) = contents.units
    assert unit.ref == ObjectRef("Fileset", fileset.id)
    assert [image.series for image in unit.images] == [0, 1]
    assert [(file.path, file.size_bytes) for file in unit.files] == [("a.tif", 1), ("pos1/b.tif", 2)]
    assert unit.files[1].digests[0].algorithm == "SHA1-160"
    assert unit.files[0].media_type == "image/tiff"
    assert contents.omissions == ()


def test_files_come_in_the_order_of_the_fileset_not_of_their_ids(connection: Connection, rows: Any) -> None:
    _, images = rows.fileset(files=("z.tif", "a.tif", "m.tif"))
    for entry in list(rows.store.rows("FilesetEntry")):
        rows.store.update(entry, {"fileset_index": 2 - entry.values["fileset_index"]}, event=rows.event)

    (unit,) = read(connection, f"Image:{images[0].id}").units

    assert [file.path for file in unit.files] == ["m.tif", "a.tif", "z.tif"]


def test_all_images_of_a_fileset_travel_with_one_of_them(connection: Connection, rows: Any) -> None:
    _, images = rows.fileset(images=3)

    contents = read(connection, f"Image:{images[1].id}")

    assert [image.ref.id for image in contents.iter_images()] == [image.id for image in images]
    assert contents.file_count == 1


def test_fileset_shared_by_several_roots_travels_once(connection: Connection, rows: Any) -> None:
    _, images = rows.fileset(images=2)
    datasets = [rows.add("Dataset", name="same name") for _ in range(2)]
    for dataset in datasets:
        rows.link("DatasetImageLink", dataset, images[0])

    contents = read(connection, f"Dataset:{datasets[0].id},{datasets[1].id}", f"Image:{images[1].id}")

    assert len(contents.units) == 1
    assert [len(one.members) for one in contents.containers] == [1, 1]


def test_roots_of_every_type_in_one_go(connection: Connection, rows: Any) -> None:
    refs = [ObjectRef(name, rows.add(name, name="x").id) for name in ("Project", "Dataset", "Screen")]
    _, (image,) = rows.fileset()
    plate = rows.add("Plate", name="plate")
    _, (in_plate,) = rows.fileset()
    well = rows.add("Well", plate=plate.id, row=0, column=0)
    rows.add("WellSample", well=well.id, well_index=0, image=in_plate.id)
    refs += [ObjectRef("Image", image.id), ObjectRef("Plate", plate.id)]

    contents = read_contents(connection, refs)

    assert contents.roots == tuple(refs)
    assert {one.ref.type for one in contents.containers} == {"Project", "Dataset", "Screen", "Plate"}
    assert {one.ref.id for one in contents.iter_images()} == {image.id, in_plate.id}
    assert contents.omissions == ()


def test_plates_travel_where_the_policy_gives_their_files_out(
    sandbox_factory: Callable[..., SandboxServer], open_connection: Callable[..., Connection], rows: Any
) -> None:
    server = sandbox_factory(config={"omero.policy.binary_access": "+read,+write,+image,+plate"})
    rows = type(rows)(server.store)
    screen, plate = rows.add("Screen", name="screen"), rows.add("Plate", name="plate")
    rows.link("ScreenPlateLink", screen, plate)
    _, images = rows.fileset(images=2)
    well = rows.add("Well", plate=plate.id, row=0, column=0)
    for place, image in enumerate(images):
        rows.add("WellSample", well=well.id, well_index=place, image=image.id)

    # an image alone brings its plate, for the import will make it
    for text in (f"Screen:{screen.id}", f"Image:{images[0].id}"):
        contents = read(open_connection(server=server), text)

        plate_ref = ObjectRef("Plate", plate.id)
        assert contents.units[0].plates == (plate_ref,)
        found = next(one for one in contents.containers if one.ref == plate_ref)
        assert found.members == tuple(ObjectRef("Image", image.id) for image in images)
        assert contents.omissions == ()


def test_unfinished_uploads_are_omissions(connection: Connection, rows: Any) -> None:
    fileset, (image,) = rows.fileset()
    (file,) = rows.store.rows("OriginalFile")
    rows.store.update(file, {"size": None}, event=rows.event)

    contents = read(connection, f"Image:{image.id}")

    assert contents.units == ()
    assert contents.omissions[0].on == ObjectRef("Fileset", fileset.id)
    assert "upload" in contents.omissions[0].reason


def test_further_pixels_of_an_image_are_counted(connection: Connection, rows: Any) -> None:
    _, (image,) = rows.fileset()
    (pixels,) = rows.store.rows("Pixels")
    rows.add("Pixels", **(pixels.values | {"image_index": 1}))

    contents = read(connection, f"Image:{image.id}")

    assert omitted(contents) == {"Pixels": 1}


def test_all_missing_roots_are_named_at_once(connection: Connection, rows: Any) -> None:
    project = rows.add("Project", name="here")

    with pytest.raises(
        NotFoundError, match=r"Image:4711, Dataset:12: not found, or not readable by user root"
    ):
        read(connection, f"Project:{project.id}", "Image:4711", "Dataset:12")


def test_unreadable_objects_are_not_found(
    sandbox: SandboxServer, open_connection: Callable[..., Connection], root: Any, rows: Any
) -> None:
    people = demo_world.add_people(root, "rw----")
    hers = type(rows)(sandbox.store, owner=people.users["alice"], group=people.group)
    dataset = hers.add("Dataset", name="private")

    assert read(open_connection("alice", "alice"), f"Dataset:{dataset.id}").containers
    with pytest.raises(NotFoundError, match="not readable by user bob"):
        read(open_connection("bob", "bob"), f"Dataset:{dataset.id}")


def test_owners_and_groups_are_known_without_their_mail(
    sandbox: SandboxServer, open_connection: Callable[..., Connection], root: Any, rows: Any
) -> None:
    people = demo_world.add_people(root)
    hers = type(rows)(sandbox.store, owner=people.users["alice"], group=people.group)
    dataset = hers.add("Dataset", name="shared")

    contents = read(open_connection("bob", "bob"), f"Dataset:{dataset.id}")

    (person,) = contents.people
    assert (person.login, person.first_name, person.last_name) == ("alice", "Alice", "Müller")
    assert (person.institution, person.email) == ("Institute of Cells", None)
    assert [(group.name, group.permissions) for group in contents.groups] == [("cell lab", "rwra--")]


def test_no_roots_mean_everything_readable(connection: Connection, rows: Any) -> None:
    rows.add("Project", name="empty")
    rows.add("Dataset", name="lonely")
    rows.fileset()

    contents = read_contents(connection, ())

    assert [one.name for one in contents.containers] == ["empty", "lonely"]
    assert len(contents.units) == 1


def test_same_objects_give_the_same_contents(connection: Connection, rows: Any) -> None:
    dataset = rows.add("Dataset", name="d")
    for _ in range(5):
        _, (image,) = rows.fileset()
        rows.link("DatasetImageLink", dataset, image)

    assert read(connection, f"Dataset:{dataset.id}") == read(connection, f"Dataset:{dataset.id}")


# -- pixels


def test_images_without_originals_travel_as_pixels(connection: Connection, rows: Any) -> None:
    dataset = rows.add("Dataset", name="d")
    image = rows.image("made by hand")
    rows.link("DatasetImageLink", dataset, image)

    contents = read(connection, f"Dataset:{dataset.id}")

    (unit,) = contents.units
    assert (unit.ref, unit.pixels, unit.files) == (ObjectRef("Image", image.id), True, ())
    assert unit.pixels_reason == "no original files"
    assert unit.pixels_size_bytes == 16 * 8
    assert [one.name for one in unit.images] == ["made by hand"]
    assert contents.containers[0].members == (unit.ref,)
    assert contents.omissions == ()


@pytest.mark.parametrize("kind", ["complex", "double-complex", "bit"])
def test_pixels_that_omero_gives_to_nobody_are_omissions(
    connection: Connection, rows: Any, kind: str
) -> None:
    image = rows.image("made by hand")
    (pixels,) = rows.store.rows("Pixels")
    rows.store.update(pixels, {"pixelsType": rows.enum("PixelsType", kind)}, event=rows.event)

    contents = read(connection, f"Image:{image.id}")

    assert contents.units == ()
    (omission,) = contents.omissions
    assert (omission.type, omission.count, omission.on) == ("Image", 1, ObjectRef("Image", image.id))
    assert kind in omission.reason


def test_a_plate_of_images_of_both_kinds_travels_as_pixels_whole(
    sandbox_factory: Callable[..., SandboxServer], open_connection: Callable[..., Connection], rows: Any
) -> None:
    server = sandbox_factory(config={"omero.policy.binary_access": "+read,+write,+image,+plate"})
    rows = type(rows)(server.store)
    plate = rows.add("Plate", name="plate")
    _, (imported, sibling) = rows.fileset(images=2)
    written = rows.image("written")
    for column, image in enumerate((written, imported)):
        well = rows.add("Well", plate=plate.id, row=0, column=column)
        rows.add("WellSample", well=well.id, well_index=0, image=image.id)

    contents = read(open_connection(server=server), f"Plate:{plate.id}", f"Image:{sibling.id}")

    assert [unit.ref for unit in contents.units] == [
        ObjectRef("Image", sibling.id),
        ObjectRef("Plate", plate.id),
    ]
    assert [image.ref.id for image in contents.units[1].images] == [written.id, imported.id]
    assert contents.units[0].pixels_reason == "other images of its plate have no original files"


def test_an_image_in_two_plates_travels_with_the_first(connection: Connection, rows: Any) -> None:
    image = rows.image("shared")
    plates = [rows.add("Plate", name=name) for name in ("one", "two")]
    for plate in plates:
        well = rows.add("Well", plate=plate.id, row=0, column=0)
        rows.add("WellSample", well=well.id, well_index=0, image=image.id)

    contents = read(connection, f"Plate:{plates[0].id},{plates[1].id}")

    assert [len(unit.images) for unit in contents.units] == [1, 0]
    assert omitted(contents) == {"WellSample": 1}


def test_fields_are_in_the_order_of_rows_columns_and_fields(connection: Connection, rows: Any) -> None:
    plate = rows.add("Plate", name="plate")
    images = [rows.image(str(number)) for number in range(4)]
    wells = [rows.add("Well", plate=plate.id, row=row, column=column) for row, column in ((1, 0), (0, 1))]
    for well, index, image in ((0, 1, 0), (0, 0, 1), (1, 1, 2), (1, 0, 3)):
        rows.add("WellSample", well=wells[well].id, well_index=index, image=images[image].id)

    (unit,) = read(connection, f"Plate:{plate.id}").units

    assert [image.name for image in unit.images] == ["3", "2", "1", "0"]
    assert [image.series for image in unit.images] == [0, 1, 2, 3]
