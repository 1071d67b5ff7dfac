"""The two ports: a `Source` lists transfer units and streams their bytes, a `Sink` takes them.

pack is server → crate, unpack is crate → server, copy is server → server, verify compares two sources.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    import numpy as np
    import numpy.typing as npt

    from omero_rocrate_transfer.model.contents import Contents, Omission, OriginalFile, TransferUnit
    from omero_rocrate_transfer.model.document import Document
    from omero_rocrate_transfer.model.refs import ObjectRef
    from omero_rocrate_transfer.model.results import Mapping, UnitResult
    from omero_rocrate_transfer.transfer.journal.state import History


class PixelsReader(Protocol):
    """Reads the pixels of one image, full resolution; safe to call from several threads."""

    #: ``(t, c, z, y, x)`` in pixels.
    shape: tuple[int, int, int, int, int]
    #: Big- or little-endian dtype of the tiles.
    dtype: np.dtype[np.generic]
    #: Width and height that the source reads best.
    tile_size: tuple[int, int]

    def read_tile(
        self, t: int, c: int, z: int, x: int, y: int, width: int, height: int
    ) -> npt.NDArray[np.generic]:
        """Return one tile, shape ``(height, width)``; it must lie inside the plane."""
        ...

    def close(self) -> None:
        """Give the source's handles back."""
        ...


class UnitReader(ABC):
    """Reads one transfer unit of a source; `Source.open` makes it, and whoever asked for it closes it.

    A source without pages of ROIs, or whose pixels are not stored in files, need not say so.
    """

    def __init__(self, unit: TransferUnit) -> None:
        self.unit = unit

    @abstractmethod
    def document(self) -> Document:
        """Return the document of the unit: its images and all that belongs to them.

        It is read again at each call. Where its ROIs are too many for one document, it has none of them;
        `pages` has them all.
        """

    def pages(self) -> Iterator[Document]:
        """Yield the documents with the ROIs of the unit that its own document leaves out, mostly none.

        Each has some ROIs with all that belongs to them, and of their images what the schema asks for. Comes
        after `document`, and holds one of them at a time.
        """
        return iter(())

    @abstractmethod
    def blocks(self, file: OriginalFile) -> Iterator[bytes]:
        """Yield the bytes of one original file, exactly ``file.size_bytes`` of them.

        Raises
        ------
        IntegrityError
            After the last block, if the length or a digest is not as promised.
        """

    @abstractmethod
    def pixels(self, image: ObjectRef) -> PixelsReader:
        """Open the pixels of an image of the unit."""

    def stored_pixels(self) -> Iterator[bytes]:
        """Yield the bytes in which the pixels of the unit are stored, if they are stored with digests.

        Raises
        ------
        IntegrityError
            After the last block of a file, if it is not as promised.
        """
        return iter(())

    def close(self) -> None:  # noqa: B027
        """Release what the reader holds; safe to call twice. Readers of pixels are closed by themselves."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Source(Protocol):
    """Something that objects are taken from."""

    def read_contents(self, roots: Sequence[ObjectRef]) -> Contents:
        """Return what belongs to the roots (all there is, where none are named).

        Raises
        ------
        NotFoundError
            A root is missing or not readable; names it.
        UnsafeCrateError
            The source is a crate that breaks the rules; nothing was read beyond its metadata.
        """
        ...

    def open(self, unit: TransferUnit) -> UnitReader:
        """Return the reader of one unit of the contents; nothing is read yet. Comes after `read_contents`."""
        ...

    def read_container_document(self) -> Document:
        """Return the document of the containers."""
        ...

    def close(self) -> None:
        """Give everything back; safe to call twice."""
        ...


class AttachedFile:
    """An attached file and the reader that it is read with."""

    def __init__(self, reader: UnitReader, file: OriginalFile) -> None:
        self._reader = reader
        self.file = file
        self._document: Document | None = None

    def read_document(self) -> Document:
        """Return the document of its annotation; it is read once."""
        if self._document is None:
            self._document = self._reader.document()
        return self._document

    def iter_blocks(self) -> Iterator[bytes]:
        """Yield its bytes; see `UnitReader.blocks`."""
        return self._reader.blocks(self.file)


class RewrittenFiles(Protocol):
    """Knows the attached files whose bytes a transfer changes on purpose, and compares them."""

    def is_rewritten(self, left: AttachedFile, right: AttachedFile) -> bool:
        """Tell whether the right was made of the left with other bytes."""
        ...

    def tell_differences(self, left: AttachedFile, right: AttachedFile) -> list[str]:
        """Return one clause for each thing that the transfer should not have changed."""
        ...


class Sink(ABC):
    """Something that objects are put into.

    A target on which each unit is whole as soon as it is written needs none of `sync`, `finish`, `tidy` and
    `abort`; a crate needs all.
    """

    #: Units that may be written at the same time; 1 for archives.
    max_parallel: int
    #: What of the containers could not be taken, once `begin` has returned.
    omissions: tuple[Omission, ...]

    @abstractmethod
    def begin(self, contents: Contents, containers: Callable[[], Document]) -> Sequence[Mapping]:
        """Check that everything can be taken, then create the containers.

        Raises
        ------
        RefusedError, StoppedError
            Before anything is written.
        """

    @abstractmethod
    def take_up(self, contents: Contents, history: History) -> Collection[ObjectRef]:
        """Find what an earlier process of this run left, before `begin`; remove what is half done.

        Returns
        -------
        collection of ObjectRef
            Units of the history that are whole; they are not written again.

        Raises
        ------
        RefusedError
            What is there is not of this run.
        """

    @abstractmethod
    def write_unit(self, reader: UnitReader) -> UnitResult:
        """Take one unit whole, or raise and leave nothing of it behind."""

    def sync(self) -> None:  # noqa: B027
        """Make every unit that was written durable, so that it may be noted as done."""

    def finish(self) -> dict[str, Any]:
        """Complete the target; only after this it counts as whole.

        Returns
        -------
        dict
            What `take_up` knows the complete target by; JSON.
        """
        return {}

    def tidy(self) -> None:  # noqa: B027
        """Remove what was only needed for going on; comes after the end was noted."""

    def abort(self) -> None:  # noqa: B027
        """Leave the target so that nobody takes it for complete; safe to call after anything."""
