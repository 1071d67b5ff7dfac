"""Events as JSON lines; the fields are documented in docs/json-lines.rst, and only ever added to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from omero_rocrate_transfer.transfer.events import Compared, Finished, Listed, Planned, Retried, UnitEnded

if TYPE_CHECKING:
    from collections.abc import Iterable

    from omero_rocrate_transfer.model.contents import Omission, TransferUnit
    from omero_rocrate_transfer.model.errors import TransferError
    from omero_rocrate_transfer.transfer.events import Event

Line = dict[str, Any]


def line_of(event: Event) -> Line | None:
    """Return the JSON object of an event that stands for itself; progress is added up elsewhere."""
    line: Line | None = None
    match event:
        case Planned():
            line = _plan(event)
        case Compared() if event.symbol != "=":
            line = _difference(event)
        case Listed(document=document):
            line = {"type": "list", **document}
        case UnitEnded():
            line = _item(event)
        case Retried():
            line = _retry(event)
        case Finished():
            line = _summary(event)
    return line


def progress_line(*, phase: str, done: int, total: int, items: int, rate: float, eta_s: float | None) -> Line:
    """Return the JSON object that tells how far the run is."""
    return {
        "type": "progress",
        "phase": phase,
        "bytes_done": done,
        "bytes_total": total,
        "items_done": items,
        "rate": round(rate),
        "eta_s": None if eta_s is None else round(eta_s, 1),
    }


def _plan(event: Planned) -> Line:
    contents = event.contents
    return {
        "type": "plan",
        "dry_run": event.dry_run,
        "items": len(contents.units),
        "images": sum(1 for _ in contents.iter_images()),
        "files": contents.file_count,
        "attachments": contents.attachment_count,
        "containers": len(contents.containers),
        "pixels": _pixels(contents.units),
        "bytes": contents.size_bytes,
        "omissions": _omissions(contents.omissions),
    }


def _pixels(units: Iterable[TransferUnit]) -> list[Line]:
    """Return what travels as pixels, with the reason where no original files do."""
    return [{"object": str(unit.ref), "reason": unit.pixels_reason} for unit in units if unit.pixels]


def _item(event: UnitEnded) -> Line:
    return {
        "type": "item",
        "object": str(event.unit),
        "state": event.state,
        "bytes": event.size_bytes,
        "images": event.images,
        "files": event.files,
        "files_verified": event.files_verified,
        "planes_verified": event.planes_verified,
        "omissions": _omissions(event.omissions),
        "error": _error(event.error),
    }


def _difference(event: Compared) -> Line:
    return {
        "type": "difference",
        "symbol": event.symbol,
        "path": event.path,
        "text": event.text,
        "error": _error(event.error),
    }


def _retry(event: Retried) -> Line:
    return {
        "type": "retry",
        "object": None if event.unit is None else str(event.unit),
        "attempt": event.attempt,
        "wait_s": round(event.wait_s, 1),
        "reason": str(event.error),
    }


def _summary(event: Finished) -> Line:
    return {
        "type": "summary",
        "exit_code": event.exit_code,
        "planned": event.planned,
        "done": event.done,
        "skipped": event.skipped,
        "failed": event.failed,
        "omitted": sum(omission.count for omission in event.omissions if not omission.on_request),
        "images": event.images,
        "files": event.files,
        "files_verified": event.files_verified,
        "planes_verified": event.planes_verified,
        "bytes": event.size_bytes,
        "seconds": round(event.seconds, 3),
        "dry_run": event.dry_run,
        "compared": event.compared,
        "differences": event.differences,
        "omissions": _omissions(event.omissions),
        "error": _error(event.error),
    }


def _omissions(omissions: Iterable[Omission]) -> list[Line]:
    return [
        {
            "type": omission.type,
            "count": omission.count,
            "reason": omission.reason,
            "on": None if omission.on is None else str(omission.on),
            "on_request": omission.on_request,
        }
        for omission in omissions
    ]


def _error(error: TransferError | None) -> Line | None:
    return None if error is None else {"id": error.error_id, "text": str(error)}
