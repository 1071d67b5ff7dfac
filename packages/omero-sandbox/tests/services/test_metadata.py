"""IMetadata as a client sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import omero
import omero.clients
import pytest
from omero.rtypes import rlong
from omero.sys import ParametersI

from omero_sandbox.server import SandboxServer

TAG_SET = "openmicroscopy.org/omero/insight/tagset"
Add = Callable[..., int]


@pytest.fixture
def add(sandbox: SandboxServer) -> Add:
    def insert(type_name: str, *, owner: int = 0, **values: Any) -> int:
        return sandbox.store.insert(type_name, values, owner=owner, group=0, event=0).id

    return insert


@pytest.fixture
def metadata(root: Any) -> Any:
    return root.sf.getMetadataService()


@pytest.fixture
def enum(sandbox: SandboxServer) -> Callable[[str, str], int]:
    def find(type_name: str, value: str) -> int:
        row = sandbox.store.enum(type_name, value)
        assert row is not None
        return row.id

    return find


@pytest.fixture
def annotated(add: Add) -> dict[str, int]:
    """Image with a tag, a comment of user 1 and a file; another with the tag; a third with nothing."""
    images = [add("Image", name=f"image {number}") for number in range(3)]
    tag = add("TagAnnotation", textValue="tag", ns="a")
    comment = add("CommentAnnotation", textValue="comment", owner=1)
    file = add("FileAnnotation", file=add("OriginalFile", name="file", path="p"), ns="b")
    empty = add("FileAnnotation", ns="b")
    for annotation in (tag, comment, file):
        add("ImageAnnotationLink", parent=images[0], child=annotation)
    add("ImageAnnotationLink", parent=images[1], child=tag)
    named = {"tag": tag, "comment": comment, "file": file, "empty": empty}
    return named | {f"image {number}": image for number, image in enumerate(images)}


def _ids(objects: list[Any]) -> list[int]:
    return sorted(each.id.val for each in objects)


# -- annotations --------------------


def test_annotations_of_images(metadata: Any, annotated: dict[str, int]) -> None:
    images = [annotated[f"image {number}"] for number in range(3)]
    found = metadata.loadAnnotations("Image", images, [], [], None)
    assert {image: _ids(each) for image, each in found.items()} == {
        images[0]: [annotated["tag"], annotated["comment"], annotated["file"]],
        images[1]: [annotated["tag"]],
        images[2]: [],
    }
    file = next(each for each in found[images[0]] if isinstance(each, omero.model.FileAnnotation))
    assert file.file.name.val == "file"
    assert file.details.owner.omeName.val == "root"


def test_only_full_class_names_of_annotations_match(metadata: Any, annotated: dict[str, int]) -> None:
    image = annotated["image 0"]
    names = {
        "ome.model.annotations.TagAnnotation": 1,
        "TagAnnotation": 0,
        "ome.model.annotations.Annotation": 0,
    }
    for name, number in names.items():
        assert len(metadata.loadAnnotations("Image", [image], [name], [], None)[image]) == number


def test_annotators_restrict_objects_too(metadata: Any, annotated: dict[str, int]) -> None:
    images = [annotated["image 0"], annotated["image 1"]]
    found = metadata.loadAnnotations("Image", images, [], [1], None)
    assert {image: _ids(each) for image, each in found.items()} == {images[0]: [annotated["comment"]]}


def test_what_cannot_be_annotated_has_no_annotations(metadata: Any) -> None:
    with pytest.raises(omero.ApiUsageException):
        metadata.loadAnnotations("Pixels", [1], [], [], None)
    assert metadata.loadAnnotations("Image", [], [], [], None) == {}


def test_annotations_by_id(metadata: Any, annotated: dict[str, int]) -> None:
    (file,) = metadata.loadAnnotation([annotated["file"]])
    assert file.file.name.val == "file"
    assert file.details.creationEvent.isLoaded()


@pytest.mark.parametrize(
    ("include", "exclude", "expected"),
    [([], [], ["file"]), (["b"], [], ["file"]), (["c"], [], []), ([], ["b"], []), ([], ["c"], ["file"])],
)
def test_file_annotations_by_namespace(
    metadata: Any, annotated: dict[str, int], include: list[str], exclude: list[str], expected: list[str]
) -> None:
    found = metadata.loadSpecifiedAnnotations("FileAnnotation", include, exclude, None)
    assert _ids(found) == [annotated[name] for name in expected]


def test_annotations_without_namespace_pass_an_exclusion(metadata: Any, annotated: dict[str, int]) -> None:
    found = metadata.loadSpecifiedAnnotations("CommentAnnotation", [], ["b"], None)
    assert _ids(found) == [annotated["comment"]]


def test_annotations_are_counted(metadata: Any, annotated: dict[str, int]) -> None:
    counts = {
        name: metadata.countSpecifiedAnnotations(name, [], [], None).val
        for name in ("Annotation", "TagAnnotation", "FileAnnotation")
    }
    assert counts == {"Annotation": 4, "TagAnnotation": 1, "FileAnnotation": 2}
    owned = ParametersI().exp(rlong(1))
    assert metadata.countSpecifiedAnnotations("Annotation", [], [], owned).val == 1


def test_annotations_of_a_type_linked_to_images(metadata: Any, annotated: dict[str, int]) -> None:
    images = [annotated["image 0"], annotated["image 2"]]
    found = metadata.loadSpecifiedAnnotationsLinkedTo("TagAnnotation", [], [], "Image", images, None)
    assert {image: _ids(each) for image, each in found.items()} == {images[0]: [annotated["tag"]]}
    with pytest.raises(omero.QueryException):
        metadata.loadSpecifiedAnnotationsLinkedTo("TagAnnotation", [], [], "Roi", [1], None)


def test_annotations_used_but_not_owned(metadata: Any, annotated: dict[str, int]) -> None:
    assert _ids(metadata.loadAnnotationsUsedNotOwned("CommentAnnotation", 0)) == [annotated["comment"]]
    assert metadata.countAnnotationsUsedNotOwned("TagAnnotation", 0).val == 0


# -- tags --------------------


def test_tag_sets_come_with_their_tags(metadata: Any, add: Add, annotated: dict[str, int]) -> None:
    tag_set = add("TagAnnotation", textValue="set", ns=TAG_SET)
    add("AnnotationAnnotationLink", parent=tag_set, child=annotated["tag"])
    loose = add("TagAnnotation", textValue="loose")
    (found,) = metadata.loadTagSets(None)
    assert (found.id.val, _ids(found.linkedAnnotationList())) == (tag_set, [annotated["tag"]])
    assert _ids(metadata.loadTagSets(ParametersI().orphan())) == [tag_set, loose]


def test_tagged_objects(metadata: Any, add: Add, annotated: dict[str, int]) -> None:
    project = add("Project", name="p")
    add("ProjectAnnotationLink", parent=project, child=annotated["tag"])
    assert metadata.getTaggedObjectsCount([annotated["tag"]], None) == {annotated["tag"]: 3}
    found = metadata.loadTagContent([annotated["tag"]], None)[annotated["tag"]]
    assert sorted(type(each).__name__ for each in found) == ["ImageI", "ImageI", "ProjectI"]


# -- acquisition --------------------


def test_a_channel_comes_with_its_acquisition(
    metadata: Any, add: Add, enum: Callable[[str, str], int]
) -> None:
    instrument = add("Instrument")
    detector = add("Detector", instrument=instrument, type=enum("DetectorType", "CCD"), model="camera")
    laser = add(
        "Laser",
        instrument=instrument,
        type=enum("LaserType", "Gas"),
        laserMedium=enum("LaserMedium", "Ar"),
    )
    path = add("LightPath")
    link = {"parent": path, "parent_index": 0, "child": add("Filter", instrument=instrument, model="filter")}
    add("LightPathExcitationFilterLink", **link)
    channel = add(
        "LogicalChannel",
        name="channel",
        lightPath=path,
        detectorSettings=add("DetectorSettings", detector=detector, gain=2.0),
        lightSourceSettings=add("LightSettings", lightSource=laser),
    )
    (found,) = metadata.loadChannelAcquisitionData([channel])
    assert found.detectorSettings.detector.model.val == "camera"
    assert found.detectorSettings.detector.type.value.val == "CCD"
    assert found.lightSourceSettings.lightSource.laserMedium.value.val == "Ar"
    assert found.lightPath.copyExcitationFilterLink()[0].child.model.val == "filter"


def test_an_instrument_comes_with_its_parts_but_no_generic_sources(
    metadata: Any, add: Add, enum: Callable[[str, str], int]
) -> None:
    instrument = add("Instrument", microscope=add("Microscope", type=enum("MicroscopeType", "Upright")))
    kinds = {"immersion": enum("Immersion", "Oil"), "correction": enum("Correction", "Apo")}
    add("Objective", instrument=instrument, **kinds)
    add("LightEmittingDiode", instrument=instrument)
    add("GenericExcitationSource", instrument=instrument)
    found = metadata.loadInstrument(instrument)
    assert found.microscope.type.value.val == "Upright"
    assert found.copyObjective()[0].immersion.value.val == "Oil"
    assert [type(each).__name__ for each in found.copyLightSource()] == ["LightEmittingDiodeI"]
    assert metadata.loadInstrument(99) is None


# -- logs --------------------


def test_import_logs_of_filesets_and_images(metadata: Any, add: Add) -> None:
    fileset, job = add("Fileset", templatePrefix="x"), add("UploadJob")
    image = add("Image", name="i", fileset=fileset)
    log = add("OriginalFile", name="log", path="p", mimetype="application/omero-log-file")
    add("FilesetJobLink", parent=fileset, parent_index=0, child=job)
    add("JobOriginalFileLink", parent=job, child=log)
    for kind, root in (("Fileset", fileset), ("Image", image)):
        found = metadata.loadLogFiles(kind, [root])
        assert {key: _ids(files) for key, files in found.items()} == {root: [log]}
    with pytest.raises(omero.ApiUsageException):
        metadata.loadLogFiles("Dataset", [1])
