"""How often Python looks for garbage while a command runs."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from omero_rocrate_transfer.cli.process.memory import look_for_garbage_rarely


@pytest.fixture(autouse=True)
def thresholds() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


def test_answers_of_thousands_of_objects_are_not_searched_while_they_come() -> None:
    look_for_garbage_rarely()
    gc.collect()
    before = sum(one["collections"] for one in gc.get_stats())

    answer = [[number] for number in range(15_000)]

    assert len(answer) == 15_000
    assert sum(one["collections"] for one in gc.get_stats()) == before
