"""Run a sandbox: ``python -m omero_sandbox --data DIR --port 14063``."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from threading import Event


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; print one line once ready.

    The password of root comes from ``--root-password`` or, unseen by other users of the machine, from the
    environment variable ``OMERO_SANDBOX_ROOT_PASSWORD``.
    """
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.DEBUG if options.verbose else logging.WARNING)
    from omero_sandbox.server import SandboxServer

    ended = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    config = dict(options.config)
    with SandboxServer(
        options.data, options.port, options.ssl_port, config, root_password=options.root_password
    ) as server:
        tls = "" if server.ssl_port is None else f" ssl-port={server.ssl_port}"
        print(f"ready host={server.host} port={server.port}{tls} user=root", flush=True)
        ended.wait()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m omero_sandbox",
        description="A small OMERO-compatible server for demos and tests. Not for production data.",
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of binary data, made if absent")
    parser.add_argument("--port", type=int, default=0, help="TCP port; by default the system chooses")
    parser.add_argument("--ssl-port", type=int, help="TLS port, 0 for any; without it there is no TLS")
    parser.add_argument(
        "--root-password",
        default=os.environ.get("OMERO_SANDBOX_ROOT_PASSWORD", "omero"),
        help="password of root (default: omero)",
    )
    parser.add_argument(
        "--config",
        type=_setting,
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="an omero.* setting, may be repeated",
    )
    parser.add_argument("--verbose", action="store_true", help="log details")
    return parser


def _setting(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not separator or not key.startswith("omero."):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form omero.KEY=VALUE")
    return key, value


if __name__ == "__main__":
    sys.exit(main())
