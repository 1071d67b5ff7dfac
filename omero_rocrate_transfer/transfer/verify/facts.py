"""What OME documents say about their objects, ids aside, so that two servers can be compared.

An object that another one refers to stands for what it says: two images have the same ROIs if these are drawn
alike, whatever their ids. Who owns something, and when that was made, is left out: a transfer cannot keep it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import struct
from collections import Counter, defaultdict
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel

from omero_rocrate_transfer.model.document import Document
from omero_rocrate_transfer.model.errors import IncompleteError
from omero_rocrate_transfer.model.refs import ObjectRef, parse_lsid

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from omero_rocrate_transfer.model.contents import Container, ImageRecord

Facts = dict[str, Any]

# fmt: off
#: Ids, owners, what has its own place in a comparison (files, pixels), and what a file system decides.
_IGNORED: Final = frozenset(
    [
        "annotator", "big_endian", "bin_data_blocks", "binary_file", "creator", "dataset_refs",
        "experimenter_group_ref", "experimenter_ref", "experimenter_refs", "href", "id", "image_refs",
        "interleaved", "kind",
        "leader_refs", "metadata_only", "microbeam_manipulation_refs", "plate_refs", "tiff_data_blocks",
        "uuid",
    ]
)
# fmt: on
#: Lists whose order says nothing: OMERO keeps sets of these (omero-model, ``zeromany`` without ``ordered``).
_SETS: Final = frozenset(
    (
        *("objectives", "detectors", "dichroics", "filters", "filter_sets", "arcs", "filaments", "lasers"),
        *("light_emitting_diodes", "generic_excitation_sources", "reagents"),
    )
)
#: Fractions, which Bio-Formats holds in four bytes (ome-xml, ``PercentFraction``), by their names in OME-XML
#: and in OMERO.
_FRACTIONS: Final = frozenset(("attenuation", "humidity", "co2_percent", "co2percent", "transmittance"))
#: Name of a field that the element of a plane cannot hold, in the extras of its Pixels.
_OF_PLANE: Final = re.compile(r"planes\[(\d+)\]\.(.+)", re.DOTALL)
#: Where the facts of an image have its ROIs.
_ROIS: Final = "roi_refs"
#: Characters of a digest: enough to tell objects of one image apart.
_SHOWN: Final = 12
#: Objects that one may reach through others: annotations on annotations, in practice one or two.
_MAX_CHAIN: Final = 64


class DocumentFacts:
    """The facts of one document.

    Parameters
    ----------
    document
        Of a unit or of the containers.
    ignored_namespaces
        Beginnings of namespaces whose annotations are not compared: those that transfers write.
    said
        Takes what objects say that others refer to, by kind and digest.
    """

    def __init__(
        self,
        document: Document,
        *,
        ignored_namespaces: Collection[str] = (),
        said: dict[str, Any] | None = None,
    ) -> None:
        self._said = said
        self._extras = document.extras
        self._ignored = tuple(ignored_namespaces)
        self._objects: dict[str, BaseModel] = dict(_iter_objects(document.ome))
        self._digests: dict[str, str] = {}

    def of_type(self, name: str) -> Iterator[tuple[ObjectRef, Facts]]:
        """Yield reference and facts of every object of a type, like ``"Image"``.

        Facts are values by their path, ``"pixels.size_x"``; what is referred to is counted under its kind.
        """
        for lsid, found in self._objects.items():
            parsed = parse_lsid(lsid)
            if type(found).__name__ == name and parsed is not None:
                facts = dict(_flatten(self._describe(found, frozenset([lsid]))))
                rendering = self._extras.rendering.get(lsid, ())
                if rendering:
                    facts["rendering"] = str(rendering[0].rendering)
                yield parsed[1], facts

    def count_rois(self) -> Iterator[tuple[ObjectRef, Counter[str]]]:
        """Yield each image with its ROIs, counted by what they say."""
        for lsid, found in self._objects.items():
            parsed = parse_lsid(lsid)
            if type(found).__name__ == "Image" and parsed is not None:
                said = (self._refer(ref.id, frozenset([lsid])) for ref in getattr(found, _ROIS))
                yield parsed[1], Counter(filter(None, said))

    def _describe(self, value: Any, path: frozenset[str]) -> Any:
        """Return a value as plain dicts, lists, texts and numbers.

        Raises
        ------
        IncompleteError
            Its objects refer to each other in a chain that is too long to be followed.
        """
        if len(path) > _MAX_CHAIN:
            raise IncompleteError(
                f"More than {_MAX_CHAIN} objects refer to one another in a chain.",
                hint="Annotations on annotations nest too deep to be compared.",
            )
        if isinstance(value, BaseModel):
            return self._describe_object(value, path)
        if dataclasses.is_dataclass(value):
            fields = ((one.name, getattr(value, one.name)) for one in dataclasses.fields(value))
            return {
                name: self._describe(item, path) for name, item in fields if item not in (None, "", [], {})
            }
        if isinstance(value, list | tuple):
            if value and all(map(_is_reference, value)):
                return dict(Counter(filter(None, (self._refer(one.id, path) for one in value))))
            return [self._describe(item, path) for item in value]
        return _plain(value)

    def _describe_object(self, value: BaseModel, path: frozenset[str]) -> Any:
        identifier = getattr(value, "id", None)
        if _is_reference(value):
            return self._refer(str(identifier), path)
        found = {}
        for name in type(value).model_fields:
            item = getattr(value, name)
            if name not in _IGNORED and item is not None:
                described = self._describe_field(value, name, item, path)
                if described not in ("", [], {}, None):
                    found[name] = described
        if isinstance(identifier, str):
            if type(value).__name__.endswith("Settings"):
                found["of"] = self._refer(identifier, path)
            found |= self._extra_facts(identifier, path)
        return found

    def _describe_field(self, owner: BaseModel, name: str, value: Any, path: frozenset[str]) -> Any:
        if name == "planes":
            return self._describe_planes(str(getattr(owner, "id", "")), value, path)
        described = self._describe(value, path)
        return sorted(described, key=_as_text) if name in _SETS else _rounded(name, described)

    def _describe_planes(self, pixels: str, planes: Collection[BaseModel], path: frozenset[str]) -> Facts:
        """Return what is known of planes, by their place in Z, C and T: ids give no order."""
        left: dict[int, Facts] = defaultdict(dict)
        for name, value in self._extras.fields.get(pixels, {}).items():
            if match := _OF_PLANE.match(name):
                left[int(match[1])][f"+{match[2]}"] = _plain(value)
        by_place: dict[str, list[Facts]] = defaultdict(list)
        for index, plane in enumerate(planes):
            facts = self._describe(plane, path) | left[index]
            place = ", ".join(f"{axis}={facts.pop(f'the_{axis}')}" for axis in "zct")
            by_place[place].append(facts)
        return {
            f"{place} #{count}" if count else place: facts
            for place, found in by_place.items()
            for count, facts in enumerate(sorted(found, key=_as_text))
        }

    def _extra_facts(self, lsid: str, path: frozenset[str]) -> Facts:
        found: Facts = {}
        for name, value in self._extras.fields.get(lsid, {}).items():
            if _OF_PLANE.match(name):
                continue
            refers = isinstance(value, str) and parse_lsid(value) is not None
            plain = self._refer(str(value), path) if refers else _plain(value)
            found[f"+{name}"] = _rounded(name.rpartition(".")[2], plain)
        facts = self._extras.annotations.facts.get(lsid)
        if facts is not None:
            known = {"name": facts.name, "null": facts.null or None, "text": facts.text, "pairs": facts.pairs}
            found |= {f"+{name}": _plain(value) for name, value in known.items() if value is not None}
        return found

    def _refer(self, lsid: str, path: frozenset[str]) -> str | None:
        """Return kind and digest of what an object says, None where it is not compared."""
        target = self._objects.get(lsid)
        if target is None or lsid in path:
            # in another document, or one of those that this one hangs on
            parsed = parse_lsid(lsid)
            return parsed[1].type if parsed is not None else "object"
        if (getattr(target, "namespace", None) or "").startswith(self._ignored or ("\0",)):
            return None
        if lsid not in self._digests:
            described = self._describe(target, path | {lsid})
            digest = hashlib.sha256(_as_text(described).encode("utf-8", "surrogatepass")).hexdigest()[:_SHOWN]
            self._digests[lsid] = f"{type(target).__name__} {digest}"
            if self._said is not None:
                self._said[self._digests[lsid]] = described
        return self._digests[lsid]


def name_facts(thing: Container | ImageRecord) -> Facts:
    """Return what a line of the plan says of an object."""
    return {"name": thing.name, "description": thing.description or None}


def add_rois(facts: Facts, rois: Mapping[str, int]) -> None:
    """Add ROIs of a page to the facts of their image, as if its document had them."""
    for said, count in rois.items():
        name = f"{_ROIS}.{said}"
        facts[name] = facts.get(name, 0) + count


def _iter_objects(value: Any) -> Iterator[tuple[str, BaseModel]]:
    """Yield everything in a document that has an id and is no reference to something else."""
    if isinstance(value, BaseModel):
        identifier = getattr(value, "id", None)
        refers = _is_reference(value) or type(value).__name__.endswith("Settings")
        if isinstance(identifier, str) and not refers:
            yield identifier, value
        for name in type(value).model_fields:
            yield from _iter_objects(getattr(value, name))
    elif isinstance(value, list):
        for item in value:
            yield from _iter_objects(item)


def _is_reference(value: Any) -> bool:
    return isinstance(value, BaseModel) and type(value).__name__.endswith("Ref")


def _flatten(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _flatten(item, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _flatten(item, f"{path}[{number}]")
    else:
        yield path, value


def _as_text(described: Any) -> str:
    return json.dumps(described, sort_keys=True, default=str)


def _rounded(name: str, value: Any) -> Any:
    """Return a fraction as four bytes hold it, everything else as it is."""
    if name not in _FRACTIONS or not isinstance(value, float) or abs(value) > 1:
        return value
    return struct.unpack("f", struct.pack("f", value))[0]


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat() if value.tzinfo else value.replace(tzinfo=UTC).isoformat()
    if isinstance(value, bool | int | float | str):
        return value
    return str(value)
