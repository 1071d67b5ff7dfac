"""Full disks: one kind of error, whoever writes."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from omero_rocrate_transfer.model.errors import StoppedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: What a system says where there is no room: a full disk, a used-up quota, a limit on the size of files.
NO_ROOM: Final = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))


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
