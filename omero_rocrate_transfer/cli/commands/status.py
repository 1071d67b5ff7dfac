"""The command ``status``: which runs there are, and how they stand; needs no server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from omero_rocrate_transfer.cli.output.text import escape
from omero_rocrate_transfer.cli.process.log import log_folder
from omero_rocrate_transfer.model.errors import TransferError
from omero_rocrate_transfer.transfer.events import Listed
from omero_rocrate_transfer.transfer.journal.runs import check_name
from omero_rocrate_transfer.transfer.journal.status import RunStatus, list_runs, read_status

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from omero_rocrate_transfer.transfer.events import Event
    from omero_rocrate_transfer.transfer.interrupt import Interrupt


def status(_ctx: Any, args: argparse.Namespace, _interrupt: Interrupt) -> Iterator[Event]:
    """Show all runs, or one of them."""
    if args.run_name is not None:
        run = read_status(log_folder(), check_name(args.run_name))
        yield Listed(lines=tuple(_iter_details(run)), document={"runs": [_document(run)]})
        return
    runs = list(list_runs(log_folder()))
    lines = tuple(escape(str(run)) if isinstance(run, TransferError) else _line(run) for run in runs)
    known = [_document(run) for run in runs if isinstance(run, RunStatus)]
    yield Listed(lines=lines or ("There are no runs.",), document={"runs": known})


def _line(run: RunStatus) -> str:
    done, planned = len(run.history.done), run.head["items"]
    return f"{run.state:<10} {run.head['started']}  {done:,}/{planned:,} items  {run.name}"


def _iter_details(run: RunStatus) -> Iterator[str]:
    yield _line(run)
    for key, value in run.head.items():
        if key not in {"type", "version", "fingerprint", "items", "started"}:
            yield f"  {key:<16} {escape(str(value))}"
    created = sum(len(result.mappings) for result in run.history.done.values()) + len(run.history.mappings)
    if run.head["command"] != "pack":
        yield f"  {'objects':<16} {created:,}"
    for unit, reason in run.history.failed.items():
        yield f"  Failed {unit}: {escape(reason)}"


def _document(run: RunStatus) -> dict[str, Any]:
    return {
        "run": run.name,
        "state": run.state,
        **{key: value for key, value in run.head.items() if key not in {"type", "version"}},
        "done": len(run.history.done),
        "failed": {str(unit): reason for unit, reason in run.history.failed.items()},
    }
