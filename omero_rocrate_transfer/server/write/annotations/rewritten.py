"""Compares attached files that a transfer changes on purpose: their ids are those of the target."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from omero_rocrate_transfer.model.annotations import FIGURE_NAMESPACE, TABLE_TYPE
from omero_rocrate_transfer.model.document import Document, structured_annotations
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.mapping import figures
from omero_rocrate_transfer.server.write.annotations import tables
from omero_rocrate_transfer.server.write.annotations.attached import MAX_TABLE_BYTES
from omero_rocrate_transfer.server.write.annotations.table_check import UnreadableTableError
from omero_rocrate_transfer.transfer.ports import AttachedFile
from omero_rocrate_transfer.transfer.scratch import scratch_folder

#: Types whose new ids the id map has; of other types it only has to be one new id for each old one.
_MAPPED: Final = frozenset(("Image", "Dataset", "Plate"))


class RewrittenFiles:
    """Implements `omero_rocrate_transfer.transfer.ports.RewrittenFiles` for OMERO.tables and OMERO.figures.

    Parameters
    ----------
    became
        What the objects of the left became on the right.
    """

    def __init__(self, became: Mapping[ObjectRef, ObjectRef]) -> None:
        self._became = became

    def is_rewritten(self, left: AttachedFile, right: AttachedFile) -> bool:
        """Tell whether the right is a table or a figure, made of such a one.

        A table whose ids could not be brought up to date is none any more: it has another media type.
        """
        if _is_table(left) and _is_table(right):
            return True
        small = max(left.file.size_bytes, right.file.size_bytes) <= figures.MAX_BYTES
        return small and _is_figure(left) and _is_figure(right)

    def tell_differences(self, left: AttachedFile, right: AttachedFile) -> list[str]:
        """Return one clause for each thing that is another on the right, but for ids that became others."""
        return self._tell_table(left, right) if _is_table(left) else self._tell_figure(left, right)

    def _tell_figure(self, left: AttachedFile, right: AttachedFile) -> list[str]:
        data, found = b"".join(left.iter_blocks()), b"".join(right.iter_blocks())
        try:
            expected, _ = figures.rewrite_figure(data, self._find)
        except figures.UnreadableFigureError:
            # it travelled as it is
            return [] if data == found else ["it says something else"]
        return [] if expected == found else ["it says something else, apart from the ids"]

    def _tell_table(self, left: AttachedFile, right: AttachedFile) -> list[str]:
        if not tables.has_library():
            return ["its rows cannot be compared: h5py is missing"]
        if max(left.file.size_bytes, right.file.size_bytes) > MAX_TABLE_BYTES:
            return ["its rows cannot be compared: it is too large"]
        with scratch_folder() as folder:
            paths = folder / "left.h5", folder / "right.h5"
            for path, attached in zip(paths, (left, right), strict=True):
                with path.open("wb") as written:
                    written.writelines(attached.iter_blocks())
            try:
                for path in paths:
                    tables.check_table(path)
                return tables.tell_differences(*paths, _Ids(self._find).is_same)
            except UnreadableTableError as error:
                return [error.message.rstrip(".")]

    def _find(self, type_name: str, number: int) -> int | None:
        ref = self._became.get(ObjectRef(type_name, number))
        return None if ref is None else ref.id


class _Ids:
    """Old and new ids of one table."""

    def __init__(self, find: tables.FindId) -> None:
        self._find = find
        self._new: dict[str, dict[int, int]] = {}
        self._old: dict[str, dict[int, int]] = {}

    def is_same(self, type_name: str, old: Any, new: Any) -> bool:
        """Tell whether a column of ids has the new id of each object, or -1 if it is not on the target."""
        pairs = np.unique(np.stack([np.ravel(old), np.ravel(new)]), axis=1)
        check: Callable[[str, int, int], bool] = self._is_mapped if type_name in _MAPPED else self._is_one
        return all(check(type_name, int(here), int(there)) for here, there in pairs.T)

    def _is_mapped(self, type_name: str, old: int, new: int) -> bool:
        found = self._find(type_name, old) if old > tables.NOTHING else None
        return new == (tables.NOTHING if found is None else found)

    def _is_one(self, type_name: str, old: int, new: int) -> bool:
        if old <= tables.NOTHING or new == tables.NOTHING:
            # the id map does not say which ROIs, wells and files are on the target
            return new == tables.NOTHING
        known, back = self._new.setdefault(type_name, {}), self._old.setdefault(type_name, {})
        return known.setdefault(old, new) == new and back.setdefault(new, old) == old


def _is_table(attached: AttachedFile) -> bool:
    return TABLE_TYPE in {one.binary_file.mime_type for one in _annotations(attached.read_document())}


def _is_figure(attached: AttachedFile) -> bool:
    return FIGURE_NAMESPACE in {one.namespace for one in _annotations(attached.read_document())}


def _annotations(document: Document) -> list[Any]:
    return [one for one in structured_annotations(document.ome).file_annotations if one.binary_file]
