"""Which files may be downloaded (ome.security.policy.BinaryAccessPolicy)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import omero
import omero.clients

from omero_sandbox.db.store import Row

if TYPE_CHECKING:
    from omero_sandbox.net.call import Call

KEY = "omero.policy.binary_access"
DEFAULT = "+read,+write,+image"
RESTRICTED = "RESTRICT-BINARY-ACCESS"
_SPW = frozenset({"Plate", "PlateAcquisition", "Well", "WellSample"})
_TYPES = _SPW | {"FileAnnotation", "Image", "OriginalFile"}


def is_restricted(call: Call, row: Row) -> bool:
    """Tell whether an object's binary data may not be downloaded, by the server's and the group's policy."""
    if row.type not in _TYPES:
        return False
    if row.type == "FileAnnotation":
        file = call.store.get("OriginalFile", row.values.get("file", -1))
        return file is not None and _reading_restricted(call, file)
    return _reading_restricted(call, row) or _kind_restricted(call, row)


def require_download(call: Call, row: Row) -> None:
    """Raise a SecurityViolation unless the object's binary data may be downloaded."""
    if is_restricted(call, row):
        message = f"Download is restricted for {row.model.java_name}:Id_{row.id}"
        raise omero.SecurityViolation(None, None, message)


def _reading_restricted(call: Call, row: Row) -> bool:
    if _lacks(call, row, "write"):
        return True
    return _lacks(call, row, "read") and not call.can_edit(row)


def _kind_restricted(call: Call, row: Row) -> bool:
    if row.type in _SPW:
        return _lacks(call, row, "plate")
    if row.type == "Image":
        images = [row]
    elif str(row.values.get("name", "")).endswith(".txt"):
        return False
    else:
        images = _images_of_file(call, row)
    if images and _lacks(call, row, "image"):
        return True
    in_plate = any(call.store.referrers("WellSample", "image", image.id) for image in images)
    return in_plate and _lacks(call, row, "plate")


def _images_of_file(call: Call, file: Row) -> list[Row]:
    entries = call.store.referrers("FilesetEntry", "originalFile", file.id)
    filesets = {entry.values["fileset"] for entry in entries if "fileset" in entry.values}
    return [image for fileset in filesets for image in call.store.referrers("Image", "fileset", fileset)]


def _lacks(call: Call, row: Row, capability: str) -> bool:
    """Tell whether a capability is withdrawn by ``-capability`` or granted by nobody's ``+capability``."""
    words = set(call.context.config.get(KEY, DEFAULT).split(","))
    group = None if row.group is None else call.store.get("ExperimenterGroup", row.group)
    for name, value in group.values.get("config", []) if group is not None else []:
        if name == KEY:
            words |= set(value.split(","))
    words = {word.strip() for word in words}
    return f"-{capability}" in words or f"+{capability}" not in words
