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
# fmt: off
#: Suffixes that Bio-Formats opens (its table of supported formats), but for those that mean something else
#: more often than an image: tables, texts, databases, and files that only go with another file.
_OF_BIO_FORMATS: Final = """
    1sc 2fl acff aff afi afm aim al3d ali am amiramesh apl arf avi bif bip bmp btf c01 ch5 cif cr2 crw cxd czi
    dcm dicom dm2 dm3 dm4 dng dti dv eps epsi ets fake fdf fff ffr fits flex fli frm gel gif grey hed his htd
    hx i2i ics im3 ima img ims inr ipl ipm ipw j2k j2ki j2kr jp2 jpe jpeg jpf jpg jpk jpx klb l2d lei lif liff
    lim lms lof lsm map mea mnc mng mod mov mrc mrcs mrw msr mtb mvd2 naf nd nd2 ndpi ndpis nef nhdr nii nrrd
    obf obsep oib oif oir ome pbm pcoraw pcx pds pgm pic pict png pnl ppm pr3 ps psd qptiff r3d raw rcpnl rec
    scn sdt seq sif sld sldy sm2 sm3 spc spe spi st stk stp svs sxm tf2 tf8 tfr tga tif tiff tnb v vff vms vsi
    vws wat wlz wpi xdce xlef xqd xqf xv xys zfp zfr zvi
"""
_IMAGES: Final = frozenset(_OF_BIO_FORMATS.split())
#: Endings of several parts that mean an image, though the last part does not; ``.nii.gz`` is one file.
_IMAGE_ENDINGS: Final = (".ome.xml", ".nii.gz")
# fmt: on
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
    known = _BY_SUFFIX.get(_suffix_of(name))
    if known is not None:
        return known
    return stored if stored is not None and _MEDIA_TYPE.match(stored) else UNKNOWN


def is_image_name(name: str) -> bool:
    """Tell whether Bio-Formats takes a file of that name for an image."""
    return _suffix_of(name) in _IMAGES or name.lower().endswith(_IMAGE_ENDINGS)


def is_known(name: str) -> bool:
    """Tell whether the suffix says what a file is."""
    return is_image_name(name) or _suffix_of(name) in _BY_SUFFIX


def _suffix_of(name: str) -> str:
    return name.rpartition(".")[2].lower() if "." in name else ""
