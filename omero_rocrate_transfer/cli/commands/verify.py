"""The command ``verify``: a crate against itself, its source, or what was made of it."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

from omero_rocrate_transfer.cli.commands.idmap import find_ids
from omero_rocrate_transfer.cli.options.reading import verify_options
from omero_rocrate_transfer.cli.output.combined import write_combined
from omero_rocrate_transfer.cli.output.render import note
from omero_rocrate_transfer.cli.output.text import render_server
from omero_rocrate_transfer.cli.servers import endpoints
from omero_rocrate_transfer.model.contents import Contents
from omero_rocrate_transfer.model.errors import UsageError
from omero_rocrate_transfer.transfer.engine import Engine
from omero_rocrate_transfer.transfer.journal.id_map import read_idmap
from omero_rocrate_transfer.transfer.retry import Retry
from omero_rocrate_transfer.transfer.verify.audit import verify as verify_audit
from omero_rocrate_transfer.transfer.verify.compare import Comparison, Side

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from omero_rocrate_transfer.cli.options.reading import VerifyOptions
    from omero_rocrate_transfer.cli.servers.target_login import TargetLogin
    from omero_rocrate_transfer.model.contents import SourceInfo
    from omero_rocrate_transfer.model.refs import ObjectRef
    from omero_rocrate_transfer.server.session.connection import Connection
    from omero_rocrate_transfer.transfer.events import Event
    from omero_rocrate_transfer.transfer.interrupt import Interrupt
    from omero_rocrate_transfer.transfer.journal.id_map import Ids
    from omero_rocrate_transfer.transfer.ports import Source

#: Beginnings of the namespaces of annotations that only say where an object came from.
PROVENANCE: Final = ("openmicroscopy.org/cli/transfer", "https://github.com/ome/omero-rocrate-transfer/")


def verify(ctx: Any, args: argparse.Namespace, interrupt: Interrupt) -> Iterator[Event]:
    """Check a crate."""
    chosen = verify_options(args)
    if chosen.to is not None:
        events = _compare_copies(ctx, args, chosen, chosen.to, interrupt)
    elif chosen.objects or chosen.against_server:
        events = _compare(ctx, args, chosen, interrupt)
    else:
        events = _audit(chosen, interrupt)
    yield from events if chosen.combined is None else write_combined(chosen.combined, events)


def _audit(chosen: VerifyOptions, interrupt: Interrupt) -> Iterator[Event]:
    with closing(endpoints.crate_audit(chosen.path, chosen.limits)) as audit:
        if not audit.has_digests:
            note(f"Note     {chosen.path} has no digests to compare with; only reading it is checked.")
        engine = Engine(parallel=chosen.parallel, interrupt=interrupt)
        yield from verify_audit(audit, engine, quick=chosen.quick, subset=chosen.subset)


def _compare(
    ctx: Any, args: argparse.Namespace, chosen: VerifyOptions, interrupt: Interrupt
) -> Iterator[Event]:
    with closing(endpoints.crate_reader(chosen.path, chosen.limits)) as crate:
        with interrupt.at_once():
            contents, retry = crate.read_contents(()), Retry(chosen.retries)
            connection = endpoints.server_connection(ctx, args, retry)
            prepare = _with_source if chosen.objects else _with_target
            comparison = retry.call(lambda: prepare(chosen, crate, contents, connection))
        yield from _run(comparison, chosen, retry, interrupt)


def _compare_copies(
    ctx: Any, args: argparse.Namespace, chosen: VerifyOptions, to: TargetLogin, interrupt: Interrupt
) -> Iterator[Event]:
    with interrupt.at_once():
        here = endpoints.server_connection(ctx, args, retry := Retry(chosen.retries))
        there = endpoints.target_connection(here, to, retry)
    with closing(there):
        with interrupt.at_once():
            ids = _read_ids(chosen, here.info, there.info)
            source = endpoints.server_reader(here, ids.became)
            contents = retry.call(lambda: source.read_contents(chosen.objects))
            comparison = retry.call(lambda: _with_copies(ids, source, contents, there))
        yield from _run(comparison, chosen, retry, interrupt)


def _run(
    comparison: Comparison, chosen: VerifyOptions, retry: Retry, interrupt: Interrupt
) -> Iterator[Event]:
    engine = Engine(parallel=chosen.parallel, interrupt=interrupt, retry=retry)
    return comparison.run(engine, quick=chosen.quick, subset=chosen.subset)


def _with_source(
    chosen: VerifyOptions, crate: Source, contents: Contents, connection: Connection
) -> Comparison:
    """Compare objects of the server with the crate that was packed from them."""
    if contents.source.database_uuid != connection.info.database_uuid:
        packed, here = _name_server(contents.source), _name_server(connection.info)
        raise UsageError(
            f"{chosen.path} was packed from {packed}, not from {here}.",
            hint="Log in there, or see with --server what was made of it here.",
        )
    known = {one.ref for one in contents.containers} | {image.ref for image in contents.iter_images()}
    if known.issuperset(chosen.objects):
        contents = crate.read_contents(chosen.objects)
    server = endpoints.server_reader(connection)
    there = server.read_contents(chosen.objects)
    return Comparison(Side(source=server, contents=there), Side(source=crate, contents=contents))


def _with_target(
    chosen: VerifyOptions, crate: Source, contents: Contents, connection: Connection
) -> Comparison:
    """Compare a crate with what was made of it on the server."""
    return _with_copies(_read_ids(chosen, contents.source, connection.info), crate, contents, connection)


def _read_ids(chosen: VerifyOptions, source: SourceInfo, target: SourceInfo) -> Ids:
    """Return what the objects of a source became on a target."""
    if chosen.idmap is None:
        return find_ids(chosen.path, source, target)
    ids = read_idmap(chosen.idmap)
    if ids.crate_digest is not None and ids.crate_digest != source.crate_digest:
        raise UsageError(
            f"The ids of {chosen.idmap} are not of {chosen.path}, but of another crate.",
            hint="Name the file that unpack wrote for it with --idmap.",
        )
    if ids.database != target.database_uuid:
        raise UsageError(
            f"The ids of {chosen.idmap} are of database {ids.database[:8]}, not of {_name_server(target)}.",
            hint="Log in where they were made.",
        )
    return ids


def _with_copies(ids: Ids, origin: Source, contents: Contents, connection: Connection) -> Comparison:
    """Compare a crate, or the server that was copied from, with what was made of it on the server."""
    became = ids.became
    wanted = [*(one.ref for one in contents.containers), *(image.ref for image in contents.iter_images())]
    present = endpoints.find_present(connection, _targets(wanted, became))
    server = endpoints.server_reader(connection, became.values())
    there = server.read_contents(present) if present else Contents(source=connection.info, roots=())
    return Comparison(
        Side(source=origin, contents=contents),
        Side(source=server, contents=there),
        became=became,
        rewritten=endpoints.rewritten_files(became),
        ignored_namespaces=PROVENANCE,
    )


def _name_server(info: SourceInfo) -> str:
    return render_server(info.host, info.database_uuid)


def _targets(wanted: list[ObjectRef], became: dict[ObjectRef, ObjectRef]) -> list[ObjectRef]:
    return [became[ref] for ref in wanted if ref in became]
