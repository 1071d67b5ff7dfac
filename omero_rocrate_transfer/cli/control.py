"""The ``omero transfer`` commands: options, plan, run, what is shown, exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from omero.cli import BaseControl, NonZeroReturnCode

from omero_rocrate_transfer.cli.options import copy as copy_options
from omero_rocrate_transfer.cli.options import reading as read_options
from omero_rocrate_transfer.cli.options import transfers as options

if TYPE_CHECKING:
    import argparse

HELP = """Move images between OMERO servers as RO-Crates."""

PACK_HELP = """Write objects, their files and metadata into an RO-Crate.

The crate is a folder, or a .zip or .tar written at once, with the original
files of the images or their pixels as OME-Zarr, their metadata as OME-XML, and
a ro-crate-metadata.json that describes every file. What cannot be carried is
listed, and changes the exit code from 0 to 3.

Examples:
  # See what would be taken, and how big it is
  omero transfer pack --rocrate --dry-run Project:42 liver.zip
  # Some images and a dataset into one folder
  omero transfer pack --rocrate Image:1,2,5-9 Dataset:7 crate/
"""

UNPACK_HELP = """Rebuild the content of an RO-Crate on the server.

Every digest of the crate is checked before the first byte is sent. The crate
is not changed, and nothing is extracted. The new ids are kept
with the run: see "omero transfer idmap".

Examples:
  # Into new projects, datasets and screens
  omero transfer unpack liver.zip
  # All images into one dataset
  omero transfer unpack crate/ --target Dataset:name:Run1
  # As an administrator: everything for those who owned it
  omero transfer unpack liver.zip --as-owner -g lab
"""

COPY_HELP = """Take objects of this server to another one.

What pack and unpack do in two steps, with nothing written to disk between
them. Log in here as usual; the other server is the one of --to-server, where a
session of 'omero login' is used if there is one, else the password in
OMERO_TRANSFER_TO_PASSWORD, else you are asked. The same command goes on where
it stopped.

Examples:
  # See what would be taken, and how big it is
  omero transfer copy --dry-run Project:42 --to-server new.example.org
  # Into the group "lab" there
  omero transfer copy Project:42 --to-server new.example.org --to-group lab
"""

VERIFY_HELP = """Check a crate, alone or against a server.

With filepath alone: every file against its digest, the pixels against the
digests of their planes, the metadata against the profile. With objects, the
crate is compared with them as they are now; with --server, with what unpacking
made of it there. With --to-server there is no crate: all that is named are
objects, and these are compared with their copies. Each difference is one line:
* differs, + is missing on the right, - is only there, ! cannot be compared. Any
of them makes the exit code 4.

Examples:
  # Is the crate whole?
  omero transfer verify liver.zip
  # Is everything in the crate that is in the project now?
  omero transfer verify Project:42 liver.zip
  # Did it arrive? Finds the new ids in the run that unpacked it
  omero transfer verify liver.zip --server
"""

LIST_HELP = """Show what a crate holds, without a server.

Containers with what is in them as a tree; --json gives the same to programs.
Packs of omero-cli-transfer and RO-Crates of others are shown too.

Examples:
  omero transfer list liver.zip
  # With the numbers of channels, annotations and ROIs
  omero transfer list --long liver.zip
"""

STATUS_HELP = """Show which runs there are, and how they stand.

Every pack, unpack and copy has a name and a journal, with which the same
command goes on where it stopped. No server is needed.

Examples:
  omero transfer status
  omero transfer status pack-liver.zip-0c2f7a91
"""

UNDO_HELP = """Remove what one run created, after showing it.

For an unpack or copy: the objects on the target server that carry the mark of
the run, and no container that holds anything else; log in there first. For a
pack: the unfinished crate.

Examples:
  # See what would go
  omero transfer undo --dry-run unpack-liver.zip-77b0d3e5
"""


IDMAP_HELP = """Show which objects of the source became which ones on the target.

The id map of an unpack or copy, as JSON. No server is needed.

Examples:
  omero transfer idmap unpack-liver.zip-77b0d3e5 > ids.json
"""


class TransferControl(BaseControl):
    """Registers the commands with OMERO's command line and runs them."""

    def _configure(self, parser: Any) -> None:
        options.add_login(parser)
        self.add_commands(parser, parser.sub())

    def add_commands(self, parser: Any, sub: Any) -> None:
        """Add the commands below a parser; the name of each command is that of its method."""
        pack = parser.add(sub, self.pack, PACK_HELP, refused=[])
        options.add_pack(pack)
        unpack = parser.add(sub, self.unpack, UNPACK_HELP, refused=[])
        options.add_unpack(unpack)
        copy = parser.add(sub, self.copy, COPY_HELP)
        copy_options.add_copy(copy)
        for command in (pack, unpack, copy):
            options.add_common(command)
            options.add_login(command)
        verify = parser.add(sub, self.verify, VERIFY_HELP)
        options.add_login(verify)
        read_options.let_server_ask(verify)
        read_options.add_verify(verify)
        shown = parser.add(sub, self.list, LIST_HELP)
        options.add_login(shown)
        read_options.add_list(shown)
        status = parser.add(sub, self.status, STATUS_HELP)
        options.add_login(status)
        read_options.add_status(status)
        shown_ids = parser.add(sub, self.idmap, IDMAP_HELP)
        options.add_login(shown_ids)
        read_options.add_idmap(shown_ids)
        undo = parser.add(sub, self.undo, UNDO_HELP)
        options.add_login(undo)
        read_options.add_undo(undo)

    def pack(self, args: argparse.Namespace) -> None:
        """Write objects into a crate."""
        from omero_rocrate_transfer.cli.commands.pack import pack

        self._execute(args, pack)

    def unpack(self, args: argparse.Namespace) -> None:
        """Rebuild the content of a crate."""
        from omero_rocrate_transfer.cli.commands.unpack import unpack

        self._execute(args, unpack)

    def copy(self, args: argparse.Namespace) -> None:
        """Take objects to another server."""
        from omero_rocrate_transfer.cli.commands.copy import copy

        self._execute(args, copy)

    def list(self, args: argparse.Namespace) -> None:
        """Show what a crate holds."""
        from omero_rocrate_transfer.cli.commands.list import list_crate

        self._execute(args, list_crate)

    def status(self, args: argparse.Namespace) -> None:
        """Show how runs stand."""
        from omero_rocrate_transfer.cli.commands.status import status

        self._execute(args, status)

    def idmap(self, args: argparse.Namespace) -> None:
        """Show the new ids of a run."""
        from omero_rocrate_transfer.cli.commands.idmap import idmap

        self._execute(args, idmap)

    def undo(self, args: argparse.Namespace) -> None:
        """Take a run back."""
        from omero_rocrate_transfer.cli.commands.undo import undo

        self._execute(args, undo)

    def verify(self, args: argparse.Namespace) -> None:
        """Check a crate."""
        from omero_rocrate_transfer.cli.commands.verify import verify

        self._execute(args, verify)

    def _execute(self, args: argparse.Namespace, command: Any) -> None:
        """Run a command and end with its exit code.

        What a command returns means nothing to OMERO, so any code but 0 leaves as an exception.
        """
        from omero_rocrate_transfer.cli.process.follow import follow

        exit_code = follow(command, self.ctx, args)
        if exit_code:
            raise NonZeroReturnCode(exit_code, f"{command.__name__} ended with {exit_code}")
