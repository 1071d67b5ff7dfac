"""IRoi as a client sees it."""

from __future__ import annotations

from typing import Any

import pytest
from omero.api import RoiOptions
from omero.rtypes import rint, rlong

from omero_sandbox.server import SandboxServer


@pytest.fixture
def image(sandbox: SandboxServer) -> int:
    """Image with ROIs 1 (shapes on plane 0 and on all planes), 2 (plane 1), 3 (no shapes) and 4 of user 1."""

    def add(type_name: str, owner: int = 0, **values: Any) -> int:
        return sandbox.store.insert(type_name, values, owner=owner, group=0, event=0).id

    image = add("Image", name="i")
    rois = [add("Roi", image=image) for _ in range(3)] + [add("Roi", owner=1, image=image)]
    add("Rectangle", roi=rois[0], roi_index=0, theZ=0, theT=0)
    add("Point", roi=rois[0], roi_index=1)
    add("Ellipse", roi=rois[1], roi_index=0, theZ=1, theT=0)
    add("Line", roi=rois[3], roi_index=0, theZ=1, theT=0)
    add("FolderRoiLink", parent=add("Folder", name="folder"), child=rois[0])
    return image


@pytest.fixture
def service(root: Any) -> Any:
    return root.sf.getRoiService()


def _ids(result: Any) -> list[int]:
    return [roi.id.val for roi in result.rois]


def test_rois_of_an_image_are_those_with_shapes(service: Any, image: int) -> None:
    result = service.findByImage(image, None)
    assert _ids(result) == [1, 2, 4]
    assert [type(shape).__name__ for shape in result.rois[0].copyShapes()] == ["RectangleI", "PointI"]
    assert result.rois[0].copyFolderLinks()[0].parent.name.val == "folder"


def test_shapes_are_sorted_by_plane(service: Any, image: int) -> None:
    result = service.findByImage(image, None)
    assert {plane: len(shapes) for plane, shapes in result.byZ.items()} == {0: 1, -1: 1, 1: 2}


def test_options_restrict_owner_and_page(service: Any, image: int) -> None:
    assert _ids(service.findByImage(image, RoiOptions(userId=rlong(1)))) == [4]
    assert _ids(service.findByImage(image, RoiOptions(offset=rint(1), limit=rint(1)))) == [2]


def test_a_plane_has_its_shapes_and_those_on_all_planes(service: Any, image: int) -> None:
    assert _ids(service.findByPlane(image, 0, 0, None)) == [1]
    assert _ids(service.findByPlane(image, 1, 0, None)) == [1, 2, 4]
    assert _ids(service.findByPlane(image, 1, 1, None)) == [1]


def test_one_roi_is_found_if_it_has_shapes(service: Any, image: int) -> None:
    assert _ids(service.findByRoi(2, None)) == [2]
    assert _ids(service.findByRoi(3, None)) == []


def test_there_are_no_measurements_without_plates(service: Any, image: int) -> None:
    assert service.getRoiMeasurements(image, None) == []
    assert _ids(service.getMeasuredRois(image, 1, None)) == []
