"""What happens to the values of a channel before they are shown, and projections of stacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import omero.model
from omero.rtypes import rbool, rint

from omero_rocrate_transfer.model.errors import UnsafeCrateError
from omero_rocrate_transfer.model.rendering import ChannelRendering, CodomainMap, Projection, Rendering
from omero_rocrate_transfer.server.session.enumerations import Enumerations

#: Fields of the classes of contexts (omero-model display.ome.xml).
_FIELDS: Final[Mapping[str, Mapping[str, type]]] = {
    "ReverseIntensityContext": {"reverse": bool},
    "PlaneSlicingContext": {
        **dict.fromkeys(("upperLimit", "lowerLimit", "planeSelected", "planePrevious"), int),
        "constant": bool,
    },
    "ContrastStretchingContext": dict.fromkeys(("xstart", "ystart", "xend", "yend"), int),
}
_INVERTED: Final = CodomainMap(type="ReverseIntensityContext", values={"reverse": True})
_PLANES: Final = {"start": "startPlane", "end": "endPlane", "stepping": "stepping"}
_INT: Final = 2**31


def is_inverted(binding: Any) -> bool:
    """Tell whether dark and bright are swapped."""
    return _INVERTED in _maps(binding)


def read_maps(binding: Any) -> tuple[CodomainMap, ...]:
    """Return what is done to the values of a channel, none where `is_inverted` says it all."""
    maps = _maps(binding)
    return () if maps in ([], [_INVERTED]) else tuple(maps)


def _maps(binding: Any) -> list[CodomainMap]:
    return [_map(one) for one in binding.copySpatialDomainEnhancement() if one is not None]


def _map(context: Any) -> CodomainMap:
    name = type(context).__name__.removesuffix("I")
    return CodomainMap(type=name, values={field: getattr(context, field).val for field in _FIELDS[name]})


def assign_maps(binding: Any, wanted: ChannelRendering) -> None:
    """Let this be done to the values of a channel.

    Raises
    ------
    UnsafeCrateError
        OMERO knows no such thing.
    """
    maps: Sequence[CodomainMap] = wanted.maps or ([_INVERTED] if wanted.inverted else [])
    if _maps(binding) == list(maps):
        return
    for one in binding.copySpatialDomainEnhancement():
        binding.removeCodomainMapContext(one)
    for each in maps:
        binding.addCodomainMapContext(_context(each))


def _context(wanted: CodomainMap) -> Any:
    fields = _FIELDS.get(wanted.type)
    if fields is None or {name: type(value) for name, value in wanted.values.items()} != fields:
        raise UnsafeCrateError(f"The extras of a document have rendering settings with {wanted!a:.200}.")
    made = getattr(omero.model, f"{wanted.type}I")()
    for name, value in wanted.values.items():
        setattr(made, name, rbool(value) if isinstance(value, bool) else _number(value))
    return made


def read_projections(settings: Any, enumerations: Enumerations) -> tuple[Projection, ...]:
    """Return the projections of rendering settings."""
    return tuple(
        Projection(
            axis=enumerations.value("ProjectionAxis", one.axis),
            type=enumerations.value("ProjectionType", one.type),
            active=one.active.val,
            **{name: value.val for name, field in _PLANES.items() if (value := getattr(one, field))},
        )
        for one in settings.copyProjections()
        if one is not None
    )


def assign_projections(settings: Any, wanted: Rendering, enumerations: Enumerations) -> None:
    """Make these the projections of rendering settings.

    Raises
    ------
    UnsafeCrateError
        OMERO knows no such projection.
    """
    if read_projections(settings, enumerations) == wanted.projections:
        return
    settings.clearProjections()
    for one in wanted.projections:
        settings.addProjectionDef(_projection(one, enumerations))


def _projection(wanted: Projection, enumerations: Enumerations) -> Any:
    made = omero.model.ProjectionDefI()
    for name, kind in (("axis", "ProjectionAxis"), ("type", "ProjectionType")):
        row = enumerations.row(kind, getattr(wanted, name))
        if row is None:
            raise UnsafeCrateError(f"The target knows no {kind} {getattr(wanted, name)!a:.100}.")
        setattr(made, name, row)
    made.active = rbool(wanted.active)
    for name, field in _PLANES.items():
        value = getattr(wanted, name)
        setattr(made, field, None if value is None else _number(value))
    return made


def _number(value: int) -> Any:
    if not -_INT <= value < _INT:
        raise UnsafeCrateError(f"The extras of a document have rendering settings with the number {value}.")
    return rint(value)
