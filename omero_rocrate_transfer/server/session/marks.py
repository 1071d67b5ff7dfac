"""Marks on what a run creates: with them a later process finds what an earlier one did not note.

A mark is the ``ExternalInfo`` of an object, saved with it in one transaction: users may set it on new objects
(omero-server OmeroInterceptor.newTransientDetails), and clients do not show it. Imports make filesets on the
server's side; these carry the run in ``UploadJob.versionInfo``, which is saved with the Fileset
(omero-blitz RepositoryDaoImpl.saveFileset).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import omero.model
from omero.rtypes import rlong, rstring

from omero_rocrate_transfer.model.refs import parse_lsid

#: ``ExternalInfo.entityType`` of every mark; ``uuid`` is the run, ``lsid`` the object of the source.
ENTITY: Final = "omero-rocrate-transfer/run"
#: Name of the value in ``UploadJob.versionInfo`` that holds the run.
RUN_FACT: Final = "omero-rocrate-transfer.run"
#: Name of the value that holds the unit, like ``Fileset:5``.
UNIT_FACT: Final = "omero-rocrate-transfer.unit"
#: What is not deleted together with something else that is marked, by its class or that of its parent.
MARKED: Final = ("Project", "Dataset", "Screen", "Plate", "Image", "Folder", "OriginalFile", "Annotation")


class MarkingUpdate:
    """OMERO's update service, which marks new objects of the classes `MARKED` with a run.

    Parameters
    ----------
    update
        ``IUpdate`` of the session.
    run_id
        Of the run.
    """

    def __init__(self, update: Any, run_id: str) -> None:
        self._update = update
        self._run_id = run_id

    def saveAndReturnIds(self, objects: Sequence[Any], context: dict[str, str]) -> Any:  # noqa: N802
        """Insert objects; see ``IUpdate``."""
        return self._update.saveAndReturnIds(self._marked(objects), context)

    def saveAndReturnArray(self, objects: Sequence[Any], context: dict[str, str]) -> Any:  # noqa: N802
        """Save objects and return them; see ``IUpdate``."""
        return self._update.saveAndReturnArray(self._marked(objects), context)

    def saveAndReturnObject(self, one: Any, context: dict[str, str]) -> Any:  # noqa: N802
        """Save an object and return it; see ``IUpdate``."""
        return self._update.saveAndReturnObject(self._marked([one])[0], context)

    def saveArray(self, objects: Sequence[Any], context: dict[str, str]) -> None:  # noqa: N802
        """Save objects; see ``IUpdate``."""
        self._update.saveArray(self._marked(objects), context)

    def _marked(self, objects: Sequence[Any]) -> Sequence[Any]:
        for one in objects:
            if one.getId() is None and is_marked_class(one):
                _info_of(one).setUuid(rstring(self._run_id))
        return objects


def is_marked_class(one: Any) -> bool:
    """Tell whether new objects of this class are marked."""
    return any(isinstance(one, getattr(omero.model, name)) for name in MARKED)


def remember_source(one: Any, lsid: str) -> None:
    """Write on a new object which one of the source it is."""
    info = _info_of(one)
    info.setLsid(rstring(lsid))
    if (found := parse_lsid(lsid)) is not None:
        info.setEntityId(rlong(found[1].id))


def _info_of(one: Any) -> Any:
    """Return the ExternalInfo of a new object; every object needs one of its own (its column is unique)."""
    details = one.getDetails()
    if details.getExternalInfo() is None:
        info = omero.model.ExternalInfoI()
        info.setEntityType(rstring(ENTITY))
        info.setEntityId(rlong(0))
        details.setExternalInfo(info)
    return details.getExternalInfo()
