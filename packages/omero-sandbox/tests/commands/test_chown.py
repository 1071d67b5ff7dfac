"""Giving objects away over a real connection."""

from __future__ import annotations

from typing import Any

import omero.clients
import pytest

from support.commands import World, run, short


@pytest.fixture
def lab(world: World) -> World:
    """Alice's objects in a read-only group, which Carol leads and Bob is in."""
    group = world.new_group("lab", "rwr---")
    alice = world.user("alice", group)
    return world.of(alice, group)


def owners(*rows: Any) -> set[int]:
    return {row.owner for row in rows}


def test_image_is_given_with_its_parts(root: Any, lab: World) -> None:
    bob = lab.user("bob", lab.group)
    image = lab.image()
    response = run(root, omero.cmd.Chown2(targetObjects={"Image": [image.id]}, userId=bob))
    assert {"Image", "Pixels", "Channel", "LogicalChannel"} <= set(short(response.includedObjects))
    assert owners(image, *lab.store.rows("Pixels"), *lab.store.rows("Channel")) == {bob}


def test_project_takes_contents_of_the_same_owner_and_the_links(root: Any, lab: World) -> None:
    bob, dora = lab.user("bob", lab.group), lab.user("dora", lab.group)
    project, dataset = lab.add("Project", name="p"), lab.add("Dataset", name="d")
    link = lab.link(project, dataset)
    mine, others = lab.image(dataset), lab.of(dora).image(dataset)
    response = run(root, omero.cmd.Chown2(targetObjects={"Project": [project.id]}, userId=bob))
    assert owners(project, dataset, link, mine) == {bob}
    assert others.owner == dora
    # Only a read-write group may have a container and its contents differently owned.
    assert short(response.deletedObjects)["DatasetImageLink"]


def test_annotations_follow_in_a_read_only_group_only(root: Any, world: World) -> None:
    kept = {}
    for name, permissions in (("ro", "rwr---"), ("ra", "rwra--")):
        group = world.new_group(name, permissions)
        owner, bob = world.user(f"owner-{name}", group), world.user(f"bob-{name}", group)
        mine = world.of(owner, group)
        image, tag = mine.image(), mine.add("TagAnnotation", textValue="t")
        mine.link(image, tag)
        run(root, omero.cmd.Chown2(targetObjects={"Image": [image.id]}, userId=bob))
        kept[name] = tag.owner == owner
    assert kept == {"ro": False, "ra": True}


def test_links_that_the_new_owner_has_already_are_deleted(root: Any, lab: World) -> None:
    bob = lab.user("bob", lab.group)
    dataset = lab.add("Dataset", name="d")
    image = lab.image(dataset)
    twin = lab.of(bob).link(dataset, image)
    response = run(root, omero.cmd.Chown2(targetObjects={"Dataset": [dataset.id]}, userId=bob))
    links = list(lab.store.rows("DatasetImageLink"))
    assert links == [twin]
    assert len(short(response.deletedObjects)["DatasetImageLink"]) == 1


def test_owner_cannot_give(connect: Any, lab: World) -> None:
    bob = lab.user("bob", lab.group)
    image = lab.image()
    response = run(
        connect("alice", "alice"), omero.cmd.Chown2(targetObjects={"Image": [image.id]}, userId=bob)
    )
    assert response.message == "not an owner of any group"
    assert image.owner == lab.owner


def test_group_owner_gives_to_members_only(connect: Any, lab: World) -> None:
    lab.user("carol", lab.group, leads=lab.group)
    bob, stranger = lab.user("bob", lab.group), lab.user("stranger")
    image = lab.image()
    carol = connect("carol", "carol")
    response = run(carol, omero.cmd.Chown2(targetObjects={"Image": [image.id]}, userId=stranger))
    assert response.message.startswith("not permitted to give")
    run(carol, omero.cmd.Chown2(targetObjects={"Image": [image.id]}, userId=bob))
    assert image.owner == bob


def test_part_of_a_fileset_cannot_be_given(root: Any, lab: World) -> None:
    bob = lab.user("bob", lab.group)
    fileset = lab.fileset("a.tif")
    one, two = lab.image(fileset=fileset), lab.image(fileset=fileset)
    response = run(root, omero.cmd.Chown2(targetObjects={"Image": [one.id]}, userId=bob))
    assert (
        response.message
        == f"within Fileset[{fileset.id}] may not give Image[{one.id}] while Image[{two.id}] remains"
    )


def test_fileset_is_given_with_its_files(root: Any, lab: World) -> None:
    bob = lab.user("bob", lab.group)
    fileset = lab.fileset("a.tif", "b.tif")
    image = lab.image(fileset=fileset)
    run(root, omero.cmd.Chown2(targetObjects={"Image": [image.id]}, userId=bob))
    assert owners(fileset, *lab.store.rows("OriginalFile"), *lab.store.rows("FilesetEntry")) == {bob}


def test_everything_of_a_user_can_be_given(root: Any, lab: World) -> None:
    bob = lab.user("bob", lab.group)
    image, dataset = lab.image(), lab.add("Dataset", name="d")
    run(root, omero.cmd.Chown2(targetUsers=[lab.owner], targetObjects={}, userId=bob))
    assert owners(image, dataset) == {bob}
