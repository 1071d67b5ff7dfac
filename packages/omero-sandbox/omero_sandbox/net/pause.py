"""Moments in which other calls get ahead, as they do between two statements of a real server."""

from __future__ import annotations

from threading import Event

_NEVER = Event()


def let_others_in(seconds: float) -> None:
    """Wait, so that what is under way at the same time is sure to meet."""
    _NEVER.wait(seconds)
