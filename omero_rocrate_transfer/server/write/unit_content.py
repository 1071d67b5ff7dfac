"""Writes what hangs on the objects of a unit, once these are on the target."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from threading import Lock
from typing import Final

from omero_rocrate_transfer.model.annotations import FIGURE_NAMESPACE
from omero_rocrate_transfer.model.contents import Contents, Omission, TransferUnit
from omero_rocrate_transfer.model.document import Document, structured_annotations
from omero_rocrate_transfer.model.extras import Extras
from omero_rocrate_transfer.model.provenance import Provenance
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.model.results import Mapping as Mapped
from omero_rocrate_transfer.model.results import UnitResult
from omero_rocrate_transfer.server.session.people import Account
from omero_rocrate_transfer.server.session.queries import Reader
from omero_rocrate_transfer.server.write.annotations.annotations import AnnotationWriter
from omero_rocrate_transfer.server.write.annotations.found import ImportedAnnotations
from omero_rocrate_transfer.server.write.annotations.parents import add_parts
from omero_rocrate_transfer.server.write.annotations.provenance import write_provenance
from omero_rocrate_transfer.server.write.created import Traces
from omero_rocrate_transfer.server.write.identifiers import restore_identifiers
from omero_rocrate_transfer.server.write.ownership import Belongings
from omero_rocrate_transfer.server.write.restore.containers import ContainerRestorer
from omero_rocrate_transfer.server.write.restore.content import ContentRestorer
from omero_rocrate_transfer.server.write.roi_sources import restore_sources
from omero_rocrate_transfer.server.write.target_ids import TargetIds
from omero_rocrate_transfer.transfer.faultpoints import faultpoint
from omero_rocrate_transfer.transfer.journal.state import History
from omero_rocrate_transfer.transfer.ports import UnitReader

_FIGURE: Final = Omission(
    type="OMERO.figure", count=1, reason="left out, for --figure was not given", on_request=True
)


class ContentWriter:
    """Writes content of a whole run into one group; safe in several threads.

    Parameters
    ----------
    contents
        Of the run.
    merge, figures, provenance
        As of the sink.
    again
        Whether an earlier process of the same run wrote some of it.
    """

    def __init__(
        self,
        belongings: Belongings,
        group: int,
        contents: Contents,
        *,
        merge: bool = False,
        figures: bool = False,
        provenance: Sequence[str] = (),
        again: bool = False,
    ) -> None:
        self._belongings = belongings
        self._owners = belongings.owners
        self._group = group
        self._host = contents.source.host
        #: What became of everything so far.
        self.ids = TargetIds()
        self._annotations = AnnotationWriter(
            self._owners, group, self.ids, contents.units, merge=merge, again=again
        )
        self._containers = tuple(one.ref for one in contents.containers)
        self._figures = figures
        self._provenance = Provenance(contents, provenance)
        self._untold: list[Omission] = []
        self._lock = Lock()

    def add(self, made: Mapping[ObjectRef, ObjectRef]) -> None:
        """Note what became of objects of the source."""
        self.ids.add({source.lsid(self._host): target for source, target in made.items()})

    def add_earlier(self, history: History, traces: Traces) -> None:
        """Note what earlier processes of the run made, the annotations that units share too."""
        for result in history.done.values():
            self.add({one.source: one.target for one in result.mappings})
        self.ids.add(traces.annotations)
        self.ids.add(traces.folders)

    def write_containers(self, document: Document) -> None:
        """Write what hangs on the containers; see `take_untold` for what is lost."""
        ContainerRestorer(self._owners, self._group, self.ids).restore(document, self._owner_of())
        self._untold = self._annotations.write_containers(document)
        self._untold += self._identify(document.extras, None)

    def take_untold(self) -> tuple[Omission, ...]:
        """Return, once, what was lost of the containers."""
        return self._told(())

    def find_containers(self, document: Document) -> None:
        """Find again what an earlier process wrote of the containers, for the units that are left."""
        restorer = ContainerRestorer(self._owners, self._group, self.ids)
        restorer.find_again(document, self._owner_of())

    def _owner_of(self) -> dict[str, Account | None]:
        return {ref.lsid(self._host): self._belongings.of(ref) for ref in self._containers}

    def write_unit(
        self,
        reader: UnitReader,
        document: Document,
        made: Mapping[ObjectRef, ObjectRef],
    ) -> tuple[Omission, ...]:
        """Write what hangs on the objects of a unit; return what cannot be written.

        Parameters
        ----------
        reader
            Of the unit; its pages are read.
        document
            What the reader gave as the document of the unit.
        made
            What became of the unit, its images and plates; deleted again by the caller if this raises.
        """
        with self.ids.forgetting():
            self.add(made)
            return self._write_unit(reader, document)

    def _write_unit(self, reader: UnitReader, document: Document) -> tuple[Omission, ...]:
        unit = reader.unit
        owner = self._belongings.of_unit(unit)
        images = {one.ref: made.id for one in unit.images if (made := self.ids.get(one.ref.lsid(self._host)))}
        restorer = ContentRestorer(self._owners, self._group, self.ids, owner)
        imported = ImportedAnnotations()
        new = restorer.restore(document, images)
        faultpoint("server:content-restored")
        lost = self._write_around(unit, document, new, imported)
        for page in reader.pages():
            new = restorer.restore_page(page)
            # what is on the images themselves is in the document
            shown = {image.id for image in page.ome.images}
            lost += self._write_around(unit, page, shown.union(new), imported)
        if document.extras.complete:
            restorer.remove_others()
        self._annotations.remove_unwanted(imported, owner)
        write_provenance(self._owners.hand(owner), self._group, self._origins(unit))
        return self._told([*restorer.omissions(unit.ref), *lost])

    def _write_around(
        self,
        unit: TransferUnit,
        document: Document,
        new: Collection[str],
        imported: ImportedAnnotations,
    ) -> list[Omission]:
        """Write what is on the content of a document or page; see `AnnotationWriter.write_unit`."""
        owner = self._belongings.of_unit(unit)
        hand = self._owners.hand(owner)
        add_parts(Reader(hand), unit, document, self._host, self.ids, document.extras.identifiers)
        lost = restore_sources(hand, self._group, document.extras.sources, self.ids, unit, self._host)
        lost += self._annotations.write_unit(document, owner, new, imported)
        return lost + self._identify(document.extras, owner)

    def _identify(self, extras: Extras, owner: Account | None) -> list[Omission]:
        return restore_identifiers(self._owners.hand(owner), self._group, extras.identifiers, self.ids)

    def _origins(self, unit: TransferUnit) -> Iterator[tuple[ObjectRef, tuple[tuple[str, str], ...]]]:
        """Yield what is told of where the images and plates of a unit come from."""
        for ref, owner, group in self._provenance.origins(unit):
            made = self.ids.get(ref.lsid(self._host))
            if made is not None:
                yield made, self._provenance.pairs(ref, owner, group)

    def write_attachment(self, reader: UnitReader) -> UnitResult:
        """Write an attached file with its annotation."""
        unit, document = reader.unit, reader.document()
        if not self._figures and _is_lone_figure(document):
            return UnitResult(unit=unit.ref, size_bytes=0, omissions=(_FIGURE,))
        omissions = self._annotations.write_attachment(document, reader)
        hand = self._owners.hand(None)
        omissions += restore_sources(hand, self._group, document.extras.sources, self.ids, unit, self._host)
        omissions += self._identify(document.extras, None)
        made = self.ids.get(unit.ref.lsid(self._host))
        return UnitResult(
            unit=unit.ref,
            size_bytes=unit.size_bytes,
            mappings=()
            if made is None
            else (Mapped(source=unit.ref, target=ObjectRef("Annotation", made.id)),),
            omissions=self._told(omissions),
            files_verified=len(unit.files),
        )

    def _told(self, omissions: Iterable[Omission]) -> tuple[Omission, ...]:
        with self._lock:
            untold, self._untold = self._untold, []
        return (*untold, *omissions)


def _is_lone_figure(document: Document) -> bool:
    """Tell whether a document is that of a figure that is on nothing."""
    namespaces = {one.namespace for one in structured_annotations(document.ome).file_annotations}
    return namespaces == {FIGURE_NAMESPACE} and not document.extras.annotations.links
