"""What every source keeps to, whatever it reads: subclasses say which one it is."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import numpy as np
import pytest

from omero_rocrate_transfer.model.contents import Contents, TransferUnit
from omero_rocrate_transfer.model.digests import Hasher
from omero_rocrate_transfer.model.errors import TransferError
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.transfer.ports import Source, UnitReader


class SourceContract:
    """The tests; a subclass has a fixture ``source`` that gives one with at least one unit, not yet read."""

    #: Whether its documents say anything.
    has_documents = True

    @pytest.fixture
    def contents(self, source: Source) -> Iterator[Contents]:
        with closing(source):
            yield source.read_contents(())

    def test_contents_are_the_same_when_they_are_read_again(self, source: Source, contents: Contents) -> None:
        assert contents.units
        assert source.read_contents(()) == contents

    def test_every_image_is_in_one_unit_and_every_unit_has_its_own_ref(
        self, source: Source, contents: Contents
    ) -> None:
        units = [unit.ref for unit in contents.units]
        images = [image.ref for unit in contents.units for image in unit.images]

        assert len(set(units)) == len(units)
        assert len(set(images)) == len(images)
        known = {*units, *images, *(box.ref for box in contents.containers)}
        assert {ref for box in contents.containers for ref in box.members} <= known
        assert set(contents.roots) <= known

    def test_an_object_that_is_not_there_is_refused(self, source: Source, contents: Contents) -> None:
        with pytest.raises(TransferError):
            source.read_contents([ObjectRef("Image", 999_999)])

    def test_readers_know_their_unit_and_read_nothing_until_they_are_asked(
        self, source: Source, contents: Contents
    ) -> None:
        for unit in contents.units:
            with source.open(unit) as reader:
                assert isinstance(reader, UnitReader)
                assert reader.unit == unit

    def test_documents_tell_of_the_images_of_their_unit_under_their_lsids(
        self, source: Source, contents: Contents
    ) -> None:
        host = contents.source.host
        for unit in contents.units:
            with source.open(unit) as reader:
                told = {image.id for image in reader.document().ome.images}

            expected = {image.ref.lsid(host) for image in unit.images}
            assert told == (expected if self.has_documents else set())

    def test_documents_are_the_same_when_they_are_read_again(
        self, source: Source, contents: Contents
    ) -> None:
        for unit in contents.units:
            with source.open(unit) as reader:
                first, again = reader.document(), reader.document()
                pages = list(reader.pages())

            assert (first.ome, first.extras) == (again.ome, again.extras)
            assert all(page.ome.rois for page in pages)

    def test_files_have_as_many_bytes_as_was_said_and_the_digests(
        self, source: Source, contents: Contents
    ) -> None:
        for unit in contents.units:
            with source.open(unit) as reader:
                for file in unit.files:
                    hasher = Hasher([digest.algorithm for digest in file.digests])
                    for block in reader.blocks(file):
                        hasher.update(block)

                    assert hasher.size_bytes == file.size_bytes
                    assert {one.algorithm: one for one in file.digests}.items() <= hasher.digests().items()

    def test_pixels_have_the_shape_and_tiles_that_they_say(self, source: Source, contents: Contents) -> None:
        for unit in contents.units:
            for image in unit.images if unit.pixels else ():
                with source.open(unit) as reader, closing(reader.pixels(image.ref)) as pixels:
                    height, width = pixels.shape[3:]
                    tile = pixels.read_tile(0, 0, 0, 0, 0, width, height)
                    corner = pixels.read_tile(0, 0, 0, width - 1, height - 1, 1, 1)

                assert (tile.shape, tile.dtype) == ((height, width), pixels.dtype)
                assert np.array_equal(corner, tile[-1:, -1:])

    def test_stored_pixels_are_bytes_of_units_with_pixels_only(
        self, source: Source, contents: Contents
    ) -> None:
        for unit in contents.units:
            with source.open(unit) as reader:
                stored = sum(len(block) for block in reader.stored_pixels())

            assert stored == 0 or unit.pixels

    def test_units_may_be_read_at_the_same_time(self, source: Source, contents: Contents) -> None:
        def read(unit: TransferUnit) -> tuple[str, list[bytes]]:
            with source.open(unit) as reader:
                return str(reader.document().ome), [b"".join(reader.blocks(file)) for file in unit.files]

        units = contents.units * 3
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(read, units))

        assert found == [read(unit) for unit in contents.units] * 3

    def test_closing_a_reader_closes_neither_the_others_nor_the_source(
        self, source: Source, contents: Contents
    ) -> None:
        unit = contents.units[0]
        kept, closed = source.open(unit), source.open(unit)
        closed.document()
        closed.close()
        closed.close()

        assert kept.document().ome == source.open(unit).document().ome
        kept.close()

    def test_a_source_may_be_closed_twice(self, source: Source, contents: Contents) -> None:
        source.read_container_document()
        source.close()
        source.close()
