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
#: Figures are JSON of some kilobytes; what is longer is none, and would take much memory.
MAX_BYTES: Final = 8 << 20

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
    _replace(figure, find)
    try:
        return json.dumps(figure).encode(), lost
    except RecursionError as error:
        raise UnreadableFigureError("It nests too deep.") from error


def _parse(data: bytes) -> Any:
    try:
        figure = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise UnreadableFigureError(f"It is no OMERO.figure: {error!s:.200}") from error
    return figure


def _iter_ids(figure: Any) -> Iterator[tuple[str, int]]:
    for holder in _iter_objects(figure):
        for key in _KEYS.keys() & holder.keys():
            if type(holder[key]) is int:
                yield _KEYS[key], holder[key]


def _replace(figure: Any, find: FindId) -> None:
    """Put the ids of the target in."""
    for holder in _iter_objects(figure):
        for key in _KEYS.keys() & holder.keys():
            if type(holder[key]) is int:
                found = find(_KEYS[key], holder[key])
                holder[key] = NOTHING if found is None else found


def _iter_objects(figure: Any) -> Iterator[dict[str, Any]]:
    """Yield all objects of a figure, however deep it nests."""
    waiting = [figure]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
