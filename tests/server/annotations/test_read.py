from __future__ import annotations

from collections.abc import Callable
from typing import Any

import omero.model as om
import pytest
from ome_types import OME, to_xml, validate_xml
from omero.model import NamedValue
from omero.rtypes import rbool, rdouble, rlong, rstring, rtime

from omero_rocrate_transfer.model.annotations import AnnotationChoice
from omero_rocrate_transfer.model.contents import Contents
from omero_rocrate_transfer.model.document import structured_annotations
from omero_rocrate_transfer.model.extras import Extras
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.read.annotations.annotations import iter_links
from omero_rocrate_transfer.server.read.source import ServerSource
from omero_rocrate_transfer.server.session.connection import Connection
from omero_sandbox.testing.seed import create, link, reference, save
from tests.server.conftest import Rows

TAGSET = "openmicroscopy.org/omero/insight/tagset"


def annotate(client: Any, parent: Any, kind: str, **fields: Any) -> Any:
    """Link a new annotation to an object; return a reference to it."""
    made = new(client, kind, **fields)
    link(client, parent, made)
    return made


def new(client: Any, kind: str, **fields: Any) -> Any:
    made = getattr(om, f"{kind}I")()
    for name, value in fields.items():
        setattr(made, name, value)
    return reference(kind, save(client, made).id.val)


@pytest.fixture
def read(connection: Connection) -> Callable[..., tuple[Contents, list[OME], list[Extras]]]:
    """Read everything: contents, documents of the units and of the containers, and their extras."""

    def everything(choice: AnnotationChoice | None = None) -> tuple[Contents, list[OME], list[Extras]]:
        source = ServerSource(connection, annotations=choice)
        contents = source.read_contents(())
        documents = [source.open(unit).document() for unit in contents.units]
        documents.append(source.read_container_document())
        for document in documents:
            validate_xml(to_xml(document.ome))
        return contents, [one.ome for one in documents], [one.extras for one in documents]

    return everything


def test_every_class_is_read_with_namespace_description_and_name(root: Any, rows: Rows, read: Any) -> None:
    _, [image] = rows.fileset()
    common = {"ns": rstring("a/b"), "description": rstring("said"), "name": rstring("named")}
    parent = om.ImageI(image.id, False)
    annotate(root, parent, "TagAnnotation", textValue=rstring("tag"), **common)
    annotate(root, parent, "CommentAnnotation", textValue=rstring("so"), **common)
    annotate(root, parent, "LongAnnotation", longValue=rlong(-(2**63)), **common)
    annotate(root, parent, "DoubleAnnotation", doubleValue=rdouble(1e-300), **common)
    annotate(root, parent, "BooleanAnnotation", boolValue=rbool(True), **common)
    annotate(root, parent, "TimestampAnnotation", timeValue=rtime(1_234), **common)
    annotate(root, parent, "TermAnnotation", termValue=rstring("term"), **common)
    annotate(root, parent, "XmlAnnotation", textValue=rstring("<a:b xmlns:a='u:x'>t</a:b>"), **common)
    annotate(root, parent, "ListAnnotation", **common)
    pairs = [NamedValue("k", "1"), NamedValue("k", "2"), NamedValue("j", "")]
    annotate(root, parent, "MapAnnotation", mapValue=pairs, **common)

    _, [document, _], [extras, _] = read()

    structured = structured_annotations(document)
    assert structured.tag_annotations[0].value == "tag"
    assert structured.comment_annotations[0].value == "so"
    assert structured.long_annotations[0].value == -(2**63)
    assert structured.double_annotations[0].value == 1e-300
    assert structured.boolean_annotations[0].value is True
    assert structured.timestamp_annotations[0].value.isoformat() == "1970-01-01T00:00:01.234000+00:00"
    assert structured.term_annotations[0].value == "term"
    assert [(m.k, m.value) for m in structured.map_annotations[0].value.ms] == [
        ("k", "1"),
        ("k", "2"),
        ("j", ""),
    ]
    made = [one for name in type(structured).model_fields for one in getattr(structured, name)]
    assert len(made) == len(extras.annotations.facts) == len(extras.annotations.links) == 10
    assert {one.namespace for one in made} == {"a/b"}
    assert {one.description for one in made} == {"said"}
    assert {facts.name for facts in extras.annotations.facts.values()} == {"named"}
    [xml] = [facts.text for facts in extras.annotations.facts.values() if facts.text]
    assert xml == "<a:b xmlns:a='u:x'>t</a:b>"
    assert sorted(iter_links(document)) == sorted(
        (link.parent, link.child) for link in extras.annotations.links
    )
    assert {link.owner for link in extras.annotations.links} == {"root"}


@pytest.mark.parametrize(
    "kind", ["Tag", "Comment", "Long", "Double", "Boolean", "Timestamp", "Term", "Xml", "File"]
)
def test_an_annotation_without_a_value_keeps_that(root: Any, rows: Rows, read: Any, kind: str) -> None:
    _, [image] = rows.fileset()
    annotate(root, om.ImageI(image.id, False), f"{kind}Annotation")
    *_, [extras, _] = read()
    assert [facts.null for facts in extras.annotations.facts.values()] == [True]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_double_that_is_not_finite_is_kept_as_text(root: Any, rows: Rows, read: Any, value: float) -> None:
    _, [image] = rows.fileset()
    annotate(root, om.ImageI(image.id, False), "DoubleAnnotation", doubleValue=rdouble(value))
    *_, [extras, _] = read()
    assert [facts.text for facts in extras.annotations.facts.values()] == [repr(value)]


def test_a_tag_of_many_images_comes_with_its_tag_set_but_not_with_other_tags(
    root: Any, rows: Rows, read: Any
) -> None:
    _, images = rows.fileset(images=2)
    _, [other] = rows.fileset()
    tag = new(root, "TagAnnotation", textValue=rstring("used"))
    unused = new(root, "TagAnnotation", textValue=rstring("unused"))
    tags = new(root, "TagAnnotation", textValue=rstring("set"), ns=rstring(TAGSET))
    for child in (tag, unused):
        link(root, tags, child)
    for image in (*images, other):
        link(root, om.ImageI(image.id, False), tag)

    _, [first, second, _], _ = read()

    for document in (first, second):
        found = structured_annotations(document).tag_annotations
        assert sorted(one.value for one in found) == ["set", "used"]
    assert len(list(iter_links(first))) == 3
    assert (
        structured_annotations(first).tag_annotations[0].id
        == structured_annotations(second).tag_annotations[0].id
    )


def test_annotations_on_annotations_are_followed_down(root: Any, rows: Rows, read: Any) -> None:
    _, [image] = rows.fileset()
    comment = annotate(root, om.ImageI(image.id, False), "CommentAnnotation", textValue=rstring("1"))
    reply = annotate(root, comment, "CommentAnnotation", textValue=rstring("2"))
    annotate(root, reply, "CommentAnnotation", textValue=rstring("3"))
    _, [document, _], _ = read()
    found = structured_annotations(document).comment_annotations
    assert sorted(one.value for one in found) == ["1", "2", "3"]


def test_objects_without_an_element_have_their_links_in_the_extras(root: Any, rows: Rows, read: Any) -> None:
    fileset, _ = rows.fileset()
    annotate(root, om.FilesetI(fileset.id, False), "CommentAnnotation", textValue=rstring("on it"))
    file = next(iter(rows.store.rows("OriginalFile")))
    annotate(root, om.OriginalFileI(file.id, False), "CommentAnnotation", textValue=rstring("on its file"))
    _, [document, _], [extras, _] = read()
    parents = [link.parent.split(":", 3)[3] for link in extras.annotations.links]
    assert parents == [f"Fileset:{fileset.id}", f"OriginalFile:{file.id}"]
    assert not list(iter_links(document))


def test_containers_channels_and_instruments_are_read(root: Any, rows: Rows, read: Any) -> None:
    dataset = create(root, "Dataset", "one")
    _, [image] = rows.fileset()
    link(root, dataset, om.ImageI(image.id, False))
    channel = next(iter(rows.store.rows("Channel")))
    annotate(root, dataset, "CommentAnnotation", textValue=rstring("on dataset"))
    annotate(root, om.ChannelI(channel.id, False), "CommentAnnotation", textValue=rstring("on channel"))
    _, [document, containers], _ = read()
    assert [parent.rpartition(":")[0].rpartition(":")[2] for parent, _ in iter_links(document)] == ["Channel"]
    assert [parent.rpartition(":")[0].rpartition(":")[2] for parent, _ in iter_links(containers)] == [
        "Dataset"
    ]


def test_an_attachment_is_a_unit_of_its_own_after_the_others(root: Any, rows: Rows, read: Any) -> None:
    _, [image] = rows.fileset()
    file = rows.add("OriginalFile", name="a/b.txt", path="/home/me", size=3, mimetype="text/plain")
    annotation = annotate(
        root, om.ImageI(image.id, False), "FileAnnotation", file=om.OriginalFileI(file.id, False)
    )
    contents, [document, attached, _], [_, extras, _] = read()
    unit = contents.units[-1]
    assert unit.ref == ObjectRef("Annotation", annotation.id.val)
    assert (unit.files[0].path, unit.files[0].size_bytes, unit.files[0].media_type) == (
        "a_b.txt",
        3,
        "text/plain",
    )
    assert contents.size_bytes == 3 + 1
    for each in (attached, document):
        [found] = structured_annotations(each).file_annotations
        assert (found.binary_file.file_name, found.binary_file.mime_type) == ("a/b.txt", "text/plain")
    [facts] = extras.annotations.facts.values()
    assert facts.file is not None
    assert facts.file.id.endswith(f":OriginalFile:{file.id}")
    assert facts.file.path is None
    assert [link.parent for link in extras.annotations.links] == [document.images[0].id]


def test_only_the_namespaces_asked_for_travel_and_the_rest_is_told(root: Any, rows: Rows, read: Any) -> None:
    _, [image] = rows.fileset()
    for namespace in ("it's", "b", None):
        fields = {} if namespace is None else {"ns": rstring(namespace)}
        annotate(root, om.ImageI(image.id, False), "CommentAnnotation", textValue=rstring("x"), **fields)

    contents, [document, _], [extras, _] = read(AnnotationChoice(("it's",)))

    assert [one.namespace for one in structured_annotations(document).comment_annotations] == ["it's"]
    assert not extras.annotations.complete
    assert [(one.count, one.on_request) for one in contents.omissions] == [(2, True)]


def test_no_annotations_means_none(root: Any, rows: Rows, read: Any) -> None:
    _, [image] = rows.fileset()
    annotate(root, om.ImageI(image.id, False), "CommentAnnotation", textValue=rstring("x"))
    contents, [document, _], _ = read(AnnotationChoice(()))
    assert not structured_annotations(document).comment_annotations
    assert [(one.count, one.on_request) for one in contents.omissions] == [(1, True)]
