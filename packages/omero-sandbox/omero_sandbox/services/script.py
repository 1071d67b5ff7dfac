"""Scripts (omero.api.IScript): the sandbox has no script repository, so there are none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from omero_sandbox.net.call import Call
    from omero_sandbox.net.context import ServiceContext


class ScriptService:
    """Answers the look-ups of a server without scripts."""

    def __init__(self, context: ServiceContext) -> None:
        self.context = context

    def getScripts(self, call: Call) -> list[Any]:
        """List the official scripts."""
        return []

    def getUserScripts(self, call: Call, acceptsList: list[Any]) -> list[Any]:
        """List the scripts that users have uploaded."""
        return []

    def getScriptID(self, call: Call, path: str) -> int:
        """Find a script by its path; -1 if there is none."""
        return -1

    def canRunScript(self, call: Call, id: int) -> bool:
        """Tell whether a processor takes a script."""
        return False
