"""Passwords and keys of sessions: known to this process, and taken out of all that it writes."""

from __future__ import annotations

import re
from threading import Lock
from typing import Final

#: What stands in the place of a secret.
REDACTED: Final = "***"
#: Shorter passwords, like "omero", are parts of ordinary words: taking them out would tell what they are.
_SHORTEST: Final = 6
_UUID: Final = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
#: Where keys of sessions stand that this process may not know: in identities of Ice, whose category they are
#: (omero-blitz ServiceFactoryI), in proxies as text (``KEY/name -t …``), and in sentences about sessions.
_PLACES: Final = (
    re.compile(r"""(?<=category = )[^\s,})"'\\]+"""),
    re.compile(rf"{_UUID}(?=/\S+ -[A-Za-z])"),
    re.compile(rf"(?i)(?<=session)([^\n]{{0,60}}?){_UUID}"),
)

_known: set[str] = set()
_lock: Final = Lock()


def keep_secret(text: str | None) -> None:
    """Take a password or key out of all that is written from now on."""
    if text and len(text) >= _SHORTEST:
        with _lock:
            _known.add(text)


def forget_secrets() -> None:
    """Begin again with none, for the next command in the same process."""
    with _lock:
        _known.clear()


def redact(text: str) -> str:
    """Return a text without passwords and keys of sessions."""
    with _lock:
        # a longer one may hold a shorter one
        known = sorted(_known, key=len, reverse=True)
    for secret in known:
        text = text.replace(secret, REDACTED)
    for place in _PLACES:
        text = place.sub(lambda found: "".join(found.groups()) + REDACTED, text)
    return text
