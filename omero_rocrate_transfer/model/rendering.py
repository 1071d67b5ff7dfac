"""Rendering settings: how an image is shown, apart from what it holds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CodomainMap:
    """One thing done to the values of a channel before they are shown: a ``CodomainMapContext`` of OMERO."""

    #: ``ReverseIntensityContext``, ``PlaneSlicingContext`` or ``ContrastStretchingContext``.
    type: str
    #: By OMERO's names.
    values: dict[str, bool | int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """How a stack becomes one plane: a ``ProjectionDef`` of OMERO."""

    #: ``Z``, ``T``, ``ModuloZ`` or ``ModuloT``.
    axis: str
    #: ``maximum``, ``mean`` or ``sum``.
    type: str
    active: bool
    #: First and last plane, and the step between planes.
    start: int | None = None
    end: int | None = None
    stepping: int | None = None


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
    #: All that is done to the values, in its order; empty where `inverted` says it all.
    maps: tuple[CodomainMap, ...] = ()


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
    projections: tuple[Projection, ...] = ()
