"""ITimeline as a client sees it."""

from __future__ import annotations

from typing import Any

import omero
import omero.clients
import pytest
from omero.rtypes import rint, rlong, rtime

from omero_sandbox.server import SandboxServer


@pytest.fixture
def timeline(root: Any, sandbox: SandboxServer) -> Any:
    """Three images acquired at 1000, 2000 and never, one of user 1 at 3000, and a project."""

    def add(type_name: str, owner: int = 0, **values: Any) -> None:
        event = sandbox.store.new_event(user=owner, group=0)
        sandbox.store.insert(type_name, values, owner=owner, group=0, event=event)

    add("Image", name="first", acquisitionDate=1000)
    add("Image", name="second", acquisitionDate=2000)
    add("Image", name="never")
    add("Image", owner=1, name="foreign", acquisitionDate=3000)
    add("Project", name="project")
    return root.sf.getTimelineService()


def _params(**values: Any) -> Any:
    return omero.sys.Parameters(theFilter=omero.sys.Filter(**values))


def _names(objects: list[Any]) -> list[str]:
    return [each.name.val for each in objects]


def test_the_newest_images_of_the_caller_come_first(timeline: Any) -> None:
    assert _names(timeline.getMostRecentObjects(["Image"], None, False)["Image"]) == ["second", "first"]
    assert _names(timeline.getMostRecentObjects(["Image"], _params(limit=rint(1)), False)["Image"]) == [
        "second"
    ]


def test_owner_minus_one_is_everybody(timeline: Any) -> None:
    found = timeline.getMostRecentObjects(["Image"], _params(ownerId=rlong(-1)), False)
    assert _names(found["Image"]) == ["foreign", "second", "first"]


def test_a_period_restricts(timeline: Any) -> None:
    found = timeline.getByPeriod(["Image"], rtime(500), rtime(1500), None, False)
    assert _names(found["Image"]) == ["first"]
    counts = timeline.countByPeriod(["Image", "Project", "Plate"], rtime(500), rtime(1500), None)
    assert counts == {"Image": 1, "Project": 0, "Plate": -1}


def test_merged_types_share_the_limit(timeline: Any) -> None:
    found = timeline.getMostRecentObjects(["Image", "Project"], _params(limit=rint(1)), True)
    assert {name: _names(objects) for name, objects in found.items()} == {"Image": [], "Project": ["project"]}


def test_logs_tell_when_images_were_acquired(timeline: Any) -> None:
    logs = timeline.getEventLogsByPeriod(rtime(500), rtime(2500), None)
    assert sorted(log.event.time.val for log in logs) == [1000, 2000]


def test_newest_annotation_links(timeline: Any, sandbox: SandboxServer) -> None:
    for index, name in enumerate(["TagAnnotation", "CommentAnnotation"]):
        event = sandbox.store.new_event(user=0, group=0)
        child = sandbox.store.insert(name, {"ns": f"ns {index}"}, owner=0, group=0, event=event).id
        link = {"parent": 1, "child": child}
        sandbox.store.insert("ImageAnnotationLink", link, owner=0, group=0, event=event)
    assert [link.child.id.val for link in timeline.getMostRecentAnnotationLinks([], [], [], None)] == [2, 1]
    assert len(timeline.getMostRecentAnnotationLinks(["Image"], ["TagAnnotation"], [], None)) == 1
    assert len(timeline.getMostRecentAnnotationLinks(["Image"], [], ["%1"], None)) == 1
    with pytest.raises(omero.ApiUsageException):
        timeline.getMostRecentAnnotationLinks([], ["TagAnnotation", "CommentAnnotation"], [], None)
