"""Which command answers which request."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import omero

from omero_sandbox.commands.command import Command
from omero_sandbox.net.call import Call

# Ice id of the request, without "::omero::cmd::", to "module:class" within this package.
COMMANDS = {
    "Chgrp2": "chgrp:Chgrp",
    "Chmod2": "chmod:Chmod",
    "Chown2": "chown:Chown",
    "Delete2": "delete:Delete",
    "DiskUsage2": "usage:DiskUsage",
    "DoAll": "combined:DoAll",
    "FindChildren": "find:FindChildren",
    "FindParents": "find:FindParents",
    "LegalGraphTargets": "simple:LegalGraphTargets",
    "OriginalMetadataRequest": "originals:OriginalMetadata",
    "SkipHead": "combined:SkipHead",
    "Timing": "simple:Timing",
    "UpdateSessionTimeoutRequest": "simple:UpdateSessionTimeout",
    "UsedFilesRequest": "originals:UsedFiles",
}


def command_for(call: Call, request: Any) -> Command:
    """Make the command of a request.

    Raises
    ------
    omero.InternalException
        The sandbox does not have this command.
    """
    name = request.ice_id().rpartition("::")[2]
    if name not in COMMANDS:
        raise omero.InternalException(None, None, f"No handle found for {request.ice_id()} in the sandbox")
    module, _, attribute = COMMANDS[name].partition(":")
    made: Command = getattr(import_module(f"{__package__}.{module}"), attribute)(call, request)
    return made
