"""Writes the annotations of documents: each once in a run, then the links to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import omero.model
from ome_types import OME

from omero_rocrate_transfer.model.contents import Omission, TransferUnit
from omero_rocrate_transfer.model.extras import AnnotationExtras
from omero_rocrate_transfer.model.refs import ObjectRef, parse_lsid
from omero_rocrate_transfer.server.annotations.attached import Attacher, Losses
from omero_rocrate_transfer.server.annotations.elements import iter_annotatable
from omero_rocrate_transfer.server.annotations.existing import batches, find_tags, link_type, read_existing
from omero_rocrate_transfer.server.annotations.found import Found
from omero_rocrate_transfer.server.annotations.objects import SourceAnnotation, iter_annotations
from omero_rocrate_transfer.server.annotations.read import iter_links
from omero_rocrate_transfer.server.commands import delete
from omero_rocrate_transfer.server.errors import server_errors
from omero_rocrate_transfer.server.marks import remember_source
from omero_rocrate_transfer.server.session import Connection
from omero_rocrate_transfer.server.target_ids import TargetIds
from omero_rocrate_transfer.transfer.faultpoints import faultpoint
from omero_rocrate_transfer.transfer.ports import Source

#: Types of which one object may be in several documents: a link from it is made by whoever comes first.
_SHARED: Final = frozenset(
    ("Annotation", "Instrument", "Detector", "Objective", "LightSource", "Filter", "Dichroic", "OriginalFile")
)
#: What an import annotates: there it is known what it made.
_IMPORTED: Final = frozenset(
    ("Image", "Plate", "Well", "PlateAcquisition", "Channel", "ROI", "Shape", "Plane", "LightPath")
)
_NO_PARENT: Final = "what it is on is not on the target"
_NO_FILE: Final = "its file is not there"
_OWNER: Final = "somebody else made it than owns what it is on; on the target it belongs to who unpacks"

#: LSIDs of an object and of an annotation on it.
Pair = tuple[str, str]


class AnnotationWriter:
    """Writes annotations in one group, as the user of the connection; safe in several threads.

    Parameters
    ----------
    ids
        What became of everything else; gets what becomes of the annotations.
    units
        All of the run: those of attachments say where their bytes are.
    merge
        Whether the user's own tags that look the same are used again, and what is on a container already is
        not made a second time.
    again
        Whether an earlier process of the same run may have linked shared things already.
    """

    def __init__(
        self,
        connection: Connection,
        group: int,
        ids: TargetIds,
        units: Iterable[TransferUnit],
        *,
        merge: bool,
        again: bool = False,
    ) -> None:
        self._again = again
        self._connection = connection
        self._group = group
        self._ids = ids
        self._merge = merge
        #: Annotations whose files travel: they and all links to them are written with their own units.
        self._attached = frozenset(unit.ref for unit in units if unit.ref.type == "Annotation")

    def write_containers(self, document: OME, extras: AnnotationExtras) -> list[Omission]:
        """Write the annotations of containers, which may have been there before."""
        return self._write(document, extras)

    def write_unit(self, document: OME, extras: AnnotationExtras, new: Collection[str]) -> list[Omission]:
        """Write the annotations of a unit's images and of what belongs to them; all of it was just made.

        Parameters
        ----------
        new
            LSIDs of what no import has made, so that nothing is on it.
        """
        return self._write(document, extras, fresh=True, new=new)

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
        attacher = Attacher(self._connection, self._group, self._ids)
        files = {
            one.lsid: attacher.attach(one, unit, source, losses)
            for one in iter_annotations(document, extras)
            if _ref_of(one.lsid) == unit.ref
        }
        faultpoint("server:attachment-sent")
        return [*_omissions(losses), *self._write(document, extras, files=files)]

    def _write(
        self,
        document: OME,
        extras: AnnotationExtras,
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
            if lsid in files or _ref_of(lsid) not in self._attached
        }
        elsewhere = all_known.keys() - known
        links = [pair for pair in _links(document, extras, known) if pair[0] not in elsewhere]
        losses: Losses = Counter()
        parents = {parent for parent, _ in links}
        if fresh:
            parents |= {lsid for lsid, _ in iter_annotatable(document, extras.places)}
        found = Found(self._ids, known, links)
        if fresh or self._merge:
            self._find(found, parents.difference(new), fresh=fresh)
            if extras.complete and found.unwanted:
                delete(self._connection, "Annotation", sorted(found.unwanted), self._group)
        self._create(known, files, losses)
        faultpoint("server:annotations-created")
        self._link([pair for pair in links if pair not in found.pairs], found.pairs, losses)
        losses += _other_owners(document, extras, self._connection.user)
        return list(_omissions(losses))

    def _find(self, found: Found, parents: Iterable[str], *, fresh: bool) -> None:
        """Look for what an import or an earlier run has put on objects.

        What an import made and the source has no more, somebody removed there: so it is removed here too.
        """
        for word, objects in self._by_type(parents).items():
            imported = fresh and word in _IMPORTED
            for one in read_existing(self._connection, self._group, word, objects):
                found.take(objects[one.parent.id], one, imported=imported)

    def _by_type(self, parents: Iterable[str]) -> dict[str, dict[int, str]]:
        """Return LSIDs by type and by id on the target, of what is there."""
        found: dict[str, dict[int, str]] = {}
        for parent in sorted(parents):
            ref, source = self._ids.get(parent), _ref_of(parent)
            if ref is not None and source is not None:
                found.setdefault(source.type, {})[ref.id] = parent
        return found

    def _create(
        self, known: Mapping[str, SourceAnnotation], files: Mapping[str, ObjectRef], losses: Losses
    ) -> None:
        def create(lsids: Sequence[str]) -> dict[str, ObjectRef]:
            new = [known[lsid] for lsid in lsids]
            again = find_tags(self._connection, self._group, new) if self._merge else {}
            new = [one for one in new if one.lsid not in again]
            ids = self._insert([_object(one, files, losses) for one in new], "Creating annotations")
            made = zip(new, ids, strict=True)
            return again | {one.lsid: ObjectRef(one.kind.omero, number) for one, number in made}

        self._ids.create_once(list(known), create)

    def _link(self, pairs: Iterable[Pair], there: Iterable[Pair], losses: Losses) -> None:
        own: dict[tuple[ObjectRef | None, ObjectRef | None], Any] = {}
        shared: dict[str, tuple[str, ObjectRef, ObjectRef]] = {}
        # Channels that share a light path on the target need not share it on the source.
        linked = {(self._ids.get(parent), self._ids.get(child)) for parent, child in there}
        for parent, child in dict.fromkeys(pairs):
            source, target, annotation = _ref_of(parent), self._ids.get(parent), self._ids.get(child)
            word = "Object" if source is None else source.type
            if target is None or annotation is None:
                losses[link_type(word), _NO_PARENT] += 1
            elif word in _SHARED:
                shared[f"{parent} {child}"] = word, target, annotation
            elif (target, annotation) not in linked:
                own[target, annotation] = _link(word, target, annotation)
        self._insert(list(own.values()), "Linking annotations")
        self._ids.create_once(
            list(shared), lambda keys: self._link_shared({key: shared[key] for key in keys})
        )

    def _link_shared(self, wanted: Mapping[str, tuple[str, ObjectRef, ObjectRef]]) -> dict[str, ObjectRef]:
        there: set[tuple[str, int, int]] = set()
        if self._merge or self._again:
            by_type: dict[str, set[int]] = {}
            for word, target, _ in wanted.values():
                by_type.setdefault(word, set()).add(target.id)
            for word, ids in by_type.items():
                found = read_existing(self._connection, self._group, word, ids)
                there |= {(word, one.parent.id, one.annotation.id) for one in found}
        new = [link for link in wanted.values() if (link[0], link[1].id, link[2].id) not in there]
        self._insert([_link(*link) for link in new], "Linking annotations")
        # Only that they are there matters, not which ids they have.
        return {key: annotation for key, (_, _, annotation) in wanted.items()}

    def _insert(self, objects: Sequence[Any], doing: str) -> list[int]:
        ids: list[int] = []
        for batch in batches(objects):
            with server_errors(doing):
                ids += self._connection.update.saveAndReturnIds(batch, self._connection.context(self._group))
        return ids


def _links(document: OME, extras: AnnotationExtras, known: Mapping[str, SourceAnnotation]) -> list[Pair]:
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
        made.setFile(_reference(files[one.lsid]))
    elif one.kind.omero == "FileAnnotation" and not one.facts.null:
        losses["OriginalFile", _NO_FILE] += 1
    return made


def _ref_of(lsid: str) -> ObjectRef | None:
    found = parse_lsid(lsid)
    return None if found is None else found[1]


def _reference(ref: ObjectRef) -> Any:
    return getattr(omero.model, f"{ref.type}I")(ref.id, False)  # noqa: FBT003 -- a reference


def _link(word: str, parent: ObjectRef, annotation: ObjectRef) -> Any:
    made = getattr(omero.model, f"{link_type(word)}I")()
    made.setParent(_reference(parent))
    made.setChild(_reference(annotation))
    return made


def _other_owners(document: OME, extras: AnnotationExtras, user: str) -> Losses:
    """Count links of people who own neither what they are on nor what is on the target."""
    logins = {person.id: person.user_name for person in document.experimenters}
    owned = (*document.projects, *document.datasets, *document.images)
    owners = {logins.get(one.experimenter_ref.id) for one in owned if one.experimenter_ref is not None}
    count = sum(
        link.owner is not None and link.owner != user and bool(owners) and link.owner not in owners
        for link in extras.links
    )
    return Counter({("AnnotationLink", _OWNER): count} if count else {})


def _omissions(losses: Losses) -> Iterator[Omission]:
    for (kind, reason), count in losses.items():
        yield Omission(type=kind, count=count, reason=reason)
