"""Writes the annotations of documents: each once in a run, then the links to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from ome_types import OME

from omero_rocrate_transfer.model.contents import Omission, TransferUnit
from omero_rocrate_transfer.model.extras import AnnotationExtras
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.annotations.attached import Attacher, Losses
from omero_rocrate_transfer.server.annotations.elements import iter_annotatable
from omero_rocrate_transfer.server.annotations.existing import (
    find_tags,
    read_existing,
)
from omero_rocrate_transfer.server.annotations.found import Found
from omero_rocrate_transfer.server.annotations.linker import AnnotationLinker, insert, ref_of
from omero_rocrate_transfer.server.annotations.objects import (
    SourceAnnotation,
    iter_annotations,
    reference,
)
from omero_rocrate_transfer.server.annotations.owners import (
    AnnotationOwners,
    OwnedPair,
    Pair,
    by_account,
    count_other_linkers,
)
from omero_rocrate_transfer.server.annotations.read import iter_links
from omero_rocrate_transfer.server.commands import delete
from omero_rocrate_transfer.server.marks import remember_source
from omero_rocrate_transfer.server.owners import Owners
from omero_rocrate_transfer.server.people import Account
from omero_rocrate_transfer.server.session import Connection
from omero_rocrate_transfer.server.target_ids import TargetIds
from omero_rocrate_transfer.transfer.faultpoints import faultpoint
from omero_rocrate_transfer.transfer.ports import Source

#: What an import annotates: there it is known what it made.
_IMPORTED: Final = frozenset(
    ("Image", "Plate", "Well", "PlateAcquisition", "Channel", "ROI", "Shape", "Plane", "LightPath")
)
_NO_FILE: Final = "its file is not there"
_OWNER: Final = "made by somebody else than owns what it is on, which only --as-owner restores"

#: Annotations of a document, by LSID.
Known = Mapping[str, SourceAnnotation]


class AnnotationWriter:
    """Writes annotations in one group, for those to whom they belong; safe in several threads.

    Parameters
    ----------
    ids
        What became of everything else; gets what becomes of the annotations.
    units
        All of the run: those of attachments say where their bytes are.
    merge
        Whether an owner's own tags that look the same are used again, and what is on a container already is
        not made a second time.
    again
        Whether an earlier process of the same run may have linked shared things already.
    """

    def __init__(
        self,
        owners: Owners,
        group: int,
        ids: TargetIds,
        units: Iterable[TransferUnit],
        *,
        merge: bool,
        again: bool = False,
    ) -> None:
        self._linker = AnnotationLinker(owners, group, ids, again=merge or again)
        self._owners = owners
        self._group = group
        self._ids = ids
        self._merge = merge
        #: Annotations whose files travel: they and all links to them are written with their own units.
        self._attached = frozenset(unit.ref for unit in units if unit.ref.type == "Annotation")

    def write_containers(self, document: OME, extras: AnnotationExtras) -> list[Omission]:
        """Write the annotations of containers, which may have been there before."""
        return self._write(document, extras, AnnotationOwners(self._owners, document, extras, None))

    def write_unit(
        self, document: OME, extras: AnnotationExtras, owner: Account | None, new: Collection[str]
    ) -> list[Omission]:
        """Write the annotations of a unit's images and of what belongs to them; all of it was just made.

        Parameters
        ----------
        owner
            Of the unit.
        new
            LSIDs of what no import has made, so that nothing is on it.
        """
        belongs = AnnotationOwners(self._owners, document, extras, owner)
        return self._write(document, extras, belongs, fresh=True, new=new)

    def write_attachment(
        self, document: OME, extras: AnnotationExtras, unit: TransferUnit, source: Source
    ) -> list[Omission]:
        """Upload an attached file, and write its annotation with all links to it.

        Raises
        ------
        IntegrityError, NotFoundError
            The file is not what was promised, or cannot be read.
        """
        losses: Losses = Counter()
        belongs = AnnotationOwners(self._owners, document, extras, None)
        files: dict[str, ObjectRef] = {}
        for one in iter_annotations(document, extras):
            if ref_of(one.lsid) == unit.ref:
                with self._owners.session(belongs.of(one.lsid)) as session:
                    attacher = Attacher(session, self._group, self._ids)
                    files[one.lsid] = attacher.attach(one, unit, source, losses)
        faultpoint("server:attachment-sent")
        return [*_omissions(losses), *self._write(document, extras, belongs, files=files)]

    def _write(
        self,
        document: OME,
        extras: AnnotationExtras,
        belongs: AnnotationOwners,
        *,
        fresh: bool = False,
        new: Collection[str] = (),
        files: Mapping[str, ObjectRef] | None = None,
    ) -> list[Omission]:
        files = files or {}
        all_known = {one.lsid: one for one in iter_annotations(document, extras)}
        known = {
            lsid: one
            for lsid, one in all_known.items()
            if lsid in files or ref_of(lsid) not in self._attached
        }
        elsewhere = all_known.keys() - known
        pairs = [pair for pair in _links(document, extras, known) if pair[0] not in elsewhere]
        links = belongs.owned(pairs)
        losses: Losses = Counter()
        there = self._there(document, extras, known, belongs, links, new if fresh else None)
        self._create(known, belongs, files, losses)
        faultpoint("server:annotations-created")
        self._linker.link([link for link in links if link not in there], there, losses)
        others = 0 if self._owners.restores else count_other_linkers(document, extras, self._user)
        losses += Counter({("AnnotationLink", _OWNER): others})
        return list(_omissions(losses))

    @property
    def _user(self) -> str:
        """Login of whoever unpacks."""
        return self._owners.hand(None).user

    def _there(
        self,
        document: OME,
        extras: AnnotationExtras,
        known: Known,
        belongs: AnnotationOwners,
        links: Collection[OwnedPair],
        new: Collection[str] | None,
    ) -> set[OwnedPair]:
        """Return the links that exist, by an import or from an earlier run: to annotations of who made them.

        What an import made and the source has no more, somebody removed there: so it is removed here too.

        Parameters
        ----------
        new
            LSIDs of what no import has made; None where nothing was imported.
        """
        own = by_account(link for link in links if belongs.of(link[1]) == link[2])
        if new is not None:
            # an import makes everything for the owner of the unit
            elements = {lsid for lsid, _ in iter_annotatable(document, extras.places)}.difference(new)
            old = [pair for pair in own.get(belongs.owner, ()) if pair[0] not in new]
            pairs, unwanted = self._find(known, old, belongs.owner, elements)
            if extras.complete and unwanted:
                delete(self._owners.hand(belongs.owner), "Annotation", sorted(unwanted), self._group)
            return {(*pair, belongs.owner) for pair in pairs}
        there: set[OwnedPair] = set()
        for account, wanted in own.items() if self._merge else ():
            there |= {(*pair, account) for pair in self._find(known, wanted, account)[0]}
        return there

    def _find(
        self, known: Known, pairs: Collection[Pair], account: Account | None, imported: Iterable[str] = ()
    ) -> tuple[set[Pair], set[int]]:
        """Return those links of somebody that exist, and annotations that only an import can have made."""
        found = Found(self._ids, known, pairs)
        fresh = set(imported)
        for word, objects in self._by_type({parent for parent, _ in pairs} | fresh).items():
            for one in read_existing(self._owners.hand(account), self._group, word, objects):
                found.take(objects[one.parent.id], one, imported=bool(fresh) and word in _IMPORTED)
        return found.pairs, found.unwanted

    def _by_type(self, parents: Iterable[str]) -> dict[str, dict[int, str]]:
        """Return LSIDs by type and by id on the target, of what is there."""
        found: dict[str, dict[int, str]] = {}
        for parent in sorted(parents):
            ref, source = self._ids.get(parent), ref_of(parent)
            if ref is not None and source is not None:
                found.setdefault(source.type, {})[ref.id] = parent
        return found

    def _create(
        self,
        known: Known,
        belongs: AnnotationOwners,
        files: Mapping[str, ObjectRef],
        losses: Losses,
    ) -> None:
        lsids: dict[Account | None, list[str]] = {}
        for lsid in known:
            lsids.setdefault(belongs.of(lsid), []).append(lsid)
        for account, wanted in lsids.items():
            hand = self._owners.hand(account)

            def create(mine: Sequence[str], hand: Connection = hand) -> dict[str, ObjectRef]:
                new = [known[lsid] for lsid in mine]
                again = find_tags(hand, self._group, new) if self._merge else {}
                new = [one for one in new if one.lsid not in again]
                objects = [_object(one, files, losses) for one in new]
                ids = insert(hand, self._group, objects, doing="Creating annotations")
                made = zip(new, ids, strict=True)
                return again | {one.lsid: ObjectRef(one.kind.omero, number) for one, number in made}

            self._ids.create_once(wanted, create)


def _links(document: OME, extras: AnnotationExtras, known: Known) -> list[Pair]:
    """Return all links of a document once: the extras add those of objects that have no element in it."""
    elements = {lsid for lsid, _ in iter_annotatable(document, extras.places)} | known.keys()
    links = [
        *iter_links(document, extras.places),
        *((link.parent, link.child) for link in extras.links if link.parent not in elements),
    ]
    return list(dict.fromkeys(pair for pair in links if pair[1] in known))


def _object(one: SourceAnnotation, files: Mapping[str, ObjectRef], losses: Losses) -> Any:
    made = one.new()
    remember_source(made, one.lsid)
    if one.lsid in files:
        made.setFile(reference(files[one.lsid]))
    elif one.kind.omero == "FileAnnotation" and not one.facts.null:
        losses["OriginalFile", _NO_FILE] += 1
    return made


def _omissions(losses: Losses) -> Iterator[Omission]:
    for (kind, reason), count in losses.items():
        if count:
            yield Omission(type=kind, count=count, reason=reason)
