"""Permissions of groups, as strings like ``rwra--`` and as ``omero.model.Permissions``."""

from __future__ import annotations

from functools import cache
from typing import Any

import omero
import omero.clients

PRIVATE = "rw----"
READ_ONLY = "rwr---"

_MASK = 0o7 | 0o7 << 4 | 0o7 << 8


@cache
def bits(permissions: str) -> int:
    """Return the long value of ``omero.model.Permissions`` for a permission string."""
    return int(omero.model.PermissionsI(permissions).getPerm1())


def permissions_string(permissions: Any) -> str:
    """Return the canonical string of an ``omero.model.Permissions``."""
    return str(permissions)


def same(permissions: Any, expected: str) -> bool:
    """Tell whether the read, annotate and write rights are those of ``expected``; other bits do not count."""
    return (int(permissions.getPerm1()) & _MASK) == (bits(expected) & _MASK)


def make(permissions: str, restrictions: list[bool] | None = None, extended: list[str] | None = None) -> Any:
    """Build an ``omero.model.Permissions``.

    Parameters
    ----------
    permissions : str
        Such as ``rwra--``.
    restrictions : list of bool, optional
        True = not allowed: link, edit, delete, annotate, chgrp, chown (omero.constants.permissions).
    extended : list of str, optional
        Such as ``RESTRICT-BINARY-ACCESS``.
    """
    made = omero.model.PermissionsI(bits(permissions))
    members = made.__dict__  # the slice class has no setters for these
    members["_restrictions"] = restrictions
    members["_extendedRestrictions"] = extended or []
    return made


def group_reads(permissions: str) -> bool:
    """Members may see each other's data."""
    return permissions[2] == "r"


def group_annotates(permissions: str) -> bool:
    """Members may annotate each other's data."""
    return permissions[3] in "aw"


def group_writes(permissions: str) -> bool:
    """Members may edit each other's data."""
    return permissions[3] == "w"


def world_reads(permissions: str) -> bool:
    """Everybody may see the group's data."""
    return permissions[4] == "r"
