"""Restores rendering settings, as those of the user of a session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import omero.model
from omero.rtypes import rbool, rdouble, rint, rstring
from omero.sys import ParametersI

from omero_rocrate_transfer.model.rendering import ChannelRendering, Rendering
from omero_rocrate_transfer.server.mapping.codomain import assign_maps, assign_projections
from omero_rocrate_transfer.server.read.documents.rendering import COLORS, FETCH_RENDERING, rendering_of
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.enumerations import Enumerations
from omero_rocrate_transfer.server.session.errors import server_errors
from omero_rocrate_transfer.server.session.queries import GRAPHS_PER_QUERY, batches, find_objects

_MINE: Final = (
    f"select d from RenderingDef d{FETCH_RENDERING}"  # noqa: S608 -- fixed names
    " where d.pixels.id in (:ids) and d.details.owner.id = :owner"
)
_DOING: Final = "Restoring rendering settings"


def restore_rendering(connection: Connection, group: int, wanted: Mapping[int, Rendering]) -> None:
    """Make these the settings of the session's user, by the id of the Pixels.

    Those that are there, as every import makes some, are changed in place: a second row of the same user
    would leave open which of the two counts.
    """
    context = connection.context(group)
    for pixels in batches(wanted, GRAPHS_PER_QUERY):
        parameters = ParametersI().addIds(pixels).addLong("owner", connection.user_id)
        found = find_objects(connection, _MINE, parameters, context, doing=_DOING)
        current = {one.pixels.id.val: one for one in sorted(found, key=lambda one: one.id.val)}
        changed = [
            settings
            for one in pixels
            if (settings := _changed(one, current.get(one), wanted[one], connection.enumerations))
        ]
        if changed:
            with server_errors(_DOING):
                connection.update.saveArray(changed, context)


def _changed(pixels: int, current: Any, wanted: Rendering, enumerations: Enumerations) -> Any:
    """Return the settings to save, None where they are as wanted."""
    if current is not None and rendering_of(current, enumerations) == wanted:
        return None
    fitting = current is not None and current.sizeOfWaveRendering() == len(wanted.channels)
    settings = current if fitting else _new(pixels, len(wanted.channels))
    _assign(settings, wanted, enumerations)
    return settings


def _new(pixels: int, channels: int) -> Any:
    settings = omero.model.RenderingDefI()
    settings.setPixels(omero.model.PixelsI(pixels, False))  # noqa: FBT003 -- a reference
    settings.setQuantization(omero.model.QuantumDefI())
    for _ in range(channels):
        settings.addChannelBinding(omero.model.ChannelBindingI())
    return settings


def _assign(settings: Any, wanted: Rendering, enumerations: Enumerations) -> None:
    settings.setDefaultZ(rint(wanted.default_z))
    settings.setDefaultT(rint(wanted.default_t))
    settings.setModel(enumerations.row("RenderingModel", wanted.model, "rgb"))
    settings.setName(None if wanted.name is None else rstring(wanted.name))
    settings.setCompression(None if wanted.compression is None else rdouble(wanted.compression))
    start, end, resolution = wanted.quantization
    settings.quantization.setCdStart(rint(start))
    settings.quantization.setCdEnd(rint(end))
    settings.quantization.setBitResolution(rint(resolution))
    for binding, channel in zip(settings.copyWaveRendering(), wanted.channels, strict=True):
        _assign_channel(binding, channel, enumerations)
    assign_projections(settings, wanted, enumerations)


def _assign_channel(binding: Any, wanted: ChannelRendering, enumerations: Enumerations) -> None:
    binding.setInputStart(rdouble(wanted.start))
    binding.setInputEnd(rdouble(wanted.end))
    binding.setActive(rbool(wanted.active))
    for name, value in zip(COLORS, wanted.color, strict=True):
        getattr(binding, f"set{name.capitalize()}")(rint(value))
    binding.setFamily(enumerations.row("Family", wanted.family, "linear"))
    binding.setCoefficient(rdouble(wanted.coefficient))
    binding.setNoiseReduction(rbool(wanted.noise_reduction))
    binding.setLookupTable(None if wanted.lookup_table is None else rstring(wanted.lookup_table))
    assign_maps(binding, wanted)
