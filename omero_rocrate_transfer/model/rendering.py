"""Rendering settings: how an image is shown, apart from what it holds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRendering:
    """How one channel is shown: a ``ChannelBinding`` of OMERO."""

    #: Pixel values shown darkest and brightest.
    start: float
    end: float
    active: bool = True
    #: Red, green, blue, alpha, each 0 to 255.
    color: tuple[int, int, int, int] = (255, 255, 255, 255)
    #: ``linear``, ``polynomial``, ``exponential`` or ``logarithmic``.
    family: str = "linear"
    coefficient: float = 1.0
    #: Whether dark and bright are swapped (``ReverseIntensityContext``).
    inverted: bool = False
    noise_reduction: bool = False
    #: File name of a lookup table on the server, e.g. ``"fire.lut"``.
    lookup_table: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """The rendering settings of one user for one image: a ``RenderingDef`` of OMERO."""

    default_z: int
    default_t: int
    #: ``rgb`` or ``greyscale``.
    model: str
    #: In channel order.
    channels: tuple[ChannelRendering, ...]
    #: First and last value of the output, and its resolution (``QuantumDef``).
    quantization: tuple[int, int, int] = (0, 255, 255)
    name: str | None = None
    #: Quality of JPEGs that viewers make, from 0 to 1.
    compression: float | None = None
