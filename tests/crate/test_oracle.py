"""A generic reader understands our crates: ro-crate-py, and rdflib for the terms."""

from __future__ import annotations

import json
import warnings
from importlib import resources
from pathlib import Path

import pytest

from tests.crate.worlds import FACTS, make_world, pack_world


@pytest.mark.parametrize("suffix", ["", ".zip"])
def test_ro_crate_py_reads_every_file(tmp_path: Path, suffix: str) -> None:
    from rocrate.rocrate import ROCrate

    contents, _ = make_world()
    pack_world(tmp_path / f"crate{suffix}")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # what its own libraries warn about is not about the crate
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", ResourceWarning)
        crate = ROCrate(tmp_path / f"crate{suffix}")

    files = {entity.id: entity for entity in crate.data_entities}
    assert set(files) == {
        "containers.ome.xml",
        "manifest-sha256.txt",
        "fs101.zellen_gro_e_1.ome.tif",
        "fs101.ome.xml",
        "fs102.0000.time.pattern",
        "fs102.0001.frame.tif",
        "fs102.0002.frame.tif",
        "fs102.ome.xml",
    }
    assert files["fs101.zellen_gro_e_1.ome.tif"]["name"] == contents.units[0].files[0].name
    assert crate.name == FACTS.name
    assert crate.mainEntity["name"] == "Demo project"
    assert [part.id for part in crate.get("#fileset-102")["hasPart"]] == sorted(
        name for name in files if name.startswith("fs102.0")
    )


def test_terms_of_the_challenge_are_found_as_its_readers_look_for_them(tmp_path: Path) -> None:
    pack_world(tmp_path / "crate")
    graph = json.loads((tmp_path / "crate/ro-crate-metadata.json").read_text("utf-8"))["@graph"]
    entities = {entity["@id"]: entity for entity in graph}

    acquisition = next(entity for entity in graph if entity["@type"] == "image_acquisition")
    specimen = entities[acquisition["specimen"]["@id"]]
    biosample = entities[specimen["biosample"]["@id"]]

    assert acquisition["fbbi_id"]["@id"] == FACTS.modality
    assert biosample["@type"] == "biosample"
    assert biosample["organism_classification"]["@id"] == FACTS.organism
    assert entities["./"]["resultOf"]["@id"] == acquisition["@id"]


def test_every_key_and_type_has_a_meaning_in_the_context(tmp_path: Path) -> None:
    pack_world(tmp_path / "crate")
    document = json.loads((tmp_path / "crate/ro-crate-metadata.json").read_text("utf-8"))
    shipped = resources.files("rocrate").joinpath("data/ro-crate.jsonld").read_text("utf-8")
    terms = {*json.loads(shipped)["@context"], *document["@context"][1], "@id", "@type"}

    for entity in document["@graph"]:
        types = entity["@type"]
        assert {*entity, *([types] if isinstance(types, str) else types)} <= terms
