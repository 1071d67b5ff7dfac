"""The metadata of an OME-Zarr, checked as they are read: they come from strangers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from omero_rocrate_transfer.crate.ome_zarr.nodes import AbsentError, Nodes
from omero_rocrate_transfer.model.errors import UnsafeCrateError

if TYPE_CHECKING:
    from omero_rocrate_transfer.crate.ome_zarr.axes import Json
    from omero_rocrate_transfer.crate.ome_zarr.stores import Members

#: Versions this reader was written for; a newer one is refused rather than guessed at.
VERSIONS: Final = ("0.1", "0.2", "0.3", "0.4", "0.5")
_HINT: Final = "Nothing was written."


class CheckedMetadata:
    """Reads values of the metadata, each of the kind that it must be.

    Parameters
    ----------
    name
        What the OME-Zarr is called in messages.
    """

    def __init__(self, members: Members, name: str) -> None:
        self.name = name
        self.nodes = Nodes(members, name)

    def attributes(self, path: str) -> Json:
        """Return the OME attributes of a group, whichever version wrote them."""
        attributes: Json = self.nodes.read_attributes(path)
        ome = attributes.get("ome")
        found = ome if isinstance(ome, dict) else attributes
        self._check_version(found)
        return found

    def path(self, path: object) -> str:
        """Return a path that stays inside."""
        parts = path.split("/") if isinstance(path, str) else []
        if not parts or not all(parts) or any(part in {".", ".."} or "\\" in part for part in parts):
            shown = path if isinstance(path, str) else type(path).__name__
            raise self.error(f"has the impossible path {shown!a:.200}")
        return "/".join(parts)

    def mapping(self, value: object, what: str) -> Json:
        """Return a JSON object."""
        if not isinstance(value, dict):
            raise self.error(f"has no sound {what!r}")
        return value

    def items(self, value: object, what: str) -> list[Any]:
        """Return a JSON list."""
        if not isinstance(value, list):
            raise self.error(f"has no sound {what!r}")
        return value

    def error(self, text: str) -> UnsafeCrateError:
        """Return the error of metadata that break a rule."""
        return UnsafeCrateError(f"{self.name} {text}.", hint=_HINT)

    def absent(self, text: str) -> AbsentError:
        """Return the error of something that is not there."""
        return AbsentError(f"{self.name} {text}.", hint=_HINT)

    def _check_version(self, attributes: Json) -> None:
        places = [attributes, attributes.get("plate"), attributes.get("well")]
        scales = attributes.get("multiscales")
        places.append(scales[0] if isinstance(scales, list) and scales else None)
        for place in places:
            version = place.get("version") if isinstance(place, dict) else None
            if isinstance(version, str | int | float) and str(version) not in VERSIONS:
                raise self.error(
                    f"is OME-Zarr {str(version)[:20]!a}; this program reads {VERSIONS[0]} to {VERSIONS[-1]}"
                )


def join(*parts: str) -> str:
    """Return a path of those parts that are not empty."""
    return "/".join(part for part in parts if part)


def whole(value: object) -> int | None:
    """Return a whole number, or None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None
