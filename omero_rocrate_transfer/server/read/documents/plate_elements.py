"""Plates as elements of an OME document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ome_types import model

from omero_rocrate_transfer.model.extras import ExtraObject
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.mapping.conversions import legible
from omero_rocrate_transfer.server.read.documents.builder import Draft
from omero_rocrate_transfer.server.read.documents.plates import (
    PLATE,
    RUN,
    SAMPLE,
    WELL,
    PlateContent,
    SampleContent,
    WellContent,
)

#: Link of a well to one more reagent than OME 2016-06 has a place for.
REAGENT_LINK: Final = "WellReagentLink"


def add_plate(draft: Draft, content: PlateContent, screens: Mapping[int, str]) -> None:
    """Add a plate to a document, which need not have its images.

    Parameters
    ----------
    screens
        Names of the screens that it is in, by their ids.
    """
    ref = ObjectRef("Plate", content.id)
    fields = draft.arguments(PLATE, ref, content.values)
    if content.description is not None:
        fields["description"] = legible(content.description)
    wells = []
    samples_before = 0
    for well in content.wells:
        wells.append(_well(draft, well, samples_before))
        samples_before += len(well.samples)
    runs = [_run(draft, content, number) for number, _ in content.runs]
    element = model.Plate(
        id=ref.lsid(draft.host), name=legible(content.name), wells=wells, plate_acquisitions=runs, **fields
    )
    # Added afterwards: ome-types warns of every reference to an image, which may be in another document.
    draft.document.plates.append(element)
    _add_screens(draft, content, screens)


def _add_screens(draft: Draft, content: PlateContent, screens: Mapping[int, str]) -> None:
    """Add what the plate and its wells refer to, no more: such references must not leave the document.

    OME 2016-06 has keys for plates in screens and for reagents of wells, not for images.
    """
    elements = {element.id: element for element in draft.document.screens}
    reagents = {pair for well in content.wells for pair in well.reagents.items()}
    for number in sorted({*screens, *(screen for _, screen in reagents)}):
        lsid = ObjectRef("Screen", number).lsid(draft.host)
        if lsid not in elements:
            name = screens.get(number)
            elements[lsid] = model.Screen(id=lsid, name=None if name is None else legible(name))
            draft.document.screens.append(elements[lsid])
        if number in screens:
            plate = ObjectRef("Plate", content.id).lsid(draft.host)
            elements[lsid].plate_refs.append(model.Screen.PlateRef(id=plate))
        there = {element.id for element in elements[lsid].reagents}
        mine = (
            ObjectRef("Reagent", one).lsid(draft.host) for one, screen in sorted(reagents) if screen == number
        )
        elements[lsid].reagents.extend(model.Reagent(id=one) for one in mine if one not in there)


def _run(draft: Draft, content: PlateContent, number: int) -> model.PlateAcquisition:
    ref = ObjectRef("PlateAcquisition", number)
    samples = [sample.id for well in content.wells for sample in well.samples if sample.run == number]
    refs = [model.WellSampleRef(id=ObjectRef("WellSample", one).lsid(draft.host)) for one in samples]
    arguments = draft.arguments(RUN, ref, dict(content.runs)[number])
    return model.PlateAcquisition(id=ref.lsid(draft.host), well_sample_refs=refs, **arguments)


def _well(draft: Draft, well: WellContent, samples_before: int) -> model.Well:
    ref = ObjectRef("Well", well.id)
    fields: dict[str, Any] = draft.arguments(WELL, ref, well.values)
    # The index is unique within the plate (OME 2016-06, WellSample.Index).
    samples = [_sample(draft, one, samples_before + place) for place, one in enumerate(well.samples)]
    reagents = [ObjectRef("Reagent", one).lsid(draft.host) for one in well.reagents]
    if reagents:
        fields["reagent_ref"] = model.ReagentRef(id=reagents[0])
    for place, reagent in enumerate(reagents[1:]):
        draft.objects.append(
            ExtraObject(id=reagent, type=REAGENT_LINK, parent=ref.lsid(draft.host), index=1 + place)
        )
    return model.Well(id=ref.lsid(draft.host), well_samples=samples, **fields)


def _sample(draft: Draft, sample: SampleContent, index: int) -> model.WellSample:
    ref = ObjectRef("WellSample", sample.id)
    image = model.ImageRef(id=ObjectRef("Image", sample.image).lsid(draft.host))
    arguments = draft.arguments(SAMPLE, ref, sample.values)
    return model.WellSample(id=ref.lsid(draft.host), index=index, image_ref=image, **arguments)
