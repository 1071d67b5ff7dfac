"""Rendering settings: read for all users, restored for the one who transfers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import omero.model
from omero.rtypes import rbool, rdouble, rint, rstring
from omero.sys import ParametersI

from omero_rocrate_transfer.model.extras import UserRendering
from omero_rocrate_transfer.model.rendering import ChannelRendering, Rendering
from omero_rocrate_transfer.server.mapping.codomain import (
    assign_maps,
    assign_projections,
    is_inverted,
    read_maps,
    read_projections,
)
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.enumerations import Enumerations
from omero_rocrate_transfer.server.session.errors import server_errors
from omero_rocrate_transfer.server.session.queries import GRAPHS_PER_QUERY, Reader, batches

_FETCH: Final = (
    " join fetch d.details.owner join fetch d.pixels"
    " left outer join fetch d.quantization left outer join fetch d.waveRendering w"
    " left outer join fetch w.spatialDomainEnhancement left outer join fetch d.projections"
)
#: Of the Pixels that everybody sees; an image may have others.
_ALL: Final = (
    f"select d from Image i join i.pixels p join p.settings d{_FETCH}"  # noqa: S608 -- fixed names
    " where i.id in (:ids) and index(p) = 0"
)
_MINE: Final = (
    f"select d from RenderingDef d{_FETCH}"  # noqa: S608 -- fixed names
    " where d.pixels.id in (:ids) and d.details.owner.id = :owner"
)
_COLORS: Final = ("red", "green", "blue", "alpha")


def read_rendering(
    reader: Reader, enumerations: Enumerations, images: Iterable[int]
) -> dict[int, list[tuple[int, UserRendering]]]:
    """Read the settings of all users for images: by the id of the image, each with the id of its user."""
    found: dict[int, dict[int, tuple[int, UserRendering]]] = {}
    for settings in reader.objects(_ALL, images, doing="Reading rendering settings"):
        owner = settings.details.owner
        user = UserRendering(login=owner.omeName.val, rendering=_rendering(settings, enumerations))
        # of several of one user the newest, as the server does (omero-server PixelsImpl)
        found.setdefault(settings.pixels.image.id.val, {})[settings.id.val] = (owner.id.val, user)
    return {image: _newest(by_id) for image, by_id in found.items()}


def _newest(by_id: dict[int, tuple[int, UserRendering]]) -> list[tuple[int, UserRendering]]:
    return list({by_id[one][0]: by_id[one] for one in sorted(by_id)}.values())


def _rendering(settings: Any, enumerations: Enumerations) -> Rendering:
    bindings = [one for one in settings.copyWaveRendering() if one is not None]
    quantum = settings.quantization
    return Rendering(
        default_z=settings.defaultZ.val,
        default_t=settings.defaultT.val,
        model=enumerations.value("RenderingModel", settings.model),
        channels=tuple(_channel(one, enumerations) for one in bindings),
        quantization=(quantum.cdStart.val, quantum.cdEnd.val, quantum.bitResolution.val),
        name=None if settings.name is None else settings.name.val,
        compression=None if settings.compression is None else settings.compression.val,
        projections=read_projections(settings, enumerations),
    )


def _channel(binding: Any, enumerations: Enumerations) -> ChannelRendering:
    red, green, blue, alpha = (getattr(binding, name).val for name in _COLORS)
    return ChannelRendering(
        start=binding.inputStart.val,
        end=binding.inputEnd.val,
        active=binding.active.val,
        color=(red, green, blue, alpha),
        family=enumerations.value("Family", binding.family),
        coefficient=binding.coefficient.val,
        inverted=is_inverted(binding),
        noise_reduction=binding.noiseReduction.val,
        lookup_table=None if binding.lookupTable is None else binding.lookupTable.val,
        maps=read_maps(binding),
    )


def restore_rendering(connection: Connection, group: int, wanted: Mapping[int, Rendering]) -> None:
    """Make these the settings of the session's user, by the id of the Pixels.

    Those that are there, as every import makes some, are changed in place: a second row of the same user
    would leave open which of the two counts.
    """
    context = connection.context(group)
    for pixels in batches(list(wanted), GRAPHS_PER_QUERY):
        parameters = ParametersI().addIds(pixels).addLong("owner", connection.user_id)
        with server_errors("Restoring rendering settings"):
            found = connection.query.findAllByQuery(_MINE, parameters, context)
            current = {one.pixels.id.val: one for one in sorted(found, key=lambda one: one.id.val)}
            changed = [
                settings
                for one in pixels
                if (settings := _changed(one, current.get(one), wanted[one], connection.enumerations))
            ]
            if changed:
                connection.update.saveArray(changed, context)


def _changed(pixels: int, current: Any, wanted: Rendering, enumerations: Enumerations) -> Any:
    """Return the settings to save, None where they are as wanted."""
    if current is not None and _rendering(current, enumerations) == wanted:
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
    for name, value in zip(_COLORS, wanted.color, strict=True):
        getattr(binding, f"set{name.capitalize()}")(rint(value))
    binding.setFamily(enumerations.row("Family", wanted.family, "linear"))
    binding.setCoefficient(rdouble(wanted.coefficient))
    binding.setNoiseReduction(rbool(wanted.noise_reduction))
    binding.setLookupTable(None if wanted.lookup_table is None else rstring(wanted.lookup_table))
    assign_maps(binding, wanted)
