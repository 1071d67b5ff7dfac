"""Documents of units, read for several units at once and kept until they are asked for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from typing import Final

from omero_rocrate_transfer.model.contents import TransferUnit
from omero_rocrate_transfer.model.document import Document
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.read.documents.unit_documents import UnitDocuments, UnitDraft
from omero_rocrate_transfer.server.session.queries import IDS_PER_QUERY

#: Documents kept ready; units are asked for roughly in their order, so few are read twice.
_KEPT: Final = 2 * IDS_PER_QUERY


class ReadAhead:
    """Gives out the documents of units; safe in several threads.

    Parameters
    ----------
    units
        All units of some contents.
    documents
        Reads their documents.
    """

    def __init__(self, units: Sequence[TransferUnit], documents: UnitDocuments) -> None:
        self._units = units
        self._documents = documents
        self._place = {unit.ref: place for place, unit in enumerate(units)}
        self._drafts: OrderedDict[ObjectRef, UnitDraft] = OrderedDict()
        self._lock = Lock()

    def read(self, unit: TransferUnit) -> tuple[Document, bool]:
        """Return the document of a unit and whether its ROIs are in pages; reads those after it too."""
        # The lock is held while reading: who waits for it most likely finds its document among those read.
        with self._lock:
            if unit.ref not in self._drafts:
                self._read_from(unit)
            draft = self._drafts.pop(unit.ref)
        return self._documents.finish(draft), draft.paged

    def _read_from(self, unit: TransferUnit) -> None:
        for draft in self._documents.read(self._batch(self._place[unit.ref])):
            self._drafts[draft.unit.ref] = draft
        while len(self._drafts) > _KEPT:
            self._drafts.popitem(last=False)

    def _batch(self, start: int) -> list[TransferUnit]:
        """Take units from a place on, as many as make one query of images."""
        batch = [self._units[start]]
        images = len(batch[0].images)
        for place in range(start + 1, len(self._units)):
            unit = self._units[place]
            images += len(unit.images)
            if images > IDS_PER_QUERY or len(batch) == IDS_PER_QUERY:
                break
            if unit.ref not in self._drafts:
                batch.append(unit)
        return batch
