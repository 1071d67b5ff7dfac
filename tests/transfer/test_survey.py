"""Who owns what of a source is known before anything is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ome_types import OME, model

from omero_rocrate_transfer.model.contents import (
    Container,
    Contents,
    ImageRecord,
    Person,
    SourceInfo,
    TransferUnit,
)
from omero_rocrate_transfer.model.document import Document, structured_annotations
from omero_rocrate_transfer.model.extras import (
    AnnotationExtras,
    AnnotationLink,
    Extras,
    MemberLink,
    UserRendering,
)
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.model.rendering import Rendering
from omero_rocrate_transfer.transfer.document_cache import DocumentCache
from omero_rocrate_transfer.transfer.ports import UnitReader
from omero_rocrate_transfer.transfer.survey import Survey, survey
from tests.transfer.fakes import FakeReader, FakeSource

HOST = "here.example.org"
SOURCE = SourceInfo(host=HOST, database_uuid="1-2-3", version="5.6.14")
PEOPLE = tuple(
    Person(id=number, login=login, first_name=login, last_name="T")
    for number, login in enumerate(("alice", "bob", "carol"), 1)
)
IMAGE, FILESET, DATASET = ObjectRef("Image", 5), ObjectRef("Fileset", 6), ObjectRef("Dataset", 7)
FILE = ObjectRef("Annotation", 8)


def lsid(ref: ObjectRef) -> str:
    return ref.lsid(HOST)


def document(extras: Extras, *annotators: int) -> Document:
    """Return a document with an annotation of each of some people, and extras."""
    made = OME(
        experimenters=[
            model.Experimenter(id=f"urn:lsid:{HOST}:Experimenter:{one.id}", user_name=one.login)
            for one in PEOPLE
        ]
    )
    for place, number in enumerate(annotators, 1):
        structured_annotations(made).tag_annotations.append(
            model.TagAnnotation(
                id=lsid(ObjectRef("Annotation", place)),
                value="t",
                annotator=f"urn:lsid:{HOST}:Experimenter:{number}",
            )
        )
    return Document(made, extras)


class Documents(FakeSource):
    """A source that tells of people."""

    def __init__(
        self, containers: Document, units: dict[ObjectRef, Document], pages: Sequence[Document] = ()
    ) -> None:
        self._containers, self._units, self._pages = containers, units, pages

    def open(self, unit: TransferUnit) -> UnitReader:
        return DocumentReader(unit, self._units[unit.ref], self._pages)

    def read_container_document(self) -> Document:
        return self._containers


class DocumentReader(FakeReader):
    """Reads a unit whose documents are in memory."""

    def __init__(self, unit: TransferUnit, document: Document, pages: Sequence[Document]) -> None:
        super().__init__(unit, {})
        self._document, self._pages = document, pages

    def document(self) -> Document:
        return self._document

    def pages(self) -> Iterator[Document]:
        return iter(self._pages)


def found(
    containers: Document,
    units: dict[ObjectRef, Document],
    *,
    owner: int | None = 1,
    pages: Sequence[Document] = (),
) -> Survey:
    """Survey a dataset of bob with an image, and an attachment."""
    image = ImageRecord(ref=IMAGE, name="i", owner=owner)
    contents = Contents(
        source=SOURCE,
        roots=(),
        containers=(Container(ref=DATASET, name="D", owner=2, members=(IMAGE,)),),
        units=tuple(TransferUnit(ref=ref, images=(image,) if ref == FILESET else ()) for ref in units),
        people=PEOPLE,
    )
    return survey(contents, DocumentCache(Documents(containers, units, pages)))


def test_owners_of_units_and_containers_hang_together() -> None:
    result = found(document(Extras()), {FILESET: document(Extras())})

    assert result.owners == {"alice", "bob"}
    assert result.together == {frozenset({"alice", "bob"}): "Dataset:7", frozenset({"alice"}): "Fileset:6"}


def test_everything_that_names_an_owner_counts() -> None:
    roi = lsid(ObjectRef("ROI", 1))
    for extras in (
        Extras(owners={roi: "dora"}),
        Extras(members=(MemberLink(parent="a", child="b", owner="dora"),)),
        Extras(annotations=AnnotationExtras(links=(AnnotationLink(parent="a", child="b", owner="dora"),))),
    ):
        assert frozenset({"alice", "dora"}) in found(Document(), {FILESET: document(extras)}).together
        assert "dora" in found(document(extras), {}).owners
    assert "carol" in found(Document(), {FILESET: document(Extras(), 3)}).owners


def test_owners_of_rois_in_pages_count() -> None:
    page = document(Extras(owners={lsid(ObjectRef("ROI", 1)): "dora"}), 3)

    result = found(Document(), {FILESET: document(Extras())}, pages=[document(Extras()), page])

    assert result.together[frozenset({"alice", "carol", "dora"})] == "Fileset:6"


def test_those_who_only_looked_are_told_apart() -> None:
    rendering = Rendering(default_z=0, default_t=0, model="rgb", channels=())
    users = (
        UserRendering(login="alice", rendering=rendering, owner=True),
        UserRendering(login="eve", rendering=rendering),
    )

    result = found(Document(), {FILESET: document(Extras(rendering={lsid(IMAGE): users}))})

    assert result.viewers == {"alice", "eve"}
    assert "eve" not in result.owners


def test_an_attachment_hangs_together_with_what_it_is_on() -> None:
    link = AnnotationLink(parent=lsid(IMAGE), child=lsid(ObjectRef("Annotation", 1)), owner="carol")
    extras = Extras(annotations=AnnotationExtras(links=(link,)))

    result = found(Document(), {FILESET: document(Extras()), FILE: document(extras, 2)})

    assert result.together[frozenset({"alice", "bob", "carol"})] == "Image:5"


def test_annotations_of_different_containers_do_not_hang_together() -> None:
    link = AnnotationLink(parent=lsid(DATASET), child=lsid(ObjectRef("Annotation", 1)), owner="bob")
    extras = Extras(annotations=AnnotationExtras(links=(link,)))

    result = found(document(extras, 2), {})

    assert frozenset({"bob"}) in result.together
    assert all(len(people) == 1 for people in result.together if "alice" not in people)


def test_somebody_who_is_not_told_counts_as_whoever_unpacks() -> None:
    assert frozenset({None}) in found(Document(), {FILESET: Document()}, owner=None).together
