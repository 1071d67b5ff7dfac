"""``image205.planes.json``: the digest of every plane of an OME-Zarr, as the source gave its pixels out.

They say what the pixels are, whatever chunks, levels and codecs they are stored in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

from omero_rocrate_transfer.crate.read.strict_json import parse_json
from omero_rocrate_transfer.model.errors import UnsafeCrateError
from omero_rocrate_transfer.model.planes import PLANE_SHA256
from omero_rocrate_transfer.model.refs import ObjectRef, parse_lsid

_HEX = re.compile(r"[0-9a-f]{64}\Z", re.ASCII)
#: Planes of one image, far more than any has.
_MAX_PLANES: Final = 100_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePlanes:
    """The planes of one image."""

    #: Path of its group in the OME-Zarr; empty where the image is the OME-Zarr.
    path: str
    #: `PlaneHasher` digest by ``(t, c, z)``.
    digests: Mapping[tuple[int, int, int], str]


def render_planes(images: Mapping[ObjectRef, ImagePlanes], host: str) -> bytes:
    """Return the file's text: sizes of t, c, z, and the digests in that order, z fastest."""
    rendered = [
        {
            "id": ref.lsid(host),
            "path": planes.path,
            "sizes": [size + 1 for size in max(planes.digests)],
            "planes": [planes.digests[plane] for plane in sorted(planes.digests)],
        }
        for ref, planes in images.items()
    ]
    return json.dumps({"algorithm": PLANE_SHA256, "images": rendered}, indent=1).encode() + b"\n"


def parse_planes(data: bytes, name: str) -> dict[ObjectRef, ImagePlanes]:
    """Parse such a file from outside; the caller limits its size.

    Raises
    ------
    UnsafeCrateError
        It is none.
    """
    document = parse_json(data, name)
    if not isinstance(document, dict) or document.get("algorithm") != PLANE_SHA256:
        raise _refuse(name)
    found: dict[ObjectRef, ImagePlanes] = {}
    images = document.get("images")
    for item in images if isinstance(images, list) else []:
        ref, planes = _parse_image(item, name)
        if found.setdefault(ref, planes) is not planes:
            raise _refuse(name)
    return found


def _parse_image(item: Any, name: str) -> tuple[ObjectRef, ImagePlanes]:
    match item:
        case {"id": str(lsid), "path": str(path), "sizes": [int(t), int(c), int(z)], "planes": list(planes)}:
            found = parse_lsid(lsid)
        case _:
            raise _refuse(name)
    whole = min(t, c, z) > 0 and max(t, c, z) <= _MAX_PLANES and t * c * z == len(planes)
    if found is None or not whole or not all(isinstance(one, str) and _HEX.match(one) for one in planes):
        raise _refuse(name)
    return found[1], ImagePlanes(
        path=path, digests=dict(zip(product(range(t), range(c), range(z)), planes, strict=True))
    )


def _refuse(name: str) -> UnsafeCrateError:
    return UnsafeCrateError(
        f"{name} holds no sound digests of planes.", hint="It was changed or damaged; get the crate again."
    )
