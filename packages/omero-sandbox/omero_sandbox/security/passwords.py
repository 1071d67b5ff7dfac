"""Passwords of the sandbox's users, as salted digests beside the rows."""

from __future__ import annotations

import hashlib
import hmac
import os

from omero_sandbox.db.store import Row

# Few rounds on purpose: every test logs in, and the sandbox keeps no production data.
_ROUNDS = 1000
_KEY = "password"


def set_password(row: Row, password: str | None) -> None:
    """Give an Experimenter row a password; None locks the account for passwords."""
    if password is None:
        row.values.pop(_KEY, None)
        return
    salt = os.urandom(16)
    row.values[_KEY] = (salt, _digest(password, salt))


def check_password(row: Row | None, password: str) -> bool:
    """Tell whether this is the password of the user; nobody has an unset one."""
    held = None if row is None else row.values.get(_KEY)
    if held is None:
        return False
    salt, digest = held
    return hmac.compare_digest(_digest(password, salt), digest)


def _digest(password: str, salt: bytes) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _ROUNDS)
