"""Logs in at a second server, the target of ``copy``; the first one is OMERO's own business."""

from __future__ import annotations

import getpass
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from omero_rocrate_transfer.model.errors import LoginError

if TYPE_CHECKING:
    import argparse

    from omero_rocrate_transfer.server.session.connection import Connection

#: Takes the password, which on the command line everybody on the machine could read.
PASSWORD: Final = "OMERO_TRANSFER_TO_PASSWORD"  # noqa: S105 -- the name of a variable


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
    parser.add_argument("--to-key", metavar="KEY", help="Key of a session there, instead of a login")


def target_login(args: argparse.Namespace) -> TargetLogin:
    """Return the options of the second login."""
    return TargetLogin(
        host=args.to_server,
        port=args.to_port,
        user=args.to_user,
        group=args.to_group,
        key=args.to_key,
        timeout_s=args.answer_timeout,
    )


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
            hint=f"Try 'omero login -s {host}' first, or set {PASSWORD}.",
        )
    return getpass.getpass(f"Password of {user} on {host}: ")
