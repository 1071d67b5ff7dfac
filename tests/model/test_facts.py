from __future__ import annotations

import pytest

from omero_rocrate_transfer.model.errors import UsageError
from omero_rocrate_transfer.model.facts import NOT_EVALUATED, CrateFacts


def test_facts_of_the_challenge_are_taken_and_the_licence_defaults_to_not_evaluated() -> None:
    facts = CrateFacts(organism="NCBI:txid9606", modality="obo:FBbi_00000369")

    assert (facts.organism, facts.modality, facts.license) == (
        "NCBI:txid9606",
        "obo:FBbi_00000369",
        NOT_EVALUATED,
    )


@pytest.mark.parametrize(
    ("field", "value", "option"),
    [
        ("organism", "9606", "--rocrate-organism"),
        ("organism", "NCBI:txid0", "--rocrate-organism"),
        ("organism", "NCBI:txid9606\n", "--rocrate-organism"),
        ("organism", "NCBI:txid\u0669", "--rocrate-organism"),
        ("modality", "obo:FBbi_369", "--rocrate-modality"),
        ("modality", "FBbi:00000369", "--rocrate-modality"),
        ("license", "CC-BY", "--rocrate-license"),
        ("license", "https://a b", "--rocrate-license"),
        ("license", "javascript:alert(1)", "--rocrate-license"),
        ("name", " ", "--rocrate-name"),
        ("publisher", "", "--publisher"),
    ],
)
def test_a_fact_of_the_wrong_form_is_refused_by_its_option(field: str, value: str, option: str) -> None:
    with pytest.raises(UsageError, match=option):
        CrateFacts(**{field: value})
