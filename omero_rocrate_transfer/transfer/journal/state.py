"""What a journal says, added up: pure functions from records to what is known, and back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from omero_rocrate_transfer.model.contents import Omission
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.model.results import Mapping, UnitResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from omero_rocrate_transfer.model.errors import TransferError
    from omero_rocrate_transfer.transfer.journal.file import Record


@dataclass(slots=True)
class History:
    """What the earlier processes of a run did."""

    #: Whether the target was begun: its containers are whole.
    begun: bool = False
    #: Containers on the target.
    mappings: tuple[Mapping, ...] = ()
    #: What of the containers could not be taken.
    omissions: tuple[Omission, ...] = ()
    #: Units that are done, in the order in which they ended.
    done: dict[ObjectRef, UnitResult] = field(default_factory=dict)
    #: Units that failed last time, and why.
    failed: dict[ObjectRef, str] = field(default_factory=dict)
    #: What the sink said of the finished target; None while it is not finished.
    finished: dict[str, Any] | None = None
    #: Whether `undo` took everything back.
    undone: bool = False
    #: Ids of the sessions on the target that its processes worked in.
    sessions: set[int] = field(default_factory=set)


def read_history(records: Iterable[Record]) -> History:
    """Add the records of a journal up, in their order."""
    history = History()
    for record in records:
        match record["type"]:
            case "opened":
                history.sessions |= {record["session"]} if "session" in record else set()
            case "begun":
                history.begun = True
                history.mappings = _mappings(record["mappings"])
                # earlier versions did not note them here
                history.omissions = tuple(_omission(fields) for fields in record.get("omissions", ()))
            case "unit":
                result = _result(record)
                history.failed.pop(result.unit, None)
                history.done[result.unit] = result
            case "failed":
                history.failed[_ref(record["unit"])] = record["error"]
            case "lost":
                for name in record["units"]:
                    history.done.pop(_ref(name), None)
                history.finished = None
            case "finished":
                history.finished = record["receipt"]
            case "undone":
                history = History(undone=True, sessions=history.sessions)
    return history


def begun_record(mappings: Iterable[Mapping], omissions: Iterable[Omission] = ()) -> Record:
    """Return the record of a target that was begun."""
    return {
        "type": "begun",
        "mappings": [_pair(mapping) for mapping in mappings],
        "omissions": [_omission_fields(omission) for omission in omissions],
    }


def unit_record(result: UnitResult) -> Record:
    """Return the record of a unit that is done."""
    return {
        "type": "unit",
        "unit": str(result.unit),
        "size_bytes": result.size_bytes,
        "files_verified": result.files_verified,
        "planes_verified": result.planes_verified,
        "mappings": [_pair(mapping) for mapping in result.mappings],
        "omissions": [_omission_fields(omission) for omission in result.omissions],
        "receipt": dict(result.receipt),
    }


def failed_record(unit: ObjectRef, error: TransferError) -> Record:
    """Return the record of a unit that failed."""
    return {"type": "failed", "unit": str(unit), "id": error.error_id, "error": str(error)}


def lost_record(units: Iterable[ObjectRef]) -> Record:
    """Return the record of units that were done and are not there any more."""
    return {"type": "lost", "units": [str(unit) for unit in units]}


def finished_record(receipt: dict[str, Any]) -> Record:
    """Return the record of a target that is complete."""
    return {"type": "finished", "receipt": receipt}


def _result(record: Record) -> UnitResult:
    return UnitResult(
        unit=_ref(record["unit"]),
        size_bytes=record["size_bytes"],
        files_verified=record["files_verified"],
        planes_verified=record["planes_verified"],
        mappings=_mappings(record["mappings"]),
        omissions=tuple(_omission(fields) for fields in record["omissions"]),
        receipt=record["receipt"],
    )


def _ref(text: str) -> ObjectRef:
    type_name, _, number = text.partition(":")
    return ObjectRef(type_name, int(number))


def _pair(mapping: Mapping) -> list[str]:
    return [str(mapping.source), str(mapping.target)]


def _mappings(pairs: Iterable[Sequence[str]]) -> tuple[Mapping, ...]:
    return tuple(Mapping(source=_ref(source), target=_ref(target)) for source, target in pairs)


def _omission_fields(omission: Omission) -> dict[str, Any]:
    on = None if omission.on is None else str(omission.on)
    return {"type": omission.type, "count": omission.count, "reason": omission.reason, "on": on}


def _omission(fields: dict[str, Any]) -> Omission:
    on = None if fields["on"] is None else _ref(fields["on"])
    return Omission(type=fields["type"], count=fields["count"], reason=fields["reason"], on=on)
