from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omero_rocrate_transfer.model.errors import UsageError
from omero_rocrate_transfer.model.refs import MAX_ID, ObjectRef, parse_lsid, parse_objects


def test_lists_and_ranges_keep_their_order_and_name_each_object_once() -> None:
    found = parse_objects(["Image:9,1-3,2", "Dataset:4", "Image:1"])

    assert [str(ref) for ref in found] == ["Image:9", "Image:1", "Image:2", "Image:3", "Dataset:4"]


def test_ids_without_a_type_are_projects() -> None:
    assert parse_objects(["7,8"]) == (ObjectRef("Project", 7), ObjectRef("Project", 8))


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "Image",
            "Image:",
            "Image:a",
            "Image:1,",
            "Image:5-3",
            "Image:-1",
            "Image:1--2",
            "Image:\u0661",
        ),
        *("Roi:1", "image:1", "Image:1:2", f"Image:{MAX_ID + 1}", "Image:1-9999999", "Image:" + "9" * 40),
    ],
)
def test_what_is_no_object_is_refused_with_the_text_and_a_remedy(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_objects([text])

    assert repr(text) in str(caught.value) or "''" in str(caught.value)
    assert "like Image:" in str(caught.value)
    assert caught.value.exit_code == 2


@given(
    st.from_regex(r"[A-Za-z0-9._-]{1,40}", fullmatch=True),
    st.sampled_from(["Image", "Fileset", "ExperimenterGroup"]),
    st.integers(0, MAX_ID),
)
def test_lsids_come_back_as_they_went(host: str, type_name: str, number: int) -> None:
    ref = ObjectRef(type_name, number)

    assert parse_lsid(ref.lsid(host)) == (host, ref)


@pytest.mark.parametrize(
    "text",
    [
        *("", "Image:1", "urn:lsid:h:Image:", "urn:lsid:h:Image:1\n", "urn:lsid:a b:Image:1"),
        *("urn:lsid:h:Image:-1", f"urn:lsid:h:Image:{MAX_ID + 1}", "urn:lsid:h:Image:1:2"),
    ],
)
def test_other_identities_are_not_lsids(text: str) -> None:
    assert parse_lsid(text) is None
