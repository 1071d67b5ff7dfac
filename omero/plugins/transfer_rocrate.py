"""Adds ``omero transfer`` to OMERO's command line.

At every start the omero command runs the source of every file in an ``omero/plugins`` folder on sys.path,
with only ``register`` defined (omero-py, CLI.loadpath). So this file imports next to nothing. It is not named
transfer.py because omero-cli-transfer installs a file of that name, which pip would overwrite; files run in
the order of their names, and the last one registered as "transfer" is used.
"""

from omero_rocrate_transfer.cli.control import HELP, TransferControl

register("transfer", TransferControl, HELP)  # type: ignore[name-defined]  # noqa: F821
