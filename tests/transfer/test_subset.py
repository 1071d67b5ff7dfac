"""Parts of many names: together all, each once, and always the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omero_rocrate_transfer.model.errors import UsageError
from omero_rocrate_transfer.transfer.verify.subset import ALL, Subset


@given(st.text(), st.integers(1, 40))
def test_every_name_is_in_exactly_one_part(name: str, parts: int) -> None:
    found = [number for number in range(1, parts + 1) if name in Subset.parse(f"{number}/{parts}")]

    assert len(found) == 1
    assert name in ALL


def test_a_percentage_takes_about_as_many() -> None:
    names = [f"fs{number}.tif" for number in range(10_000)]

    assert 400 < sum(name in Subset.parse("5%") for name in names) < 600
    assert all(name in Subset.parse("100%") for name in names)


@pytest.mark.parametrize("text", ["", "1", "0/2", "3/2", "-1/2", "0%", "101%", "nan%", "1/2/3", "٣/٤"])
def test_what_is_no_part_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="Write it like"):
        Subset.parse(text)
