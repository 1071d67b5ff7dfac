"""LDAP (omero.api.ILdap): switched off, as on a server without ``omero.ldap.config``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from omero_sandbox.net.call import Call
    from omero_sandbox.net.context import ServiceContext


class LdapService:
    """Tells clients that there is no LDAP."""

    def __init__(self, context: ServiceContext) -> None:
        self.context = context

    def getSetting(self, call: Call) -> bool:
        """Tell whether LDAP is on."""
        return False
