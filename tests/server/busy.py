"""Counts, inside a sandbox, how many calls of one stateful service are under way at the same time."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import pytest

from omero_sandbox.net import ice


class BusyServices:
    """The most calls that were under way at once, by stateful service; every call takes a moment longer."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, pause_s: float = 0.01) -> None:
        self._pause = threading.Event()
        self._pause_s = pause_s
        self._lock = threading.Lock()
        self._running: Counter[int] = Counter()
        #: Services that were called, kept so that none takes the place of another.
        self._seen: list[Any] = []
        #: By the name of the interface.
        self.highest: Counter[str] = Counter()
        #: The most services of one interface that were busy at the same time.
        self.widest: Counter[str] = Counter()
        self._busy: Counter[str] = Counter()
        self._invoke = ice._invoke
        monkeypatch.setattr(ice, "_invoke", self._counted)

    def _counted(self, instance: Any, interface: type, name: str, arguments: Any) -> Any:
        if instance.turn is None:
            return self._invoke(instance, interface, name, arguments)
        service = interface.__name__
        with self._lock:
            self._seen.append(instance)
            self._running[id(instance)] += 1
            self._busy[service] += 1
            self.highest[service] = max(self.highest[service], self._running[id(instance)])
            self.widest[service] = max(self.widest[service], self._busy[service])
        try:
            self._pause.wait(self._pause_s)
            return self._invoke(instance, interface, name, arguments)
        finally:
            with self._lock:
                self._running[id(instance)] -= 1
                self._busy[service] -= 1
