"""What every sink keeps to, whatever it writes: subclasses say which one it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from omero_rocrate_transfer.model.contents import Contents, OriginalFile
from omero_rocrate_transfer.model.errors import IntegrityError
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.model.results import UnitResult
from omero_rocrate_transfer.transfer.journal.state import History
from omero_rocrate_transfer.transfer.ports import Sink
from tests.server.conftest import MemorySource


class Broken(MemorySource):
    """Fails after the first block of its last file."""

    def blocks(self, file: OriginalFile) -> Iterator[bytes]:
        blocks = super().blocks(file)
        if file == self.unit.files[-1]:
            yield next(blocks)
            raise IntegrityError(f"{file.path} is damaged.")
        yield from blocks


def make_units(count: int, kind: type[MemorySource] = MemorySource) -> tuple[Contents, list[MemorySource]]:
    """Return contents of filesets of two files, and their readers."""
    readers = []
    for number in range(1, count + 1):
        name = f"a{number}&sizeX=16&sizeY=8&sizeC=1.fake"
        reader = kind({name: b"", "extra.bin": bytes([number]) * 3000})
        image = replace(reader.unit.images[0], ref=ObjectRef("Image", number))
        files = tuple(replace(file, key=f"{number}/{file.path}") for file in reader.unit.files)
        reader.unit = replace(reader.unit, ref=ObjectRef("Fileset", number), images=(image,), files=files)
        readers.append(reader)
    units = tuple(reader.unit for reader in readers)
    roots = tuple(unit.images[0].ref for unit in units)
    return replace(readers[0].contents, units=units, roots=roots), readers


class SinkContract:
    """The tests; a subclass has a fixture ``sink``, not yet begun, and `count_units`."""

    def count_units(self, sink: Sink) -> int:
        """Return how many units the finished target has."""
        raise NotImplementedError

    def begin(self, sink: Sink, contents: Contents, readers: list[MemorySource]) -> None:
        made = sink.begin(contents, readers[0].read_container_document)
        assert {one.source for one in made} <= {box.ref for box in contents.containers}

    def test_each_unit_is_taken_whole(self, sink: Sink) -> None:
        contents, readers = make_units(2)
        self.begin(sink, contents, readers)

        results: list[UnitResult] = [sink.write_unit(reader) for reader in readers]
        sink.sync()
        receipt = sink.finish()
        sink.tidy()

        assert [result.unit for result in results] == [unit.ref for unit in contents.units]
        assert [result.size_bytes for result in results] == [3000, 3000]
        assert all(result.files_verified <= 2 for result in results)
        assert json.loads(json.dumps(receipt)) == receipt
        assert self.count_units(sink) == 2

    def test_units_may_be_written_at_the_same_time_as_far_as_it_says(self, sink: Sink) -> None:
        contents, readers = make_units(4)
        self.begin(sink, contents, readers)

        with ThreadPoolExecutor(sink.max_parallel) as pool:
            results = list(pool.map(sink.write_unit, readers))
        sink.finish()

        assert {result.unit for result in results} == {unit.ref for unit in contents.units}
        assert self.count_units(sink) == 4

    def test_a_unit_that_fails_leaves_nothing_and_may_be_written_again(self, sink: Sink) -> None:
        contents, readers = make_units(2)
        _, broken = make_units(2, Broken)
        self.begin(sink, contents, readers)
        sink.write_unit(readers[0])
        for _ in range(2):
            with pytest.raises(IntegrityError, match="is damaged"):
                sink.write_unit(broken[1])

        sink.write_unit(readers[1])
        sink.finish()

        assert self.count_units(sink) == 2

    def test_a_unit_that_failed_is_left_out(self, sink: Sink) -> None:
        contents, readers = make_units(2)
        _, broken = make_units(2, Broken)
        self.begin(sink, contents, readers)
        sink.write_unit(readers[0])
        with pytest.raises(IntegrityError, match="is damaged"):
            sink.write_unit(broken[1])
        sink.finish()

        assert self.count_units(sink) == 1

    def test_a_new_target_has_nothing_to_take_up(self, sink: Sink) -> None:
        contents, readers = make_units(1)

        assert list(sink.take_up(contents, History())) == []

        self.begin(sink, contents, readers)
        sink.write_unit(readers[0])
        sink.finish()
        assert self.count_units(sink) == 1

    def test_it_may_be_aborted_at_any_time_and_more_than_once(self, sink: Sink) -> None:
        contents, readers = make_units(2)
        sink.abort()
        self.begin(sink, contents, readers)
        sink.write_unit(readers[0])
        sink.abort()
        sink.abort()
