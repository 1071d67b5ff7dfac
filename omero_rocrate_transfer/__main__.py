"""``python -m omero_rocrate_transfer``: the same commands as ``omero transfer``.

The ``omero`` script refuses to run as root (omero-py, main.not_root), which is what containers often are.
Login works the same way, sessions of ``omero login`` are shared, and ``login`` and ``logout`` are here too.
"""

from __future__ import annotations

import logging
import sys

from omero.cli import CLI
from omero.plugins.sessions import HELP as SESSIONS_HELP
from omero.plugins.sessions import SessionsControl

from omero_rocrate_transfer.cli.control import TransferControl

PROG = "python -m omero_rocrate_transfer"


def main(arguments: list[str]) -> int:
    """Run one command line and return its exit code."""
    logging.basicConfig(level=logging.WARNING)
    cli = CLI(prog=PROG)
    cli.register("sessions", SessionsControl, SESSIONS_HELP)
    cli.post_process()
    TransferControl(ctx=cli, dir=cli.dir).add_commands(cli.parser, cli.subparsers)
    try:
        cli.invoke(arguments or ["-h"])
    finally:
        cli.close()
    return int(cli.rv or 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
