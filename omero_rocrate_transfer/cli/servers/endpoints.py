"""Opens the two ends of a transfer; the only place that knows which kinds there are."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from omero_rocrate_transfer.cli.servers.login import log_in

if TYPE_CHECKING:
    import argparse
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from omero_rocrate_transfer.cli.options.content import UnpackContent
    from omero_rocrate_transfer.cli.options.copy import CopyOptions
    from omero_rocrate_transfer.cli.options.transfers import PackOptions, UnpackOptions
    from omero_rocrate_transfer.cli.process.runs import Run, Target
    from omero_rocrate_transfer.cli.servers.target_login import TargetLogin
    from omero_rocrate_transfer.crate.archives.base import Limits
    from omero_rocrate_transfer.crate.foreign.audit import ForeignAudit
    from omero_rocrate_transfer.crate.read.audit import CrateAudit
    from omero_rocrate_transfer.crate.write.unfinished import Unfinished
    from omero_rocrate_transfer.model.contents import Contents
    from omero_rocrate_transfer.model.refs import ObjectRef
    from omero_rocrate_transfer.server.session.connection import Connection
    from omero_rocrate_transfer.server.session.owners import Owners
    from omero_rocrate_transfer.server.write.removal import Removal
    from omero_rocrate_transfer.transfer.document_cache import DocumentCache
    from omero_rocrate_transfer.transfer.ports import RewrittenFiles, Sink, Source
    from omero_rocrate_transfer.transfer.retry import Retry


def server_source(
    ctx: Any, args: argparse.Namespace, chosen: PackOptions, retry: Retry
) -> tuple[Source, int]:
    """Return the logged-in server as source, and the id of the user."""
    connection = server_connection(ctx, args, retry)
    return chosen_source(connection, chosen), connection.user_id


def chosen_source(connection: Connection, chosen: PackOptions | CopyOptions) -> Source:
    """Return a server as source of what was chosen."""
    from omero_rocrate_transfer.server.read.source import ServerSource

    content = chosen.content
    return ServerSource(
        connection,
        pixels=chosen.pixels,
        annotations=content.annotations,
        figures=content.figures,
        emails=content.emails,
    )


def server_connection(ctx: Any, args: argparse.Namespace, retry: Retry | None = None) -> Connection:
    """Return the session on a server, which the attempts bring back where it ends."""
    from omero_rocrate_transfer.model.errors import LoginError
    from omero_rocrate_transfer.server.session.clients import rejoin
    from omero_rocrate_transfer.server.session.connection import Connection
    from omero_rocrate_transfer.server.session.errors import is_transient

    client = log_in(ctx, args)
    properties, key = client.getPropertyMap(), client.getSessionId()

    def reopen() -> Any:
        # the command line would close the dead client itself, and fail
        ctx.set_client(None)
        try:
            ctx.set_client(rejoin(properties, key))
        except LoginError as error:
            if is_transient(error):
                raise
            return log_in(ctx, args)
        return ctx.get_client()

    connection = Connection(client, owned=False, reopen=reopen)
    if retry is not None:
        retry.is_transient, retry.recover = is_transient, connection.revive
        connection.retry = retry
    return connection


def target_connection(source: Connection, to: TargetLogin, retry: Retry) -> Connection:
    """Return the session on a second server; the attempts bring both back where they end."""
    from omero_rocrate_transfer.cli.servers.target_login import log_in_target

    target = log_in_target(to, source.user)
    target.retry = retry
    bring_back(retry, source, target)
    return target


def bring_back(retry: Retry, *ends: Connection | Owners) -> None:
    """Let the attempts bring all of these back where they end."""

    def recover() -> None:
        for end in ends:
            end.revive()

    retry.recover = recover


def find_target(connection: Connection, container: str | None) -> Target:
    """Return where a run writes to.

    Raises
    ------
    NotFoundError, UsageError
        The container that shall take all images is missing, or is no container.
    """
    from omero_rocrate_transfer.cli.process.runs import Target
    from omero_rocrate_transfer.server.write.containers import parse_target, place_of_target

    group = connection.group_id
    if container is not None:
        group, _ = place_of_target(connection, parse_target(container))
    return Target(info=connection.info, user=connection.user, group=group, session=connection.session_id)


def target_owners(
    connection: Connection, chosen: UnpackOptions | CopyOptions, contents: Contents, source: DocumentCache
) -> Owners:
    """Return to whom things will belong on the server; refuses what cannot be before anything is written."""
    from omero_rocrate_transfer.server.session.owners import Owners
    from omero_rocrate_transfer.server.write.containers import parse_target, place_of_target
    from omero_rocrate_transfer.server.write.find_owners import find_owners
    from omero_rocrate_transfer.transfer.survey import survey

    if not chosen.owners.as_owner:
        return Owners(connection)
    group, container = connection.group_id, None
    if chosen.target is not None:
        group, container = place_of_target(connection, parse_target(chosen.target))
    people = survey(contents, source)
    return find_owners(connection, group, people, dict(chosen.owners.user_map), container)


def server_sink(
    connection: Connection,
    owners: Owners,
    chosen: UnpackOptions | CopyOptions,
    made: UnpackContent,
    run_id: str,
) -> Sink:
    """Return the server as the sink of a run."""
    from omero_rocrate_transfer.server.write.sink import ServerSink

    return ServerSink(
        connection,
        owners=owners,
        merge=chosen.merge,
        target=chosen.target,
        pixels_as=chosen.pixels_as,
        figures=made.figures,
        provenance=made.provenance,
        run_id=run_id,
    )


def refuse_doubles(run: Run, connection: Connection, group: int, retry: Retry) -> None:
    """Raise if other runs put objects of a plan into the same group of a server.

    Raises
    ------
    RefusedError
    """
    from omero_rocrate_transfer.cli.process import runs
    from omero_rocrate_transfer.server.write.doubles import find_doubles

    contents = run.plan.contents
    runs.refuse_doubles(
        run, lambda run_id: retry.call(lambda: find_doubles(connection, group, contents, run_id))
    )


def find_created(connection: Connection, run_id: str) -> tuple[Removal, int]:
    """Return what carries the mark of a run on a server, and what of it has to stay; with its group."""
    from omero_rocrate_transfer.server.write.created import find_traces
    from omero_rocrate_transfer.server.write.removal import plan_removal

    traces = find_traces(connection, run_id)
    groups = Counter(traces.groups.values())
    group = groups.most_common(1)[0][0] if groups else connection.group_id
    mine = [ref for ref in traces.found if traces.groups[ref] == group]
    return plan_removal(connection, mine, group), group


def remove_created(connection: Connection, refs: Collection[ObjectRef], group: int) -> list[ObjectRef]:
    """Delete objects; return the containers that were kept, because they hold other things too."""
    from omero_rocrate_transfer.server.write.created import remove

    return remove(connection, refs, group, keep_shared=True)


def unfinished_crate(target: Path, run_id: str) -> Unfinished:
    """Return what a run left beside its target."""
    from omero_rocrate_transfer.crate.write.unfinished import Unfinished

    return Unfinished(target, run_id)


def crate_source(chosen: UnpackOptions, limits: Limits) -> Source:
    """Return the crate or OME-Zarr at the chosen path as source."""
    from omero_rocrate_transfer.crate.read.open import open_source

    return open_source(chosen.path, limits)


def crate_sink(chosen: PackOptions, agent: int, run_id: str, limits: Limits) -> Sink:
    """Return the crate that is to be written by a user in a run; nothing is written yet."""
    from omero_rocrate_transfer.crate.write.sink import CrateSink

    return CrateSink(
        chosen.path,
        chosen.facts,
        command=chosen.command,
        agent=agent,
        zarr=chosen.zarr,
        run_id=run_id,
        limits=limits,
    )


def crate_audit(path: Path, limits: Limits) -> CrateAudit | ForeignAudit:
    """Return what is at the path, to be checked by itself."""
    from omero_rocrate_transfer.crate.read.open import open_audit

    return open_audit(path, limits)


def crate_reader(path: Path, limits: Limits) -> Source:
    """Return what is at the path as source, to look at it or to compare it with another."""
    from omero_rocrate_transfer.crate.read.open import open_source

    return open_source(path, limits)


def server_reader(connection: Connection, annotations: Iterable[ObjectRef] = ()) -> Source:
    """Return a server as source, to compare it with another.

    Parameters
    ----------
    annotations
        Those among them that are OMERO.figures are read too: nothing links to them.
    """
    from omero_rocrate_transfer.server.read.source import ServerSource

    known = [one.id for one in annotations if one.type == "Annotation"]
    return ServerSource(connection, figures=known)


def rewritten_files(became: Mapping[ObjectRef, ObjectRef]) -> RewrittenFiles:
    """Return what compares attached files that have new ids in them."""
    from omero_rocrate_transfer.server.write.annotations import rewritten

    return rewritten.RewrittenFiles(became)


def find_present(connection: Connection, refs: Iterable[ObjectRef]) -> list[ObjectRef]:
    """Return those objects that are on the server."""
    from omero_rocrate_transfer.server.session.presence import find_present

    return find_present(connection, refs)
