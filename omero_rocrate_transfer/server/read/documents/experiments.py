"""Experiments with the microbeam manipulations in them, read with few queries as plain values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from omero_rocrate_transfer.server.mapping import specs
from omero_rocrate_transfer.server.mapping.fields import Values, read
from omero_rocrate_transfer.server.session.enumerations import Enumerations
from omero_rocrate_transfer.server.session.queries import Reader

_EXPERIMENTS: Final = (
    "select e from Experiment e left outer join fetch e.microbeamManipulation where e.id in (:ids)"
)
_SETTINGS: Final = (
    "select s from LightSettings s join fetch s.lightSource where s.microbeamManipulation.id in (:ids)"
)
_OF_CHANNELS: Final = (
    "select g.lightSourceSettings.id, g.id from LogicalChannel g"
    " where g.lightSourceSettings.microbeamManipulation.id in (:ids) order by g.id"
)
_DOING: Final = "Reading experiments"


@dataclass(slots=True)
class ManipulationContent:
    """One microbeam manipulation."""

    id: int
    values: Values
    #: Id and values of the settings of light that no channel has; a channel says itself what it belongs to.
    settings: list[tuple[int, Values]] = field(default_factory=list)


@dataclass(slots=True)
class ExperimentContent:
    """One experiment; what is in it in the order of ids."""

    id: int
    values: Values
    manipulations: list[ManipulationContent] = field(default_factory=list)
    #: Instruments that the light comes from.
    instruments: tuple[int, ...] = ()


def read_experiments(
    reader: Reader, enumerations: Enumerations, ids: Iterable[int]
) -> dict[int, ExperimentContent]:
    """Read experiments whole, by id."""
    found: dict[int, ExperimentContent] = {}
    holder: dict[int, tuple[ExperimentContent, ManipulationContent]] = {}
    for one in reader.objects(_EXPERIMENTS, ids, doing=_DOING):
        content = found[one.id.val] = ExperimentContent(one.id.val, read(one, specs.EXPERIMENT, enumerations))
        for each in one.copyMicrobeamManipulation():
            made = ManipulationContent(each.id.val, read(each, specs.MICROBEAM, enumerations))
            content.manipulations.append(made)
            holder[made.id] = content, made
        content.manipulations.sort(key=lambda each: each.id)
    of_channels = {row[0] for row in reader.rows(_OF_CHANNELS, holder, doing=_DOING)}
    for settings in sorted(reader.objects(_SETTINGS, holder, doing=_DOING), key=lambda each: each.id.val):
        if settings.id.val not in of_channels:
            content, made = holder[settings.microbeamManipulation.id.val]
            values = read(settings, specs.LIGHT_SETTINGS, enumerations)
            del values["microbeamManipulation"]
            made.settings.append((settings.id.val, values))
            content.instruments += (settings.lightSource.instrument.id.val,)
    return found


def instruments_of(experiments: Iterable[ExperimentContent]) -> Iterator[int]:
    """Yield the ids of the instruments that experiments refer to."""
    for content in experiments:
        yield from content.instruments
