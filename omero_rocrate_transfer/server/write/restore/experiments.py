"""Experiments of a document: found again on the target, or made there once in a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from omero_rocrate_transfer.model.document import Document
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.mapping import specs
from omero_rocrate_transfer.server.mapping.conversions import parse_ref
from omero_rocrate_transfer.server.mapping.elements import values_of
from omero_rocrate_transfer.server.mapping.fields import Values, reference
from omero_rocrate_transfer.server.read.documents.experiments import ExperimentContent, ManipulationContent
from omero_rocrate_transfer.server.write.restore.outside import Outside
from omero_rocrate_transfer.server.write.restore.target import Target, frozen
from omero_rocrate_transfer.server.write.target_ids import TargetIds

_DOING: Final = "Restoring experiments"
_NO_LIGHT: Final = "the light source of a microbeam manipulation is not on the target"
#: OMERO wants a type, the OME schema does not.
_NO_TYPE: Final = {"type": "Unknown"}


def experiment_contents(document: Document, outside: Outside) -> dict[str, ExperimentContent]:
    """Return what a document says of its experiments, by LSID; without those whose id is none."""
    found: dict[str, ExperimentContent] = {}
    for element in document.ome.experiments:
        ref = parse_ref(element.id)
        if ref is None:
            continue
        values = _NO_TYPE | values_of(element, specs.EXPERIMENT, document.extras.fields.get(element.id))
        found[element.id] = content = ExperimentContent(ref.id, values)
        host = element.id.split(":")[2]
        for own, manipulation in outside.of(element.id, specs.MICROBEAM):
            made = ManipulationContent(own.id, _NO_TYPE | manipulation)
            settings = outside.of(own.lsid(host), specs.LIGHT_SETTINGS)
            made.settings = [(each.id, light) for each, light in settings]
            content.manipulations.append(made)
    return found


class ExperimentRestorer:
    """Restores the experiments of one document, once the instruments are there.

    Parameters
    ----------
    ids
        Experiments that other documents have, too.
    """

    def __init__(self, target: Target, ids: TargetIds) -> None:
        self._target = target
        self._ids = ids

    def restore(self, contents: Mapping[str, ExperimentContent], there: Iterable[ExperimentContent]) -> None:
        """Find or make experiments, by their LSID; puts all of them into the refs of the target.

        Parameters
        ----------
        there
            What the import made: the same content means the same experiment.
        """
        known = {_canonical(content): content for content in there}

        def create(lsids: Sequence[str]) -> dict[str, ObjectRef]:
            same = {lsid: self._same(contents[lsid], known) for lsid in lsids}
            made = {lsid: self._take(lsid, contents[lsid], one) for lsid, one in same.items() if one}
            return made | self._make({lsid: contents[lsid] for lsid, one in same.items() if one is None})

        self._ids.create_once(list(contents), create)
        for lsid, content in contents.items():
            self._recall(lsid, content)

    def _recall(self, lsid: str, content: ExperimentContent) -> None:
        """Take up what became of an experiment, also where another unit made it."""
        own = (_manipulation(each) for each in content.manipulations)
        for ref in (ObjectRef("Experiment", content.id), *own):
            made = self._ids.get(ref.lsid(_host(lsid)))
            if made is not None:
                self._target.refs[ref] = made

    def _same(
        self, content: ExperimentContent, known: Mapping[Any, ExperimentContent]
    ) -> ExperimentContent | None:
        return known.get(_canonical(content, self._target)) if known else None

    def _take(self, lsid: str, content: ExperimentContent, same: ExperimentContent) -> ObjectRef:
        pairs = zip(_in_order(content, self._target), _in_order(same), strict=True)
        self._ids.add({_manipulation(old).lsid(_host(lsid)): _manipulation(new) for old, new in pairs})
        return ObjectRef("Experiment", same.id)

    def _make(self, contents: Mapping[str, ExperimentContent]) -> dict[str, ObjectRef]:
        assigner = self._target.assigner()
        new = [assigner.new(specs.EXPERIMENT, content.values) for content in contents.values()]
        saved = self._target.save(new, doing=_DOING)
        made = {lsid: ObjectRef("Experiment", one.id.val) for lsid, one in zip(contents, saved, strict=True)}
        below = [(lsid, each) for lsid, content in contents.items() for each in content.manipulations]
        beams = []
        for lsid, content in below:
            beam = assigner.new(specs.MICROBEAM, content.values)
            beam.setExperiment(reference(made[lsid]))
            beams.append(beam)
        pairs = list(zip(below, self._target.save(beams, doing=_DOING), strict=True))
        lights = [light for (_, content), beam in pairs for light in self._lights(content, beam.id.val)]
        self._target.save(lights, doing=_DOING)
        self._ids.add(
            {
                _manipulation(content).lsid(_host(lsid)): ObjectRef("MicrobeamManipulation", beam.id.val)
                for (lsid, content), beam in pairs
            }
        )
        return made

    def _lights(self, content: ManipulationContent, beam: int) -> Iterable[Any]:
        assigner = self._target.assigner()
        for _, values in content.settings:
            if values.get("lightSource") not in self._target.refs:
                self._target.lose("LightSettings", _NO_LIGHT)
                continue
            light = assigner.new(specs.LIGHT_SETTINGS, values)
            light.setMicrobeamManipulation(reference(ObjectRef("MicrobeamManipulation", beam)))
            yield light


def _manipulation(content: ManipulationContent) -> ObjectRef:
    return ObjectRef("MicrobeamManipulation", content.id)


def _host(lsid: str) -> str:
    return lsid.split(":")[2]


def _canonical(content: ExperimentContent, target: Target | None = None) -> Any:
    """Return an experiment without its ids; with the light sources that it has on the target."""
    manipulations = [_described(each, target) for each in _in_order(content, target)]
    return frozen(content.values), tuple(manipulations)


def _in_order(content: ExperimentContent, target: Target | None = None) -> list[ManipulationContent]:
    """Return the manipulations so that those which are alike have the same place."""
    return sorted(content.manipulations, key=lambda each: repr(_described(each, target)))


def _described(content: ManipulationContent, target: Target | None) -> Any:
    values = [each for _, each in content.settings]
    settings: list[Values] = values if target is None else [target.translated(each) for each in values]
    return frozen(content.values), tuple(sorted(map(frozen, settings), key=repr))
