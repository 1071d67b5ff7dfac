"""IContainer as a client sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import omero
import omero.clients
import pytest
from omero.rtypes import rlong, rstring, rtime
from omero.sys import ParametersI

from omero_sandbox.server import SandboxServer


@dataclass
class Tree:
    """Ids: project over dataset over two images of one fileset; an orphaned dataset and image; a plate."""

    project: int
    dataset: int
    orphan: int
    images: list[int]
    loose: int
    fileset: int
    screen: int
    plate: int


@pytest.fixture
def tree(sandbox: SandboxServer) -> Tree:
    def add(type_name: str, **values: Any) -> int:
        return sandbox.store.insert(type_name, values, owner=0, group=0, event=0).id

    fileset = add("Fileset", templatePrefix="x")
    images = [add("Image", name=f"image {number}", fileset=fileset) for number in range(2)]
    for image in images:
        add("Pixels", image=image, image_index=0, sha1="x")
    loose = add("Image", name="loose")
    project, dataset, orphan = (
        add("Project", name="p"),
        add("Dataset", name="d"),
        add("Dataset", name="orphan"),
    )
    add("ProjectDatasetLink", parent=project, child=dataset)
    for image in images:
        add("DatasetImageLink", parent=dataset, child=image)
    screen, plate = add("Screen", name="s"), add("Plate", name="p")
    add("ScreenPlateLink", parent=screen, child=plate)
    well = add("Well", plate=plate, row=0, column=0)
    add("WellSample", well=well, well_index=0, image=images[0])
    return Tree(project, dataset, orphan, images, loose, fileset, screen, plate)


@pytest.fixture
def container(root: Any) -> Any:
    return root.sf.getContainerService()


def _ids(objects: list[Any]) -> list[int]:
    return sorted(each.id.val for each in objects)


# -- hierarchies --------------------


def test_a_project_comes_with_its_datasets_but_not_their_images(container: Any, tree: Tree) -> None:
    (project,) = container.loadContainerHierarchy("Project", [tree.project], None)
    (dataset,) = project.linkedDatasetList()
    assert (dataset.id.val, dataset.name.val) == (tree.dataset, "d")
    assert dataset.sizeOfImageLinks() == -1


def test_leaves_are_the_images_with_pixels(container: Any, tree: Tree) -> None:
    (project,) = container.loadContainerHierarchy("Project", [tree.project], ParametersI().leaves())
    images = project.linkedDatasetList()[0].linkedImageList()
    assert _ids(images) == tree.images
    assert all(image.sizeOfPixels() == 1 and image.details.creationEvent.isLoaded() for image in images)


def test_no_ids_are_all(container: Any, tree: Tree) -> None:
    assert _ids(container.loadContainerHierarchy("Dataset", [], None)) == [tree.dataset, tree.orphan]


def test_a_dataset_without_leaves_has_a_count_of_its_images(container: Any, tree: Tree) -> None:
    (dataset,) = container.loadContainerHierarchy("Dataset", [tree.dataset], None)
    assert dataset.sizeOfImageLinks() == -1
    assert dataset.getImageLinksCountPerOwner() == {0: 2}


def test_orphans_join_the_roots(container: Any, tree: Tree) -> None:
    found = container.loadContainerHierarchy("Project", [], ParametersI().orphan())
    assert [(type(each).__name__, each.id.val) for each in found] == [
        ("ProjectI", tree.project),
        ("DatasetI", tree.orphan),
    ]


def test_roots_are_those_of_the_owner(container: Any, tree: Tree) -> None:
    assert container.loadContainerHierarchy("Project", [], ParametersI().exp(rlong(1))) == []
    assert len(container.loadContainerHierarchy("Project", [], ParametersI().exp(rlong(0)))) == 1


def test_a_screen_comes_with_its_plates(container: Any, tree: Tree) -> None:
    (screen,) = container.loadContainerHierarchy("Screen", [tree.screen], None)
    assert _ids(screen.linkedPlateList()) == [tree.plate]


def test_there_is_no_hierarchy_of_images(container: Any, tree: Tree) -> None:
    with pytest.raises(omero.ApiUsageException):
        container.loadContainerHierarchy("Image", tree.images, None)


def test_projects_are_found_above_images(container: Any, tree: Tree) -> None:
    wanted = [tree.images[0], tree.loose]
    found = {
        type(each).__name__: each for each in container.findContainerHierarchies("Project", wanted, None)
    }
    assert found.keys() == {"ProjectI", "ImageI"}
    (dataset,) = found["ProjectI"].linkedDatasetList()
    assert _ids(dataset.linkedImageList()) == [tree.images[0]]
    assert found["ImageI"].id.val == tree.loose


# -- images --------------------


@pytest.mark.parametrize("root_type", ["Project", "Dataset", "Image"])
def test_images_below_an_object(container: Any, tree: Tree, root_type: str) -> None:
    ids = {"Project": [tree.project], "Dataset": [tree.dataset], "Image": tree.images}[root_type]
    images = container.getImages(root_type, ids, None)
    assert _ids(images) == tree.images
    assert images[0].getPrimaryPixels().sha1.val == "x"
    assert images[0].getPrimaryPixels().sizeOfChannels() == -1


def test_images_come_in_pages(container: Any, tree: Tree) -> None:
    pages = [
        container.getImages("Dataset", [tree.dataset], ParametersI().page(offset, 1)) for offset in range(3)
    ]
    assert [_ids(page) for page in pages] == [[tree.images[0]], [tree.images[1]], []]
    with pytest.raises(omero.ApiUsageException, match="pagination"):
        container.getImages("Image", tree.images, ParametersI().page(0, 1))


def test_there_are_no_images_of_a_plate(container: Any, tree: Tree) -> None:
    with pytest.raises(omero.ApiUsageException, match="not implemented"):
        container.getImages("Plate", [tree.plate], None)


def test_images_of_a_user(container: Any, tree: Tree) -> None:
    assert len(container.getUserImages(ParametersI().exp(rlong(0)))) == 3
    assert container.getUserImages(ParametersI().exp(rlong(1))) == []
    with pytest.raises(omero.ApiUsageException):
        container.getUserImages(None)


def test_images_of_a_time(container: Any, tree: Tree) -> None:
    early = ParametersI().startTime(rtime(-1))
    assert len(container.getImagesByOptions(early)) == 3
    assert container.getImagesByOptions(ParametersI().endTime(rtime(-1))) == []
    with pytest.raises(omero.ApiUsageException):
        container.getImagesByOptions(None)


# -- filesets and collections --------------------


@pytest.mark.parametrize("kind", ["Image", "Plate", "Screen"])
def test_a_fileset_that_is_partly_there_is_split(container: Any, tree: Tree, kind: str) -> None:
    first, second = tree.images
    included = {"Image": [first], "Plate": [tree.plate], "Screen": [tree.screen]}[kind]
    found = container.getImagesBySplitFilesets({kind: included}, None)
    assert found == {tree.fileset: {True: [first], False: [second]}}


@pytest.mark.parametrize("kind", ["Project", "Dataset", "Fileset", "Image"])
def test_a_fileset_that_is_all_there_is_not_split(container: Any, tree: Tree, kind: str) -> None:
    ids = {
        "Project": [tree.project],
        "Dataset": [tree.dataset],
        "Fileset": [tree.fileset],
        "Image": tree.images,
    }
    assert container.getImagesBySplitFilesets({kind: ids[kind]}, None) == {}


@pytest.mark.parametrize("name", ["imageLinks", "ome.model.containers.Dataset_imageLinks"])
def test_members_are_counted(container: Any, tree: Tree, name: str) -> None:
    counts = container.getCollectionCount("Dataset", name, [tree.dataset, tree.orphan], None)
    assert counts == {tree.dataset: 2, tree.orphan: 0}


def test_only_collections_of_the_type_are_counted(container: Any, tree: Tree) -> None:
    for name in ("name", "nothing"):
        with pytest.raises(omero.ApiUsageException):
            container.getCollectionCount("Dataset", name, [tree.dataset], None)


def test_a_collection_is_retrieved(container: Any, tree: Tree) -> None:
    links = container.retrieveCollection(omero.model.DatasetI(tree.dataset, False), "imageLinks", None)
    assert sorted(link.child.id.val for link in links) == tree.images


# -- writing --------------------


def test_objects_are_made_linked_changed_and_unlinked(container: Any, root: Any) -> None:
    project, dataset = omero.model.ProjectI(), omero.model.DatasetI()
    project.name, dataset.name = rstring("p"), rstring("d")
    project, dataset = container.createDataObjects([project, dataset], None)
    link = omero.model.ProjectDatasetLinkI()
    link.link(omero.model.ProjectI(project.id, False), omero.model.DatasetI(dataset.id, False))
    links = container.link([link], None)
    (found,) = container.loadContainerHierarchy("Project", [project.id.val], None)
    assert _ids(found.linkedDatasetList()) == [dataset.id.val]
    container.unlink(links, None)
    (found,) = container.loadContainerHierarchy("Project", [project.id.val], None)
    assert found.linkedDatasetList() == []
    project.name = rstring("renamed")
    container.updateDataObject(project, None)
    assert root.sf.getQueryService().get("Project", project.id.val).name.val == "renamed"
