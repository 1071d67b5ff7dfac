"""Compares two sources: what the left has must be on the right, under its id or the one it became."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from omero_rocrate_transfer.transfer.events import Compared, Started
from omero_rocrate_transfer.transfer.progress import MeteredReader
from omero_rocrate_transfer.transfer.verify.audit import compare_each
from omero_rocrate_transfer.transfer.verify.compare_unit import UnitComparison
from omero_rocrate_transfer.transfer.verify.differences import result_of, tell_differences, without_extended
from omero_rocrate_transfer.transfer.verify.facts import DocumentFacts, add_rois, name_facts
from omero_rocrate_transfer.transfer.verify.subset import ALL, Subset

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from omero_rocrate_transfer.model.contents import (
        Container,
        Contents,
        TransferUnit,
    )
    from omero_rocrate_transfer.model.refs import ObjectRef
    from omero_rocrate_transfer.transfer.engine import Engine
    from omero_rocrate_transfer.transfer.events import Event
    from omero_rocrate_transfer.transfer.ports import RewrittenFiles, Source, UnitReader
    from omero_rocrate_transfer.transfer.verify.facts import Facts


#: Facts that whatever reads a file decides, so that only a full description of what became of it has them.
_BY_READER: Final = frozenset(["pixels.dimension_order"])


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of the two."""

    source: Source
    contents: Contents
    #: Units by the images in them.
    units: Mapping[ObjectRef, TransferUnit] = field(init=False)

    def __post_init__(self) -> None:
        units = {image.ref: unit for unit in self.contents.units for image in unit.images}
        units |= {unit.ref: unit for unit in self.contents.units}
        object.__setattr__(self, "units", units)


class Comparison:
    """What is compared with what.

    Parameters
    ----------
    left, right
        The two sources; nothing is written to either.
    became
        From an object on the left to the one on the right; None where both have the same ids. Then what only
        the right one has is told too: with new ids it may hold other things, and rightly so.
    rewritten
        Compares attached files that get other bytes on purpose.
    ignored_namespaces
        See `DocumentFacts`.
    """

    def __init__(
        self,
        left: Side,
        right: Side,
        *,
        became: Mapping[ObjectRef, ObjectRef] | None = None,
        rewritten: RewrittenFiles | None = None,
        ignored_namespaces: Collection[str] = (),
    ) -> None:
        self._left, self._right, self._became = left, right, became
        self.rewritten = rewritten
        self._ignored = ignored_namespaces
        #: Whether the objects on the right were created from those on the left.
        self.has_new_ids = became is not None
        #: Whether the left says only a part of what its objects are.
        self.partial = not left.contents.source.is_whole
        #: Then what objects say, by kind and digest.
        self._said: dict[str, Any] | None = {} if self.partial else None

    def run(self, engine: Engine, *, quick: bool = False, subset: Subset = ALL) -> Iterator[Event]:
        """Yield one `Compared` for each container, image and file, and for what is on one side only.

        Parameters
        ----------
        quick
            Names, sizes and places only: no file, no pixels and no document is read.
        subset
            Units that are read.
        """
        meter = engine.meter("verify")
        units = self._left.contents.units
        read = {unit.ref for unit in units if str(unit.ref) in subset and not quick}
        yield Started(
            phase="verify", size_bytes=2 * sum(unit.size_bytes for unit in units if unit.ref in read)
        )
        yield from engine.retry.call(lambda: list(self._iter_containers(deep=not quick)))
        if self._became is None:
            yield from self._iter_right_only()

        def compare(unit: TransferUnit) -> list[Compared]:
            with ExitStack() as stack:
                here = stack.enter_context(MeteredReader(self._left.source.open(unit), meter))
                there = {
                    other.ref: stack.enter_context(MeteredReader(self._right.source.open(other), meter))
                    for other in self._find_units(unit)
                }
                pair = UnitComparison(self, here, there)
                return engine.retry.call(lambda: list(pair.run(deep=unit.ref in read)), unit.ref)

        yield from compare_each(engine, compare, units, lambda unit: str(unit.ref), meter)

    def find(self, ref: ObjectRef) -> ObjectRef | None:
        """Return what an object of the left is on the right, None where nobody knows."""
        return ref if self._became is None else self._became.get(ref)

    def find_unit(self, ref: ObjectRef) -> TransferUnit | None:
        """Return the unit of the right that is or holds an object of the left."""
        found = self.find(ref)
        return None if found is None else self._right.units.get(found)

    def read_facts(self, reader: UnitReader) -> dict[ObjectRef, Facts]:
        """Return what a unit's document and its pages say of its images."""
        document = DocumentFacts(reader.document(), ignored_namespaces=self._ignored, said=self._said)
        facts = dict(document.of_type("Image"))
        for page in reader.pages():
            for image, rois in DocumentFacts(page, ignored_namespaces=self._ignored).count_rois():
                add_rois(facts.setdefault(image, {}), rois)
        return facts

    def tell(self, left: Facts, right: Facts) -> list[str]:
        """Return one clause for each fact of the left that is another on the right, or only there."""
        if self._said is None:
            return tell_differences(left, right)
        known = {name: fact for name, fact in left.items() if name not in _BY_READER}
        return tell_differences(without_extended(known, right, self._said), right, partial=True)

    def _find_units(self, unit: TransferUnit) -> list[TransferUnit]:
        """Return the units of the right with what a unit of the left has, each once."""
        refs = [image.ref for image in unit.images] or [unit.ref]
        return list(dict.fromkeys(other for ref in refs if (other := self.find_unit(ref)) is not None))

    def _iter_containers(self, *, deep: bool) -> Iterator[Compared]:
        there = {one.ref: one for one in self._right.contents.containers}
        said = [
            self._read_containers(side) if deep and side.contents.containers else {}
            for side in (self._left, self._right)
        ]
        for one in self._left.contents.containers:
            target = self.find(one.ref)
            other = None if target is None else there.get(target)
            if other is None:
                yield Compared(symbol="+", path=str(one.ref), text=f"{one.name!r} is missing.")
                continue
            clauses = self.tell(name_facts(one), name_facts(other))
            clauses += self.tell(said[0].get(one.ref, {}), said[1].get(other.ref, {}))
            clauses += self._tell_members(one, other)
            yield result_of(str(one.ref), list(dict.fromkeys(clauses)))

    def _read_containers(self, side: Side) -> dict[ObjectRef, Facts]:
        document = DocumentFacts(
            side.source.read_container_document(), ignored_namespaces=self._ignored, said=self._said
        )
        return {
            ref: facts for kind in ("Project", "Dataset", "Screen") for ref, facts in document.of_type(kind)
        }

    def _tell_members(self, one: Container, other: Container) -> Iterator[str]:
        wanted = {self.find(member) for member in one.members}
        for member in one.members:
            if self.find(member) not in other.members:
                yield f"{member} is not in it"
        for member in other.members:
            if self._became is None and member not in wanted:
                yield f"{member} is in it, too"

    def _iter_right_only(self) -> Iterator[Compared]:
        known = {one.ref for one in self._left.contents.containers}
        for one in self._right.contents.containers:
            if one.ref not in known:
                yield Compared(symbol="-", path=str(one.ref), text=f"{one.name!r} is only there.")
        images = {image.ref for image in self._left.contents.iter_images()}
        for image in self._right.contents.iter_images():
            if image.ref not in images:
                yield Compared(symbol="-", path=str(image.ref), text=f"{image.name!r} is only there.")
        for unit in self._right.contents.units:
            if not unit.images and unit.ref not in self._left.units:
                yield Compared(symbol="-", path=str(unit.ref), text="is only there.")
