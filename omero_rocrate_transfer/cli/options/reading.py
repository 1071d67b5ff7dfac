"""Options of the commands that only read: ``verify`` and ``list``, each said once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omero_ext import argparse

from omero_rocrate_transfer.cli.options.crate_limits import add_crate_limits, crate_limits
from omero_rocrate_transfer.cli.options.limits import add_parallel, add_retries, add_timeout
from omero_rocrate_transfer.cli.options.transfers import add_output
from omero_rocrate_transfer.cli.servers.target_login import TargetLogin, add_target_login, target_login
from omero_rocrate_transfer.model.errors import UsageError
from omero_rocrate_transfer.model.refs import parse_objects
from omero_rocrate_transfer.transfer.verify.subset import ALL, Subset

if TYPE_CHECKING:
    from omero_rocrate_transfer.crate.archives.base import Limits
    from omero_rocrate_transfer.model.refs import ObjectRef


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyOptions:
    """What ``verify`` was asked for."""

    path: Path
    #: Of the server, that the crate was packed from; none to compare with all of it, or with none at all.
    objects: tuple[ObjectRef, ...]
    #: Server that the objects were copied to: then there is no crate, and no path.
    to: TargetLogin | None
    #: Whether the crate is compared with what a server made of it.
    against_server: bool
    #: The new ids on that server; None for those of the newest run that unpacked the crate there.
    idmap: Path | None
    #: How large the crate may be.
    limits: Limits
    quick: bool
    subset: Subset
    #: Where to write one line for everything that was compared.
    combined: Path | None
    parallel: int
    #: Attempts after the first where the connection fails.
    retries: int


def add_verify(parser: argparse.ArgumentParser) -> None:
    """Add what ``verify`` takes, login options excepted."""
    parser.add_argument("object", nargs="*", help="Compare with these objects of the server, like Project:42")
    parser.add_argument("filepath", help="The crate: a folder, a .zip or a .tar")
    add_target_login(
        parser,
        required=False,
        text="Compare objects with their copies there; no crate is read",
        group="Group of the login there",
    )
    parser.add_argument("--idmap", metavar="FILE", help="New ids on the server (default: of the last run)")
    parser.add_argument("--quick", action="store_true", help="Names and sizes only; no content is read")
    parser.add_argument(
        "--subset", type=_subset, default=ALL, metavar="N/M|P%", help="Read a part: 2/10 or 5%%"
    )
    parser.add_argument("--combined", metavar="FILE", help="Write a line for everything compared to FILE")
    add_crate_limits(parser)
    add_retries(parser)
    add_timeout(parser)
    add_parallel(parser)
    add_output(parser)


def add_list(parser: argparse.ArgumentParser) -> None:
    """Add what ``list`` takes."""
    parser.add_argument("filepath", type=Path, help="The crate: a folder, a .zip or a .tar")
    parser.add_argument("--long", action="store_true", help="Count channels, annotations and ROIs too")
    add_crate_limits(parser)
    add_output(parser)


def add_status(parser: argparse.ArgumentParser) -> None:
    """Add what ``status`` takes."""
    parser.add_argument("run_name", nargs="?", metavar="RUN", help="Show this run; all of them by default")
    add_output(parser)


def add_undo(parser: argparse.ArgumentParser) -> None:
    """Add what ``undo`` takes, login options excepted."""
    parser.add_argument(
        "run_name",
        metavar="RUN",
        help="Name of the run as 'status' shows it, or its id",
    )
    parser.add_argument("--dry-run", action="store_true", help="Show what would be removed and stop")
    parser.add_argument("--force", action="store_true", help="Remove without a question")
    add_timeout(parser)
    add_output(parser)


def add_idmap(parser: argparse.ArgumentParser) -> None:
    """Add what ``idmap`` takes, login options excepted."""
    parser.add_argument("run_name", metavar="RUN", help="Name of the run, as 'status' shows it")
    add_output(parser)


class ServerToo(argparse.Action):
    """Takes ``--server`` with a host or without one, which does not undo what ``-s`` said before."""

    def __call__(
        self, _parser: Any, namespace: argparse.Namespace, values: Any, _option: str | None = None
    ) -> None:
        """Keep the host, if there is one."""
        namespace.server = values or getattr(namespace, "server", None) or ""


def let_server_ask(parser: Any) -> None:
    """Let OMERO's option ``--server HOST``, which is there already, stand without a host too."""
    for action in list(parser._actions):  # noqa: SLF001 - argparse names its actions nowhere else
        if action.dest == "server":
            action.nargs, action.const = "?", ""
            action.help = "Compare with the server: this one, or where you are logged in"
            action.__class__ = ServerToo


def verify_options(args: argparse.Namespace) -> VerifyOptions:
    """Return the options of ``verify``.

    Raises
    ------
    UsageError
        They ask for something that cannot be.
    """
    path = Path(args.filepath)
    to = target_login(args) if args.to_server is not None else None
    objects = parse_objects(args.object if to is None else [*args.object, args.filepath])
    against_server = args.server is not None and not objects
    args.server = args.server or None
    if args.idmap is not None and not against_server and to is None:
        raise UsageError("--idmap needs --server or --to-server.", hint="Add one, or leave --idmap out.")
    if args.idmap is None and to is not None:
        raise UsageError("--to-server needs --idmap.", hint="Name the file of new ids that copy wrote.")
    return VerifyOptions(
        path=path,
        objects=objects,
        to=to,
        against_server=against_server,
        idmap=None if args.idmap is None else Path(args.idmap),
        limits=crate_limits(args),
        quick=args.quick,
        subset=args.subset,
        combined=Path(args.combined) if args.combined is not None else None,
        parallel=args.parallel,
        retries=args.retries,
    )


def _subset(text: str) -> Subset:
    try:
        return Subset.parse(text)
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
