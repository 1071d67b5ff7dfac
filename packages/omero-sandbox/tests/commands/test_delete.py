"""Deletion over a real connection."""

from __future__ import annotations

from typing import Any

import omero.clients
import pytest
from omero.cmd.graphs import ChildOption

from omero_sandbox.server import SandboxServer
from support.commands import World, run, short


def test_image_goes_with_its_parts_and_links(root: Any, world: World) -> None:
    dataset = world.add("Dataset", name="d")
    image = world.image(dataset)
    response = run(root, omero.cmd.Delete2(targetObjects={"Image": [image.id]}))
    assert set(response.deletedObjects) == {
        "ome.model.core.Image",
        "ome.model.core.Pixels",
        "ome.model.core.Channel",
        "ome.model.core.LogicalChannel",
        "ome.model.containers.DatasetImageLink",
    }
    assert world.exists(image, dataset) == [False, True]
    assert not list(world.store.rows("Pixels"))


def test_dry_run_tells_the_same_and_deletes_nothing(root: Any, world: World) -> None:
    image = world.image()
    request = omero.cmd.Delete2(targetObjects={"Image": [image.id]}, dryRun=True)
    assert short(run(root, request).deletedObjects)["Image"] == [image.id]
    assert world.exists(image) == [True]


def test_image_of_another_dataset_stays(root: Any, world: World) -> None:
    first, second = world.add("Dataset", name="1"), world.add("Dataset", name="2")
    shared, own = world.image(first, second), world.image(first)
    run(root, omero.cmd.Delete2(targetObjects={"Dataset": [first.id]}))
    assert world.exists(first, second, shared, own) == [False, True, True, False]


def test_excluded_contents_stay(root: Any, world: World) -> None:
    project, dataset = world.add("Project", name="p"), world.add("Dataset", name="d")
    world.link(project, dataset)
    request = omero.cmd.Delete2(targetObjects={"Project": [project.id]})
    request.childOptions = [ChildOption(excludeType=["Dataset"])]
    run(root, request)
    assert world.exists(project, dataset) == [False, True]


def test_part_of_a_fileset_cannot_be_deleted(root: Any, world: World) -> None:
    fileset = world.fileset("a.tif")
    one, two = world.image(fileset=fileset), world.image(fileset=fileset)
    response = run(root, omero.cmd.Delete2(targetObjects={"Image": [one.id]}))
    assert isinstance(response, omero.cmd.GraphException)
    assert response.message == (
        f"within Fileset[{fileset.id}] may not delete Image[{one.id}] while Image[{two.id}] remains"
    )
    assert world.exists(one, two, fileset) == [True, True, True]


def test_all_images_of_a_fileset_take_it_along_with_its_files(
    root: Any, world: World, sandbox: SandboxServer
) -> None:
    fileset = world.fileset("a.tif", "b.tif")
    images = [world.image(fileset=fileset) for _ in range(2)]
    folder = sandbox.data_dir / "ManagedRepository" / "p"
    folder.mkdir(parents=True)
    (folder / "a.tif").write_bytes(b"a")
    response = run(root, omero.cmd.Delete2(targetObjects={"Image": [image.id for image in images]}))
    deleted = short(response.deletedObjects)
    assert deleted["Fileset"] == [fileset.id]
    assert len(deleted["OriginalFile"]) == len(deleted["FilesetEntry"]) == 2
    assert list(folder.iterdir()) == []


def test_fileset_takes_all_its_images(root: Any, world: World) -> None:
    fileset = world.fileset("a.tif")
    images = [world.image(fileset=fileset) for _ in range(3)]
    run(root, omero.cmd.Delete2(targetObjects={"Fileset": [fileset.id]}))
    assert world.exists(*images, fileset) == [False] * 4


def test_dataset_leaves_images_whose_fileset_is_partly_elsewhere(root: Any, world: World) -> None:
    fileset, dataset = world.fileset("a.tif"), world.add("Dataset", name="d")
    inside, outside = world.image(dataset, fileset=fileset), world.image(fileset=fileset)
    run(root, omero.cmd.Delete2(targetObjects={"Dataset": [dataset.id]}))
    assert world.exists(dataset, inside, outside, fileset) == [False, True, True, True]


def test_shared_tag_stays_and_the_last_one_goes(root: Any, world: World) -> None:
    tag, comment = world.add("TagAnnotation", textValue="t"), world.add("CommentAnnotation", textValue="c")
    one, two = world.image(), world.image()
    for image in (one, two):
        world.link(image, tag)
    world.link(one, comment)
    run(root, omero.cmd.Delete2(targetObjects={"Image": [one.id]}))
    assert world.exists(tag, comment) == [True, False]
    run(root, omero.cmd.Delete2(targetObjects={"Image": [two.id]}))
    assert world.exists(tag) == [False]


def test_excluded_tag_stays_unlinked(root: Any, world: World) -> None:
    tag, image = world.add("TagAnnotation", textValue="t"), world.image()
    link = world.link(image, tag)
    request = omero.cmd.Delete2(targetObjects={"Image": [image.id]})
    request.childOptions = [ChildOption(excludeType=["TagAnnotation"])]
    run(root, request)
    assert world.exists(tag, link) == [True, False]


def test_option_limited_to_a_namespace_leaves_others_to_the_rules(root: Any, world: World) -> None:
    kept, gone = (world.add("MapAnnotation", ns=ns) for ns in ("keep", "other"))
    image = world.image()
    for annotation in (kept, gone):
        world.link(image, annotation)
    request = omero.cmd.Delete2(targetObjects={"Image": [image.id]})
    request.childOptions = [ChildOption(excludeType=["Annotation"], includeNs=["keep"])]
    run(root, request)
    assert world.exists(kept, gone) == [True, False]


def test_instrument_goes_with_its_last_image(root: Any, world: World) -> None:
    instrument = world.add("Instrument")
    objective = world.add("Objective", instrument=instrument.id)
    one, two = world.image(), world.image()
    for image in (one, two):
        world.store.update(image, {"instrument": instrument.id})
    run(root, omero.cmd.Delete2(targetObjects={"Image": [one.id]}))
    assert world.exists(instrument, objective) == [True, True]
    run(root, omero.cmd.Delete2(targetObjects={"Image": [two.id]}))
    assert world.exists(instrument, objective) == [False, False]


def test_image_in_a_well_cannot_go_but_the_plate_can(root: Any, world: World) -> None:
    plate = world.add("Plate", name="p")
    well = world.add("Well", plate=plate.id, row=0, column=0)
    image = world.image()
    sample = world.add("WellSample", well=well.id, well_index=0, image=image.id)
    response = run(root, omero.cmd.Delete2(targetObjects={"Image": [image.id]}))
    assert response.message == f"may not delete Image[{image.id}] while WellSample[{sample.id}] remains"
    run(root, omero.cmd.Delete2(targetObjects={"Plate": [plate.id]}))
    assert world.exists(plate, well, sample, image) == [False] * 4


def test_others_objects_cannot_be_deleted(connect: Any, world: World) -> None:
    group = world.new_group("lab", "rwra--")
    alice = world.user("alice", group)
    world.user("bob", group)
    image = world.of(alice, group).image()
    response = run(connect("bob", "bob"), omero.cmd.Delete2(targetObjects={"Image": [image.id]}))
    assert isinstance(response, omero.cmd.GraphException)
    assert response.message.startswith("not permitted to delete ome.model.core.Image[")
    assert world.exists(image) == [True]


@pytest.mark.parametrize("target", [{"Image": [987]}, {"ome.model.core.Image": [987]}])
def test_missing_object_is_named(root: Any, world: World, target: dict[str, list[int]]) -> None:
    response = run(root, omero.cmd.Delete2(targetObjects=target))
    assert response.message == "cannot read all the specified objects of class ome.model.core.Image"


def test_failure_in_one_request_undoes_the_others(root: Any, world: World) -> None:
    image = world.image()
    good = omero.cmd.Delete2(targetObjects={"Image": [image.id]})
    bad = omero.cmd.Delete2(targetObjects={"Image": [987]})
    response = run(root, omero.cmd.DoAll([good, bad]))
    assert isinstance(response, omero.cmd.ERR)
    assert world.exists(image) == [True]


def test_do_all_answers_each_request(root: Any, world: World) -> None:
    images = [world.image(), world.image()]
    requests = [omero.cmd.Delete2(targetObjects={"Image": [image.id]}) for image in images]
    response = run(root, omero.cmd.DoAll(requests))
    assert [short(each.deletedObjects)["Image"] for each in response.responses] == [[i.id] for i in images]


def test_skip_head_starts_below_the_named_object(root: Any, world: World) -> None:
    project, dataset = world.add("Project", name="p"), world.add("Dataset", name="d")
    world.link(project, dataset)
    image = world.image(dataset)
    request = omero.cmd.SkipHead(startFrom=["Image"], request=omero.cmd.Delete2())
    request.targetObjects = {"Project": [project.id]}
    run(root, request)
    assert world.exists(project, dataset, image) == [True, True, False]


def test_nothing_submitted_has_no_handle(root: Any) -> None:
    assert root.sf.submit(None) is None


def test_legal_targets_are_java_classes(root: Any) -> None:
    targets = run(root, omero.cmd.LegalGraphTargets(omero.cmd.Delete2())).targets
    assert "ome.model.core.Image" in targets
    assert "ome.model.meta.Experimenter" not in targets
