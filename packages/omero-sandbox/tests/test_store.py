"""Rows, indexes and transactions."""

from __future__ import annotations

from collections.abc import Callable

import omero
import pytest

from omero_sandbox.db.store import Store


@pytest.fixture
def store() -> Store:
    return Store()


def fail_after(store: Store, change: Callable[[], object]) -> None:
    def failing() -> None:
        with store.transaction():
            change()
            raise KeyError

    with pytest.raises(KeyError):
        failing()


def test_ids_are_shared_by_the_subtypes_of_a_root(store: Store) -> None:
    ids = [store.insert(name, {}).id for name in ("TagAnnotation", "MapAnnotation", "Image")]
    assert ids == [1, 2, 1]


def test_a_row_is_found_by_its_type_and_its_base_types_only(store: Store) -> None:
    tag = store.insert("TagAnnotation", {})
    assert store.get("Annotation", tag.id) is tag
    assert store.get("TextAnnotation", tag.id) is tag
    assert store.get("MapAnnotation", tag.id) is None


def test_rows_of_a_base_type_include_its_subtypes(store: Store) -> None:
    store.insert("TagAnnotation", {})
    store.insert("LongAnnotation", {"longValue": 5})
    assert [row.type for row in store.rows("Annotation")] == ["TagAnnotation", "LongAnnotation"]
    assert [row.type for row in store.rows("NumericAnnotation")] == ["LongAnnotation"]


def test_null_values_are_not_kept(store: Store) -> None:
    assert store.insert("Image", {"name": "a", "description": None}).values == {"name": "a"}


def test_an_ordered_collection_comes_in_list_order(store: Store) -> None:
    image = store.insert("Image", {"name": "a"})
    second = store.insert("Pixels", {"image": image.id, "image_index": 1})
    first = store.insert("Pixels", {"image": image.id, "image_index": 0})
    assert store.children(image, "pixels") == [first, second]


def test_a_plain_collection_comes_in_id_order(store: Store) -> None:
    image = store.insert("Image", {"name": "a"})
    rois = [store.insert("Roi", {"image": image.id}) for _ in range(3)]
    assert store.children(image, "rois") == rois


def test_referrers_follow_updates_and_deletions(store: Store) -> None:
    one, other = store.insert("Image", {"name": "a"}), store.insert("Image", {"name": "b"})
    roi = store.insert("Roi", {"image": one.id})
    store.update(roi, {"image": other.id})
    assert store.referrers("Roi", "image", one.id) == []
    assert store.referrers("Roi", "image", other.id) == [roi]
    store.delete(roi)
    assert store.referrers("Roi", "image", other.id) == []


def test_referrers_of_a_subtype_leave_its_siblings_out(store: Store) -> None:
    file = store.insert("OriginalFile", {"name": "f", "path": "/"})
    annotation = store.insert("FileAnnotation", {"file": file.id})
    assert store.referrers("FileAnnotation", "file", file.id) == [annotation]
    assert store.referrers("TagAnnotation", "file", file.id) == []


def test_enumerations_are_found_by_value(store: Store) -> None:
    uint8 = store.insert("PixelsType", {"value": "uint8"})
    assert store.enum("PixelsType", "uint8") is uint8
    assert store.enum("PixelsType", "uint9") is None


def test_an_update_changes_details(store: Store) -> None:
    row = store.insert("Image", {"name": "a"}, owner=2, group=3, event=4)
    store.update(row, {"name": None, "series": 1}, event=5, owner=6, group=7, external_info=8)
    assert (row.values, row.owner, row.group) == ({"series": 1}, 6, 7)
    assert (row.created, row.updated, row.external_info) == (4, 5, 8)


def test_a_failed_transaction_leaves_everything_as_it_was(store: Store) -> None:
    kept = store.insert("Image", {"name": "kept"}, owner=1, group=1, event=1)
    gone = store.insert("Image", {"name": "gone"})
    roi = store.insert("Roi", {"image": kept.id})

    def change() -> None:
        store.insert("Image", {"name": "new"})
        store.update(kept, {"name": "changed"}, event=9, owner=9)
        store.update(roi, {"image": gone.id})
        store.delete(gone)

    fail_after(store, change)
    assert [row.values["name"] for row in store.rows("Image")] == ["kept", "gone"]
    assert (kept.owner, kept.updated) == (1, 1)
    assert store.children(kept, "rois") == [roi]
    assert store.children(gone, "rois") == []


def test_an_inner_transaction_is_undone_with_the_outer(store: Store) -> None:

    def change() -> None:
        with store.transaction():
            store.insert("Image", {"name": "a"})

    fail_after(store, change)
    assert list(store.rows("Image")) == []


def test_ids_of_a_failed_transaction_are_not_used_again(store: Store) -> None:
    fail_after(store, lambda: store.insert("Image", {"name": "a"}))
    assert store.insert("Image", {"name": "b"}).id == 2


def test_one_owner_may_link_two_objects_once(store: Store) -> None:
    link = {"parent": 1, "child": 2}
    store.insert("DatasetImageLink", link, owner=3)
    store.insert("DatasetImageLink", link, owner=4)
    with pytest.raises(omero.ValidationException, match="ConstraintViolationException"):
        store.insert("DatasetImageLink", link, owner=3)


def test_giving_a_link_to_the_owner_of_its_twin_is_refused_and_undone(store: Store) -> None:
    link = {"parent": 1, "child": 2}
    store.insert("DatasetImageLink", link, owner=3)
    twin = store.insert("DatasetImageLink", link, owner=4)
    with pytest.raises(omero.ValidationException, match="ConstraintViolationException"):
        store.update(twin, {}, owner=3)
    assert twin.owner == 4
    assert len(store.referrers("DatasetImageLink", "child", 2)) == 2


@pytest.mark.parametrize("values", [{"plate": 1, "row": 0, "column": 0}])
def test_a_well_position_is_taken_once(store: Store, values: dict[str, int]) -> None:
    store.insert("Well", values)
    store.insert("Well", {"plate": 1, "row": 0})
    store.insert("Well", {"plate": 1, "row": 0})
    with pytest.raises(omero.ValidationException, match="ConstraintViolationException"):
        store.insert("Well", values)
