"""Organism and imaging method, in the terms of the OME 2024 NGFF challenge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omero_rocrate_transfer.crate.entities import ACQUISITION_ID, Entity, reference

if TYPE_CHECKING:
    from omero_rocrate_transfer.model.facts import CrateFacts

_SPECIMEN_ID = "#specimen-1"
_BIOSAMPLE_ID = "#biosample-1"


def describe_acquisition(facts: CrateFacts) -> list[Entity]:
    """Return acquisition, specimen, biosample and their terms; nothing where no fact is given."""
    if not facts.organism and not facts.modality:
        return []
    acquisition: Entity = {
        "@id": ACQUISITION_ID,
        "@type": "image_acquisition",
        "name": "Image acquisition",
        "description": "Imaging method and specimen, in the terms of the OME 2024 NGFF challenge",
    }
    found = [acquisition]
    if facts.modality:
        acquisition["fbbi_id"] = reference(facts.modality)
        found.append(_describe_modality(facts.modality))
    if facts.organism:
        acquisition["specimen"] = reference(_SPECIMEN_ID)
        found.extend(_describe_specimen(facts.organism))
    return found


def _describe_specimen(organism: str) -> list[Entity]:
    number = organism.removeprefix("NCBI:txid")
    term = f"http://purl.obolibrary.org/obo/NCBITaxon_{number}"
    return [
        {
            "@id": _SPECIMEN_ID,
            "@type": "specimen",
            "name": "Specimen",
            "description": "What was mounted and imaged",
            "biosample": reference(_BIOSAMPLE_ID),
        },
        {
            "@id": _BIOSAMPLE_ID,
            "@type": "biosample",
            "name": "Biological sample",
            "description": f"Biological sample of the organism {organism}",
            "organism_classification": reference(organism),
        },
        {
            "@id": organism,
            "@type": "DefinedTerm",
            "name": f"NCBI Taxonomy {number}",
            "description": "Organism, as the NCBI Taxonomy classifies it",
            "sameAs": reference(term),
        },
        {
            "@id": term,
            "@type": "DefinedTerm",
            "name": f"NCBI Taxonomy {number}",
            "description": "The same term of the NCBI Taxonomy in its OBO form",
        },
    ]


def _describe_modality(modality: str) -> Entity:
    return {
        "@id": modality,
        "@type": "DefinedTerm",
        "name": modality.removeprefix("obo:"),
        "description": "Imaging method, a term of the Biological Imaging Methods Ontology (FBbi)",
    }
