"""The heap of the process: large buffers go back to the system as soon as they are free."""

from __future__ import annotations

import ctypes
from typing import Final

#: ``M_MMAP_THRESHOLD`` of glibc's malloc.h.
_MMAP_THRESHOLD: Final = -3
_BUFFER_BYTES: Final = 256 * 1024


def return_large_buffers() -> None:
    """Let glibc map each large buffer by itself.

    Left alone, it raises that limit with every buffer that is freed (mallopt(3)), and then the heap of each
    thread keeps the most that it ever had. Other C libraries do nothing of this kind.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _BUFFER_BYTES)
