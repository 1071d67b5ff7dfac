"""What the file system says and keeps: full disks as one kind of error, and files for this user alone."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from omero_rocrate_transfer.model.errors import StoppedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: What a system says where there is no room: a full disk, a used-up quota, a limit on the size of files.
NO_ROOM: Final = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))


def make_private_folder(path: Path) -> None:
    """Make a folder with all above it that are missing, for this user alone, whatever the umask is.

    Raises
    ------
    OSError
        It cannot be made.
    """
    for folder in (*reversed(path.parents), path):
        if not folder.is_dir():
            folder.mkdir(mode=0o700, exist_ok=True)
    status = path.stat()
    if status.st_uid == os.geteuid() and status.st_mode & 0o077:
        # an earlier version, or somebody's umask, left it open
        path.chmod(0o700)


def open_private(path: str, flags: int) -> int:
    """Open a file for this user alone, and no link: an ``opener`` of `open`."""
    descriptor = os.open(path, flags | os.O_NOFOLLOW, 0o600)
    os.fchmod(descriptor, 0o600)
    return descriptor


@contextmanager
def full_disk_errors(path: Path) -> Iterator[None]:
    """Turn what the system says of a full disk into an error that names the path; all else passes.

    Raises
    ------
    StoppedError
    """
    try:
        yield
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        raise StoppedError(
            f"{path}: no space left to write.", hint="Make room, then give the same command again."
        ) from error
