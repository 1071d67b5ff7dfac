"""Gives every object of a foreign document the LSID that documents of ours have."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel

from omero_rocrate_transfer.model.refs import MAX_ID, ObjectRef

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ome_types import OME

_NUMBER: Final = re.compile(r"(?:.*:)?(\d{1,19})\Z", re.DOTALL | re.ASCII)
_SHAPES: Final = {
    "Point", "Line", "Rectangle", "Ellipse", "Polygon", "Polyline", "Label", "Mask",
}  # fmt: skip
_UNKNOWN_HOST: Final = "unknown.localdomain"


def clean_host(host: str) -> str:
    """Return a host name as an LSID takes it: OME-XML 2016-06 asks for a dot in it."""
    clean = re.sub(r"[^A-Za-z0-9._-]", "-", host)[:200].strip(".")
    if not clean:
        return _UNKNOWN_HOST
    return clean if "." in clean else f"{clean}.localdomain"


def give_identities(document: OME, host: str) -> dict[str, str]:
    """Replace all ids; return the new ones by the old ones.

    Numbers stay where they are sound, so that they are those of the source's database. References to what is
    not in the document are dropped.
    """
    ids: dict[str, str] = {}
    taken: set[ObjectRef] = set()
    waiting: list[tuple[str, str]] = []
    for thing in _iter_objects(document):
        kind, match = _type_of(thing), _NUMBER.match(thing.id)
        ref = ObjectRef(kind, int(match[1])) if match and int(match[1]) <= MAX_ID else None
        if thing.id in ids:
            continue
        if ref is None or ref in taken:
            waiting.append((thing.id, kind))
            continue
        taken.add(ref)
        ids[thing.id] = ref.lsid(host)
    greatest = max((ref.id for ref in taken if ref.id < MAX_ID // 2), default=0)
    for place, (old, kind) in enumerate(dict(waiting).items(), 1):
        ids.setdefault(old, ObjectRef(kind, greatest + place).lsid(host))
    _replace(document, ids)
    return ids


def _type_of(thing: BaseModel) -> str:
    name = type(thing).__name__
    if name.endswith("Annotation"):
        return "Annotation"
    return "Shape" if name in _SHAPES else name


def _iter_objects(value: Any) -> Iterator[Any]:
    if isinstance(value, BaseModel):
        if isinstance(getattr(value, "id", None), str) and not _is_reference(value):
            yield value
        for name in type(value).model_fields:
            yield from _iter_objects(getattr(value, name))
    elif isinstance(value, list):
        for item in value:
            yield from _iter_objects(item)


def _is_reference(value: Any) -> bool:
    return isinstance(value, BaseModel) and type(value).__name__.endswith(("Ref", "Settings"))


def _replace(value: BaseModel, ids: dict[str, str]) -> None:
    if isinstance(getattr(value, "id", None), str):
        value.id = ids[value.id]  # type: ignore[attr-defined]
    for name in type(value).model_fields:
        item = getattr(value, name)
        if _is_reference(item) and item.id not in ids:
            setattr(value, name, None)
        elif isinstance(item, list):
            kept = [one for one in item if not _is_reference(one) or one.id in ids]
            if len(kept) != len(item):
                setattr(value, name, kept)
            for one in kept:
                if isinstance(one, BaseModel):
                    _replace(one, ids)
        elif isinstance(item, BaseModel):
            _replace(item, ids)
