"""Marks on what a run creates: with them a later process finds what an earlier one did not note.

A mark is the ``ExternalInfo`` of an object, saved with it in one transaction: users may set it on new objects
(omero-server OmeroInterceptor.newTransientDetails), and clients do not show it. Imports make filesets on the
server's side; these carry the run in ``UploadJob.versionInfo``, which is saved with the Fileset
(omero-blitz RepositoryDaoImpl.saveFileset).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, Final

import omero.model
from omero.rtypes import rlong, rstring

from omero_rocrate_transfer.model.refs import parse_lsid
from omero_rocrate_transfer.server.session.collisions import FirstTimes, repeat
from omero_rocrate_transfer.transfer.retry import Retry

#: ``ExternalInfo.entityType`` of every mark; ``uuid`` is the run, ``lsid`` the object of the source.
ENTITY: Final = "omero-rocrate-transfer/run"
#: Name of the value in ``UploadJob.versionInfo`` that holds the run.
RUN_FACT: Final = "omero-rocrate-transfer.run"
#: Name of the value that holds the unit, like ``Fileset:5``.
UNIT_FACT: Final = "omero-rocrate-transfer.unit"
#: Name of the value that holds the uuid of the database that the unit comes from.
SOURCE_FACT: Final = "omero-rocrate-transfer.source"
#: Longest LSID that a mark takes (omero-model ``externalinfo.lsid``).
_MAX_LSID: Final = 255
#: What is not deleted together with something else that is marked, by its class or that of its parent.
MARKED: Final = ("Project", "Dataset", "Screen", "Plate", "Image", "Folder", "OriginalFile", "Annotation")


class MarkingUpdate:
    """OMERO's update service, which marks new objects of the classes `MARKED` with a run.

    Of several threads that use a new annotation namespace one goes first; what collides with others who do
    so at the same time is saved again: a save is a transaction of its own.

    Parameters
    ----------
    update
        ``IUpdate`` of the session.
    run_id
        Of the run.
    source
        Uuid of the database that the objects come from: the revision of their LSIDs in marks.
    first_times
        Of all connections that write for the run.
    retry
        Returns what waits before something is saved again.
    """

    def __init__(
        self, update: Any, run_id: str, source: str, first_times: FirstTimes, retry: Callable[[], Retry]
    ) -> None:
        self._update = update
        self._run_id = run_id
        self._source = source
        self._first_times = first_times
        self._retry = retry

    def saveAndReturnIds(self, objects: Sequence[Any], context: dict[str, str]) -> Any:  # noqa: N802
        """Insert objects; see ``IUpdate``."""
        return self._save(objects, lambda marked: self._update.saveAndReturnIds(marked, context))

    def saveAndReturnArray(self, objects: Sequence[Any], context: dict[str, str]) -> Any:  # noqa: N802
        """Save objects and return them; see ``IUpdate``."""
        return self._save(objects, lambda marked: self._update.saveAndReturnArray(marked, context))

    def saveAndReturnObject(self, one: Any, context: dict[str, str]) -> Any:  # noqa: N802
        """Save an object and return it; see ``IUpdate``."""
        return self._save([one], lambda marked: self._update.saveAndReturnObject(marked[0], context))

    def saveArray(self, objects: Sequence[Any], context: dict[str, str]) -> None:  # noqa: N802
        """Save objects; see ``IUpdate``."""
        self._save(objects, lambda marked: self._update.saveArray(marked, context))

    def _save(self, objects: Sequence[Any], do: Callable[[Sequence[Any]], Any]) -> Any:
        marked = self._marked(objects)
        with self._first_times.of(_namespaces(objects)):
            return repeat(lambda: do(marked), self._retry())

    def _marked(self, objects: Sequence[Any]) -> Sequence[Any]:
        for one in objects:
            if one.getId() is None and is_marked_class(one):
                info = _info_of(one)
                info.setUuid(rstring(self._run_id))
                if self._source and info.getLsid() is not None:
                    info.setLsid(rstring(with_source(info.getLsid().val, self._source)))
        return objects


def _namespaces(objects: Iterable[Any]) -> set[Hashable]:
    """Return the namespaces of new annotations, alone or at the end of a new link."""
    found: set[Hashable] = set()
    for one in objects:
        annotation = getattr(one, "_child", one)
        if (
            isinstance(annotation, omero.model.Annotation)
            and annotation.isLoaded()
            and annotation.ns is not None
        ):
            found.add(annotation.ns.val)
    return found


def is_marked_class(one: Any) -> bool:
    """Tell whether new objects of this class are marked."""
    return any(isinstance(one, getattr(omero.model, name)) for name in MARKED)


def remember_source(one: Any, lsid: str) -> None:
    """Write on a new object which one of the source it is."""
    info = _info_of(one)
    info.setLsid(rstring(lsid))
    if (found := parse_lsid(lsid)) is not None:
        info.setEntityId(rlong(found[1].id))


def with_source(lsid: str, database: str) -> str:
    """Return an LSID with a database as its revision: servers of one name are told apart by that."""
    full = f"{without_source(lsid)}:{database}"
    return full if len(full) <= _MAX_LSID else lsid


def without_source(lsid: str) -> str:
    """Return the LSID of a mark as documents have it."""
    return ":".join(lsid.split(":")[:5])


def source_of(lsid: str) -> str:
    """Return the database in the LSID of a mark; empty in marks of earlier versions."""
    return ":".join(lsid.split(":")[5:])


def _info_of(one: Any) -> Any:
    """Return the ExternalInfo of a new object; every object needs one of its own (its column is unique)."""
    details = one.getDetails()
    if details.getExternalInfo() is None:
        info = omero.model.ExternalInfoI()
        info.setEntityType(rstring(ENTITY))
        info.setEntityId(rlong(0))
        details.setExternalInfo(info)
    return details.getExternalInfo()
