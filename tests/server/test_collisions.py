"""What collides with somebody who makes the same at the same time is done again; nothing is there twice."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Lock
from typing import Any

import omero
import omero.model as om
import pytest
from omero.rtypes import rstring

from omero_rocrate_transfer.model.errors import CollisionError, RefusedError
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.session.collisions import FirstTimes, repeat
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.errors import is_transient, translate
from omero_rocrate_transfer.server.session.writer import Writer
from omero_rocrate_transfer.transfer.retry import Retry
from omero_sandbox.server import SandboxServer
from omero_sandbox.testing import real_input, seed
from tests.server.content.conftest import Two, two  # noqa: F401 -- a fixture

AT_ONCE = Retry(chance=lambda: 0.0)


def violation(constraint: str, row: str = "ome.model.annotations.MapAnnotation") -> omero.ValidationException:
    """Return what a server answers (OMERO.server 5.6)."""
    columns = ", ".join(f"column{number}" for number in range(50))
    return omero.ValidationException(
        message=f"could not insert: [{row}]; SQL [insert into annotation ({columns}) values (?)]; constraint"
        f" [{constraint}]; nested exception is org.hibernate.exception.ConstraintViolationException:"
        f" could not insert: [{row}]"
    )


def tag(namespace: str) -> Any:
    made = om.TagAnnotationI()
    made.ns, made.textValue = rstring(namespace), rstring("t")
    return made


@pytest.fixture
def writing(connection: Connection) -> Connection:
    """Give a connection that writes for a run, and waits for nothing."""
    connection.retry = AT_ONCE
    connection.mark_with("run")
    return connection


@pytest.mark.parametrize(
    ("constraint", "transient"),
    [
        ("originalfile_repo_path_index", True),
        ("namespace_name", True),
        ("datasetimagelink_parent_key", True),
        ("fkdatasetimagelink_child_image", False),
    ],
)
def test_only_what_a_repetition_can_cure_is_tried_again(constraint: str, transient: bool) -> None:
    error = translate(violation(constraint), "Saving")

    assert is_transient(error) is transient
    assert isinstance(error, CollisionError) is transient
    assert isinstance(error, RefusedError)


def test_the_second_of_two_first_uses_of_a_namespace_is_saved_again(
    writing: Connection, sandbox: SandboxServer
) -> None:
    sandbox.faults.add("IUpdate.saveAndReturnIds", violation("namespace_name"), times=2)

    ids = writing.update.saveAndReturnIds([tag("new")], writing.context(writing.group_id))

    found = writing.query.findAllByQuery("select a from TagAnnotation a", None, writing.context())
    assert [one.id.val for one in found] == ids


def test_what_collides_every_time_ends_with_the_constraint(
    writing: Connection, sandbox: SandboxServer
) -> None:
    sandbox.faults.add("IUpdate.saveAndReturnIds", violation("namespace_name"), times=100)

    with pytest.raises(omero.ValidationException, match="namespace_name"):
        writing.update.saveAndReturnIds([tag("new")], writing.context(writing.group_id))


def test_a_link_that_somebody_else_makes_meanwhile_is_taken_for_made(
    writing: Connection, sandbox: SandboxServer
) -> None:
    dataset = seed.create(writing.client, "Dataset", "d").id.val
    project = seed.create(writing.client, "Project", "p").id.val

    def link_first(_: Any) -> None:
        seed.link(writing.client, seed.reference("Project", project), seed.reference("Dataset", dataset))
        raise violation("projectdatasetlink_parent_key", "ome.model.containers.ProjectDatasetLink")

    sandbox.faults.add("IUpdate.saveAndReturnIds", link_first)

    Writer(writing, writing.group_id).link("Project", "Dataset", [(project, dataset)])

    links = writing.query.findAllByQuery("select l from ProjectDatasetLink l", None, writing.context())
    assert len(links) == 1


@pytest.mark.parametrize(
    "fault",
    [
        violation("originalfile_repo_path_index", "ome.model.core.OriginalFile"),
        omero.ResourceError(message="Directory exists but is not registered: CheckedPath(ann_3/2026-11)"),
    ],
)
def test_an_import_whose_folders_another_one_makes_begins_again(
    fault: omero.ServerError,
    two: Two,  # noqa: F811
    tmp_path: Path,
) -> None:
    made = real_input.same_names(tmp_path)
    image = seed.import_fileset(two.source.client, made.folder, made.files).images[0]
    two.target.retry = AT_ONCE
    two.sandboxes[1].faults.add("ManagedRepository.importFileset", fault)

    two.copy(ObjectRef("Image", image))

    for kind in ("Fileset", "Image"):
        hql = f"select o.id from {kind} o"
        assert len(two.target.query.projection(hql, None, two.target.context())) == 1


def test_the_first_of_several_goes_alone_and_the_others_together() -> None:
    first_times, together, lock = FirstTimes(), Barrier(3), Lock()
    running, most = 0, 0

    def use(wait: Callable[[], object]) -> None:
        nonlocal running, most
        with first_times.of(["namespace"]):
            with lock:
                running += 1
                most = max(most, running)
            wait()
            with lock:
                running -= 1

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(use, [lambda: None] * 3))
        alone = most
        most = 0
        list(pool.map(use, [together.wait] * 3))

    assert (alone, most) == (1, 3)


def test_who_fails_the_first_time_leaves_it_to_the_next() -> None:
    first_times = FirstTimes()

    with pytest.raises(ValueError, match="no"), first_times.of(["n"]):
        raise ValueError("no")
    with first_times.of(["n"]):
        pass


def test_what_is_no_collision_is_not_repeated() -> None:
    calls = []

    def fail() -> None:
        calls.append(1)
        raise omero.ValidationException(message="not-null property references a null or transient value: x")

    with pytest.raises(omero.ValidationException):
        repeat(fail, AT_ONCE)
    assert len(calls) == 1
