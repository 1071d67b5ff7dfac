"""Plates: set to what the document says, where the import made them otherwise; wells found by their place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import omero.model
from ome_types import OME, model

from omero_rocrate_transfer.model.extras import Extras
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.mapping.elements import values_of
from omero_rocrate_transfer.server.mapping.fields import Spec, Values, reference
from omero_rocrate_transfer.server.read.documents.plate_elements import REAGENT_LINK
from omero_rocrate_transfer.server.read.documents.plates import (
    PLATE,
    RUN,
    SAMPLE,
    WELL,
    PlateContent,
    WellContent,
    place_of,
    read_plates,
)
from omero_rocrate_transfer.server.session.queries import by_ids
from omero_rocrate_transfer.server.write.restore.images import merged
from omero_rocrate_transfer.server.write.restore.target import Target
from omero_rocrate_transfer.server.write.target_ids import TargetIds

_SPECS: Final = (PLATE, RUN, WELL, SAMPLE)
_LINKS: Final = (
    "select l.parent.id, l.child.id from WellReagentLink l where l.parent.id in (:ids) order by l.id"
)
#: Row, column and number of a field.
Field = tuple[int, int, int]
_NO_WELL: Final = "the target made no such {name} of the same files"


class PlateRestorer:
    """Restores the plates of one document.

    Parameters
    ----------
    ids
        Knows plates and reagents; gets wells and runs.
    """

    def __init__(self, target: Target, extras: Extras, ids: TargetIds) -> None:
        self._target = target
        self._extras = extras
        self._ids = ids
        self._wanted: dict[str, dict[int, Values]] = {}
        self._links: dict[tuple[int, int], None] = {}
        self._more_reagents: dict[str, list[str]] = {}
        for one in extras.objects:
            if one.type == REAGENT_LINK:
                self._more_reagents.setdefault(one.parent, []).append(one.id)

    def restore(self, document: OME) -> None:
        """Restore all plates that are on the target."""
        known = {one.id: made.id for one in document.plates if (made := self._ids.get(one.id)) is not None}
        if not known:
            return
        there = read_plates(self._target.reader, self._target.enumerations, known.values())
        for element in document.plates:
            if element.id in known and known[element.id] in there:
                self._compare(element, there[known[element.id]])
        for spec in _SPECS:
            if spec.type in self._wanted:
                hql = by_ids(spec.type)
                self._target.change(hql, self._wanted[spec.type], spec, doing=f"Restoring {spec.type}s")
        self._link_reagents()

    def _compare(self, element: model.Plate, there: PlateContent) -> None:
        self._want(element, PLATE, there.id, there.values)
        made: dict[str, ObjectRef] = {}
        for run, (number, values) in self._pair_runs(element, there):
            self._want(run, RUN, number, values)
            made[run.id] = ObjectRef("PlateAcquisition", number)
        self._tell("PlateAcquisition", len(element.plate_acquisitions) - len(there.runs))
        wells = {place_of(well.values): well for well in there.wells}
        for well in element.wells:
            found = wells.get((well.row, well.column))
            self._tell("Well", 0 if found else 1)
            if found is not None:
                self._compare_well(well, found)
                made[well.id] = ObjectRef("Well", found.id)
        self._ids.add(made)

    def _pair_runs(
        self, element: model.Plate, there: PlateContent
    ) -> Iterator[tuple[model.PlateAcquisition, tuple[int, Values]]]:
        """Pair runs that hold the same fields, then those that say the same, then the others as they come."""
        fields, new_fields = _fields_of_element(element), _fields_of_content(there)
        said = {
            one.id: values_of(one, RUN, self._extras.fields.get(one.id)) for one in element.plate_acquisitions
        }
        keys: tuple[tuple[Callable[[Any], Any], Callable[[Any], Any]], ...] = (
            # runs without fields are not told apart by them: an empty one is equal to nothing
            (lambda old: fields.get(old.id, old), lambda new: new_fields.get(new[0])),
            (lambda old: said[old.id], lambda new: new[1]),
            (lambda _: None, lambda _: None),
        )
        old_runs, new_runs = list(element.plate_acquisitions), list(there.runs)
        for of_old, of_new in keys:
            for old in tuple(old_runs):
                match = next((new for new in new_runs if of_new(new) == of_old(old)), None)
                if match is not None:
                    old_runs.remove(old)
                    new_runs.remove(match)
                    yield old, match

    def _compare_well(self, element: model.Well, there: WellContent) -> None:
        self._want(element, WELL, there.id, there.values)
        in_order = sorted(element.well_samples, key=lambda sample: sample.index)
        for sample, found in zip(in_order, there.samples, strict=False):
            self._want(sample, SAMPLE, found.id, found.values)
        refs = [element.reagent_ref.id] if element.reagent_ref is not None else []
        refs += self._more_reagents.get(element.id, ())
        for lsid in refs:
            reagent = self._ids.get(lsid)
            self._tell("WellReagentLink", 0 if reagent else 1)
            if reagent is not None:
                self._links[there.id, reagent.id] = None

    def _want(self, element: Any, spec: Spec, number: int, there: Values) -> None:
        wanted = values_of(element, spec, self._extras.fields.get(element.id))
        if not self._extras.complete:
            wanted = merged(there, wanted)
        if wanted != there:
            self._wanted.setdefault(spec.type, {})[number] = wanted

    def _tell(self, name: str, count: int) -> None:
        self._target.lose(name, _NO_WELL.format(name=name), max(count, 0))

    def _link_reagents(self) -> None:
        wells = {well for well, _ in self._links}
        there = set(self._target.reader.rows(_LINKS, wells, doing="Linking reagents"))
        new = (_link(well, reagent) for well, reagent in self._links if (well, reagent) not in there)
        for _ in self._target.insert(new, doing="Linking reagents"):
            pass


def _fields_of_element(element: model.Plate) -> dict[str, set[Field]]:
    """Return the fields of each run that has some, by its LSID."""
    place = {
        sample.id: (well.row, well.column, number)
        for well in element.wells
        for number, sample in enumerate(sorted(well.well_samples, key=lambda sample: sample.index))
    }
    found = {
        run.id: {place[ref.id] for ref in run.well_sample_refs if ref.id in place}
        for run in element.plate_acquisitions
    }
    return {lsid: fields for lsid, fields in found.items() if fields}


def _fields_of_content(content: PlateContent) -> dict[int, set[Field]]:
    """Return the fields of each run that has some, by its id."""
    found: dict[int, set[Field]] = {}
    for well in content.wells:
        for number, sample in enumerate(well.samples):
            if sample.run is not None:
                found.setdefault(sample.run, set()).add((*place_of(well.values), number))
    return found


def _link(well: int, reagent: int) -> Any:
    link = omero.model.WellReagentLinkI()
    link.setParent(reference(ObjectRef("Well", well)))
    link.setChild(reference(ObjectRef("Reagent", reagent)))
    return link
