"""The RO-Crate inside an OME-Zarr, in the shape of the OME 2024 NGFF challenge.

Readers of that shape look for plain strings (``license``, ``@type``) and for the first or the last entity
that has a name and a licence: so only the root has them here, and nothing else is told.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from omero_rocrate_transfer.crate.vocabulary import CHALLENGE_TERMS


@dataclass(frozen=True, slots=True, kw_only=True)
class InnerFacts:
    """What the inner crate says."""

    name: str
    description: str
    #: URL of the licence.
    license: str
    #: Day, ISO 8601.
    date_published: str
    #: Like ``NCBI:txid9606``.
    organism: str | None = None
    #: Like ``obo:FBbi_00000369``.
    modality: str | None = None


def render_inner_crate(facts: InnerFacts) -> bytes:
    """Return the text of ``ro-crate-metadata.json``, valid RO-Crate 1.1."""
    root: dict[str, Any] = {
        "@id": "./",
        "@type": "Dataset",
        "name": facts.name,
        "description": facts.description,
        "license": facts.license,
        "datePublished": facts.date_published,
    }
    chain = _acquisition(facts)
    if chain:
        root["resultOf"] = {"@id": chain[0]["@id"]}
    descriptor = {
        "@id": "ro-crate-metadata.json",
        "@type": "CreativeWork",
        "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
        "about": {"@id": "./"},
    }
    context = ["https://w3id.org/ro/crate/1.1/context", CHALLENGE_TERMS]
    crate = {"@context": context, "@graph": [root, descriptor, *chain]}
    return json.dumps(crate, indent=2, ensure_ascii=False).encode()


def _acquisition(facts: InnerFacts) -> list[dict[str, Any]]:
    """Return acquisition, specimen and biosample, as far as there is something to say."""
    if facts.organism is None and facts.modality is None:
        return []
    acquisition: dict[str, Any] = {"@id": "#acquisition", "@type": "image_acquisition"}
    if facts.modality is not None:
        acquisition["fbbi_id"] = {"@id": facts.modality}
    if facts.organism is None:
        return [acquisition]
    acquisition["specimen"] = {"@id": "#specimen"}
    biosample = {"@id": "#biosample", "@type": "biosample"}
    return [
        acquisition,
        {"@id": "#specimen", "@type": "specimen", "biosample": {"@id": "#biosample"}},
        {**biosample, "organism_classification": {"@id": facts.organism}},
    ]
