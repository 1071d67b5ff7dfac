"""What this project calls itself in a crate, and the versions it writes and reads."""

from __future__ import annotations

import re
from typing import Final, Literal

from omero_rocrate_transfer import __version__

PROJECT_URL: Final = "https://github.com/ome/omero-rocrate-transfer"
TOOL_NAME: Final = "omero-rocrate-transfer"
TOOL_VERSION: Final = __version__
#: Written to the ``Creator`` of every OME document.
CREATOR: Final = f"{TOOL_NAME} {TOOL_VERSION}"

PROFILE_NAME: Final = "OMERO transfer crate"
PROFILE_VERSION: Final = "0.1"
PROFILE_PREFIX: Final = f"{PROJECT_URL}/profile/"
PROFILE_URI: Final = f"{PROFILE_PREFIX}{PROFILE_VERSION}"
#: Greatest major version of the profile that is understood.
PROFILE_MAJOR: Final = 0

#: Version of RO-Crate itself. Process Run Crate 0.5 can only be declared with 1.1.
CrateVersion = Literal["1.1", "1.2"]
DEFAULT_CRATE_VERSION: Final[CrateVersion] = "1.1"
#: Descriptors of these versions are read.
READABLE_CRATE: Final = re.compile(r"https?://w3id\.org/ro/crate/1\.[0-4](-DRAFT)?/?\Z", re.ASCII)
#: An OMERO transfer crate, wherever its page is kept: ``…/omero-transfer-crate/0.1`` or `PROFILE_URI`.
_PROFILE = re.compile(
    rf"(?:{re.escape(PROFILE_PREFIX)}|https?://[^\s/]{{1,255}}/omero-transfer-crate/)"
    r"(?P<major>\d{1,4})\.\d{1,4}(?:\.\d{1,4})?/?\Z",
    re.ASCII,
)


def parse_profile(uri: str) -> int | None:
    """Return the major version of our profile that a URI names, or None where it names another."""
    match = _PROFILE.match(uri)
    return None if match is None else int(match["major"])
