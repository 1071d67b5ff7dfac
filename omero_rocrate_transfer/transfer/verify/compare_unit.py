"""Compares one transfer unit with what it is, or became, in another source."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from omero_rocrate_transfer.model.digests import SHA256, Hasher
from omero_rocrate_transfer.model.errors import DigestMismatchError
from omero_rocrate_transfer.transfer.events import Compared
from omero_rocrate_transfer.transfer.planes import iter_plane_digests
from omero_rocrate_transfer.transfer.ports import AttachedFile
from omero_rocrate_transfer.transfer.verify.differences import result_of, without_defaults
from omero_rocrate_transfer.transfer.verify.facts import name_facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from omero_rocrate_transfer.model.contents import ImageRecord, OriginalFile, TransferUnit
    from omero_rocrate_transfer.model.refs import ObjectRef
    from omero_rocrate_transfer.transfer.ports import UnitReader
    from omero_rocrate_transfer.transfer.verify.compare import Comparison
    from omero_rocrate_transfer.transfer.verify.facts import Facts


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
        tell = self._whole.tell
        # of several images in a file that nothing describes, none has its name
        named = self._unit.is_described or len(other.images) == 1 if other is not None else True
        clauses = tell(name_facts(image), name_facts(found)) if named else []
        here, there = facts[0].get(image.ref, {}), facts[1].get(found.ref, {})
        clauses += tell(here, without_defaults(there, here) if self._whole.has_new_ids else there)
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
        rewritten = self._whole.rewritten
        if rewritten is not None and not self._unit.images:
            here = AttachedFile(self._left, file)
            there = AttachedFile(self._right[other.ref], found)
            if rewritten.is_rewritten(here, there):
                return result_of(path, rewritten.tell_differences(here, there) if deep else [])
        return self._compare_bytes(path, file, other, found, deep=deep)

    def _compare_bytes(
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
