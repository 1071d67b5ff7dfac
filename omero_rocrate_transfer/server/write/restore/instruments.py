"""Instruments of a document: found again on the target, or made there once in a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import omero.model
from ome_types import model

from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.mapping import specs
from omero_rocrate_transfer.server.mapping.conversions import parse_ref
from omero_rocrate_transfer.server.mapping.elements import values_of
from omero_rocrate_transfer.server.mapping.fields import Spec, Values
from omero_rocrate_transfer.server.read.documents.images import InstrumentContent, Part
from omero_rocrate_transfer.server.write.restore.outside import Outside
from omero_rocrate_transfer.server.write.restore.target import Target, frozen
from omero_rocrate_transfer.server.write.target_ids import TargetIds

_PARTS: Final[Mapping[str, Spec]] = {spec.type: spec for spec in specs.PARTS}
_DOING: Final = "Restoring instruments"

Fields = Mapping[str, Mapping[str, Any]]


def instrument_content(
    element: model.Instrument, fields: Fields, outside: Outside
) -> InstrumentContent | None:
    """Return what a document says of an instrument; None where its id is no LSID."""
    ref = parse_ref(element.id)
    if ref is None:
        return None
    content = InstrumentContent(ref.id)
    if element.microscope is not None:
        prefix = "microscope."
        own = fields.get(element.id, {})
        left = {name.removeprefix(prefix): value for name, value in own.items() if name.startswith(prefix)}
        content.microscope = values_of(element.microscope, specs.MICROSCOPE, left)
    for part in _elements(element):
        part_ref = parse_ref(part.id)
        if part_ref is not None:
            spec = _PARTS[type(part).__name__]
            content.parts.append(Part(part_ref, spec, values_of(part, spec, fields.get(part.id))))
    content.parts += [Part(one, specs.OTF, values) for one, values in outside.of(element.id, specs.OTF)]
    order = {spec.type: place for place, spec in enumerate(specs.PARTS)}
    content.parts.sort(key=lambda part: (order[part.spec.type], part.ref.id))
    return content


def _elements(element: model.Instrument) -> Iterator[Any]:
    yield from (*element.objectives, *element.detectors, *element.light_source_group)
    yield from (*element.dichroics, *element.filters, *element.filter_sets)


class InstrumentRestorer:
    """Restores the instruments of one document.

    Parameters
    ----------
    ids
        Instruments that other documents have, too.
    """

    def __init__(self, target: Target, ids: TargetIds) -> None:
        self._target = target
        self._ids = ids

    def restore(self, contents: Mapping[str, InstrumentContent], there: Iterable[InstrumentContent]) -> None:
        """Find or make instruments, by their LSID; puts their parts into the refs of the target.

        Parameters
        ----------
        there
            What the import made: the same content means the same instrument.
        """
        known = {_canonical(content): content for content in there}

        def create(lsids: Sequence[str]) -> dict[str, ObjectRef]:
            return {lsid: self._found_or_made(lsid, contents[lsid], known) for lsid in lsids}

        self._ids.create_once(list(contents), create)
        for lsid, content in contents.items():
            self._recall(lsid, content)

    def _recall(self, lsid: str, content: InstrumentContent) -> None:
        """Take up what became of an instrument and its parts, also where another unit made them."""
        host = lsid.split(":")[2]
        for ref in (ObjectRef("Instrument", content.id), *(part.ref for part in content.parts)):
            made = self._ids.get(ref.lsid(host))
            if made is not None:
                self._target.refs[ref] = made

    def _found_or_made(
        self, lsid: str, content: InstrumentContent, known: Mapping[Any, InstrumentContent]
    ) -> ObjectRef:
        same = known.get(_canonical(content))
        if same is not None:
            made = [ObjectRef(part.spec.type, part.ref.id) for part in same.parts]
            number = same.id
        else:
            number, made = self._make(content)
        host = lsid.split(":")[2]
        pairs = zip(content.parts, made, strict=True)
        self._ids.add({part.ref.lsid(host): ref for part, ref in pairs})
        return ObjectRef("Instrument", number)

    def _make(self, content: InstrumentContent) -> tuple[int, list[ObjectRef]]:
        instrument = omero.model.InstrumentI()
        assigner = self._target.assigner()
        if content.microscope is not None:
            instrument.setMicroscope(assigner.new(specs.MICROSCOPE, content.microscope))
        [saved] = self._target.save([instrument], doing=_DOING)
        owner = omero.model.InstrumentI(saved.id.val, False)  # noqa: FBT003 -- a reference
        refs: list[ObjectRef] = []
        # class by class: filter sets refer to filters, lasers to what pumps them
        for batch in _in_turn(content.parts):
            new = [assigner.new(part.spec, part.values) for part in batch]
            for one in new:
                one.setInstrument(owner)
            for part, one in zip(batch, self._target.save(new, doing=_DOING), strict=True):
                made = ObjectRef(part.spec.type, one.id.val)
                self._target.refs[part.ref] = made
                refs.append(made)
        return saved.id.val, refs


def _in_turn(parts: Sequence[Part]) -> Iterator[list[Part]]:
    """Yield parts in their order, cut where one refers to another just before it."""
    batch: list[Part] = []
    for part in parts:
        if batch and any(ref in {one.ref for one in batch} for ref in _refs(part.values)):
            yield batch
            batch = []
        batch.append(part)
    if batch:
        yield batch


def _refs(values: Values) -> Iterator[ObjectRef]:
    for value in values.values():
        if isinstance(value, ObjectRef):
            yield value
        elif isinstance(value, tuple):
            yield from (one for one in value if isinstance(one, ObjectRef))


def _canonical(content: InstrumentContent) -> Any:
    """Return an instrument without ids: parts refer to each other by their place."""
    place = {part.ref: place for place, part in enumerate(content.parts)}
    parts = [(part.spec.type, frozen(_placed(part.values, place))) for part in content.parts]
    return (frozen(content.microscope), tuple(parts))


def _placed(values: Values, place: Mapping[ObjectRef, int]) -> Values:
    found: Values = {}
    for name, value in values.items():
        if isinstance(value, ObjectRef):
            found[name] = place.get(value)
        elif isinstance(value, tuple) and any(isinstance(one, ObjectRef) for one in value):
            found[name] = tuple(sorted(place.get(one, -1) for one in value))
        elif isinstance(value, dict):
            found[name] = _placed(value, place)
        else:
            found[name] = value
    return found
