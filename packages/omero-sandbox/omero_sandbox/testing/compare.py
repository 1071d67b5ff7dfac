"""Compares what two servers hold, through omero-py's BlitzGateway alone.

It shares no code with the transfer, so that a mistake there cannot hide here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from omero.gateway import BlitzGateway

#: Types of containers, and what they hold.
MEMBERS = {"Project": "Dataset", "Dataset": "Image", "Screen": "Plate"}


@dataclass
class Comparison:
    """What was compared, and every difference as a sentence."""

    images: int = 0
    planes: int = 0
    files: int = 0
    containers: int = 0
    differences: list[str] = field(default_factory=list)

    def expect_equal(self, what: str, source: object, target: object) -> None:
        """Note a difference."""
        if source != target:
            self.differences.append(f"{what}: {source!r} became {target!r}")


def compare(source: Any, target: Any, ids: Mapping[str, str]) -> Comparison:
    """Compare every object of one server with what it became on the other.

    Parameters
    ----------
    source, target : omero.client
        Logged in, and left so.
    ids : mapping of str to str
        The id map: ``{"Image:1": "Image:7"}``.
    """
    found = Comparison()
    one, other = BlitzGateway(client_obj=source), BlitzGateway(client_obj=target)
    for gateway in (one, other):
        gateway.SERVICE_OPTS.setOmeroGroup("-1")
    for old, new in ids.items():
        kind = old.partition(":")[0]
        pair = _get(one, old), _get(other, new)
        if None in pair:
            found.differences.append(f"{old}: it or {new} is not there")
            continue
        _COMPARERS[kind](found, old, *pair, ids)
    return found


def _get(gateway: Any, ref: str) -> Any:
    kind, _, number = ref.partition(":")
    return gateway.getObject(kind, int(number))


def _compare_named(found: Comparison, name: str, source: Any, target: Any) -> None:
    found.expect_equal(f"{name} name", source.getName(), target.getName())
    found.expect_equal(f"{name} description", source.getDescription() or "", target.getDescription() or "")


def _compare_container(
    found: Comparison, name: str, source: Any, target: Any, ids: Mapping[str, str]
) -> None:
    found.containers += 1
    _compare_named(found, name, source, target)
    kind = MEMBERS[name.partition(":")[0]]
    expected = sorted(ids.get(f"{kind}:{child.getId()}", "missing") for child in source.listChildren())
    held = sorted(f"{kind}:{child.getId()}" for child in target.listChildren())
    found.expect_equal(f"{name} members", expected, held)


def _compare_plate(found: Comparison, name: str, source: Any, target: Any, ids: Mapping[str, str]) -> None:
    found.containers += 1
    _compare_named(found, name, source, target)
    expected = {place: ids.get(image, "missing") for place, image in _fields(source)}
    found.expect_equal(f"{name} fields", expected, dict(_fields(target)))


def _fields(plate: Any) -> Iterator[tuple[tuple[int, int, int], str]]:
    """Yield (row, column, field) of every image of a plate."""
    for well in plate.listChildren():
        for index, sample in enumerate(well.listChildren()):
            yield (well.row, well.column, index), f"Image:{sample.getImage().getId()}"


def _compare_fileset(found: Comparison, name: str, source: Any, target: Any, _ids: Mapping[str, str]) -> None:
    before, after = list(_files(source)), list(_files(target))
    found.files += len(before)
    found.expect_equal(f"{name} files", before, after)


def _files(fileset: Any) -> Iterator[tuple[str, int, str]]:
    """Yield path within the fileset, size and SHA-256 of the bytes the server hands out, in its order."""
    root = fileset.getTemplatePrefix()
    for file in fileset.listFiles():
        digest = hashlib.sha256()
        for block in file.getFileInChunks():
            digest.update(block)
        path = f"{file.getPath()}{file.getName()}"
        yield path[path.find(root) + len(root) :].lstrip("/"), file.getSize(), digest.hexdigest()


def _compare_image(found: Comparison, name: str, source: Any, target: Any, _ids: Mapping[str, str]) -> None:
    found.images += 1
    _compare_named(found, name, source, target)
    found.expect_equal(f"{name} pixels", _shape(source), _shape(target))
    for place, (before, after) in enumerate(zip(_planes(source), _planes(target), strict=False)):
        found.planes += 1
        found.expect_equal(f"{name} plane {place}", before, after)


def _shape(image: Any) -> tuple[object, ...]:
    return (
        image.getPixelsType(),
        image.getSizeX(),
        image.getSizeY(),
        image.getSizeZ(),
        image.getSizeC(),
        image.getSizeT(),
        image.getSeries(),
        tuple(image.getChannelLabels()),
    )


def _planes(image: Any) -> Iterator[str]:
    """Yield the SHA-256 of every plane, as the server gives its pixels."""
    places = [
        (z, c, t)
        for t in range(image.getSizeT())
        for c in range(image.getSizeC())
        for z in range(image.getSizeZ())
    ]
    for plane in image.getPrimaryPixels().getPlanes(places):
        yield hashlib.sha256(plane.tobytes()).hexdigest()


_COMPARERS = {
    "Project": _compare_container,
    "Dataset": _compare_container,
    "Screen": _compare_container,
    "Plate": _compare_plate,
    "Fileset": _compare_fileset,
    "Image": _compare_image,
}
