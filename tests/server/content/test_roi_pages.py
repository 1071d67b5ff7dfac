"""ROIs in pages: what an import made of them is recognised and removed as without pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import omero.model
import pytest
from ome_types import model as ome
from omero.rtypes import rstring

from omero_rocrate_transfer.model.document import structured_annotations
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.read.documents import rois
from omero_rocrate_transfer.server.read.source import ServerSource
from omero_rocrate_transfer.server.session.commands import delete
from omero_sandbox.testing import real_tiff, seed
from tests.server.content.conftest import Two
from tests.server.content.test_rois import fill_with_rois, rois_of

#: Whether the ROIs of the file stand in pages, one in each, or all in one document.
BOTH = pytest.mark.parametrize("per_page", [1, 1000], ids=["pages", "one document"])


def import_annotated(client: Any, folder: Path) -> int:
    """Import a file of three ROIs: a comment on the first two, another on the last; return its image."""
    series = (real_tiff.Series("annotated", "uint8", (1, 1, 1, 16, 16)),)
    document = real_tiff.document(series)
    annotations = structured_annotations(document).comment_annotations
    annotations += [ome.CommentAnnotation(id=f"Annotation:{n}", value=f"comment {n}") for n in range(2)]
    for number in range(3):
        point: Any = [ome.Point(id=f"Shape:{number}", x=number, y=1)]
        ref = ome.AnnotationRef(id=f"Annotation:{number // 2}")
        roi = ome.ROI(id=f"ROI:{number}", name=f"roi {number}", union=point, annotation_refs=[ref])
        document.rois.append(roi)
        document.images[0].roi_refs.append(ome.ROIRef(id=roi.id))
    real_tiff.write_ome_tiff(folder / "annotated.ome.tif", series, document)
    return seed.import_fileset(client, folder, ["annotated.ome.tif"]).images[0]


def comments_of(connection: Any) -> list[tuple[str, str]]:
    """Return the names of ROIs with the comments on them."""
    hql = (
        "select l.parent.name, l.child.textValue from RoiAnnotationLink l"
        " order by l.parent.name, l.child.textValue"
    )
    return [(row[0].val, row[1].val) for row in connection.query.projection(hql, None)]


@BOTH
def test_rois_that_the_import_makes_are_kept(
    per_page: int, two: Two, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rois, "ROIS_PER_PAGE", per_page)
    before = import_annotated(two.source.client, tmp_path)
    assert len(comments_of(two.source)) == 3

    made = two.copy(ObjectRef("Image", before))

    target = made.ids[ObjectRef("Image", before)].id
    assert rois_of(two.target, target) == rois_of(two.source, before)
    assert comments_of(two.target) == comments_of(two.source)
    assert two.sandboxes[1].calls["IUpdate.saveAndReturnIds"] == 0


@BOTH
def test_rois_that_users_changed_or_removed_win_over_the_file(
    per_page: int, two: Two, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rois, "ROIS_PER_PAGE", per_page)
    image = import_annotated(two.source.client, tmp_path)
    first, second, third = two.source.query.findAllByQuery("select r from Roi r order by r.id", None)
    first.setName(rstring("renamed"))
    two.source.update.saveObject(first, two.source.context(0))
    delete(two.source, "Roi", [second.id.val], 0)
    seed.roi(two.source.client, image, [seed.shape("Point", x=5, y=5)], "new")

    made = two.copy(ObjectRef("Image", image))

    target = made.ids[ObjectRef("Image", image)].id
    names = [values["name"] for values, _ in rois_of(two.target, target)]
    assert sorted(names) == ["new", "renamed", third.name.val]
    assert comments_of(two.target) == comments_of(two.source)


@BOTH
def test_annotations_of_the_import_stay_where_one_of_their_rois_has_them(
    per_page: int, two: Two, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rois, "ROIS_PER_PAGE", per_page)
    image = import_annotated(two.source.client, tmp_path)
    hql = "select l.id from RoiAnnotationLink l where l.parent.name in ('roi 0', 'roi 2')"
    # one of two places of the first comment, and the only one of the second
    links = [row[0].val for row in two.source.query.projection(hql, None)]
    delete(two.source, "RoiAnnotationLink", links, 0)
    assert comments_of(two.source) == [("roi 1", "comment 0")]

    two.copy(ObjectRef("Image", image))

    there = comments_of(two.target)
    assert ("roi 1", "comment 0") in there
    assert ("roi 2", "comment 1") not in there


def test_whether_there_are_pages_is_decided_with_the_document(
    two: Two, image: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rois, "ROIS_PER_PAGE", 2)
    fill_with_rois(two.sandboxes[0], image, 2)
    source = ServerSource(two.source)
    [unit] = source.read_contents([ObjectRef("Image", image)]).units

    reader = source.open(unit)
    document = reader.document()
    fill_with_rois(two.sandboxes[0], image, 1)
    assert (len(document.ome.rois), list(reader.pages())) == (2, [])

    document = reader.document()
    assert document.ome.rois == []
    assert [len(page.ome.rois) for page in reader.pages()] == [2, 1]


def test_a_page_says_only_what_belongs_to_its_rois(
    two: Two, image: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rois, "ROIS_PER_PAGE", 1)
    fill_with_rois(two.sandboxes[0], image, 2)
    [first, _] = two.source.query.findAllByQuery("select r from Roi r order by r.id", None)
    for parent in (seed.reference("Roi", first.id.val), seed.reference("Image", image)):
        comment = omero.model.CommentAnnotationI()
        comment.setTextValue(rstring("seen"))
        number = seed.save(two.source.client, comment).id.val
        seed.link(two.source.client, parent, seed.reference("CommentAnnotation", number))
    source = ServerSource(two.source)
    [unit] = source.read_contents([ObjectRef("Image", image)]).units

    with source.open(unit) as reader:
        document, pages = reader.document(), list(reader.pages())

    links = [[link.parent for link in one.extras.annotations.links] for one in (document, *pages)]
    host = two.source.info.host
    assert links == [
        [ObjectRef("Image", image).lsid(host)],
        [ObjectRef("ROI", first.id.val).lsid(host)],
        [],
    ]
    assert [[each.id for each in one.ome.images] for one in pages] == [[document.ome.images[0].id]] * 2
