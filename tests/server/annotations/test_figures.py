from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omero_rocrate_transfer.server.mapping.figures import UnreadableFigureError, images_of, rewrite_figure

FIGURE = {
    "version": 8,
    "panels": [{"imageId": 1, "x": 5, "datasetId": 7}, {"imageId": 5, "shapes": [{"id": 1}]}],
}


def test_ids_are_replaced_once_each_and_nothing_else() -> None:
    new = {("Image", 1): 5, ("Image", 5): 9, ("Dataset", 7): 70}
    data, lost = rewrite_figure(json.dumps(FIGURE).encode(), lambda kind, one: new.get((kind, one)))
    assert json.loads(data) == {
        "version": 8,
        "panels": [{"imageId": 5, "x": 5, "datasetId": 70}, {"imageId": 9, "shapes": [{"id": 1}]}],
    }
    assert lost == 0


def test_images_that_are_not_there_are_counted_and_shown_as_none() -> None:
    data, lost = rewrite_figure(json.dumps(FIGURE).encode(), lambda *_: None)
    assert [panel["imageId"] for panel in json.loads(data)["panels"]] == [-1, -1]
    assert lost == 2


def test_images_of_a_figure() -> None:
    assert images_of(json.dumps(FIGURE).encode()) == {1, 5}


@pytest.mark.parametrize("data", [b"", b"\xff", b"{", b"[" * 100_000])
def test_what_is_no_json_is_told(data: bytes) -> None:
    with pytest.raises(UnreadableFigureError):
        images_of(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["imageId", "a"]), inner, max_size=2)
    ),
    max_leaves=8,
)


@given(JSON)
def test_any_json_keeps_its_shape(figure: object) -> None:
    data = json.dumps(figure).encode()
    same, _ = rewrite_figure(data, lambda _, one: one)
    assert json.loads(same) == figure
