"""Faults that tests set for coming calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any

Fault = BaseException | Callable[[Any], object]
#: Stands for every operation.
ANY = "*"


@dataclass(eq=False)
class _Planned:
    operation: str
    fault: Fault
    times: int
    late: bool
    skip: int


class Faults:
    """Errors to raise, or functions to run, when an operation is called."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._planned: list[_Planned] = []

    def add(self, operation: str, fault: Fault, times: int = 1, *, late: bool = False, skip: int = 0) -> None:
        """Plan a fault.

        Parameters
        ----------
        operation : str
            Such as ``IQuery.findAllByQuery`` or ``RawPixelsStore.setPlane``, or `ANY`.
        fault : exception or callable
            Raised as it is, or called with Ice's ``current``; it may raise, wait or close ``current.con``.
        times : int
            How many calls it strikes.
        late : bool
            Strike after the operation has done its work, as when an answer is lost.
        skip : int
            How many calls pass before.
        """
        with self._lock:
            self._planned.append(_Planned(operation, fault, times, late, skip))

    def clear(self) -> None:
        """Forget all planned faults."""
        with self._lock:
            self._planned.clear()

    def before(self, operation: str, current: Any) -> None:
        """Strike ahead of an operation."""
        self._strike(operation, current, late=False)

    def after(self, operation: str, current: Any) -> None:
        """Strike once an operation has succeeded."""
        self._strike(operation, current, late=True)

    def _strike(self, operation: str, current: Any, *, late: bool) -> None:
        fault = self._take(operation, late=late)
        if isinstance(fault, BaseException):
            raise fault
        if fault is not None:
            fault(current)

    def _take(self, operation: str, *, late: bool) -> Fault | None:
        with self._lock:
            for planned in self._planned:
                if planned.operation in {operation, ANY} and planned.late == late:
                    if planned.skip:
                        planned.skip -= 1
                        continue
                    planned.times -= 1
                    if planned.times <= 0:
                        self._planned.remove(planned)
                    return planned.fault
        return None
