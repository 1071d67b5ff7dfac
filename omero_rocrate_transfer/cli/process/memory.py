"""The heap of the process: when large buffers go back to the system, and when garbage is looked for."""

from __future__ import annotations

import ctypes
import gc
from typing import Final

#: ``M_MMAP_THRESHOLD`` of glibc's malloc.h.
_MMAP_THRESHOLD: Final = -3
_BUFFER_BYTES: Final = 256 * 1024
#: About as many objects as an answer of the server has.
_OBJECTS: Final = 20_000


def return_large_buffers() -> None:
    """Let glibc map each large buffer by itself.

    Left alone, it raises that limit with every buffer that is freed (mallopt(3)), and then the heap of each
    thread keeps the most that it ever had. Other C libraries do nothing of this kind.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _BUFFER_BYTES)


def look_for_garbage_rarely() -> None:
    """Let Python look for garbage after 20,000 new objects, not after 700.

    Answers of a server and the documents made of them are large graphs that are all in use: to search them
    over and over took a quarter of the time.
    """
    gc.set_threshold(_OBJECTS)
