"""Compares two sources: what the left has must be on the right, under its id or the one it became."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from omero_rocrate_transfer.model.digests import SHA256, Hasher
from omero_rocrate_transfer.model.errors import DigestMismatchError
from omero_rocrate_transfer.transfer.events import Compared, Started
from omero_rocrate_transfer.transfer.planes import iter_plane_digests
from omero_rocrate_transfer.transfer.progress import MeteredReader
from omero_rocrate_transfer.transfer.verify.audit import compare_each
from omero_rocrate_transfer.transfer.verify.facts import (
    DocumentFacts,
    add_rois,
    result_of,
    tell_differences,
)
from omero_rocrate_transfer.transfer.verify.subset import ALL, Subset

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from omero_rocrate_transfer.model.contents import (
        Container,
        Contents,
        ImageRecord,
        OriginalFile,
        TransferUnit,
    )
    from omero_rocrate_transfer.model.refs import ObjectRef
    from omero_rocrate_transfer.transfer.engine import Engine
    from omero_rocrate_transfer.transfer.events import Event
    from omero_rocrate_transfer.transfer.ports import Source, UnitReader
    from omero_rocrate_transfer.transfer.verify.facts import Facts


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
    ignored_namespaces
        See `DocumentFacts`.
    """

    def __init__(
        self,
        left: Side,
        right: Side,
        *,
        became: Mapping[ObjectRef, ObjectRef] | None = None,
        ignored_namespaces: Collection[str] = (),
    ) -> None:
        self._left, self._right, self._became = left, right, became
        self._ignored = ignored_namespaces

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
        document = DocumentFacts(reader.document(), ignored_namespaces=self._ignored)
        facts = dict(document.of_type("Image"))
        for page in reader.pages():
            for image, rois in DocumentFacts(page, ignored_namespaces=self._ignored).count_rois():
                add_rois(facts.setdefault(image, {}), rois)
        return facts

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
            clauses = tell_differences(_name(one), _name(other))
            clauses += tell_differences(said[0].get(one.ref, {}), said[1].get(other.ref, {}))
            clauses += self._tell_members(one, other)
            yield result_of(str(one.ref), list(dict.fromkeys(clauses)))

    def _read_containers(self, side: Side) -> dict[ObjectRef, Facts]:
        document = DocumentFacts(side.source.read_container_document(), ignored_namespaces=self._ignored)
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


class UnitComparison:
    """One unit of the left and what it is on the right.

    Parameters
    ----------
    left, right
        Reader of the unit, and readers of the units that it is on the right, by their refs.
    """

    def __init__(self, whole: Comparison, left: UnitReader, right: Mapping[ObjectRef, UnitReader]) -> None:
        self._whole, self._unit = whole, left.unit
        self._left, self._right = left, right

    def run(self, *, deep: bool) -> Iterator[Compared]:
        """Compare images and files; ``deep``: what is in them too."""
        others = {image.ref: self._whole.find_unit(image.ref) for image in self._unit.images}
        facts = self._read_facts() if deep else ({}, {})
        for image in self._unit.images:
            yield from self._compare_image(image, others[image.ref], facts)
        first = self._unit.images[0].ref if self._unit.images else self._unit.ref
        other = self._whole.find_unit(first)
        if other is None:
            if not self._unit.images:
                yield Compared(symbol="+", path=str(self._unit.ref), text="is missing.")
            return
        yield from self._compare_files(other, deep=deep)
        if deep and (self._unit.pixels or not other.files):
            for image in self._unit.images:
                yield from self._compare_pixels(image, others[image.ref])

    def _read_facts(self) -> tuple[dict[ObjectRef, Facts], dict[ObjectRef, Facts]]:
        if not self._unit.images:
            return {}, {}
        right: dict[ObjectRef, Facts] = {}
        for reader in self._right.values():
            right |= self._whole.read_facts(reader)
        return self._whole.read_facts(self._left), right

    def _compare_image(
        self,
        image: ImageRecord,
        other: TransferUnit | None,
        facts: tuple[dict[ObjectRef, Facts], dict[ObjectRef, Facts]],
    ) -> Iterator[Compared]:
        target = self._whole.find(image.ref)
        found = None if other is None else next((one for one in other.images if one.ref == target), None)
        if found is None:
            yield Compared(symbol="+", path=str(image.ref), text=f"{image.name!r} is missing.")
            return
        clauses = tell_differences(_name(image), _name(found))
        clauses += tell_differences(facts[0].get(image.ref, {}), facts[1].get(found.ref, {}))
        yield result_of(str(image.ref), list(dict.fromkeys(clauses)))

    def _compare_files(self, other: TransferUnit, *, deep: bool) -> Iterator[Compared]:
        if not self._unit.files or not other.files:
            # images that were rebuilt from pixels have other files or none; their planes are compared
            return
        paths = {file.path: file for file in other.files}
        same_count = len(self._unit.files) == len(other.files)
        for place, file in enumerate(self._unit.files):
            # a server may change names that its file system cannot hold, but never the order
            found = paths.get(file.path) or (other.files[place] if same_count else None)
            path = f"{self._unit.ref}/{file.path}"
            if found is None:
                yield Compared(symbol="+", path=path, text="is missing.")
            else:
                yield self._compare_file(path, file, other, found, deep=deep)
        known = {file.path for file in self._unit.files}
        for file in other.files:
            if not same_count and file.path not in known:
                yield Compared(symbol="-", path=f"{self._unit.ref}/{file.path}", text="is only there.")

    def _compare_file(
        self, path: str, file: OriginalFile, other: TransferUnit, found: OriginalFile, *, deep: bool
    ) -> Compared:
        if file.size_bytes != found.size_bytes:
            return result_of(path, [f"it has {file.size_bytes} bytes, then {found.size_bytes}"])
        known = {digest.algorithm: digest for digest in found.digests}
        clauses = [
            f"{digest.algorithm} is {digest.hex}, then {known[digest.algorithm].hex}"
            for digest in file.digests
            if known.get(digest.algorithm, digest) != digest
        ]
        if deep and not clauses:
            try:
                here, there = _digest(self._left, file), _digest(self._right[other.ref], found)
            except DigestMismatchError as error:
                return result_of(path, [error.message.rstrip(".")])
            clauses = [] if here == there else [f"SHA256 is {here}, then {there}"]
        return result_of(path, clauses)

    def _compare_pixels(self, image: ImageRecord, other: TransferUnit | None) -> Iterator[Compared]:
        target = self._whole.find(image.ref)
        if other is None or target is None:
            return
        with (
            closing(self._left.pixels(image.ref)) as here,
            closing(self._right[other.ref].pixels(target)) as there,
        ):
            path = f"{image.ref}/pixels"
            if here.shape != there.shape or here.dtype.newbyteorder("=") != there.dtype.newbyteorder("="):
                yield result_of(
                    path, [f"{here.shape} of {here.dtype.name}, then {there.shape} of {there.dtype.name}"]
                )
                return
            planes = zip(iter_plane_digests(here), iter_plane_digests(there), strict=True)
            wrong = [place for (place, digest), (_, other_digest) in planes if digest != other_digest]
        yield result_of(path, [f"the plane t={t}, c={c}, z={z} differs" for t, c, z in wrong])


def _digest(reader: UnitReader, file: OriginalFile) -> str:
    hasher = Hasher()
    for block in reader.blocks(file):
        hasher.update(block)
    return hasher.digests()[SHA256].hex


def _name(thing: Container | ImageRecord) -> Facts:
    return {"name": thing.name, "description": thing.description or None}
