"""What writers and readers of archives have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from omero_rocrate_transfer.crate.names import check_distinct
from omero_rocrate_transfer.model.errors import CrateLimitError, IntegrityError, UnsafeCrateError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

#: Bytes per read.
BLOCK_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much a crate from outside may ask for."""

    #: Sum of the sizes of all files.
    max_size_bytes: int = 1 << 50
    #: Estimate of what the metadata take in memory.
    max_memory_bytes: int = 4 << 30
    #: Files and folders in an archive.
    max_members: int = 5_000_000
    #: ``ro-crate-metadata.json`` that is read as a whole.
    max_metadata_bytes: int = 64 << 20
    #: One OME-XML document.
    max_document_bytes: int = 256 << 20
    #: Bytes that one compressed byte may become, for files over `min_ratio_bytes`.
    max_ratio: int = 200
    min_ratio_bytes: int = 1 << 20

    @property
    def max_text_bytes(self) -> int:
        """Estimate of what one JSON text may take: an entity, or metadata that are not one entity a line."""
        return self.max_memory_bytes // 8


DEFAULT_LIMITS: Final = Limits()


class Transaction(Protocol):
    """The files of one unit: all of them stay, or none."""

    def add(self, name: str, size_bytes: int, blocks: Iterable[bytes]) -> None:
        """Stream one file into the archive.

        Parameters
        ----------
        name
            From `make_name`, or a path below such a name.
        size_bytes
            What the blocks must add up to.
        blocks
            Consumed once; what it raises goes through.

        Raises
        ------
        IntegrityError
            There were more or fewer bytes than promised.
        StoppedError
            The disk is full.
        """
        ...

    @property
    def receipt(self) -> dict[str, Any]:
        """What `resume_archive` needs to find the files of this transaction again; JSON."""
        ...


class ArchiveWriter(Protocol):
    """An archive that grows file by file; it exists under its name only after `commit`."""

    #: Transactions that may be open at the same time.
    max_parallel: int

    def transaction(self) -> AbstractContextManager[Transaction]:
        """Open a transaction; where its block raises, nothing of it stays."""
        ...

    def commit(
        self, last: tuple[str, int, Iterable[bytes]], check: Callable[[Path], None] | None = None
    ) -> None:
        """Write the last file, which makes the archive complete, and make everything durable.

        Parameters
        ----------
        last
            Name, size in bytes and blocks, as for `Transaction.add`.
        check
            Called with the path of the complete archive before it gets its own name; what it raises goes
            through.
        """
        ...

    def sync(self) -> None:
        """Make the transactions that ended durable, as far as `resume_archive` cannot check them."""
        ...

    def leave(self) -> None:
        """Close the archive unfinished, for `resume_archive`; does nothing after `commit`."""
        ...

    def abort(self) -> None:
        """Remove what was written; does nothing after `commit` and `leave`, and may be called twice."""
        ...


class ArchiveReader(Protocol):
    """An archive whose names and members were all checked when it was opened; safe for several threads."""

    @property
    def sizes(self) -> Mapping[str, int]:
        """Sizes in bytes of the regular files, by name."""
        ...

    @property
    def passed_over(self) -> Mapping[str, str]:
        """Members that are not read, by name, with the reason; only archives of other programs have any."""
        ...

    def iter_blocks(self, name: str) -> Iterator[bytes]:
        """Yield the bytes of one file, exactly as many as `sizes` says.

        Raises
        ------
        IntegrityError
            The archive ends before, or its own checksum differs.
        """
        ...

    def read(self, name: str, start: int, stop: int) -> bytes:
        """Return some bytes of one file; the archive's own checksum is not compared.

        Parameters
        ----------
        start, stop
            Places of the first byte and behind the last one, both within the file; the caller limits what
            lies between them.
        """
        ...

    def checksum(self, name: str) -> bytes | None:
        """Return the checksum that the archive has of a file; None if it has none."""
        ...

    def close(self) -> None:
        """Close the archive; safe to call twice."""
        ...


def counted(name: str, size_bytes: int, blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Pass blocks on, and check that they add up to the size that was promised."""
    seen = 0
    for block in blocks:
        seen += len(block)
        if seen > size_bytes:
            break
        yield block
    if seen != size_bytes:
        more = "more" if seen > size_bytes else f"only {seen}"
        raise IntegrityError(
            f"{name}: {size_bytes} bytes were promised, {more} came.",
            hint="The file changed or was damaged; get it again from its source.",
        )


def cut(blocks: Iterable[bytes], start: int, stop: int) -> bytes:
    """Return the bytes from one place to another, and read no further."""
    parts, place = [], 0
    for block in blocks:
        parts.append(block[max(0, start - place) : max(0, stop - place)])
        place += len(block)
        if place >= stop:
            break
    return b"".join(parts)


def check_sizes(sizes: Mapping[str, int], limits: Limits, folders: Iterable[str] | None = ()) -> None:
    """Check the names of an archive against each other, and the sum of its sizes.

    Parameters
    ----------
    sizes
        Sizes of the files in bytes, by name.
    limits
        What is allowed.
    folders
        Names of the folders that the archive names itself; None if names may be the same on other systems.

    Raises
    ------
    UnsafeCrateError
        Two names mean one file, or there is too much.
    """
    if folders is not None:
        check_distinct([*sizes, *(f"{folder}/" for folder in folders)])
    total = sum(sizes.values())
    if total > limits.max_size_bytes:
        raise too_large(total, limits)


def too_large(size_bytes: int, limits: Limits) -> CrateLimitError:
    """Return the error for a crate with too many bytes."""
    return CrateLimitError(
        f"The crate holds {size_bytes} bytes, {limits.max_size_bytes} are allowed.", limit="max_size_bytes"
    )


def check_count(count: int, limits: Limits) -> None:
    """Check the number of members of an archive.

    Raises
    ------
    UnsafeCrateError
        There are too many.
    """
    if count > limits.max_members:
        raise UnsafeCrateError(
            f"The crate has more than {limits.max_members} members.", hint="Nothing was read or written."
        )


def unsafe_member(name: str, reason: str) -> UnsafeCrateError:
    """Return the error for a member that breaks a rule."""
    return UnsafeCrateError(
        f"The crate's member {name!a:.200} {reason}.", hint="Nothing was read or written."
    )
