"""Faults that tests set for coming calls: errors, delays, and answers that are not true."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any, Literal

Fault = BaseException | Callable[[Any], object]
#: Stands for every operation.
ANY = "*"


Change = Callable[[Any], Any]
When = Literal["before", "after", "answer"]


@dataclass(eq=False)
class _Planned:
    operation: str
    fault: Fault
    times: int
    when: When
    skip: int = 0


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
            self._planned.append(_Planned(operation, fault, times, "after" if late else "before", skip))

    def change(self, operation: str, change: Change, times: int = 1) -> None:
        """Plan an untrue answer.

        Parameters
        ----------
        change : callable
            Is given the answer of the operation, and returns what the client gets instead.
        times : int
            How many answers it changes.
        """
        with self._lock:
            self._planned.append(_Planned(operation, change, times, "answer"))

    def clear(self) -> None:
        """Forget all planned faults."""
        with self._lock:
            self._planned.clear()

    def before(self, operation: str, current: Any) -> None:
        """Strike ahead of an operation."""
        self._strike(operation, current, "before")

    def after(self, operation: str, current: Any) -> None:
        """Strike once an operation has succeeded."""
        self._strike(operation, current, "after")

    def answer(self, operation: str, answer: Any) -> Any:
        """Return what the client is told instead of an answer."""
        change = self._take(operation, "answer")
        return change(answer) if callable(change) else answer

    def _strike(self, operation: str, current: Any, when: When) -> None:
        fault = self._take(operation, when)
        if isinstance(fault, BaseException):
            raise fault
        if fault is not None:
            fault(current)

    def _take(self, operation: str, when: When) -> Fault | None:
        with self._lock:
            for planned in self._planned:
                if planned.operation in {operation, ANY} and planned.when == when:
                    if planned.skip:
                        planned.skip -= 1
                        continue
                    planned.times -= 1
                    if planned.times <= 0:
                        self._planned.remove(planned)
                    return planned.fault
        return None
