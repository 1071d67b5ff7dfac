"""IConfig: facts about the server (ome.logic.ConfigImpl)."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import omero
import omero.clients
from omero.rtypes import rtime

if TYPE_CHECKING:
    from omero_sandbox.net.call import Call
    from omero_sandbox.net.context import ServiceContext

VERSION = "5.6.16"

# What every user may read (omero.properties, "visibility: all" or "user"); the rest is for administrators.
_PUBLIC = re.compile(r"omero\.(client|router|query|sessions|upgrades|web)\..*|omero\.router\.insecure")
_DEFAULTS = {
    "omero.client.ui.menu.dropdown.colleagues.enabled": "true",
    "omero.pixeldata.max_plane_width": "3192",
    "omero.pixeldata.max_plane_height": "3192",
    "omero.pixeldata.tile_width": "256",
    "omero.pixeldata.tile_height": "256",
    "omero.policy.binary_access": "+read,+write,+image",
    "omero.sessions.timeout": "600000",
    "omero.sessions.maximum": "0",
}


class ConfigService:
    """Settings given at start, over the defaults that clients ask for."""

    def __init__(self, context: ServiceContext) -> None:
        self.context = context

    def getVersion(self, call: Call) -> str:
        """Return the version of OMERO that is imitated."""
        return VERSION

    def getDatabaseUuid(self, call: Call) -> str:
        """Return what tells this server from others."""
        return self.context.server.uuid

    def getServerTime(self, call: Call) -> Any:
        """Return the time in milliseconds since 1970."""
        return rtime(time.time_ns() // 1_000_000)

    def getDatabaseTime(self, call: Call) -> Any:
        """Return the same: there is no other machine."""
        return self.getServerTime(call)

    def getConfigValue(self, call: Call, key: str) -> str:
        """Return a setting, empty if it is unknown.

        Raises
        ------
        omero.SecurityViolation
            Only administrators may read this one.
        """
        if not _readable(call, key):
            raise omero.SecurityViolation(None, None, f"Cannot read configuration: {key}")
        return self._all().get(key, "")

    def getConfigValues(self, call: Call, keyRegex: str) -> dict[str, str]:
        """Return all readable settings whose key matches."""
        pattern = re.compile(keyRegex)
        return {k: v for k, v in self._all().items() if pattern.search(k) and _readable(call, k)}

    def getConfigDefaults(self, call: Call) -> dict[str, str]:
        """Return all readable defaults."""
        return {key: value for key, value in _DEFAULTS.items() if _readable(call, key)}

    def getClientConfigValues(self, call: Call) -> dict[str, str]:
        """Return the settings that are meant for clients."""
        return {key: value for key, value in self._all().items() if key.startswith("omero.client.")}

    def getClientConfigDefaults(self, call: Call) -> dict[str, str]:
        """Return the defaults that are meant for clients."""
        return {key: value for key, value in _DEFAULTS.items() if key.startswith("omero.client.")}

    def setConfigValue(self, call: Call, key: str, value: str) -> None:
        """Change a setting of the running server; administrators only."""
        if not call.is_admin:
            raise omero.SecurityViolation(None, None, f"Cannot write configuration: {key}")
        self.context.config[key] = value

    def setConfigValueIfEquals(self, call: Call, key: str, value: str, test: str) -> bool:
        """Change a setting if it has the expected value; administrators only."""
        if self.getConfigValue(call, key) != test:
            return False
        self.setConfigValue(call, key, value)
        return True

    def _all(self) -> dict[str, str]:
        server = self.context.server
        router = f"OMERO.Glacier2/router:tcp -h {server.host} -p {server.port}"
        return _DEFAULTS | {"omero.router.insecure": router} | self.context.config


def _readable(call: Call, key: str) -> bool:
    return call.is_admin or _PUBLIC.fullmatch(key) is not None
