"""JSON-LD entities of OME-Zarrs and what describes them.

An OME-Zarr is a folder that holds a crate of its own: RO-Crate 1.2, "Referencing other RO-Crates".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from omero_rocrate_transfer.crate.entities import Entity, describe_file, reference, references
from omero_rocrate_transfer.crate.vocabulary import NGFF, ROCRATE

if TYPE_CHECKING:
    from omero_rocrate_transfer.crate.entities import PackedFile
    from omero_rocrate_transfer.crate.ome_zarr.plan import PackedZarr

#: Nothing is registered for Zarr; this spelling is in use, and readers go by ``conformsTo``.
MEDIA_TYPE: Final = "application/vnd.zarr;version=3"
OME_ZARR: Final = f"{NGFF}0.5/"
#: The RO-Crate specification without a version, as nested crates are marked.
_NESTED: Final = ROCRATE.removesuffix("/")


def describe_zarr(packed: PackedZarr) -> list[Entity]:
    """Return the entities of one OME-Zarr, its metadata and the digests of its planes."""
    of = f"OMERO {packed.ref.type} {packed.ref.id}"
    kind = "plate" if packed.ref.type == "Plate" else "image"
    return [
        {
            "@id": packed.name,
            "@type": "Dataset",
            "name": packed.title or packed.name,
            "description": f"OME-Zarr 0.5 {kind}, a folder in Zarr v3 format: pixels of {of}",
            "encodingFormat": MEDIA_TYPE,
            "conformsTo": references([_NESTED, OME_ZARR]),
            "subjectOf": reference(packed.inner.name),
            "hasPart": references([packed.group.name, packed.inner.name]),
        },
        _describe_json(packed.group, f"Metadata of the OME-Zarr of {of}, where its readers begin"),
        _describe_json(
            packed.inner, f"RO-Crate inside the OME-Zarr of {of}", media_type="application/ld+json"
        ),
        _describe_json(packed.planes, f"SHA-256 of every plane of {of}, as its pixels were read"),
    ]


def describe_standards() -> list[Entity]:
    """Return what OME-Zarrs conform to."""
    return [
        {
            "@id": OME_ZARR,
            "@type": ["CreativeWork", "Standard"],
            "name": "OME-Zarr 0.5",
            "description": "OME-NGFF, the format of bioimages in the cloud, version 0.5",
        },
        {
            "@id": _NESTED,
            "@type": ["CreativeWork", "Standard"],
            "name": "RO-Crate",
            "description": "Research Object Crate, of whichever version the nested crate says",
        },
    ]


def _describe_json(packed: PackedFile, description: str, media_type: str = "application/json") -> Entity:
    return describe_file(packed, name=packed.name, description=description, media_type=media_type)
