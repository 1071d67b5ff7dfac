"""OMERO.figures: which images they show, and the same figure of other images."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from omero_rocrate_transfer.model.errors import TransferError

#: Keys with ids of images and datasets, in panels and in the description of the annotation (omero-figure).
_KEYS: Final = {"imageId": "Image", "datasetId": "Dataset"}
#: What stands where an image is not there; a client shows an empty panel.
NOTHING: Final = -1
#: Figures are JSON of some kilobytes; what is longer is none.
MAX_BYTES: Final = 64 << 20

FindId = Callable[[str, int], int | None]


class UnreadableFigureError(TransferError):
    """A file that says it is a figure is none."""

    error_id = "unreadable-figure"


def images_of(data: bytes) -> set[int]:
    """Return the ids of the images that a figure shows.

    Raises
    ------
    UnreadableFigureError
        It is no JSON.
    """
    return {number for type_name, number in _iter_ids(_parse(data)) if type_name == "Image"}


def rewrite_figure(data: bytes, find: FindId) -> tuple[bytes, int]:
    """Return a figure with the ids of the target, and how many of its images are not there.

    Raises
    ------
    UnreadableFigureError
        It is no JSON.
    """
    figure = _parse(data)
    lost = sum(find(type_name, one) is None for type_name, one in _iter_ids(figure) if type_name == "Image")
    return json.dumps(_replaced(figure, find)).encode(), lost


def _parse(data: bytes) -> Any:
    try:
        figure = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise UnreadableFigureError(f"It is no OMERO.figure: {error!s:.200}") from error
    return figure


def _iter_ids(value: Any) -> Iterator[tuple[str, int]]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key in _KEYS and type(item) is int:
                yield _KEYS[key], item
            else:
                yield from _iter_ids(item)
    elif isinstance(value, list):
        for item in value:
            yield from _iter_ids(item)


def _replaced(value: Any, find: FindId) -> Any:
    if isinstance(value, dict):
        return {key: _replaced_id(key, item, find) for key, item in value.items()}
    return [_replaced(item, find) for item in value] if isinstance(value, list) else value


def _replaced_id(key: str, item: Any, find: FindId) -> Any:
    if key not in _KEYS or type(item) is not int:
        return _replaced(item, find)
    found = find(_KEYS[key], item)
    return NOTHING if found is None else found
