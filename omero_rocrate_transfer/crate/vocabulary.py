"""Names of the metadata: file names, URIs, and the terms that the JSON-LD context adds to RO-Crate's."""

from __future__ import annotations

from typing import Final

METADATA: Final = "ro-crate-metadata.json"
#: Name of the metadata before RO-Crate 1.1.
LEGACY_METADATA: Final = "ro-crate-metadata.jsonld"
PREVIEW: Final = "ro-crate-preview.html"
PREVIEW_FILES: Final = "ro-crate-preview_files/"
MANIFEST: Final = "manifest-sha256.txt"
#: The document of a pack of omero-cli-transfer.
TRANSFER_XML: Final = "transfer.xml"
CONTAINERS: Final = "containers.ome.xml"
#: Names that no payload may have.
RESERVED: Final = (METADATA, LEGACY_METADATA, PREVIEW, MANIFEST, CONTAINERS)

ROCRATE: Final = "https://w3id.org/ro/crate/"
PROCESS_RUN: Final = "https://w3id.org/ro/wfrun/process/0.5"
COMPLETED: Final = "http://schema.org/CompletedActionStatus"
NGFF: Final = "https://ngff.openmicroscopy.org/"
#: Namespace of OME-XML; its classes are the ``additionalType`` of OMERO objects.
OME: Final = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
#: Page of the OME-XML schema, what sidecars conform to.
OME_XML: Final = "https://www.openmicroscopy.org/Schemas/OME/2016-06/"

#: Terms of the OME 2024 NGFF challenge, verbatim (its spelling of ``acquisiton_method`` included:
#: ome2024-ngff-challenge, zarr_crate), then three that it uses and forgot to define.
CHALLENGE_TERMS: Final[dict[str, object]] = {
    "organism_classification": "https://schema.org/taxonomicRange",
    "BioChemEntity": "https://schema.org/BioChemEntity",
    "channel": (
        "https://www.openmicroscopy.org/Schemas/Documentation/Generated/OME-2016-06/ome_xsd.html#Channel"
    ),
    "obo": "http://purl.obolibrary.org/obo/",
    "FBcv": "http://ontobee.org/ontology/FBcv/",
    "acquisiton_method": {"@reverse": "https://schema.org/result", "@type": "@id"},
    "biological_entity": "https://schema.org/about",
    "biosample": "http://purl.obolibrary.org/obo/OBI_0002648",
    "preparation_method": "https://www.wikidata.org/wiki/Property:P1537",
    "specimen": "http://purl.obolibrary.org/obo/HSO_0000308",
    "image_acquisition": "http://purl.obolibrary.org/obo/FBbi_00000222",
    "fbbi_id": "http://schema.org/measurementTechnique",
    "resultOf": "http://www.w3.org/ns/prov#wasGeneratedBy",
}
#: Digests: ``sha256`` came into RO-Crate's context with 1.2, the others are workflow-run's (ro-terms).
OWN_TERMS: Final[dict[str, object]] = {
    "sha1": "https://w3id.org/ro/terms/workflow-run#sha1",
    "md5": "https://w3id.org/ro/terms/workflow-run#md5",
    "sha256": "http://schema.org/sha256",
    "Standard": "http://purl.org/dc/terms/Standard",
    **CHALLENGE_TERMS,
}
#: Algorithms of OMERO that have a term of their own, by `Digest.algorithm`.
DIGEST_TERMS: Final = {"SHA256": "sha256", "SHA1-160": "sha1", "MD5-128": "md5"}

#: OMERO's four permission levels (omero-server contract: Permissions), in the words of its clients.
PERMISSIONS: Final = {
    "rw----": "private",
    "rwr---": "read-only",
    "rwra--": "read-annotate",
    "rwrw--": "read-write",
}


def context(version: str) -> list[object]:
    """Return the ``@context`` of a crate of that RO-Crate version."""
    return [f"{ROCRATE}{version}/context", OWN_TERMS]
