"""What an RO-Crate inside an OME-Zarr says: organism, imaging method, licence, in all spellings in use.

The chain is that of the OME 2024 NGFF challenge (root, acquisition, specimen, biosample). Where it is broken,
the first entity of the type counts. The search profile of GIDE says the same with ``about`` and
``measurementMethod`` at the root.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from omero_rocrate_transfer.crate.read.strict_json import parse_json

Json = Mapping[str, Any]
_ORGANISM = re.compile(r"(?:NCBI:txid|NCBITaxon[_:]|taxonomy/)(\d{1,10})\Z", re.ASCII)
_MODALITY = re.compile(r"FBbi[_:](\d{8})\Z", re.ASCII)
#: Longest text that becomes a value; OMERO's own limit is far above.
_MAX_TEXT: Final = 10_000


def read_pairs(data: bytes, name: str) -> list[tuple[str, str]]:
    """Return key-value pairs, in a fixed order; what is not said is left out.

    Parameters
    ----------
    data
        ``ro-crate-metadata.json``; the caller limits its size.
    name
        What to call it in errors.

    Raises
    ------
    UnsafeCrateError
        It is no JSON.
    """
    crate = _Crate(parse_json(data, name))
    told = {
        "Organism": [_normalise(_ORGANISM, "NCBI:txid", text) for text in crate.organisms()],
        "Imaging Method": [_normalise(_MODALITY, "obo:FBbi_", text) for text in crate.modalities()],
        "License": crate.texts(crate.root, "license"),
        "Name": crate.texts(crate.root, "name"),
        "Description": crate.texts(crate.root, "description"),
    }
    return [(key, text[:_MAX_TEXT]) for key, texts in told.items() for text in dict.fromkeys(texts)]


class _Crate:
    def __init__(self, document: object) -> None:
        graph = document.get("@graph") if isinstance(document, dict) else None
        self._graph = [item for item in graph if isinstance(item, dict)] if isinstance(graph, list) else []
        self._by_id: dict[str, Json] = {
            item["@id"]: item for item in self._graph if isinstance(item.get("@id"), str)
        }
        descriptor = self._by_id.get("ro-crate-metadata.json", {})
        roots = [self._by_id[text] for text in self.texts(descriptor, "about") if text in self._by_id]
        self.root: Json = roots[0] if roots else self._by_id.get("./", {})

    def texts(self, entity: Json, key: str) -> list[str]:
        """Return plain texts, and the ids of entities, under a key."""
        value = entity.get(key)
        values = value if isinstance(value, list) else [value]
        found = (one.get("@id") if isinstance(one, dict) else one for one in values)
        return [one for one in found if isinstance(one, str) and one]

    def organisms(self) -> list[str]:
        """Return what the biosamples say, else the taxa that the root is about."""
        samples = self._follow(
            self._follow(self._acquisitions(), "specimen", "specimen"), "biosample", "biosample"
        )
        said = [text for sample in samples for text in self.texts(sample, "organism_classification")]
        about = [text for text in self.texts(self.root, "about") if self._is_taxon(text)]
        return said or about

    def modalities(self) -> list[str]:
        """Return the imaging methods of the acquisitions, else those of the root."""
        said = [text for acquisition in self._acquisitions() for text in self.texts(acquisition, "fbbi_id")]
        return said or self.texts(self.root, "measurementMethod")

    def _acquisitions(self) -> list[Json]:
        return self._follow([self.root], "resultOf", "image_acquisition")

    def _follow(self, entities: list[Json], key: str, kind: str) -> list[Json]:
        named = [
            self._by_id[text] for one in entities for text in self.texts(one, key) if text in self._by_id
        ]
        return named or list(self._first(kind))

    def _first(self, kind: str) -> Iterator[Json]:
        for item in self._graph:
            if kind in self.texts(item, "@type"):
                yield item
                return

    def _is_taxon(self, text: str) -> bool:
        return bool(_ORGANISM.search(text)) or "Taxon" in self.texts(self._by_id.get(text, {}), "@type")


def _normalise(pattern: re.Pattern[str], prefix: str, text: str) -> str:
    """Return a known term in the challenge's spelling, and any other as it is."""
    match = pattern.search(text)
    return f"{prefix}{match[1]}" if match else text
