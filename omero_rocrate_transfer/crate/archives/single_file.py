"""What writers of zip and tar share: one file that grows, and is cut back where a unit fails."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from omero_rocrate_transfer.crate.archives.output import Output, disk_errors, refused, sync_folder
from omero_rocrate_transfer.transfer.faultpoints import faultpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

Mark = TypeVar("Mark")


class SingleFileWriter(ABC, Generic[Mark]):
    """Writes into a file of another name and renames it when all is in it.

    Parameters
    ----------
    path
        The target; nothing may be there.
    part
        Where it is written, on the same disk.
    end
        Where an earlier process left off, None for a new file.
    """

    max_parallel = 1

    def __init__(self, path: Path, part: Path, end: int | None = None) -> None:
        if path.exists() or path.is_symlink():
            raise refused(path)
        self.output = Output(path, part, again=end is not None)
        self._path = path
        self._lock = threading.Lock()

    @abstractmethod
    def add(self, name: str, size_bytes: int, blocks: Iterable[bytes]) -> None:
        """Append one member."""

    @abstractmethod
    def mark(self) -> Mark:
        """Return what `roll_back` needs to forget all that comes after."""

    @abstractmethod
    def roll_back(self, mark: Mark) -> None:
        """Cut the file back to the mark."""

    @property
    @abstractmethod
    def receipt(self) -> dict[str, Any]:
        """Where the last transaction ended."""

    @abstractmethod
    def end(self) -> None:
        """Write what ends an archive of this kind."""

    @contextmanager
    def transaction(self) -> Iterator[SingleFileWriter[Mark]]:
        """Open a transaction; a second one waits for the first to end."""
        with self._lock:
            mark = self.mark()
            try:
                yield self
            except BaseException:
                self.roll_back(mark)
                raise

    def commit(
        self, last: tuple[str, int, Iterable[bytes]], check: Callable[[Path], None] | None = None
    ) -> None:
        """Write the last member, end the archive and give it its own name."""
        with self._lock:
            self.add(*last)
            self.end()
            if check is not None:
                check(self.output.part)
            faultpoint("crate:before-publish")
            self.output.publish()
            with disk_errors(self._path):
                sync_folder(self._path.parent)

    def sync(self) -> None:
        """Make the transactions that ended durable."""
        self.output.sync()

    def leave(self) -> None:
        """Close the unfinished file."""
        self.output.leave()

    def abort(self) -> None:
        """Remove the unfinished file."""
        self.output.discard()
