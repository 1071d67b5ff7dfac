"""Recent objects (omero.api.ITimeline; omero-blitz TimelineI)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import omero
import omero.clients
from omero.rtypes import rlong, rstring, rtime

from omero_sandbox.db.schema import resolve
from omero_sandbox.hql.kinds import Time
from omero_sandbox.hql.parameters import Parameters
from omero_sandbox.hql.reader import Reader
from omero_sandbox.services.options import Options

if TYPE_CHECKING:
    from omero_sandbox.net.call import Call
    from omero_sandbox.net.context import ServiceContext

_LIMIT = 50
_EVER = (Time(-(2**62)), Time(2**62))
_ANNOTATED = ["Project", "Dataset", "Image"]
_DETAILS = "join {fetch} o.details.creationEvent join {fetch} o.details.owner join {fetch} o.details.group"
_CHANGED = (
    "(o.details.creationEvent.time >= :start or o.details.updateEvent.time >= :start) "
    "and (o.details.creationEvent.time <= :end or o.details.updateEvent.time <= :end)"
)


@dataclass(frozen=True)
class _Kind:
    """How objects of a type are found; ``owned`` is the alias whose owner and group count."""

    joins: str
    where: str
    owned: str
    order: str


_KINDS = {
    "Project": _Kind(_DETAILS, _CHANGED, "o", "o.details.updateEvent.id desc"),
    "Dataset": _Kind(_DETAILS, _CHANGED, "o", "o.details.updateEvent.id desc"),
    "Image": _Kind(
        _DETAILS, "o.acquisitionDate >= :start and o.acquisitionDate <= :end", "o", "o.acquisitionDate desc"
    ),
    "RenderingDef": _Kind(
        f"{_DETAILS} left outer join {{fetch}} o.pixels p left outer join {{fetch}} p.image i",
        _CHANGED,
        "i",
        "i.details.creationEvent.time desc",
    ),
}
_LOGS = (
    "select o from EventLog o join fetch o.event e where e.time >= :start and e.time <= :end "
    "and o.entityType in ('ome.model.containers.Dataset', 'ome.model.containers.Project') "
    "and o.action in ('INSERT', 'UPDATE', 'REINDEX')"
)


class TimelineService:
    """Without an owner or group in the parameters, the caller's own objects are meant."""

    def __init__(self, context: ServiceContext) -> None:
        self.context = context

    def getMostRecentObjects(self, call: Call, types: list[str], p: Any, merge: bool) -> dict[str, list[Any]]:
        """Give the newest objects by type; at most ``limit`` of each, or of all if they are merged."""
        return self._find(call, types, _EVER, p, merge=merge)

    def getByPeriod(
        self, call: Call, types: list[str], start: Any, end: Any, p: Any, merge: bool
    ) -> dict[str, list[Any]]:
        """Give the objects of a time by type: images by acquisition, others by change."""
        return self._find(call, types, _period(start, end), p, merge=merge)

    def countByPeriod(self, call: Call, types: list[str], start: Any, end: Any, p: Any) -> dict[str, int]:
        """Count the objects of a time by type; -1 for a type that has no timeline."""
        reader, (conditions, values) = Reader(call), _restrictions(call, p)
        values |= dict(zip(("start", "end"), _period(start, end), strict=True))
        counts = {}
        for name in types or list(_KINDS):
            text = _text(name, "count(o)", "", conditions)
            counts[name] = reader.rows(text, **values)[0][0] if text else -1
        return counts

    def getEventLogsByPeriod(self, call: Call, start: Any, end: Any, p: Any) -> list[Any]:
        """Give the changes of projects and datasets, and a made-up log for each image acquired then."""
        chosen, reader = _defaults(call, p), Reader(call)
        values = dict(zip(("start", "end"), _period(start, end), strict=True))
        where, owned = _log_restrictions(chosen)
        parameters = Parameters(values | owned, chosen.offset, chosen.limit)
        logs = reader.load(reader.answer(_LOGS + where, parameters))
        images = self._find(call, ["Image"], (values["start"], values["end"]), p, merge=False)["Image"]
        return logs + [_acquired(image) for image in images]

    def getMostRecentAnnotationLinks(
        self, call: Call, parentTypes: list[str], childTypes: list[str], namespaces: list[str], p: Any
    ) -> list[Any]:
        """Give the newest links to annotations of a type and with namespaces like those given."""
        if len(childTypes) > 1:
            message = "You can only restrict to a single annotation type at the moment"
            raise omero.ApiUsageException(None, None, message)
        chosen, reader = _defaults(call, p), Reader(call)
        where, values = _owned(chosen, "l")
        where += [f"c.class = {resolve(name).java_name}" for name in childTypes]
        patterns = {f"ns{index}": ns for index, ns in enumerate(namespaces)}
        if patterns:
            where.append("(" + " or ".join(f"c.ns like :{name}" for name in patterns) + ")")
        found = []
        for parent in parentTypes or _ANNOTATED:
            text = (
                f"select l from {resolve(parent).name}AnnotationLink l join l.parent p join fetch l.child c "
                "join fetch l.details.creationEvent join fetch l.details.updateEvent "
                f"where {' and '.join(['1 = 1', *where])} order by l.details.updateEvent.id desc"
            )
            parameters = Parameters(values | patterns, chosen.offset, chosen.limit)
            found += reader.load(reader.answer(text, parameters))
        return sorted(found, key=_newness, reverse=True)[: chosen.limit]

    def _find(
        self, call: Call, types: list[str], period: tuple[int, int], p: Any, *, merge: bool
    ) -> dict[str, list[Any]]:
        chosen, reader = _defaults(call, p), Reader(call)
        conditions, values = _restrictions(call, p)
        values |= dict(zip(("start", "end"), period, strict=True))
        found: dict[str, list[Any]] = {}
        for name in types or list(_KINDS):
            text = _text(name, "o", "fetch", conditions)
            parameters = Parameters(values, chosen.offset, chosen.limit)
            found[name] = reader.load(reader.answer(text, parameters)) if text else []
        return _merged(found, chosen.limit) if merge else found


def _text(name: str, columns: str, fetch: str, conditions: list[str]) -> str | None:
    kind = _KINDS.get(name)
    if kind is None:
        return None
    where = " and ".join([kind.where, *(condition.format(kind.owned) for condition in conditions)])
    order = f" order by {kind.order}" if fetch else ""
    return f"select {columns} from {name} o {kind.joins.format(fetch=fetch)} where {where}{order}"


def _defaults(call: Call, params: Any) -> Options:
    """Apply the service's defaults: the caller's own objects, 50 of them; owner -1 is everybody."""
    given = Options.read(params)
    owner = given.owner
    if given.group is None:
        owner = call.user_id if owner is None else None if owner == -1 else owner
    return Options(owner=owner, group=given.group, offset=given.offset, limit=given.limit or _LIMIT)


def _restrictions(call: Call, params: Any) -> tuple[list[str], dict[str, Any]]:
    """Conditions on the owner and group of an alias, ``{}``."""
    return _owned(_defaults(call, params), "{}")


def _owned(chosen: Options, alias: str) -> tuple[list[str], dict[str, Any]]:
    """Conditions on both owner and group, other than in the container service."""
    wanted = {"owner": chosen.owner, "group": chosen.group}
    values = {name: value for name, value in wanted.items() if value is not None}
    return [f"{alias}.details.{name}.id = :{name}" for name in values], values


def _log_restrictions(chosen: Options) -> tuple[str, dict[str, Any]]:
    columns = {"experimenter": chosen.owner, "experimenterGroup": chosen.group}
    values = {name: value for name, value in columns.items() if value is not None}
    return "".join(f" and e.{name}.id = :{name}" for name in values), values


def _period(start: Any, end: Any) -> tuple[int, int]:
    return (_EVER[0] if start is None else Time(start.val)), (_EVER[1] if end is None else Time(end.val))


def _merged(found: dict[str, list[Any]], limit: int | None) -> dict[str, list[Any]]:
    newest = sorted((each for objects in found.values() for each in objects), key=_newness, reverse=True)[
        :limit
    ]
    kept = {id(each) for each in newest}
    return {name: [each for each in objects if id(each) in kept] for name, objects in found.items()}


def _newness(obj: Any) -> int:
    return int(obj.details.updateEvent.id.val)


def _acquired(image: Any) -> Any:
    log = omero.model.EventLogI()
    log.entityId, log.entityType, log.action = (
        rlong(image.id.val),
        rstring("ome.model.core.Image"),
        rstring("INSERT"),
    )
    log.event = omero.model.EventI()
    log.event.time = rtime(image.acquisitionDate.val)
    return log
