"""Writes the annotations of documents: each once in a run, then the links to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from omero_rocrate_transfer.model.contents import Omission, TransferUnit
from omero_rocrate_transfer.model.document import Document
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.mapping.annotation_elements import iter_annotatable
from omero_rocrate_transfer.server.mapping.annotation_objects import (
    SourceAnnotation,
    iter_annotations,
    reference,
)
from omero_rocrate_transfer.server.read.annotations.annotations import iter_links
from omero_rocrate_transfer.server.session.commands import delete
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.marks import remember_source
from omero_rocrate_transfer.server.session.owners import Owners
from omero_rocrate_transfer.server.session.people import Account
from omero_rocrate_transfer.server.write.annotations.attached import Attacher, Losses
from omero_rocrate_transfer.server.write.annotations.existing import (
    find_tags,
)
from omero_rocrate_transfer.server.write.annotations.found import ImportedAnnotations
from omero_rocrate_transfer.server.write.annotations.linker import AnnotationLinker, insert
from omero_rocrate_transfer.server.write.annotations.owners import (
    AnnotationOwners,
    Pair,
    count_other_linkers,
)
from omero_rocrate_transfer.server.write.annotations.present import Known, PresentLinks, ref_of
from omero_rocrate_transfer.server.write.target_ids import TargetIds
from omero_rocrate_transfer.transfer.faultpoints import faultpoint
from omero_rocrate_transfer.transfer.ports import UnitReader

_NO_FILE: Final = "its file is not there"
_OWNER: Final = "made by somebody else than owns what it is on, which only --as-owner restores"


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
        self._present = PresentLinks(owners, group, ids)
        self._merge = merge
        #: Annotations whose files travel: they and all links to them are written with their own units.
        self._attached = frozenset(unit.ref for unit in units if unit.ref.type == "Annotation")

    def write_containers(self, document: Document) -> list[Omission]:
        """Write the annotations of containers, which may have been there before."""
        return self._write(document, AnnotationOwners(self._owners, document, None))

    def write_unit(
        self,
        document: Document,
        owner: Account | None,
        new: Collection[str],
        imported: ImportedAnnotations,
    ) -> list[Omission]:
        """Write the annotations of a unit's images and of what belongs to them; all of it was just made.

        Parameters
        ----------
        owner
            Of the unit.
        new
            LSIDs of what no import has made, so that nothing is on it, or that is not to be looked at.
        imported
            Gets what the import put on all else, for `remove_unwanted`.
        """
        belongs = AnnotationOwners(self._owners, document, owner)
        return self._write(document, belongs, imported=imported, new=new)

    def remove_unwanted(self, imported: ImportedAnnotations, owner: Account | None) -> None:
        """Delete what the import of a unit made and the source has no more: somebody removed it there."""
        delete(self._owners.hand(owner), "Annotation", sorted(imported.unwanted), self._group)

    def write_attachment(self, document: Document, reader: UnitReader) -> list[Omission]:
        """Upload an attached file, and write its annotation with all links to it.

        Raises
        ------
        IntegrityError, NotFoundError
            The file is not what was promised, or cannot be read.
        """
        losses: Losses = Counter()
        belongs = AnnotationOwners(self._owners, document, None)
        files: dict[str, ObjectRef] = {}
        for one in iter_annotations(document):
            if ref_of(one.lsid) == reader.unit.ref:
                with self._owners.session(belongs.of(one.lsid)) as session:
                    attacher = Attacher(session, self._group, self._ids)
                    files[one.lsid] = attacher.attach(one, reader, losses)
        faultpoint("server:attachment-sent")
        return [*_omissions(losses), *self._write(document, belongs, files=files)]

    def _write(
        self,
        document: Document,
        belongs: AnnotationOwners,
        *,
        imported: ImportedAnnotations | None = None,
        new: Collection[str] = (),
        files: Mapping[str, ObjectRef] | None = None,
    ) -> list[Omission]:
        files = files or {}
        all_known = {one.lsid: one for one in iter_annotations(document)}
        known = {
            lsid: one
            for lsid, one in all_known.items()
            if lsid in files or ref_of(lsid) not in self._attached
        }
        elsewhere = all_known.keys() - known
        pairs = [pair for pair in _links(document, known) if pair[0] not in elsewhere]
        links = belongs.owned(pairs)
        losses: Losses = Counter()
        if imported is not None:
            there = self._present.of_import(document, known, belongs, links, new, imported)
        else:
            there = self._present.of_anybody(known, belongs, links) if self._merge else set()
        self._create(known, belongs, files, losses, imported)
        faultpoint("server:annotations-created")
        self._linker.link([link for link in links if link not in there], there, losses)
        others = 0 if self._owners.restores else count_other_linkers(document, self._user)
        losses += Counter({("AnnotationLink", _OWNER): others})
        return list(_omissions(losses))

    @property
    def _user(self) -> str:
        """Login of whoever unpacks."""
        return self._owners.hand(None).user

    def _create(
        self,
        known: Known,
        belongs: AnnotationOwners,
        files: Mapping[str, ObjectRef],
        losses: Losses,
        imported: ImportedAnnotations | None,
    ) -> None:
        going = imported.unwanted if imported is not None else ()
        lsids: dict[Account | None, list[str]] = {}
        for lsid in known:
            lsids.setdefault(belongs.of(lsid), []).append(lsid)
        for account, wanted in lsids.items():
            hand = self._owners.hand(account)

            def create(mine: Sequence[str], hand: Connection = hand) -> dict[str, ObjectRef]:
                new = [known[lsid] for lsid in mine]
                again = find_tags(hand, self._group, new, going) if self._merge else {}
                new = [one for one in new if one.lsid not in again]
                objects = [_object(one, files, losses) for one in new]
                ids = insert(hand, self._group, objects, doing="Creating annotations")
                made = zip(new, ids, strict=True)
                return again | {one.lsid: ObjectRef(one.kind.omero, number) for one, number in made}

            made = self._ids.create_once(wanted, create)
            if imported is not None:
                # a tag to use again may be one that the import put somewhere else
                imported.wanted.update(one.id for one in made.values())


def _links(document: Document, known: Known) -> list[Pair]:
    """Return all links of a document once: the extras add those of objects that have no element in it."""
    elements = {
        lsid for lsid, _ in iter_annotatable(document.ome, document.extras.annotations.places)
    } | known.keys()
    links = [
        *iter_links(document.ome, document.extras.annotations.places),
        *(
            (link.parent, link.child)
            for link in document.extras.annotations.links
            if link.parent not in elements
        ),
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
