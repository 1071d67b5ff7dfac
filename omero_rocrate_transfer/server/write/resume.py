"""Goes on with what an earlier process of a run left on a server: nothing is lost, nothing is there twice.

Ids alone say nothing: a server that was restored from a backup gives them to other objects. What the journal
names counts only with the mark of the run and of the right source.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from omero_rocrate_transfer.model.contents import Contents
from omero_rocrate_transfer.model.errors import RefusedError
from omero_rocrate_transfer.model.refs import ObjectRef, parse_lsid
from omero_rocrate_transfer.model.results import Mapping, UnitResult
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.queries import Reader
from omero_rocrate_transfer.server.write.additions import refuse_additions
from omero_rocrate_transfer.server.write.created import Traces, find_traces, remove
from omero_rocrate_transfer.server.write.removal import plan_removal
from omero_rocrate_transfer.transfer.faultpoints import faultpoint
from omero_rocrate_transfer.transfer.journal.state import History

log = logging.getLogger(__name__)

_IMPORTED: Final = "select i.fileset.id, i.id from Image i where i.fileset.id in (:ids) order by i.id"
_GROUPS: Final = "select g.id, g.name from ExperimenterGroup g where g.id in (:ids) order by g.id"
_CONTAINERS: Final = (
    "select o.id, o.name, w.omeName, o.details.group.id from {type} o join o.details.owner w"
    " where o.id in (:ids) order by o.id"
)
#: Types of objects that belong to one unit each.
_OF_UNITS: Final = ("Fileset", "Plate", "Image", "OriginalFile")
_OTHER_RUN: Final = (
    "Take the run back with 'omero transfer undo RUN' ('omero transfer status' shows "
    "its name), or begin another with --run NAME."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Merging:
    """Which containers without a mark a run may have taken as its own."""

    #: Whether it took any.
    merge: bool
    #: Login of their owner; None if each source has one of its own.
    owner: str | None


class Resume:
    """What an earlier process of the run of a connection left in a group.

    Parameters
    ----------
    connection
        Marked with the run.
    group
        That the run writes into.
    """

    def __init__(self, connection: Connection, group: int) -> None:
        self._connection = connection
        self._group = group
        self._reader = Reader(connection)
        self._traces = find_traces(connection, connection.run_id)

    def take_up(
        self, contents: Contents, history: History, merging: Merging
    ) -> tuple[list[ObjectRef], Traces]:
        """Find the units that are whole, and delete what is left of those that are not.

        Returns
        -------
        tuple
            The units, and everything marked that is there still.

        Raises
        ------
        RefusedError
            Containers of the run are gone or are others by now, its objects are in another group, or
            somebody added something to what would have to be deleted.
        """
        self._check_group()
        if not history.begun:
            self._clear(history)
            return [], Traces()
        self._check_containers(contents, history, merging)
        traces = self._traces
        imported = self._imported()
        images: dict[str, set[ObjectRef]] = {}
        for fileset, its_images in imported.items():
            images.setdefault(traces.units[fileset], set()).update(its_images)
        whole = [ref for ref, result in history.done.items() if self._is_whole(result, images)]
        wanted = {one.target for ref in whole for one in history.done[ref].mappings}
        wanted |= {fileset for fileset, images in imported.items() if not wanted.isdisjoint(images)}
        attached = {unit.ref for unit in contents.units if unit.ref.type == "Annotation"} - set(whole)
        self._remove([ref for ref in traces.found if _is_stale(ref, traces, wanted, attached)], history)
        faultpoint("server:taken-up")
        return whole, find_traces(self._connection, self._connection.run_id)

    def _check_group(self) -> None:
        """Raise if all that there is of the run is in another group."""
        elsewhere = set(self._traces.groups.values())
        if elsewhere and self._group not in elsewhere:
            rows = self._reader.rows(_GROUPS, {*elsewhere, self._group}, doing="Looking for groups")
            names: dict[int, str] = dict(rows)
            here = names.pop(self._group, str(self._group))
            there = ", ".join(names.values()) or "another one"
            raise RefusedError(
                f"{len(self._traces.found)} objects of this run are in the group {there}, not in {here}.",
                hint="Run the command with the group of the run.",
            )

    def _clear(self, history: History) -> None:
        """Delete what a run left that noted nothing: containers, as a rule, that nothing is in yet."""
        removal = plan_removal(self._connection, list(self._traces.found), self._group)
        if removal.kept and not history.undone:
            ref, reason = next(iter(removal.kept.items()))
            raise RefusedError(f"{ref} was created by this run, and stays: {reason}.", hint=_OTHER_RUN)
        self._remove(removal.removed, history)

    def _imported(self) -> dict[ObjectRef, list[ObjectRef]]:
        """Return the images of the filesets of the run, which the server made without a mark of their own."""
        filesets = [ref.id for ref in self._traces.of_type("Fileset")]
        found: dict[ObjectRef, list[ObjectRef]] = {ObjectRef("Fileset", number): [] for number in filesets}
        rows = self._reader.rows(_IMPORTED, filesets, doing="Looking for imported images")
        for fileset, image in rows:
            found[ObjectRef("Fileset", fileset)].append(ObjectRef("Image", image))
        return found

    def _is_whole(self, result: UnitResult, images: dict[str, set[ObjectRef]]) -> bool:
        """Tell whether what a unit became is there still, and was made of this unit.

        Parameters
        ----------
        images
            Those that were imported, by their units.
        """
        imported = images.get(str(result.unit), ())
        return all(
            one.target in imported or self._is_of(one)
            for one in result.mappings
            if one.target.type in ("Fileset", "Image", "Annotation")
        )

    def _is_of(self, mapping: Mapping) -> bool:
        """Tell whether a target has the marks of the run and of its source."""
        traces = self._traces
        if mapping.target not in traces.found:
            return False
        if mapping.target.type == "Fileset":
            return traces.units[mapping.target] == str(mapping.source)
        lsid = parse_lsid(traces.found[mapping.target] or "")
        return lsid is None or lsid[1] == mapping.source

    def _check_containers(self, contents: Contents, history: History, merging: Merging) -> None:
        names = {one.ref: one.name for one in contents.containers}
        for type_name in {one.target.type for one in history.mappings}:
            mine = [one for one in history.mappings if one.target.type == type_name]
            rows = self._reader.rows(
                _CONTAINERS.format(type=type_name),
                {one.target.id for one in mine},
                doing=f"Looking for {type_name}s of the run",
            )
            there = {number: (name, owner, group) for number, name, owner, group in rows}
            for one in mine:
                if one.target.id not in there:
                    raise RefusedError(f"{one.target} was created by this run and is gone.", hint=_OTHER_RUN)
                if one.target not in self._traces.found and merging.merge:
                    self._check_merged(one, names.get(one.source), there[one.target.id], merging)
                elif not self._is_of(one):
                    raise RefusedError(
                        f"{one.target} is not what this run made of {one.source}: it has another mark, or "
                        "none. The server was restored from a backup, or the journal was changed.",
                        hint=_OTHER_RUN,
                    )

    def _check_merged(
        self, one: Mapping, name: str | None, found: tuple[str, str, int], merging: Merging
    ) -> None:
        """Raise if a container that the run merged into is another by now: it has no mark to know it by."""
        its_name, owner, group = found
        if name not in (None, its_name) or merging.owner not in (None, owner) or group != self._group:
            whose = "" if merging.owner is None else f" of {merging.owner}"
            raise RefusedError(
                f"{one.target} is not {name!r}{whose} any more, into which this run merged {one.source}.",
                hint=f"Give it back its name, owner and group if it is the same. {_OTHER_RUN}",
            )

    def _remove(self, refs: Iterable[ObjectRef], history: History) -> None:
        stale = list(refs)
        if stale:
            refuse_additions(self._connection, stale, self._group, self._traces, history.sessions)
            log.info("removing what was left half done: %s", ", ".join(map(str, stale)))
            remove(self._connection, stale, self._group)


def _is_stale(
    ref: ObjectRef, traces: Traces, wanted: Collection[ObjectRef], attached: Collection[ObjectRef]
) -> bool:
    if ref.type == "Annotation":
        lsid = parse_lsid(traces.found[ref] or "")
        return lsid is not None and lsid[1] in attached
    # files in use by an annotation stay, whatever is asked for
    return ref.type in _OF_UNITS and ref not in wanted
