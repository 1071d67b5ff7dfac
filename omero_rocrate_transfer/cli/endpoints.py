"""Opens the two ends of a transfer; the only place that knows which kinds there are."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from omero_rocrate_transfer.cli.login import log_in
from omero_rocrate_transfer.model.errors import RefusedError

if TYPE_CHECKING:
    import argparse

    from omero_rocrate_transfer.cli.options import PackOptions, UnpackOptions
    from omero_rocrate_transfer.model.contents import SourceInfo
    from omero_rocrate_transfer.transfer.ports import Sink, Source


def server_source(ctx: Any, args: argparse.Namespace) -> tuple[Source, int]:
    """Return the logged-in server as source, and the id of the user."""
    from omero_rocrate_transfer.server.session import Connection
    from omero_rocrate_transfer.server.source import ServerSource

    connection = Connection(log_in(ctx, args), owned=False)
    return ServerSource(connection), connection.user_id


def server_sink(ctx: Any, args: argparse.Namespace, chosen: UnpackOptions) -> tuple[Sink, SourceInfo]:
    """Return the logged-in server as sink, and who it is."""
    from omero_rocrate_transfer.server.session import Connection
    from omero_rocrate_transfer.server.sink import ServerSink

    connection = Connection(log_in(ctx, args), owned=False)
    return ServerSink(connection, merge=chosen.merge, target=chosen.target), connection.info


def crate_source(chosen: UnpackOptions) -> Source:
    """Return the crate at the chosen path as source."""
    from omero_rocrate_transfer.crate.source import CrateSource

    return CrateSource(chosen.path)


def refuse_existing(chosen: PackOptions) -> None:
    """Raise where something is at the chosen path, long before it would be written.

    Raises
    ------
    RefusedError
    """
    if os.path.lexists(chosen.path):
        raise RefusedError(f"{chosen.path} exists already.", hint="Name another path, or remove it.")


def crate_sink(chosen: PackOptions, agent: int) -> Sink:
    """Return the crate that is to be written by a user; nothing is written yet."""
    from omero_rocrate_transfer.crate.sink import CrateSink

    return CrateSink(chosen.path, chosen.facts, command=chosen.command, agent=agent)
