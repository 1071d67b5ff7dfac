"""What a user sees of objects on a server, through the plain API: nothing in it depends on ids.

It shares no code with the transfer, so that a mistake there cannot hide here.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import omero.model as om
from omero.sys import ParametersI

from tests.support.servers import read_pixels

_ALL_GROUPS = {"omero.group": "-1"}
_PIXELS = (
    "select p from Pixels p join fetch p.image join fetch p.channels c join fetch c.logicalChannel"
    " join fetch p.pixelsType where p.image.id = :id"
)
_ROIS = "select r from Roi r left outer join fetch r.shapes where r.image.id = :id"
_SETTINGS = (
    "select d from RenderingDef d join fetch d.waveRendering join fetch d.model where d.pixels.image.id = :id"
)
_FOLDERS = "select f.name from FolderImageLink l join l.parent f where l.child.id = :id"
_ANNOTATED = "select l.parent.id from RoiAnnotationLink l where l.parent.image.id = :id"
_LINKS = "select l.child.id from {type}AnnotationLink l where l.parent.id = :id"
_ANNOTATION = "select a from Annotation a left outer join fetch a.file where a.id = :id"
_IMAGE = ("name", "description", "acquisitionDate")
#: Fields of shapes.
_SHAPE = (
    "theZ", "theT", "theC", "textValue", "x", "y", "width", "height", "x1", "y1", "x2", "y2", "radiusX",
    "radiusY", "points", "bytes", "fillColor", "strokeColor",
)  # fmt: skip
#: Fields of how a channel is shown.
_WAVE = ("active", "inputStart", "inputEnd", "red", "green", "blue")
_CHUNK = 4 * 1024 * 1024


class Facts:
    """Asks one server about objects.

    Parameters
    ----------
    client : omero.client
        Logged in.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._query = client.sf.getQueryService()

    def image(self, number: int) -> dict[str, Any]:
        """Return what there is to see of an image; ``rendering`` is None if nobody has settings."""
        [pixels] = self._find(_PIXELS, number)
        shape, planes = read_pixels(self._client, number)
        return {
            "image": [_value(getattr(pixels.image, name)) for name in _IMAGE],
            "pixels": (shape, [_quantity(getattr(pixels, f"physicalSize{axis}")) for axis in "XYZ"]),
            "planes": list(planes),
            "channels": [_channel(channel) for channel in pixels.copyChannels()],
            "rois": self.rois(number),
            "annotations": self.annotations("Image", number),
            "folders": sorted(row[0].val for row in self._rows(_FOLDERS, number)),
            "rendering": self.rendering(number),
        }

    def rois(self, image: int) -> Counter[Any]:
        """Count the ROIs of an image, each with its shapes in order and its annotations."""
        annotated = {row[0].val for row in self._rows(_ANNOTATED, image)}
        return Counter(
            (
                _value(roi.name),
                tuple(_shape(shape) for shape in roi.copyShapes()),
                _frozen(self.annotations("Roi", roi.id.val)) if roi.id.val in annotated else (),
            )
            for roi in self._find(_ROIS, image)
        )

    def rendering(self, image: int) -> Any:
        """Return how an image is shown, if there are settings of one user."""
        settings = [
            (
                definition.model.value.val,
                tuple(
                    tuple(_value(getattr(wave, name)) for name in _WAVE)
                    for wave in definition.copyWaveRendering()
                ),
            )
            for definition in self._find(_SETTINGS, image)
        ]
        return settings or None

    def annotations(self, type_name: str, number: int) -> Counter[Any]:
        """Count the annotations of an object: by all that a user sees, and what is on them in turn."""
        rows = self._rows(_LINKS.format(type=type_name), number)
        return Counter(self._annotation(row[0].val) for row in rows)

    def _annotation(self, number: int) -> tuple[Any, ...]:
        [annotation] = self._find(_ANNOTATION, number)
        kind = type(annotation).__name__.removesuffix("I")
        texts = [_value(getattr(annotation, name)) for name in ("ns", "description", "name")]
        return kind, *texts, self._content(annotation), _frozen(self.annotations("Annotation", number))

    def _content(self, annotation: Any) -> Any:
        if isinstance(annotation, om.MapAnnotation):
            return tuple((pair.name, pair.value) for pair in annotation.mapValue or ())
        if isinstance(annotation, om.FileAnnotation):
            file = annotation.file
            return file.name.val, _value(file.mimetype), self.digest(file.id.val)
        names = ("textValue", "longValue", "doubleValue", "boolValue", "timeValue", "termValue")
        return tuple(_value(getattr(annotation, name)) for name in names if hasattr(annotation, name))

    def digest(self, file: int) -> tuple[int, str]:
        """Return size and SHA-256 of a file's bytes, read in blocks and not beyond its end."""
        digest = hashlib.sha256()
        with closing(self._client.sf.createRawFileStore()) as store:
            store.setFileId(file, _ALL_GROUPS)
            size = store.size()
            for start in range(0, size, _CHUNK):
                digest.update(store.read(start, min(_CHUNK, size - start)))
        return size, digest.hexdigest()

    def _find(self, hql: str, number: int) -> list[Any]:
        found = self._query.findAllByQuery(hql, ParametersI().addId(number), _ALL_GROUPS)
        return list({one.id.val: one for one in found}.values())

    def _rows(self, hql: str, number: int) -> Iterator[Any]:
        yield from self._query.projection(hql, ParametersI().addId(number), _ALL_GROUPS)


def differences(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Return what is not the same; rendering settings that only the target has are its own."""
    unlike = {name: (before[name], after[name]) for name in before if before[name] != after[name]}
    if before["rendering"] is None:
        unlike.pop("rendering", None)
    return unlike


def _frozen(counts: Counter[Any]) -> tuple[Any, ...]:
    return tuple(sorted(counts.items(), key=repr))


def _value(field: Any) -> Any:
    return getattr(field, "val", field)


def _quantity(field: Any) -> Any:
    return None if field is None else (field.getValue(), field.getUnit().name)


def _channel(channel: Any) -> tuple[Any, ...]:
    logical = channel.logicalChannel
    colour = [_value(getattr(channel, name)) for name in ("red", "green", "blue", "alpha")]
    return _value(logical.name), _quantity(logical.emissionWave), *colour


def _shape(shape: Any) -> tuple[Any, ...]:
    values = [_value(getattr(shape, name, None)) for name in _SHAPE]
    return type(shape).__name__, *values
