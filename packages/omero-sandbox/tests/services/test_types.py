"""ITypes: enumerations."""

from __future__ import annotations

from typing import Any

import omero
import pytest
from omero.rtypes import rstring


def types_of(client: Any) -> Any:
    return client.getSession().getTypesService()


@pytest.mark.parametrize("name", ["PixelsType", "ome.model.enums.PixelsType", "omero.model.PixelsType"])
def test_an_entry_is_found_by_any_name_of_its_type(alice: Any, name: str) -> None:
    found = types_of(alice).getEnumeration(name, "uint16")
    assert (found.value.val, found.bitSize.val) == ("uint16", 16)


def test_a_missing_entry_is_a_usage_error(alice: Any) -> None:
    with pytest.raises(omero.ApiUsageException, match="does not exist"):
        types_of(alice).getEnumeration("PixelsType", "uint17")


def test_a_type_must_be_an_enumeration(alice: Any) -> None:
    with pytest.raises(omero.ApiUsageException, match="not an enumeration"):
        types_of(alice).allEnumerations("Image")


def test_all_entries_are_listed(alice: Any) -> None:
    immersions = [each.value.val for each in types_of(alice).allEnumerations("Immersion")]
    assert immersions == ["Oil", "Water", "WaterDipping", "Air", "Multi", "Glycerol", "Other", "Unknown"]


def test_all_types_are_listed(alice: Any) -> None:
    types = types_of(alice)
    assert "ome.model.enums.DimensionOrder" in types.getEnumerationTypes()
    assert "ome.model.annotations.MapAnnotation" in types.getAnnotationTypes()
    entries = types.getEnumerationsWithEntries()
    assert len(entries["ome.model.enums.DimensionOrder"]) == 6
    assert sum(map(len, entries.values())) == len(types.getOriginalEnumerations())


def test_only_administrators_change_entries(root: Any, alice: Any) -> None:
    made = omero.model.FormatI()
    made.value = rstring("New")
    with pytest.raises(omero.SecurityViolation):
        types_of(alice).createEnumeration(made)
    made = types_of(root).createEnumeration(made)
    assert types_of(alice).getEnumeration("Format", "New").id.val == made.id.val
    types_of(root).deleteEnumeration(made)
    with pytest.raises(omero.ApiUsageException):
        types_of(alice).getEnumeration("Format", "New")
