"""What makes two runs the same: their source, objects, options and bytes."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from omero_rocrate_transfer.model.contents import Contents, TransferUnit


def fingerprint(contents: Contents, options: Mapping[str, object]) -> str:
    """Return the SHA-256 of a plan, as hexadecimal digits.

    Names are not in it: an image that somebody renames must not keep a run of days from going on.

    Parameters
    ----------
    contents
        What will travel.
    options
        What else decides about the target, as JSON can hold it.
    """
    digest = hashlib.sha256()
    head = {
        "database": contents.source.database_uuid,
        "roots": [str(ref) for ref in contents.roots],
        "containers": [[str(one.ref), *map(str, one.members)] for one in contents.containers],
        "options": dict(options),
    }
    digest.update(json.dumps(head, sort_keys=True).encode())
    for unit in contents.units:
        digest.update(json.dumps(_unit(unit)).encode())
    return digest.hexdigest()


def _unit(unit: TransferUnit) -> list[object]:
    files = [
        [file.path, file.size_bytes, *(f"{one.algorithm}:{one.hex}" for one in file.digests)]
        for file in unit.files
    ]
    return [str(unit.ref), unit.pixels, [str(image.ref) for image in unit.images], files]
