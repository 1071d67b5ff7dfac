"""Durable files: written under another name, made durable, then given their own."""

from __future__ import annotations

import errno
import io
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from omero_rocrate_transfer.model.errors import NotFoundError, RefusedError
from omero_rocrate_transfer.transfer.disk import full_disk_errors
from omero_rocrate_transfer.transfer.faultpoints import faultpoint

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from _typeshed import ReadableBuffer

#: File systems without hard links say one of these.
_NO_LINKS: Final = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn what the operating system says about the target into errors of this package."""
    try:
        with full_disk_errors(path):
            yield
    except FileExistsError as error:
        raise refused(path) from error
    except OSError as error:
        raise NotFoundError(
            f"{path} cannot be written: {error.strerror}.", hint="Check the path and its permissions."
        ) from error


def refused(path: Path) -> RefusedError:
    """Return the error for a target that is there already."""
    return RefusedError(f"{path} exists already.", hint="Name another path, or remove it.")


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Output(io.FileIO):
    """A new file, written under a temporary name beside its own.

    Unbuffered: every write reaches the operating system, so a full disk shows where it happens.

    Parameters
    ----------
    path
        The final name; nothing may have it.
    part
        The temporary name.
    again
        Whether the file is there already, left by an earlier process.
    """

    def __init__(self, path: Path, part: Path, *, again: bool = False) -> None:
        self.path = path
        self.part = part
        self._settled = False
        with disk_errors(part):
            super().__init__(part, "r+" if again else "x+", opener=_open_no_link)

    def write(self, data: ReadableBuffer, /) -> int:
        """Write all of the data."""
        view = memoryview(data).cast("B")
        size = len(view)
        with disk_errors(self.path):
            while view:
                view = view[super().write(view) :]
        return size

    def publish(self, *, durable: bool = True) -> None:
        """Close the file and give it its own name, which nothing may have."""
        with disk_errors(self.path):
            if durable:
                os.fsync(self.fileno())
            self.close()
            _rename_exclusively(self.part, self.path)
        self._settled = True

    def sync(self) -> None:
        """Make what was written durable."""
        with disk_errors(self.path):
            os.fsync(self.fileno())

    def leave(self) -> None:
        """Close the file under its temporary name; does nothing once it is published or discarded."""
        if not self._settled:
            self.close()
            self._settled = True

    def discard(self) -> None:
        """Close and remove the file; does nothing once it is published or discarded."""
        if not self._settled:
            with suppress(OSError):
                self.close()
            self.part.unlink(missing_ok=True)
            self._settled = True


def _open_no_link(path: str, flags: int) -> int:
    """Open a file, but never what a link leads to: others may write into a shared folder."""
    return os.open(path, flags | os.O_NOFOLLOW, 0o666)


def _rename_exclusively(part: Path, path: Path) -> None:
    """Rename, but never over another file: a link fails where a name is taken, a rename does not."""
    try:
        os.link(part, path)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if path.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from error
        part.rename(path)
    else:
        faultpoint("crate:linked")
        part.unlink()
