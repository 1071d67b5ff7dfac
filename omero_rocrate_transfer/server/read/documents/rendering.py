"""Rendering settings, read for all users."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from omero_rocrate_transfer.model.extras import UserRendering
from omero_rocrate_transfer.model.rendering import ChannelRendering, Rendering
from omero_rocrate_transfer.server.mapping.codomain import (
    is_inverted,
    read_maps,
    read_projections,
)
from omero_rocrate_transfer.server.session.enumerations import Enumerations
from omero_rocrate_transfer.server.session.queries import Reader

#: What a query of RenderingDefs, called d, fetches with them.
FETCH_RENDERING: Final = (
    " join fetch d.details.owner join fetch d.pixels"
    " left outer join fetch d.quantization left outer join fetch d.waveRendering w"
    " left outer join fetch w.spatialDomainEnhancement left outer join fetch d.projections"
)
#: Of the Pixels that everybody sees; an image may have others.
_ALL: Final = (
    f"select d from Image i join i.pixels p join p.settings d{FETCH_RENDERING}"  # noqa: S608 -- fixed names
    " where i.id in (:ids) and index(p) = 0"
)
#: Parts of a colour, as fields of a ChannelBinding.
COLORS: Final = ("red", "green", "blue", "alpha")


def read_rendering(
    reader: Reader, enumerations: Enumerations, images: Iterable[int]
) -> dict[int, list[tuple[int, UserRendering]]]:
    """Read the settings of all users for images: by the id of the image, each with the id of its user."""
    found: dict[int, dict[int, tuple[int, UserRendering]]] = {}
    for settings in reader.objects(_ALL, images, doing="Reading rendering settings"):
        owner = settings.details.owner
        user = UserRendering(login=owner.omeName.val, rendering=rendering_of(settings, enumerations))
        # of several of one user the newest, as the server does (omero-server PixelsImpl)
        found.setdefault(settings.pixels.image.id.val, {})[settings.id.val] = (owner.id.val, user)
    return {image: _newest(by_id) for image, by_id in found.items()}


def _newest(by_id: dict[int, tuple[int, UserRendering]]) -> list[tuple[int, UserRendering]]:
    return list({by_id[one][0]: by_id[one] for one in sorted(by_id)}.values())


def rendering_of(settings: Any, enumerations: Enumerations) -> Rendering:
    """Return the settings of a loaded RenderingDef."""
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
    red, green, blue, alpha = (getattr(binding, name).val for name in COLORS)
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
