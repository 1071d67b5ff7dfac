"""Units of OME and of OME-Zarr.

NGFF 0.5 takes the units that UDUNITS-2 names; some of OME's are not among them, and are converted here.
"""

from __future__ import annotations

from typing import Final

#: ``UnitsLength`` names that NGFF 0.5 lists (its specification, section "axes").
_NGFF_LENGTHS: Final = frozenset(
    {
        *("ANGSTROM", "ATTOMETER", "CENTIMETER", "DECIMETER", "EXAMETER", "FEMTOMETER"),
        *("FOOT", "GIGAMETER", "HECTOMETER", "INCH", "KILOMETER", "MEGAMETER"),
        *("METER", "MICROMETER", "MILE", "MILLIMETER", "NANOMETER", "PARSEC"),
        *("PETAMETER", "PICOMETER", "TERAMETER", "YARD", "YOCTOMETER", "YOTTAMETER"),
        *("ZEPTOMETER", "ZETTAMETER"),
    }
)
#: ``UnitsTime`` names that NGFF 0.5 lists.
_NGFF_TIMES: Final = frozenset(
    {
        *("ATTOSECOND", "CENTISECOND", "DAY", "DECISECOND", "EXASECOND", "FEMTOSECOND"),
        *("GIGASECOND", "HECTOSECOND", "HOUR", "KILOSECOND", "MEGASECOND", "MICROSECOND"),
        *("MILLISECOND", "MINUTE", "NANOSECOND", "PETASECOND", "PICOSECOND", "SECOND"),
        *("TERASECOND", "YOCTOSECOND", "YOTTASECOND", "ZEPTOSECOND", "ZETTASECOND"),
    }
)
#: Micrometers in one of the lengths that NGFF does not know.
_MICROMETERS: Final = {
    "DECAMETER": 1e7,
    "THOU": 25.4,
    "LINE": 25400.0 / 12,
    "POINT": 25400.0 / 72,
    "ASTRONOMICALUNIT": 149597870700.0 * 1e6,
    "LIGHTYEAR": 9460730472580800.0 * 1e6,
}


def ngff_length(value: float, unit: str) -> tuple[float, str | None]:
    """Return value and NGFF unit of an OME length; None where it is no physical unit (pixel).

    Parameters
    ----------
    value
        In `unit`.
    unit
        Name of a ``UnitsLength``, e.g. ``"MICROMETER"``.
    """
    if unit in _NGFF_LENGTHS:
        return value, unit.lower()
    if unit in _MICROMETERS:
        return value * _MICROMETERS[unit], "micrometer"
    return value, None


def ngff_time(value: float, unit: str) -> tuple[float, str | None]:
    """Return value and NGFF unit of an OME time, named as in ``UnitsTime``."""
    if unit in _NGFF_TIMES:
        return value, unit.lower()
    if unit == "DECASECOND":
        return value * 10.0, "second"
    return value, None


def ome_length(unit: str | None) -> str | None:
    """Return the ``UnitsLength`` name of an NGFF unit, or None."""
    name = (unit or "").upper()
    return name if name in _NGFF_LENGTHS else None


def ome_time(unit: str | None) -> str | None:
    """Return the ``UnitsTime`` name of an NGFF unit, or None."""
    name = (unit or "").upper()
    return name if name in _NGFF_TIMES else None
