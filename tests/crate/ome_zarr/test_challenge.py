from __future__ import annotations

import json
from typing import Any

import pytest

from omero_rocrate_transfer.crate.ome_zarr.challenge import read_pairs
from omero_rocrate_transfer.crate.ome_zarr.inner_crate import render_inner_crate
from omero_rocrate_transfer.model.errors import UnsafeCrateError
from tests.crate.ome_zarr.test_image import FACTS


def pairs_of(*graph: dict[str, Any]) -> list[tuple[str, str]]:
    descriptor = {"@id": "ro-crate-metadata.json", "@type": "CreativeWork", "about": {"@id": "./"}}
    return read_pairs(json.dumps({"@graph": [descriptor, *graph]}).encode(), "x")[0]


def test_our_own_inner_crate_is_read_back() -> None:
    assert read_pairs(render_inner_crate(FACTS), "x")[0] == [
        ("Organism", FACTS.organism),
        ("Imaging Method", FACTS.modality),
        ("License", FACTS.license),
        ("Name", FACTS.name),
        ("Description", FACTS.description),
    ]


@pytest.mark.parametrize(
    "organism",
    [
        "NCBI:txid9606",
        "obo:NCBITaxon_9606",
        "NCBITaxon:9606",
        "http://purl.obolibrary.org/obo/NCBITaxon_9606",
        {"@id": "NCBI:txid9606"},
        [{"@id": "obo:NCBITaxon_9606"}],
    ],
)
@pytest.mark.parametrize("kind", ["biosample", ["BioSample", "biosample"]])
def test_every_spelling_of_an_organism_is_found_without_the_chain(organism: Any, kind: Any) -> None:
    sample = {"@id": "#b", "@type": kind, "organism_classification": organism}

    assert pairs_of({"@id": "./", "@type": "Dataset"}, sample) == [("Organism", "NCBI:txid9606")]


@pytest.mark.parametrize(
    "method", ["obo:FBbi_00000369", "FBbi:00000369", "http://purl.obolibrary.org/obo/FBbi_00000369"]
)
def test_every_spelling_of_an_imaging_method_is_found(method: str) -> None:
    acquisition = {"@id": "#a", "@type": "image_acquisition", "fbbi_id": {"@id": method}}

    assert pairs_of({"@id": "./"}, acquisition) == [("Imaging Method", "obo:FBbi_00000369")]


def test_the_spelling_of_gide_is_found() -> None:
    root = {
        "@id": "./",
        "about": [{"@id": "obo:NCBITaxon_562"}, {"@id": "#study"}],
        "measurementMethod": {"@id": "obo:FBbi_00000246"},
        "license": {"@id": "https://creativecommons.org/licenses/by/4.0/"},
    }

    assert pairs_of(root, {"@id": "obo:NCBITaxon_562", "@type": "Taxon"}) == [
        ("Organism", "NCBI:txid562"),
        ("Imaging Method", "obo:FBbi_00000246"),
        ("License", "https://creativecommons.org/licenses/by/4.0/"),
    ]


def test_unknown_terms_are_kept_as_they_are() -> None:
    sample = {"@id": "#b", "@type": "biosample", "organism_classification": "a mouse"}

    assert pairs_of({"@id": "./"}, sample) == [("Organism", "a mouse")]


def test_entities_without_ids_say_nothing() -> None:
    assert read_pairs(b'{"@graph": [1, {"@id": 2}]}', "x") == ([], [])


@pytest.mark.parametrize("text", ["[]", "{}", '{"@graph": 3}', '{"@graph": {"@id": "./"}}'])
def test_json_without_a_graph_is_refused(text: str) -> None:
    with pytest.raises(UnsafeCrateError, match="no list of entities"):
        read_pairs(text.encode(), "x")


def test_a_byte_order_mark_is_passed_over() -> None:
    assert read_pairs(b"\xef\xbb\xbf" + render_inner_crate(FACTS), "x") == read_pairs(
        render_inner_crate(FACTS), "x"
    )


@pytest.mark.parametrize(("length", "count"), [(10_001, 0), (1_000_000, 0), (1_000_001, 1)])
def test_a_text_is_carried_whole_or_counted(length: int, count: int) -> None:
    root = {"@id": "./", "description": "x" * length}
    pairs, flaws = read_pairs(json.dumps({"@graph": [root]}).encode(), "x")

    assert [len(text) for _, text in pairs] == [length] * (1 - count)
    assert len(flaws) == count


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(UnsafeCrateError, match=r"^x "):
        read_pairs(b"<html>", "x")
