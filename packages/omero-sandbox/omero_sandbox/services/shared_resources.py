"""Shared resources (omero.grid.SharedResources): the way to the repositories; no scripts, no tables."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from omero_sandbox.net.call import Call
    from omero_sandbox.net.context import ServiceContext


class SharedResourcesService:
    """The managed repository is served by module ``repository`` of this package."""

    def __init__(self, context: ServiceContext) -> None:
        self.context = context

    def repositories(self, call: Call) -> Any:
        """Return an ``omero.grid.RepositoryMap``: descriptions (OriginalFile) and proxies, side by side."""
        return import_module(".repository", __package__).repositories(self.context)

    def areTablesEnabled(self, call: Call) -> bool:
        """Answer that tables cannot be used."""
        return False

    def getScriptRepository(self, call: Call) -> None:
        """Answer that there is none."""
        return

    def activate(self, call: Call) -> None:
        """Need nothing."""
