"""Checks HDF5 files from outside, before any of their rows is read or written.

An HDF5 file may keep its rows in other files, lead into other files, or claim sizes that it does not have;
the library follows all of that, for reading and for writing. OMERO.tables (omero-py hdfstorageV2) write none
of it.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, Final

from omero_rocrate_transfer.model.errors import TransferError

if TYPE_CHECKING:
    import h5py

#: Bytes of one chunk and of one row, both are held as a whole.
MAX_CHUNK_BYTES: Final = 32 << 20
#: Columns of a table; PyTables warns above 512.
MAX_COLUMNS: Final = 4096
#: Links to groups and datasets in a file; a table has some ten.
MAX_LINKS: Final = 10_000
#: Bytes that all rows take, for each byte of the file, and what is allowed without a look at the file.
MAX_RATIO: Final = 200
_FREE_BYTES: Final = 64 << 20
#: Compressed bytes that are read at once.
_INPUT_BYTES: Final = 1 << 16
#: Bytes that the checksum of a chunk takes (H5Zfletcher32.c).
_CHECKSUM_BYTES: Final = 4
#: Bytes that a compressed chunk may be longer than its rows, beside an eighth of them.
_SLACK_BYTES: Final = 1024


class UnreadableTableError(TransferError):
    """A file that says it is a table is not one, or is not safe to open for writing."""

    error_id = "unreadable-table"


def check_links(file: h5py.File) -> None:
    """Refuse a file in which any link is not an ordinary one to an object of the same file.

    Raises
    ------
    UnreadableTableError
        A link leads elsewhere, or there are too many.
    """
    from h5py import h5l

    seen = 0

    def look(name: bytes, info: Any) -> str | None:
        nonlocal seen
        seen += 1
        if seen > MAX_LINKS:
            return f"it has more than {MAX_LINKS} objects"
        if info.type != h5l.TYPE_HARD:
            return f"its link {name!a:.100} leads elsewhere"
        return None

    reason = file.id.links.visit(look, info=True)
    if reason is not None:
        raise UnreadableTableError(f"{reason}.".capitalize())


def check_dataset(dataset: Any, *, max_bytes: int) -> None:
    """Refuse a dataset whose bytes are not all in the file, or that claims more than it has.

    Parameters
    ----------
    dataset
        The h5py dataset, of one dimension.
    max_bytes
        Most bytes that it may take when it is not compressed.

    Raises
    ------
    UnreadableTableError
        It is not safe to read and to write.
    """
    import h5py

    if not isinstance(dataset, h5py.Dataset):
        raise UnreadableTableError("A group is in the place of its rows.")
    plan = dataset.id.get_create_plist()
    if plan.get_layout() not in {h5py.h5d.COMPACT, h5py.h5d.CONTIGUOUS, h5py.h5d.CHUNKED}:
        raise UnreadableTableError("Its rows are those of other datasets or files.")
    if plan.get_external_count():
        raise UnreadableTableError("Its rows are in other files.")
    _check_type(dataset.id.get_type())
    if len(dataset.shape or ()) != 1:
        raise UnreadableTableError("Its rows are not of one dimension.")
    claimed = dataset.shape[0] * dataset.id.get_type().get_size()
    if claimed > max_bytes:
        raise UnreadableTableError(f"Its rows take {claimed} bytes, {max_bytes} are allowed.")
    if plan.get_layout() == h5py.h5d.CHUNKED:
        _check_chunks(dataset, plan)
    elif claimed and dataset.id.get_storage_size() != claimed:
        raise UnreadableTableError("Some of its rows are not in the file.")


def max_row_bytes(size_bytes: int) -> int:
    """Return how many bytes the rows of a file of some size may take."""
    return max(_FREE_BYTES, MAX_RATIO * size_bytes)


def _check_type(type_id: Any) -> None:
    """Refuse types whose values are elsewhere in the file, nested ones, and very large ones."""
    import h5py

    if type_id.get_size() > MAX_CHUNK_BYTES:
        raise UnreadableTableError(f"One of its rows takes {type_id.get_size()} bytes.")
    members = [type_id]
    if type_id.get_class() == h5py.h5t.COMPOUND:
        if type_id.get_nmembers() > MAX_COLUMNS:
            raise UnreadableTableError(f"It has more than {MAX_COLUMNS} columns.")
        members = [type_id.get_member_type(place) for place in range(type_id.get_nmembers())]
    plain = {h5py.h5t.INTEGER, h5py.h5t.FLOAT, h5py.h5t.STRING, h5py.h5t.BITFIELD, h5py.h5t.ENUM}
    for member in members:
        kind = member.get_super() if member.get_class() == h5py.h5t.ARRAY else member
        is_text = kind.get_class() == h5py.h5t.STRING
        if kind.get_class() not in plain or (is_text and kind.is_variable_str()):
            raise UnreadableTableError("The type of a column is not one that OMERO.tables write.")


def _check_chunks(dataset: Any, plan: Any) -> None:
    import h5py

    [rows] = plan.get_chunk()
    size_bytes = rows * dataset.id.get_type().get_size()
    if size_bytes > MAX_CHUNK_BYTES:
        raise UnreadableTableError(f"A chunk of its rows takes {size_bytes} bytes.")
    names = [plan.get_filter(place)[0] for place in range(plan.get_nfilters())]
    known = (h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32, h5py.h5z.FILTER_DEFLATE)
    if any(name not in known for name in names) or len(set(names)) != len(names):
        raise UnreadableTableError("It is compressed by a filter that OMERO.tables do not use.")
    count = dataset.id.get_num_chunks()
    if count != -(-dataset.shape[0] // rows):
        raise UnreadableTableError("Some of its rows are not in the file.")
    for chunk in _chunks(dataset, count):
        if chunk.size > size_bytes + (size_bytes >> 3) + _SLACK_BYTES:
            raise UnreadableTableError("A chunk in the file is larger than its rows.")
        # the library skips a filter that does not make a chunk smaller, and notes that in a mask
        if any(
            name == h5py.h5z.FILTER_DEFLATE and not chunk.filter_mask >> place & 1
            for place, name in enumerate(names)
        ):
            _check_inflated(dataset.id.read_direct_chunk(chunk.chunk_offset)[1], size_bytes)


def _chunks(dataset: Any, count: int) -> list[Any]:
    """Return where the chunks are; older HDF5 libraries have to look for each of them."""
    if not hasattr(dataset.id, "chunk_iter"):
        return [dataset.id.get_chunk_info(place) for place in range(count)]
    chunks: list[Any] = []
    dataset.id.chunk_iter(chunks.append)
    return chunks


def _check_inflated(data: bytes, size_bytes: int) -> None:
    """Refuse what becomes more than a chunk: the library would make room for all of it."""
    decoder, seen = zlib.decompressobj(), 0
    view = memoryview(data)
    while view and not decoder.eof:
        rest: bytes | memoryview = view[:_INPUT_BYTES]
        view = view[_INPUT_BYTES:]
        while rest and not decoder.eof:
            seen += len(decoder.decompress(rest, _INPUT_BYTES))
            if seen > size_bytes + _CHECKSUM_BYTES:
                raise UnreadableTableError("A chunk in the file becomes larger than its rows.")
            rest = decoder.unconsumed_tail
