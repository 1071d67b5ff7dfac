"""A thing of another program checked by itself: it has no digests, but it can be read or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from omero_rocrate_transfer.model.contents import OriginalFile, TransferUnit
    from omero_rocrate_transfer.transfer.events import Compared
    from omero_rocrate_transfer.transfer.ports import Source


class ForeignAudit:
    """Checks packs, crates of others and OME-Zarrs; implements `transfer.verify.audit.Audit`.

    Parameters
    ----------
    source
        Opened; closed with the audit.
    """

    #: Whether there is something to compare its files with.
    has_digests = False

    def __init__(self, source: Source) -> None:
        self._source = source
        #: Files with their units, and units of pixels, by name.
        self._files: dict[str, tuple[TransferUnit, OriginalFile | None]] = {}

    def inspect(self) -> Iterator[Compared]:
        """Read what there is; nothing can differ."""
        for unit in self._source.read_contents(()).units:
            self._files.update({file.key: (unit, file) for file in unit.files})
            if not unit.files:
                self._files[str(unit.ref)] = unit, None
        return iter(())

    def list_files(self) -> list[tuple[str, int]]:
        """Return name and size in bytes of what can be read."""
        return [(name, file.size_bytes if file is not None else 0) for name, (_, file) in self._files.items()]

    def iter_blocks(self, name: str) -> Iterator[bytes]:
        """Yield the bytes of a file; an archive compares its own checksum."""
        unit, file = self._files[name]
        return self._source.open(unit).blocks(file) if file is not None else iter(())

    def check_content(self, name: str) -> None:
        """Read the document of the unit, and open its pixels."""
        unit, _ = self._files[name]
        with self._source.open(unit) as reader:
            reader.document()
            if unit.pixels:
                for image in unit.images:
                    reader.pixels(image.ref).close()

    def close(self) -> None:
        """Close the source; safe to call twice."""
        self._source.close()
