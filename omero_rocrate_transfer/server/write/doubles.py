"""What other runs made of the objects of a plan, so that nothing is there twice because a journal is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from omero.rtypes import rlist, rstring
from omero.sys import ParametersI

from omero_rocrate_transfer.model.contents import Contents
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.errors import server_errors
from omero_rocrate_transfer.server.session.marks import (
    ENTITY,
    RUN_FACT,
    SOURCE_FACT,
    UNIT_FACT,
    source_of,
    without_source,
)
from omero_rocrate_transfer.server.session.queries import IDS_PER_QUERY, Reader, batches

_MARKS: Final = (
    "select o.id, e.lsid, e.uuid from {type} o join o.details.externalInfo e where e.entityId in (:ids)"
    " and e.entityType = '{entity}' and o.details.group.id = {group} order by o.id"
)
_JOBS: Final = (
    "select j.id from UploadJob j join j.versionInfo v where v.name = :fact and v.value in (:units)"
    " order by j.id"
)
_FACTS: Final = (
    "select j.id, v.name, v.value from UploadJob j join j.versionInfo v where j.id in (:ids)"
    " order by j.id, v.name"
)
#: Jobs whose filesets are still there, in the group.
_IMPORTS: Final = (
    "select l.id, l.child.id from FilesetJobLink l where l.child.id in (:ids)"
    " and l.parent.details.group.id = {group} order by l.id"
)
_DOING: Final = "Looking for what other runs created"


def find_doubles(connection: Connection, group: int, contents: Contents, run_id: str) -> Counter[str]:
    """Return how many containers, items and rebuilt images of a plan are in a group, by their runs.

    Nothing is found if it is not known which database the contents come from; of what other programs wrote,
    only samples tell two of the same names and sizes apart. Annotations and folders do not
    count: objects of several plans share them.

    Parameters
    ----------
    run_id
        Of the run that asks; its own objects do not count.
    """
    if not contents.source.database_uuid or contents.source.samples:
        return Counter()
    reader = Reader(connection)
    found = Counter(run for run in _marked(reader, group, contents) if run != run_id)
    found.update(run for run in _imported(connection, reader, group, contents) if run != run_id)
    return found


def _marked(reader: Reader, group: int, contents: Contents) -> Iterator[str]:
    """Yield the run of every object with the mark of an object of the plan."""
    source = contents.source
    wanted: dict[str, dict[int, None]] = {}
    for ref in _refs(contents):
        wanted.setdefault(ref.type, {})[ref.id] = None
    for type_name, ids in wanted.items():
        hql = _MARKS.format(type=type_name, entity=ENTITY, group=group)
        for _, lsid, run in reader.rows(hql, ids, doing=_DOING):
            # marks of earlier versions have the host alone
            database = source_of(lsid or "") or source.database_uuid
            name = without_source(lsid or "").partition(f":{type_name}:")
            same_host = bool(source_of(lsid or "")) or name[0] == f"urn:lsid:{source.host}"
            if database == source.database_uuid and same_host and run is not None:
                yield run


def _refs(contents: Contents) -> Iterator[ObjectRef]:
    yield from (one.ref for one in contents.containers if one.ref.type in ("Project", "Dataset", "Screen"))
    for unit in contents.units:
        yield from unit.plates
        yield from (image.ref for image in unit.images)


def _imported(connection: Connection, reader: Reader, group: int, contents: Contents) -> Iterator[str]:
    """Yield the run of every fileset that was imported from an item of the plan."""
    names = [str(unit.ref) for unit in contents.units if unit.files and unit.images]
    for batch in batches(names, IDS_PER_QUERY):
        facts: dict[int, dict[str, str]] = {}
        for job, name, value in reader.rows(_FACTS, _jobs(connection, batch), doing=_DOING):
            facts.setdefault(job, {})[name] = value
        database = contents.source.database_uuid
        jobs = [job for job, one in facts.items() if one.get(SOURCE_FACT, database) == database]
        for _, job in reader.rows(_IMPORTS.format(group=group), jobs, doing=_DOING):
            yield facts[job].get(RUN_FACT, "")


def _jobs(connection: Connection, names: Sequence[str]) -> list[int]:
    parameters = ParametersI().addString("fact", UNIT_FACT)
    parameters.add("units", rlist([rstring(name) for name in names]))
    with server_errors(_DOING):
        rows = connection.query.projection(_JOBS, parameters, connection.context())
    return [row[0].val for row in rows]
