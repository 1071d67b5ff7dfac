"""Goes on with what an earlier process of a run left on a server: nothing is lost, nothing is there twice."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Final

from omero_rocrate_transfer.model.contents import Contents
from omero_rocrate_transfer.model.errors import RefusedError
from omero_rocrate_transfer.model.refs import ObjectRef, parse_lsid
from omero_rocrate_transfer.model.results import UnitResult
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.queries import Reader
from omero_rocrate_transfer.server.write.created import Traces, find_traces, remove
from omero_rocrate_transfer.transfer.faultpoints import faultpoint
from omero_rocrate_transfer.transfer.journal.state import History

log = logging.getLogger(__name__)

_IMPORTED: Final = "select i.fileset.id, i.id from Image i where i.fileset.id in (:ids) order by i.id"
#: Types of objects that belong to one unit each.
_OF_UNITS: Final = ("Fileset", "Plate", "Image", "OriginalFile")


def take_up(
    connection: Connection, group: int, contents: Contents, history: History
) -> tuple[list[ObjectRef], Traces]:
    """Find the units that are whole, and delete what is left of those that are not.

    Returns
    -------
    tuple
        The units, and everything marked that is there still.

    Raises
    ------
    RefusedError
        A container of the run was deleted meanwhile.
    """
    traces = find_traces(connection, connection.run_id)
    if not history.begun:
        _remove(connection, traces.found, group)
        return [], Traces()
    _check_containers(connection, history)
    imported = _imported(connection, traces)
    there = {*traces.found, *(image for images in imported.values() for image in images)}
    whole = [ref for ref, result in history.done.items() if _is_whole(result, there)]
    wanted = {one.target for ref in whole for one in history.done[ref].mappings}
    wanted |= {fileset for fileset, images in imported.items() if not wanted.isdisjoint(images)}
    attached = {unit.ref for unit in contents.units if unit.ref.type == "Annotation"} - set(whole)
    _remove(connection, [ref for ref in traces.found if _is_stale(ref, traces, wanted, attached)], group)
    faultpoint("server:taken-up")
    return whole, find_traces(connection, connection.run_id)


def _imported(connection: Connection, traces: Traces) -> dict[ObjectRef, list[ObjectRef]]:
    """Return the images of the filesets of the run, which the server made without a mark of their own."""
    filesets = [ref.id for ref in traces.of_type("Fileset")]
    found: dict[ObjectRef, list[ObjectRef]] = {ObjectRef("Fileset", number): [] for number in filesets}
    for fileset, image in Reader(connection).rows(_IMPORTED, filesets, doing="Looking for imported images"):
        found[ObjectRef("Fileset", fileset)].append(ObjectRef("Image", image))
    return found


def _is_whole(result: UnitResult, there: set[ObjectRef]) -> bool:
    """Tell whether what a unit became is there still."""
    made = {one.target for one in result.mappings if one.target.type in ("Fileset", "Image", "Annotation")}
    return made <= there


def _is_stale(ref: ObjectRef, traces: Traces, wanted: set[ObjectRef], attached: set[ObjectRef]) -> bool:
    if ref.type == "Annotation":
        lsid = parse_lsid(traces.found[ref] or "")
        return lsid is not None and lsid[1] in attached
    # files in use by an annotation stay, whatever is asked for
    return ref.type in _OF_UNITS and ref not in wanted


def _check_containers(connection: Connection, history: History) -> None:
    reader = Reader(connection)
    for type_name in {one.target.type for one in history.mappings}:
        ids = [one.target.id for one in history.mappings if one.target.type == type_name]
        hql = f"select o.id from {type_name} o where o.id in (:ids) order by o.id"  # noqa: S608 -- a class of OMERO
        there = {row[0] for row in reader.rows(hql, ids, doing=f"Looking for {type_name}s of the run")}
        for number in ids:
            if number not in there:
                raise RefusedError(
                    f"{type_name}:{number} was created by this run and is gone.",
                    hint="Take the run back with 'omero transfer undo RUN' ('omero transfer status' shows "
                    "its name), or begin another with --run NAME.",
                )


def _remove(connection: Connection, refs: Iterable[ObjectRef], group: int) -> None:
    stale = list(refs)
    if stale:
        log.info("removing what was left half done: %s", ", ".join(map(str, stale)))
        remove(connection, stale, group)
