"""Media types of files by suffix.

A table of our own: Python's ``mimetypes`` depends on the machine, and takes microscopy's suffixes for
others (``.dv`` for video, ``.stk`` for HyperStudio).
"""

from __future__ import annotations

import re
from typing import Final

UNKNOWN: Final = "application/octet-stream"
OME_XML: Final = "application/xml"
#: Nothing is registered for Zarr; this spelling is the one STAC settled on (pystac, stac-best-practices).
ZARR: Final = "application/vnd.zarr;version=3"

_BY_TYPE: Final = {
    "image/tiff": "tif tiff tf2 tf8 btf svs ndpi scn lsm qptiff stk flex",
    "image/png": "png",
    "image/jpeg": "jpg jpeg",
    "image/gif": "gif",
    "image/bmp": "bmp",
    "image/jp2": "jp2 j2k",
    "application/dicom": "dcm dicom",
    "application/x-hdf5": "h5 hdf5 ims",
    "video/mp4": "mp4",
    "video/x-msvideo": "avi",
    "application/json": "json",
    "application/ld+json": "jsonld",
    "application/xml": "xml ome",
    "text/csv": "csv",
    "text/tab-separated-values": "tsv",
    "text/plain": "txt log ini pattern",
    "text/html": "html",
    "application/pdf": "pdf",
    "application/zip": "zip",
}
_BY_SUFFIX: Final = {suffix: kind for kind, suffixes in _BY_TYPE.items() for suffix in suffixes.split()}
#: ``type/subtype`` of RFC 6838 without parameters.
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\Z", re.ASCII)


def guess_media_type(name: str, stored: str | None = None) -> str:
    """Return the media type of a file.

    Parameters
    ----------
    name
        Name of the file; only its last suffix counts.
    stored
        ``OriginalFile.mimetype``, free text in OMERO; taken where the suffix says nothing and it is a
        media type.
    """
    suffix = name.rpartition(".")[2].lower() if "." in name else ""
    known = _BY_SUFFIX.get(suffix)
    if known is not None:
        return known
    return stored if stored is not None and _MEDIA_TYPE.match(stored) else UNKNOWN
