"""What a crate wants done to the values of a channel is checked before it is saved."""

from __future__ import annotations

import omero.model as om
import pytest

from omero_rocrate_transfer.model.errors import UnsafeCrateError
from omero_rocrate_transfer.model.rendering import ChannelRendering, CodomainMap
from omero_rocrate_transfer.server.mapping.codomain import assign_maps, read_maps

STRETCHING: dict[str, int | bool] = {"xstart": 1, "ystart": 2, "xend": 3, "yend": 4}


def wanted(kind: str, values: dict[str, int | bool]) -> ChannelRendering:
    return ChannelRendering(start=0, end=1, maps=(CodomainMap(type=kind, values=values),))


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("ImageI", {}),
        ("CodomainMapContext", {}),
        ("ReverseIntensityContext", {}),
        ("ReverseIntensityContext", {"reverse": 1}),
        ("ContrastStretchingContext", STRETCHING | {"id": 5}),
        ("ContrastStretchingContext", STRETCHING | {"xend": True}),
        ("ContrastStretchingContext", STRETCHING | {"xend": 2**31}),
    ],
)
def test_what_omero_does_not_know_is_refused(kind: str, values: dict[str, int | bool]) -> None:
    with pytest.raises(UnsafeCrateError):
        assign_maps(om.ChannelBindingI(), wanted(kind, values))


def test_what_is_there_already_stays() -> None:
    binding, settings = om.ChannelBindingI(), wanted("ContrastStretchingContext", STRETCHING)
    assign_maps(binding, settings)
    [first] = binding.copySpatialDomainEnhancement()
    assign_maps(binding, settings)
    assert binding.copySpatialDomainEnhancement() == [first]
    assert read_maps(binding) == settings.maps


def test_settings_without_any_take_away_what_was_there() -> None:
    binding = om.ChannelBindingI()
    assign_maps(binding, ChannelRendering(start=0, end=1, inverted=True))
    assert binding.sizeOfSpatialDomainEnhancement() == 1
    assign_maps(binding, ChannelRendering(start=0, end=1))
    assert binding.sizeOfSpatialDomainEnhancement() == 0
