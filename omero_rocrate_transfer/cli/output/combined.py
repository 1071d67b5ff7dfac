"""One line for everything that was compared, in the form of ``rclone check --combined``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omero_rocrate_transfer.cli.output.text import escape
from omero_rocrate_transfer.model.errors import NotFoundError, RefusedError
from omero_rocrate_transfer.transfer.events import Compared

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from omero_rocrate_transfer.transfer.events import Event


def write_combined(path: Path, events: Iterable[Event]) -> Iterator[Event]:
    """Pass events on and write ``= name``, ``* name`` … for each comparison.

    Raises
    ------
    RefusedError
        There is such a file.
    NotFoundError
        It cannot be written.
    """
    try:
        file = path.open("x", encoding="utf-8")
    except FileExistsError as error:
        raise RefusedError(f"{path} exists already.", hint="Name another file with --combined.") from error
    except OSError as error:
        raise NotFoundError(
            f"{path} cannot be written: {error.strerror}.", hint="Name another file with --combined."
        ) from error
    with file:
        for event in events:
            if isinstance(event, Compared):
                file.write(f"{event.symbol} {escape(event.path)}\n")
            yield event
