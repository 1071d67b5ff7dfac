"""Facts about planes: positions and times, by their place in Z, C and T."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

import omero.model
from ome_types import model

from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.mapping import specs
from omero_rocrate_transfer.server.mapping.elements import values_of
from omero_rocrate_transfer.server.mapping.fields import Values
from omero_rocrate_transfer.server.read.documents.builder import plane_path
from omero_rocrate_transfer.server.read.documents.planes import Plane
from omero_rocrate_transfer.server.write.restore.target import Target

_PLANES: Final = "select p from PlaneInfo p where p.id in (:ids)"
_DOING: Final = "Restoring planes"

Place = tuple[int, int, int]


class PlaneRestorer:
    """Restores what is known of planes, for the images of one document.

    Parameters
    ----------
    wanted
        LSID of the Pixels, and place among its planes, of each plane that something else refers to.
    complete
        Whether planes that the document does not have shall go.
    """

    def __init__(self, target: Target, wanted: Collection[tuple[str, int]] = (), *, complete: bool) -> None:
        #: What those became that are wanted.
        self.made: dict[tuple[str, int], ObjectRef] = {}
        self._wanted = wanted
        self._complete = complete
        self._target = target
        self._new: list[tuple[int, Values, tuple[str, int]]] = []
        self._changed: dict[int, Values] = {}
        self._gone: list[int] = []

    def add(
        self, pixels: model.Pixels, fields: Mapping[str, Any], pixels_id: int, there: list[Plane]
    ) -> None:
        """Compare the planes of one image with those that its import made."""
        known: dict[Place, list[Plane]] = defaultdict(list)
        for plane in there:
            known[_place(plane[1])].append(plane)
        for index, values in enumerate(_values(pixels, fields)):
            key = pixels.id, index
            same_place = known[_place(values)]
            equal = (one for one in same_place if one[1] == values)
            match = next(equal, None) or next(iter(same_place), None)
            if match is None:
                self._new.append((pixels_id, values, key))
                continue
            same_place.remove(match)
            if key in self._wanted:
                self.made[key] = ObjectRef("PlaneInfo", match[0])
            wanted = values if self._complete else match[1] | values
            if match[1] != wanted:
                self._changed[match[0]] = wanted
        if self._complete:
            self._gone += [one for planes in known.values() for one, _ in planes]

    def save(self) -> None:
        """Make the target as the document says."""
        if self._changed:
            self._target.change(_PLANES, self._changed, specs.PLANE, doing=_DOING)
        keys = (key for _, _, key in self._new)
        for ids in self._target.insert(self._inserted(), doing=_DOING):
            for number, key in zip(ids, keys, strict=False):
                if key in self._wanted:
                    self.made[key] = ObjectRef("PlaneInfo", number)
        self._target.delete("PlaneInfo", self._gone)

    def _inserted(self) -> Iterator[Any]:
        assigner = self._target.assigner()
        for pixels_id, values, _ in self._new:
            plane = assigner.new(specs.PLANE, values)
            plane.setPixels(omero.model.PixelsI(pixels_id, False))  # noqa: FBT003 -- a reference
            yield plane


def _values(pixels: model.Pixels, fields: Mapping[str, Any]) -> Iterator[Values]:
    names = [field.name for field in specs.PLANE.fields]
    for place, plane in enumerate(pixels.planes):
        path = plane_path(place)
        left = {name: fields[path + name] for name in names if path + name in fields} if fields else None
        yield values_of(plane, specs.PLANE, left)


def _place(values: Values) -> Place:
    return values["theZ"], values["theC"], values["theT"]
