"""Transient errors are tried again with growing pauses, permanent ones never."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from omero_rocrate_transfer.model.errors import (
    IntegrityError,
    LinkLostError,
    LoginError,
    RefusedError,
    TransferError,
)
from omero_rocrate_transfer.transfer.retry import Attempts, Retry


class Quick(Retry):
    """Remembers the pauses instead of making them."""

    def __init__(self, retries: int = 3, **words: object) -> None:
        is_transient: Callable[[BaseException], bool] = lambda error: isinstance(error, LinkLostError)  # noqa: E731
        super().__init__(retries, is_transient=is_transient, **words)  # type: ignore[arg-type]
        self.pauses: list[float] = []

    def pause(self, seconds: float) -> bool:
        self.pauses.append(seconds)
        return super().pause(0)


def failing(*errors: TransferError) -> Callable[[], str]:
    left = list(errors)

    def do() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return do


def test_transient_errors_are_tried_again() -> None:
    retry = Quick()

    assert retry.call(failing(LinkLostError("a"), LinkLostError("b"))) == "done"
    assert len(retry.pauses) == 2


def test_permanent_error_is_raised_at_once() -> None:
    retry = Quick()

    with pytest.raises(RefusedError):
        retry.call(failing(RefusedError("no")))

    assert retry.pauses == []


def test_data_that_differ_are_tried_once_more() -> None:
    retry = Quick()

    assert retry.call(failing(IntegrityError("on the way"), LinkLostError("a"))) == "done"
    with pytest.raises(IntegrityError, match="still"):
        retry.call(failing(IntegrityError("differs"), LinkLostError("a"), IntegrityError("still differs")))

    assert len(retry.pauses) == 4


def test_last_error_is_raised_after_all_attempts() -> None:
    retry = Quick(2)

    with pytest.raises(LinkLostError, match="c"):
        retry.call(failing(LinkLostError("a"), LinkLostError("b"), LinkLostError("c"), LinkLostError("d")))

    assert len(retry.pauses) == 2


def test_pauses_grow_up_to_a_minute() -> None:
    retry = Quick(10, chance=lambda: 1.0)

    with pytest.raises(LinkLostError):
        retry.call(failing(*[LinkLostError("x")] * 20))

    assert retry.pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60]


def test_pauses_are_drawn_between_nothing_and_their_bound() -> None:
    retry = Quick(2, chance=lambda: 0.25)

    with pytest.raises(LinkLostError):
        retry.call(failing(*[LinkLostError("x")] * 20))

    assert retry.pauses == [0.25, 0.5]


def test_connection_is_brought_back_before_the_next_attempt() -> None:
    calls: list[str] = []
    retry = Quick(recover=lambda: calls.append("recover"))

    retry.call(failing(LinkLostError("a")))

    assert calls == ["recover"]


def test_failing_to_come_back_counts_as_an_attempt() -> None:
    errors = [LinkLostError("still away"), LinkLostError("still away")]

    def recover() -> None:
        if errors:
            raise errors.pop()

    retry = Quick(3, recover=recover)

    assert retry.call(failing(LinkLostError("a"))) == "done"
    assert len(retry.pauses) == 3


def test_refused_login_ends_the_attempts() -> None:
    def recover() -> None:
        raise LoginError("no longer welcome")

    with pytest.raises(LoginError, match="welcome"):
        Quick(recover=recover).call(failing(LinkLostError("a")))


def test_progress_gives_all_attempts_anew() -> None:
    attempts = Attempts(Quick(2))
    for _ in range(5):
        attempts.failed(LinkLostError("x"))
        attempts.failed(LinkLostError("x"))
        attempts.progressed()

    attempts.failed(LinkLostError("x"))
    attempts.failed(LinkLostError("x"))
    with pytest.raises(LinkLostError):
        attempts.failed(LinkLostError("x"))


def test_stopping_ends_the_wait() -> None:
    retry = Retry(3, is_transient=lambda _: True, chance=lambda: 1.0)
    retry.stopping.set()

    with pytest.raises(LinkLostError):
        retry.call(failing(LinkLostError("a")))
