"""Shared things are made once, whoever comes first and whatever fails."""

from __future__ import annotations

import threading
import tracemalloc
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.write.target_ids import TargetIds


def ref(number: int) -> ObjectRef:
    return ObjectRef("TagAnnotation", number)


def test_what_is_noted_is_found_and_stays() -> None:
    ids = TargetIds()
    ids.add({"a": ref(1)})
    ids.add({"a": ref(2)})
    assert ids.get("a") == ref(1)
    assert ids.get("b") is None


def test_what_is_known_takes_no_more_than_its_place_in_a_dictionary() -> None:
    """A run may know of every ROI of 100,000 images."""
    ids = TargetIds()
    made = {str(number): ref(number) for number in range(10_000)}

    tracemalloc.start()
    ids.add(made)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert size < 100 * len(made)


def test_rois_and_shapes_are_found_by_host_type_and_id_and_stay() -> None:
    ids = TargetIds()
    ids.add({"urn:lsid:here:ROI:1": ObjectRef("Roi", 7), "urn:lsid:here:Shape:1": ObjectRef("Mask", 8)})
    ids.add({"urn:lsid:here:ROI:1": ObjectRef("Roi", 9), "urn:lsid:here:Shape:2": ObjectRef("Line", 9)})

    assert ids.get("urn:lsid:here:ROI:1") == ObjectRef("Roi", 7)
    assert ids.get("urn:lsid:here:Shape:1") == ObjectRef("Mask", 8)
    assert ids.get("urn:lsid:here:Shape:2") == ObjectRef("Line", 9)
    assert ids.get("urn:lsid:there:ROI:1") is None
    assert ids.get("urn:lsid:here:ROI:2") is None


def test_rois_of_a_unit_that_fails_are_forgotten() -> None:
    ids = TargetIds()
    ids.add({"urn:lsid:here:ROI:1": ObjectRef("Roi", 7)})

    def fail() -> None:
        with ids.forgetting():
            ids.add({"urn:lsid:here:ROI:2": ObjectRef("Roi", 8)})
            assert ids.get("urn:lsid:here:ROI:2") == ObjectRef("Roi", 8)
            raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        fail()

    assert ids.get("urn:lsid:here:ROI:1") == ObjectRef("Roi", 7)
    assert ids.get("urn:lsid:here:ROI:2") is None


def test_rois_take_less_than_their_names() -> None:
    """What they became is known to the end of a run: attachments may be on them."""
    ids, count = TargetIds(), 20_000

    tracemalloc.start()
    with ids.forgetting():
        for start in range(10**6, 10**6 + count, 1000):
            numbers = range(start, start + 1000)
            ids.add({f"urn:lsid:here:ROI:{number}": ObjectRef("Roi", number + 1) for number in numbers})
        size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert size < 200 * count


def test_only_what_is_not_there_is_made() -> None:
    ids = TargetIds()
    ids.add({"a": ref(1)})
    asked: list[Sequence[str]] = []

    def create(lsids: Sequence[str]) -> dict[str, ObjectRef]:
        asked.append(lsids)
        return {lsid: ref(7) for lsid in lsids}

    assert ids.create_once(["a", "b", "b"], create) == {"a": ref(1), "b": ref(7)}
    assert ids.create_once(["a", "b"], create) == {"a": ref(1), "b": ref(7)}
    assert asked == [["b"]]


def test_many_threads_make_each_thing_once() -> None:
    ids = TargetIds()
    made: Counter[str] = Counter()
    lock = threading.Lock()
    start = threading.Barrier(8)

    def create(lsids: Sequence[str]) -> dict[str, ObjectRef]:
        with lock:
            made.update(lsids)
        return {lsid: ref(int(lsid)) for lsid in lsids}

    def work(first: int) -> dict[str, ObjectRef]:
        start.wait()
        found: dict[str, ObjectRef] = {}
        for number in range(50):
            found |= ids.create_once([str((first + number + step) % 60) for step in range(5)], create)
        return found

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(work, range(0, 56, 7)))
    assert set(made.values()) == {1}
    assert all(found == {lsid: ref(int(lsid)) for lsid in found} for found in results)


def test_who_waits_tries_itself_where_the_first_fails() -> None:
    ids = TargetIds()
    entered, go = threading.Event(), threading.Event()

    def fail(_: Sequence[str]) -> dict[str, ObjectRef]:
        entered.set()
        assert go.wait(10)
        raise ValueError("no")

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(ids.create_once, ["a"], fail)
        assert entered.wait(10)
        second = pool.submit(ids.create_once, ["a"], lambda lsids: {lsids[0]: ref(2)})
        go.set()
        with pytest.raises(ValueError, match="no"):
            first.result(10)
        assert second.result(10) == {"a": ref(2)}


def test_what_could_not_be_made_is_for_the_next_to_try() -> None:
    ids = TargetIds()
    assert ids.create_once(["a"], lambda _: {}) == {}
    assert ids.create_once(["a"], lambda _: {"a": ref(1)}) == {"a": ref(1)}


def test_what_was_noted_before_a_failure_is_forgotten() -> None:
    ids = TargetIds()
    ids.add({"before": ref(1)})

    def write() -> None:
        with ids.forgetting():
            ids.add({"before": ref(5), "added": ref(2)})
            ids.create_once(["made"], lambda lsids: {lsids[0]: ref(3)})
            raise ValueError("later")

    with pytest.raises(ValueError, match="later"):
        write()
    assert (ids.get("before"), ids.get("added"), ids.get("made")) == (ref(1), None, None)


def test_what_was_noted_in_good_order_stays() -> None:
    ids = TargetIds()
    with ids.forgetting():
        ids.add({"a": ref(1)})
    assert ids.get("a") == ref(1)
