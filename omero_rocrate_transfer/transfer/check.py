"""Checks, before anything is sent, that every byte of the source is what its digests promise."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from omero_rocrate_transfer.model.errors import GET_AGAIN, OddItemError, UnsafeCrateError
from omero_rocrate_transfer.transfer.engine import Outcome, Tick
from omero_rocrate_transfer.transfer.events import Started
from omero_rocrate_transfer.transfer.progress import Meter, MeteredReader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from omero_rocrate_transfer.model.contents import Contents, TransferUnit
    from omero_rocrate_transfer.transfer.engine import Engine
    from omero_rocrate_transfer.transfer.events import Event
    from omero_rocrate_transfer.transfer.ports import Source, UnitReader


def check(contents: Contents, source: Source, engine: Engine, *, documents: bool = True) -> Iterator[Event]:
    """Read the whole source once and throw the bytes away.

    Parameters
    ----------
    documents
        Whether the documents of units are read too; not if they were just read for something else.

    Raises
    ------
    IntegrityError
        The first file that is not as promised; it names the file.
    UnsafeCrateError
        A document, its extras or the metadata of pixels cannot be read.
    """
    meter = Meter("check")

    def read(unit: TransferUnit) -> None:
        with MeteredReader(source.open(unit), meter) as reader, _odd_errors(unit):
            _read_whole(reader, documents=documents)

    yield Started(phase="check", size_bytes=contents.size_bytes)
    source.read_container_document()
    for item in engine.work(read, contents.units, meter):
        if isinstance(item, Outcome):
            item.future.result()
        elif not isinstance(item, Tick):
            yield item


@contextmanager
def _odd_errors(unit: TransferUnit) -> Iterator[None]:
    """Name the unit of a document that nothing can be made of."""
    try:
        yield
    except OddItemError.CAUSES as error:
        raise UnsafeCrateError(OddItemError(unit.ref, error).message, hint=GET_AGAIN) from error


def _read_whole(reader: UnitReader, *, documents: bool) -> None:
    unit = reader.unit
    if documents:
        reader.document()
        _read_out(reader.pages())
    for file in unit.files:
        _read_out(reader.blocks(file))
    _read_out(reader.stored_pixels())
    if unit.pixels:
        for image in unit.images:
            reader.pixels(image.ref).close()


def _read_out(parts: Iterator[object]) -> None:
    for _ in parts:
        pass
