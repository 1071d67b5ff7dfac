"""Moving objects between groups, and changing groups, over a real connection."""

from __future__ import annotations

from typing import Any

import omero.clients
import pytest

from support.commands import World, run, short


@pytest.fixture
def lab(world: World) -> World:
    """Alice's objects in one group; ``other`` is her second group."""
    group, other = world.new_group("lab", "rwra--"), world.new_group("other", "rwra--")
    return world.of(world.user("alice", group, other), group)


def other(lab: World) -> int:
    group = lab.store.lookup("ExperimenterGroup", "name", "other")
    assert group is not None
    return group.id


def test_dataset_moves_with_images_annotations_and_links(connect: Any, lab: World) -> None:
    project, dataset = lab.add("Project", name="p"), lab.add("Dataset", name="d")
    to_project, image = lab.link(project, dataset), lab.image(dataset)
    tag = lab.add("TagAnnotation", textValue="t")
    to_tag = lab.link(image, tag)
    request = omero.cmd.Chgrp2(targetObjects={"Dataset": [dataset.id]}, groupId=other(lab))
    response = run(connect("alice", "alice"), request)
    assert {row.group for row in (dataset, image, tag, to_tag, *lab.store.rows("Channel"))} == {other(lab)}
    assert project.group == lab.group
    assert short(response.deletedObjects) == {"ProjectDatasetLink": [to_project.id]}


def test_tag_that_is_used_elsewhere_stays(root: Any, lab: World) -> None:
    moved, kept = lab.image(), lab.image()
    tag = lab.add("TagAnnotation", textValue="t")
    links = [lab.link(image, tag) for image in (moved, kept)]
    run(root, omero.cmd.Chgrp2(targetObjects={"Image": [moved.id]}, groupId=other(lab)))
    assert (moved.group, tag.group) == (other(lab), lab.group)
    assert lab.exists(*links) == [False, True]


def test_part_of_a_fileset_cannot_move(root: Any, lab: World) -> None:
    fileset = lab.fileset("a.tif")
    one, two = lab.image(fileset=fileset), lab.image(fileset=fileset)
    response = run(root, omero.cmd.Chgrp2(targetObjects={"Image": [one.id]}, groupId=other(lab)))
    assert (
        response.message
        == f"within Fileset[{fileset.id}] may not move Image[{one.id}] while Image[{two.id}] remains"
    )


def test_images_of_a_fileset_move_together_with_it(root: Any, lab: World) -> None:
    fileset = lab.fileset("a.tif")
    images = [lab.image(fileset=fileset) for _ in range(2)]
    request = omero.cmd.Chgrp2(targetObjects={"Image": [image.id for image in images]}, groupId=other(lab))
    run(root, request)
    rows = [*images, fileset, *lab.store.rows("OriginalFile"), *lab.store.rows("FilesetEntry")]
    assert {row.group for row in rows} == {other(lab)}


def test_images_that_share_an_instrument_move_together_only(root: Any, lab: World) -> None:
    instrument = lab.add("Instrument")
    images = [lab.image(), lab.image()]
    for image in images:
        lab.store.update(image, {"instrument": instrument.id})
    request = omero.cmd.Chgrp2(targetObjects={"Image": [images[0].id]}, groupId=other(lab))
    assert "remains" in run(root, request).message
    request.targetObjects = {"Image": [image.id for image in images]}
    run(root, request)
    assert {row.group for row in (*images, instrument)} == {other(lab)}


def test_settings_of_others_do_not_go_into_a_private_group(root: Any, lab: World) -> None:
    private = lab.new_group("private", "rw----")
    bob = lab.user("bob", lab.group)
    image = lab.image()
    pixels = lab.store.children(image, "pixels")[0]
    mine, others = (lab.of(owner).add("RenderingDef", pixels=pixels.id) for owner in (lab.owner, bob))
    run(root, omero.cmd.Chgrp2(targetObjects={"Image": [image.id]}, groupId=private))
    assert lab.exists(mine, others) == [True, False]
    assert mine.group == private


def test_stranger_to_the_group_cannot_move_there(connect: Any, lab: World) -> None:
    foreign = lab.new_group("foreign", "rwra--")
    image = lab.image()
    request = omero.cmd.Chgrp2(targetObjects={"Image": [image.id]}, groupId=foreign)
    response = run(connect("alice", "alice"), request)
    assert (response.name, image.group) == ("not-in-group", lab.group)


def test_permissions_of_a_group_can_be_changed(root: Any, lab: World) -> None:
    request = omero.cmd.Chmod2(targetObjects={"ExperimenterGroup": [lab.group]}, permissions="rwrw--")
    response = run(root, request)
    assert short(response.includedObjects) == {"ExperimenterGroup": [lab.group]}
    group = lab.store.get("ExperimenterGroup", lab.group)
    assert group is not None
    assert group.values["permissions"] == "rwrw--"


def test_members_cannot_change_permissions(connect: Any, lab: World) -> None:
    request = omero.cmd.Chmod2(targetObjects={"ExperimenterGroup": [lab.group]}, permissions="rwrw--")
    assert isinstance(run(connect("alice", "alice"), request), omero.cmd.GraphException)


def test_private_group_loses_links_between_users(root: Any, lab: World) -> None:
    bob = lab.user("bob", lab.group)
    image, tag = lab.image(), lab.of(bob).add("TagAnnotation", textValue="t")
    link = lab.of(bob).link(image, tag)
    request = omero.cmd.Chmod2(targetObjects={"ExperimenterGroup": [lab.group]}, permissions="rw----")
    run(root, request)
    assert lab.exists(image, tag, link) == [True, True, False]
