"""Facts a user states about a crate: name, licence, organism, imaging modality, publisher."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from omero_rocrate_transfer.model.errors import UsageError

#: NCBI Taxonomy id in the spelling of the OME 2024 NGFF challenge, e.g. ``NCBI:txid9606``.
ORGANISM: Final = re.compile(r"NCBI:txid[1-9]\d{0,9}\Z", re.ASCII)
#: Biological Imaging Methods Ontology id in the spelling of the OME 2024 NGFF challenge.
MODALITY: Final = re.compile(r"obo:FBbi_\d{8}\Z", re.ASCII)
CC_BY: Final = "https://creativecommons.org/licenses/by/4.0/"
CC0: Final = "https://creativecommons.org/publicdomain/zero/1.0/"
#: "Copyright Not Evaluated": RO-Crate demands a licence, and within an institute there often is none yet.
NOT_EVALUATED: Final = "http://rightsstatements.org/vocab/CNE/1.0/"

_URL = re.compile(r"https?://[^\s<>\"{}|\\^`]{1,2000}\Z", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class CrateFacts:
    """What the user says of the crate as a whole; None means: take it from OMERO, or leave it out."""

    name: str | None = None
    description: str | None = None
    #: Like ``NCBI:txid9606``.
    organism: str | None = None
    #: Like ``obo:FBbi_00000369``.
    modality: str | None = None
    #: URL of the licence.
    license: str = NOT_EVALUATED
    #: Name of the publisher, or the URL (ROR) that identifies it.
    publisher: str | None = None

    def __post_init__(self) -> None:
        _check(self.organism, ORGANISM, "--rocrate-organism", "NCBI:txid9606")
        _check(self.modality, MODALITY, "--rocrate-modality", "obo:FBbi_00000369")
        _check(self.license, _URL, "--rocrate-license", CC_BY)
        for option, text in (("--rocrate-name", self.name), ("--publisher", self.publisher)):
            if text is not None and not text.strip():
                raise UsageError(f"{option} is empty.", hint="Give it a text, or leave the option out.")


def _check(value: str | None, pattern: re.Pattern[str], option: str, example: str) -> None:
    if value is not None and pattern.match(value) is None:
        raise UsageError(
            f"{option} {value!r} has not the form {example}.", hint="Nothing was looked up or written."
        )
