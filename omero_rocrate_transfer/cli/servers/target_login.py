"""Logs in at a second server, the target of ``copy``; the first one is OMERO's own business."""

from __future__ import annotations

import getpass
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from omero_rocrate_transfer.cli.output.render import note
from omero_rocrate_transfer.model.errors import LoginError, UsageError
from omero_rocrate_transfer.model.secrets import keep_secret

if TYPE_CHECKING:
    import argparse

    from omero_rocrate_transfer.server.session.connection import Connection

#: Takes the password, which on the command line everybody on the machine could read.
PASSWORD: Final = "OMERO_TRANSFER_TO_PASSWORD"  # noqa: S105 -- the name of a variable

#: Takes the key of a session to join, for the same reason.
KEY: Final = "OMERO_TRANSFER_TO_KEY"
#: Characters of a file that are read as a key; a UUID has 36.
_MAX_KEY: Final = 1024


#: ``host:port`` and ``tcp://host:port``; an address of IPv6 has more colons.
_WITH_PORT = re.compile(r"((?:\w+://)?[^:/]+):(\d{1,5})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetLogin:
    """Where to log in, and as whom."""

    #: Name or address, or a URL like ``wss://omero.example.org``.
    host: str
    port: int | None
    #: ``Experimenter.omeName``; None for the user on the source.
    user: str | None
    #: Name of the group that new objects go into; None for the user's default group.
    group: str | None
    #: Key of a session to join instead of logging in.
    key: str | None
    #: Seconds without an answer that count as a lost connection.
    timeout_s: int


def add_target_login(parser: argparse.ArgumentParser, *, required: bool, text: str, group: str) -> None:
    """Add the second server; ``text`` and ``group`` say what it and the group there are for."""
    parser.add_argument("--to-server", required=required, metavar="HOST", help=text)
    parser.add_argument("--to-port", type=int, metavar="PORT", help="Its port (default 4064)")
    parser.add_argument("--to-user", metavar="NAME", help="User there (default: the user here)")
    parser.add_argument("--to-group", metavar="NAME", help=group)
    parser.add_argument(
        "--to-key-file", metavar="FILE", help="File with the key of a session there, instead of a login"
    )
    parser.add_argument(
        "--to-key", metavar="KEY", help="The key itself, which others can see in the list of processes"
    )


def target_login(args: argparse.Namespace) -> TargetLogin:
    """Return the options of the second login; the port may stand behind the host, as for ``omero login``."""
    host, port = args.to_server, args.to_port
    match = _WITH_PORT.fullmatch(host or "")
    if match is not None and port is None:
        host, port = match[1], int(match[2])
    return TargetLogin(
        host=host,
        port=port,
        user=args.to_user,
        group=args.to_group,
        key=_key(args),
        timeout_s=args.answer_timeout,
    )


def _key(args: argparse.Namespace) -> str | None:
    """Return the key of a session on the target, if there is one.

    Raises
    ------
    UsageError
        It is given twice, or its file cannot be read.
    """
    keep_secret(args.to_key)
    if args.to_key is not None and args.to_key_file is not None:
        raise UsageError("--to-key and --to-key-file exclude each other.")
    if args.to_key is not None:
        note(f"--to-key: every user of this machine can see the key; use --to-key-file or {KEY}.")
        return str(args.to_key)
    if args.to_key_file is None:
        return os.environ.get(KEY) or None
    try:
        with Path(args.to_key_file).open(encoding="ascii") as file:
            key = file.read(_MAX_KEY).strip()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise UsageError(f"--to-key-file {args.to_key_file} cannot be read: {reason}.") from error
    if not key:
        raise UsageError(f"--to-key-file {args.to_key_file} is empty.")
    return key


def log_in_target(chosen: TargetLogin, user_here: str) -> Connection:
    """Return a session of our own on the target, or one that ``omero login`` or the key stands for.

    A stored session of ``omero login`` is joined and outlives the command. Otherwise the password is that
    of the environment, or is asked for.

    Raises
    ------
    LoginError
        No connection, no password, or the server does not let this user in.
    """
    from omero_rocrate_transfer.server.session.connection import Connection

    def log_in(**credentials: str) -> Connection:
        return Connection.login(
            chosen.host, chosen.port, group=chosen.group, timeout_s=chosen.timeout_s, **credentials
        )

    user = chosen.user or user_here
    if chosen.key is not None:
        return log_in(key=chosen.key)
    for key in _stored_keys(chosen, user):
        try:
            return log_in(key=key)
        except LoginError:
            # it has expired; where the server is away, the login that follows says so
            continue
    password = os.environ.get(PASSWORD) or _ask(user, chosen.host)
    return log_in(user=user, password=password)


def _stored_keys(chosen: TargetLogin, user: str) -> list[str]:
    """Return the sessions that ``omero login`` keeps for this server and user."""
    from omero.util.sessions import SessionsStore

    from omero_rocrate_transfer.server.session.connection import DEFAULT_PORT

    store = SessionsStore(os.environ.get("OMERO_SESSIONDIR"))
    stored = store.contents().get(chosen.host, {}).get(user, {})
    port = str(chosen.port or DEFAULT_PORT)
    return [str(key) for key, facts in stored.items() if str(facts.get("omero.port", port)) == port]


def _ask(user: str, host: str) -> str:
    if sys.stdin is None or not sys.stdin.isatty():
        raise LoginError(
            f"There is no session of {user} on {host}, and nobody can be asked for a password.",
            hint=f"Try 'omero login -s {host}' first, with its port if that is not 4064, or set {PASSWORD}.",
        )
    return getpass.getpass(f"Password of {user} on {host}: ")
