"""Units of OME and of OME-Zarr.

NGFF 0.5 takes the units that UDUNITS-2 names; some of OME's are not among them, and are converted here.
"""

from __future__ import annotations

from collections.abc import Mapping
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
_MICRO_SIGN: Final = "\N{MICRO SIGN}"
_MU: Final = "\N{GREEK SMALL LETTER MU}"
_PREFIXES: Final = {
    "y": "YOCTO",
    "z": "ZEPTO",
    "a": "ATTO",
    "f": "FEMTO",
    "p": "PICO",
    "n": "NANO",
    "u": "MICRO",
    _MU: "MICRO",
    "m": "MILLI",
    "c": "CENTI",
    "d": "DECI",
    "": "",
    "h": "HECTO",
    "k": "KILO",
    "M": "MEGA",
    "G": "GIGA",
    "T": "TERA",
    "P": "PETA",
    "E": "EXA",
    "Z": "ZETTA",
    "Y": "YOTTA",
}
#: Symbols of UDUNITS-2 (its ``udunits2-base.xml`` and ``udunits2-prefixes.xml``), and what microscopes write.
_METERS: Final = {f"{prefix}m": f"{name}METER" for prefix, name in _PREFIXES.items()} | {
    "\N{LATIN CAPITAL LETTER A WITH RING ABOVE}": "ANGSTROM",
    "\N{ANGSTROM SIGN}": "ANGSTROM",
    "in": "INCH",
    "ft": "FOOT",
    "yd": "YARD",
    "mi": "MILE",
    "pc": "PARSEC",
    "px": "PIXEL",
}
_SECONDS: Final = {f"{prefix}s": f"{name}SECOND" for prefix, name in _PREFIXES.items()} | {
    "h": "HOUR",
    "hr": "HOUR",
    "min": "MINUTE",
    "d": "DAY",
}
#: Words in the singular, besides those that NGFF lists.
_LENGTHS: Final = {
    "micron": "MICROMETER",
    "feet": "FOOT",
    "inche": "INCH",
    "international_foot": "FOOT",
    "international_inch": "INCH",
    "\N{LATIN SMALL LETTER A WITH RING ABOVE}ngstr\xf6m": "ANGSTROM",
    "angstr\xf6m": "ANGSTROM",
    "\N{LATIN SMALL LETTER A WITH RING ABOVE}ngstrom": "ANGSTROM",
    "um": "MICROMETER",
}
_TIMES: Final = {
    "sec": "SECOND",
    "min": "MINUTE",
    "hr": "HOUR",
    "msec": "MILLISECOND",
    "millisec": "MILLISECOND",
    "usec": "MICROSECOND",
    f"{_MU}sec": "MICROSECOND",
    "nsec": "NANOSECOND",
}
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


def ome_length(unit: str) -> str | None:
    """Return the ``UnitsLength`` name of a unit in any usual spelling, or None."""
    name = _find(unit, _LENGTHS, _METERS)
    return name if name in _NGFF_LENGTHS or name == "PIXEL" else None


def ome_time(unit: str) -> str | None:
    """Return the ``UnitsTime`` name of a unit in any usual spelling, or None."""
    name = _find(unit, _TIMES, _SECONDS)
    return name if name in _NGFF_TIMES else None


def _find(unit: str, words: Mapping[str, str], symbols: Mapping[str, str]) -> str | None:
    """Return the OME name: words in any case and number, symbols as they are written."""
    text = unit.strip().replace(_MICRO_SIGN, _MU)
    if text in symbols:
        return symbols[text]
    word = text.lower().replace("metre", "meter")
    for one in (word, word.removesuffix("s"), word.removesuffix("es")):
        if (name := words.get(one, one.upper())) in {*_NGFF_LENGTHS, *_NGFF_TIMES, "PIXEL"}:
            return name
    return None
