"""A damaged source is found before anything is sent."""

from __future__ import annotations

import pytest

from omero_rocrate_transfer.model.document import Document
from omero_rocrate_transfer.model.errors import DigestMismatchError, UnsafeCrateError
from omero_rocrate_transfer.transfer.check import check
from omero_rocrate_transfer.transfer.engine import Engine
from omero_rocrate_transfer.transfer.events import Advanced, Started
from tests.transfer.fakes import FakeReader, FakeSource

FILES = [bytes([number]) * 2500 for number in range(1, 11)]


def test_reads_every_byte_of_a_sound_source() -> None:
    source = FakeSource(FILES)

    events = list(check(source.read_contents(()), source, Engine(parallel=3)))

    assert events[0] == Started(phase="check", size_bytes=25_000)
    assert {event.phase for event in events if isinstance(event, Advanced)} == {"check"}
    assert sum(event.size_bytes for event in events if isinstance(event, Advanced)) == 25_000


@pytest.mark.parametrize("number", [1, 5, 10])
def test_one_changed_byte_is_found_and_named(number: int) -> None:
    source = FakeSource(FILES)
    source.files[str(number)] = FILES[number - 1][:-1] + b"!"

    with pytest.raises(DigestMismatchError, match=f"pos/{number}.tif"):
        list(check(source.read_contents(()), source, Engine(parallel=3)))


def test_document_that_cannot_be_read_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(reader: FakeReader) -> Document:
        raise UnsafeCrateError(f"The document of {reader.unit.ref} is damaged.")

    source = FakeSource(FILES)
    monkeypatch.setattr(FakeReader, "document", refuse)

    with pytest.raises(UnsafeCrateError, match="Fileset:"):
        list(check(source.read_contents(()), source, Engine(parallel=3)))
