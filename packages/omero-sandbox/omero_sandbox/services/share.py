"""Shares (omero.api.IShare): the sandbox makes none, so there are none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from omero_sandbox.net.call import Call
    from omero_sandbox.net.context import ServiceContext


class ShareService:
    """Answers the look-ups of a server without shares."""

    def __init__(self, context: ServiceContext) -> None:
        self.context = context

    def getOwnShares(self, call: Call, active: bool) -> list[Any]:
        """List the caller's shares."""
        return []

    def getMemberShares(self, call: Call, active: bool) -> list[Any]:
        """List the shares the caller is a member of."""
        return []
