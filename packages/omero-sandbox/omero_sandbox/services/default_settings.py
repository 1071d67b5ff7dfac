"""Rendering settings that a server makes by itself (ome.logic.RenderingSettingsImpl)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import omero
import omero.clients

from omero_sandbox.repository.writer import RowWriter
from omero_sandbox.services import pixel_access
from omero_sandbox.services.pixel_statistics import extremes, global_ranges

if TYPE_CHECKING:
    from omero_sandbox.db.store import Row, Store
    from omero_sandbox.net.call import Call

_MAX_CHANNELS = 9
"""Images with more channels are shown in grey (QuantumFactory and RenderingSettingsImpl)."""

_ACTIVE = 3
_DEFAULT_COLOURS = [(255, 0, 0, 255), (0, 255, 0, 255), (0, 0, 255, 255)]
_RGBA = ("red", "green", "blue", "alpha")


def settings_of(store: Store, pixels: Row, owner: int | None = None) -> Row | None:
    """Find the settings of an image: those of `owner`, by default of the image's owner."""
    wanted = pixels.owner if owner is None else owner
    found = [row for row in store.referrers("RenderingDef", "pixels", pixels.id) if row.owner == wanted]
    return found[-1] if found else None


def reset_defaults(call: Call, pixels: Row) -> Row:
    """Make, or set back, the caller's settings of an image.

    Raises
    ------
    omero.ServerError
        The pixels cannot be read, for example because the pyramid is missing.
    """
    with call.store.transaction():
        writer = RowWriter(call.store, call.user_id, call.group_id, call.event())
        windows = _windows(call, pixels)
        row = settings_of(call.store, pixels, call.user_id)
        if row is None:
            quantum = writer.insert("QuantumDef", {"cdStart": 0, "cdEnd": 255, "bitResolution": 255})
            row = writer.insert("RenderingDef", {"pixels": pixels.id, "quantization": quantum.id})
        else:
            for binding in call.store.children(row, "waveRendering"):
                call.store.delete(binding)
        call.store.update(row, _defaults(call.store, pixels), event=call.event())
        for position, channel in enumerate(call.store.children(pixels, "channels")):
            ends = {"renderingDef": row.id, "renderingDef_index": position}
            writer.insert("ChannelBinding", ends | _binding(call.store, channel, position, windows[position]))
    return row


def set_windows(call: Call, pixels: Row) -> Row:
    """Set the input windows of the caller's settings to the extremes of the channels."""
    row = settings_of(call.store, pixels, call.user_id) or reset_defaults(call, pixels)
    with call.store.transaction():
        for binding, (low, high) in zip(
            call.store.children(row, "waveRendering"), _windows(call, pixels), strict=False
        ):
            call.store.update(binding, {"inputStart": low, "inputEnd": high}, event=call.event())
    return row


def _defaults(store: Store, pixels: Row) -> dict[str, Any]:
    several = 1 < pixels.values["sizeC"] < _MAX_CHANNELS
    model = store.enum("RenderingModel", "rgb" if several else "greyscale")
    return {
        "defaultZ": pixels.values["sizeZ"] // 2,
        "defaultT": 0,
        "model": model.id if model else None,
    }


def _binding(store: Store, channel: Row, position: int, window: tuple[float, float]) -> dict[str, Any]:
    family = store.enum("Family", "linear")
    given = [channel.values.get(name) for name in _RGBA]
    colour = _DEFAULT_COLOURS[position % 3] if None in given else given
    return {
        "family": family.id if family else None,
        "coefficient": 1.0,
        "inputStart": window[0],
        "inputEnd": window[1],
        "active": position < _ACTIVE,
        "noiseReduction": False,
        **dict(zip(_RGBA, colour, strict=True)),
    }


def _windows(call: Call, pixels: Row) -> list[tuple[float, float]]:
    """Known extremes of the channels, else those of the middle plane.

    The buffer is opened in any case: without pixels there are no settings.
    """
    buffer = pixel_access.buffer_of(call.context, pixels, write=False)
    try:
        known = global_ranges(call.store, pixels)
        found = [known.get(c) or extremes(buffer, c) for c in range(buffer.shape.c)]
    finally:
        buffer.close()
    return [(low, high) if np.isfinite([low, high]).all() else (0.0, 1.0) for low, high in found]


def copy_settings(call: Call, source: Row, target: Row, owner: int | None = None) -> Row:
    """Give an image the settings that `owner`, by default the caller, else the owner, has for another."""
    wanted = call.user_id if owner is None else owner
    given = settings_of(call.store, source, wanted) or settings_of(call.store, source)
    if given is None:
        raise omero.ResourceError(None, None, f"Pixels {source.id} have no rendering settings")
    row = settings_of(call.store, target, call.user_id) or reset_defaults(call, target)
    with call.store.transaction():
        call.store.update(row, {"model": given.values["model"]}, event=call.event())
        pairs = zip(
            call.store.children(given, "waveRendering"),
            call.store.children(row, "waveRendering"),
            strict=False,
        )
        for theirs, mine in pairs:
            kept = {key: value for key, value in theirs.values.items() if not key.startswith("renderingDef")}
            call.store.update(mine, kept, event=call.event())
    return row
