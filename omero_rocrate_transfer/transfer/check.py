"""Checks, before anything is sent, that every byte of the source is what its digests promise."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from omero_rocrate_transfer.model.errors import GET_AGAIN, OddItemError, UnsafeCrateError
from omero_rocrate_transfer.transfer.engine import Outcome, Tick
from omero_rocrate_transfer.transfer.events import Started
from omero_rocrate_transfer.transfer.progress import Meter, MeteredSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from omero_rocrate_transfer.model.contents import Contents, TransferUnit
    from omero_rocrate_transfer.transfer.engine import Engine
    from omero_rocrate_transfer.transfer.events import Event
    from omero_rocrate_transfer.transfer.ports import StoredSource


def check(contents: Contents, source: StoredSource, engine: Engine) -> Iterator[Event]:
    """Read the whole source once and throw the bytes away.

    Raises
    ------
    IntegrityError
        The first file that is not as promised; it names the file.
    UnsafeCrateError
        A document, its extras or the metadata of pixels cannot be read.
    """
    meter = Meter("check")
    metered = MeteredSource(source, meter)

    def read(unit: TransferUnit) -> None:
        with _odd_errors(unit):
            _read_documents(metered, unit)
        for file in unit.files:
            for _ in metered.iter_blocks(unit, file):
                pass
        for block in source.iter_stored_pixels(unit):
            meter.count(unit.ref, str(unit.ref), len(block))
        if unit.pixels:
            for image in unit.images:
                source.open_pixels(unit, image.ref).close()

    yield Started(phase="check", size_bytes=contents.size_bytes)
    source.read_container_document()
    for item in engine.work(read, contents.units, meter):
        if isinstance(item, Outcome):
            item.future.result()
        elif not isinstance(item, Tick):
            yield item


@contextmanager
def _odd_errors(unit: TransferUnit) -> Iterator[None]:
    """Tell of which unit a document is that nothing can be made of."""
    try:
        yield
    except OddItemError.CAUSES as error:
        raise UnsafeCrateError(OddItemError(unit.ref, error).message, hint=GET_AGAIN) from error


def _read_documents(source: MeteredSource, unit: TransferUnit) -> None:
    source.read_document(unit)
    for _ in source.iter_pages(unit):
        pass
