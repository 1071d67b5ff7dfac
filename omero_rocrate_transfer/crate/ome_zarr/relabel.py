"""Gives the objects of an OME-XML ids of our form: numbers that are unique in one source."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum, EnumType
from typing import Final, cast
from xml.etree import ElementTree as ET

from ome_types import model

from omero_rocrate_transfer.crate.ome_zarr.axes import Flaw
from omero_rocrate_transfer.crate.ome_zarr.units import ome_length, ome_time
from omero_rocrate_transfer.crate.vocabulary import OME as NAMESPACE
from omero_rocrate_transfer.model.refs import ObjectRef

#: ``Image:0``, ``urn:lsid:host:Image:5-ab``: the type of the object comes before the last part.
_ID = re.compile(r"(?:urn:lsid:[^:]+:)?(?P<type>[A-Za-z]{1,64}):\S+\Z", re.ASCII)
#: Measurements, and what they must be above: sizes are "PositiveFloat" (OME-XML 2016-06, "Pixels").
_NUMBERS: Final = dict.fromkeys(("PhysicalSizeX", "PhysicalSizeY", "PhysicalSizeZ"), 0.0) | dict.fromkeys(
    ("TimeIncrement", "DeltaT", "ExposureTime", "PositionX", "PositionY", "PositionZ"), -math.inf
)
_SYMBOLS: Final[Mapping[str, str]] = {
    unit.name: unit.value for unit in (*model.UnitsLength, *model.UnitsTime)
}
#: All units of the schema, whatever they measure.
_UNITS: Final[frozenset[str]] = frozenset(
    str(unit.value)
    for name, units in vars(model).items()
    if name.startswith("Units") and isinstance(units, EnumType)
    for unit in cast(Iterable[Enum], units)
)


class Labels:
    """Numbers that were given out so far.

    Parameters
    ----------
    host
        First part of every LSID.
    """

    def __init__(self, host: str) -> None:
        self.host = host
        self._counts: Counter[str] = Counter()

    def new(self, kind: str) -> ObjectRef:
        """Return a reference that no other object has."""
        self._counts[kind] += 1
        return ObjectRef(kind, self._counts[kind])

    def relabel(self, data: bytes) -> tuple[bytes, int, list[Flaw]]:
        """Return the OME-XML with new ids, equal ones for equal ones, and what it lost.

        That are attachments, by their number, and measurements that OME-XML does not allow.

        Parameters
        ----------
        data
            Well-formed, and without a document type.
        """
        root = ET.fromstring(data)  # noqa: S314 - the caller has refused what could hurt
        dropped = _drop_attachments(root)
        flaws = [flaw for element in root.iter() if _is_ome(element) for flaw in _mend(element)]
        # images first: plates stand before them, and refer to them in an order of their own
        elements = [*root.iter(f"{{{NAMESPACE}}}Image"), *root.iter()]
        named = [(one, old) for one in elements if (old := one.get("ID")) is not None and _is_ome(one)]
        known: dict[str, str] = {}
        for element, old in named:
            if old not in known:
                match = _ID.match(old)
                kind = match["type"] if match else element.tag.rpartition("}")[2].removesuffix("Ref")
                known[old] = self.new(kind).lsid(self.host)
        for element, old in named:
            element.set("ID", known[old])
        text: bytes = ET.tostring(root, encoding="utf-8")
        return text, dropped, flaws


def _is_ome(element: ET.Element) -> bool:
    return element.tag.startswith(f"{{{NAMESPACE}}}")


def _mend(element: ET.Element) -> Iterator[Flaw]:
    """Take measurements out of an element that the schema refuses, and spell units as it does.

    A size of 0 and the unit ``um`` would cost all that the document says. Without its unit a number would
    be taken for micrometers or seconds, so both go together.
    """
    for key in [key for key in element.attrib if key.endswith("Unit")]:
        value, unit = element.attrib.get(key.removesuffix("Unit")), element.attrib[key]
        if unit in _UNITS:
            continue
        symbol = _SYMBOLS.get(ome_length(unit) or ome_time(unit) or "")
        if symbol is not None:
            element.set(key, symbol)
            continue
        del element.attrib[key]
        if element.attrib.pop(key.removesuffix("Unit"), None) is not None:
            yield Flaw(
                key.removesuffix("Unit"), f"{value!a:.50} has the unit {unit!a:.50}, which is not known"
            )
    for key, lowest in _NUMBERS.items():
        text = element.attrib.get(key)
        if text is not None and not _is_above(text, lowest):
            element.attrib.pop(f"{key}Unit", None)
            del element.attrib[key]
            yield Flaw(key, f"{text[:50]} is not a valid {'size' if lowest == 0.0 else 'number'}")


def _is_above(text: str, lowest: float) -> bool:
    try:
        return lowest < float(text) < math.inf
    except ValueError:
        return False


def _drop_attachments(root: ET.Element) -> int:
    """Remove FileAnnotations, whose files are nowhere, and the references to them."""
    found = {element.get("ID") for element in root.iter(f"{{{NAMESPACE}}}FileAnnotation")}
    unwanted = {f"{{{NAMESPACE}}}{name}" for name in ("FileAnnotation", "AnnotationRef")}
    for parent in root.iter():
        for child in list(parent):
            if child.tag in unwanted and child.get("ID") in found:
                parent.remove(child)
    return len(found)
