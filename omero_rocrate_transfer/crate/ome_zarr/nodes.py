"""Groups and arrays of an OME-Zarr: where they are, and their metadata as they stand.

Zarr v2 has them in ``.zgroup``, ``.zattrs`` and ``.zarray``, Zarr v3 in ``zarr.json``.
"""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from omero_rocrate_transfer.model.errors import UnsafeCrateError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from omero_rocrate_transfer.crate.ome_zarr.stores import Members

Json = dict[str, Any]
#: Larger ones are refused: parsed, JSON takes up to thirty times its size.
MAX_JSON_BYTES: Final = 8 << 20
#: Those of an array are short, and zarr parses them once more.
_MAX_ARRAY_BYTES: Final = 2 << 20
_MAX_DEPTH: Final = 32
_V3: Final = "zarr.json"
_ARRAY: Final = (_V3, ".zarray")
METADATA: Final = frozenset({_V3, ".zgroup", ".zattrs", ".zarray"})
_NOTHING: Final = "Nothing was written."


class AbsentError(UnsafeCrateError):
    """Something that metadata name is not there; what else there is may be whole."""


class Nodes:
    """The groups and arrays below one folder.

    Parameters
    ----------
    name
        What the whole is called in messages.
    """

    def __init__(self, members: Members, name: str) -> None:
        self._members, self._name = members, name

    def read_attributes(self, path: str) -> Json:
        """Return the attributes of a group.

        Raises
        ------
        AbsentError
            There is no such group.
        UnsafeCrateError
            Its metadata cannot be read.
        """
        group = self._load(path, _V3)
        if group is not None:
            attributes = group.get("attributes", {})
            if group.get("node_type") != "group" or not isinstance(attributes, dict):
                raise self._error(path, "it is not a group of Zarr v3")
            return attributes
        attributes = self._load(path, ".zattrs")
        if attributes is None:
            if self._load(path, ".zgroup") is None:
                raise AbsentError(f"{self._name} has no Zarr group {path or '/'!a:.200}.", hint=_NOTHING)
            return {}
        return attributes

    def read_array(self, path: str) -> Json:
        """Return the metadata of an array, in its own version of Zarr.

        Raises
        ------
        AbsentError
            There is no such array.
        UnsafeCrateError
            Its metadata cannot be read, or nest too deep.
        """
        for name in _ARRAY:
            found = self._load(path, name, _MAX_ARRAY_BYTES)
            if found is not None:
                _check_depth(found, self._error(path, f"it nests deeper than {_MAX_DEPTH} levels"))
                return found
        raise AbsentError(f"{self._name} has no array {path!a:.200}.", hint=_NOTHING)

    def has(self, path: str) -> bool:
        """Tell whether there is a group (or an array) at a path."""
        prefix = f"{path}/" if path else ""
        return any(self._members.size(prefix + name) is not None for name in METADATA)

    def is_group(self, path: str) -> bool:
        """Tell whether there is a group at a path."""
        prefix = f"{path}/" if path else ""
        if self._members.size(f"{prefix}{_V3}") is not None:
            found = self._load(path, _V3)
            return found is not None and found.get("node_type") == "group"
        if self._members.size(f"{prefix}.zgroup") is not None:
            return True
        # an array has attributes too
        return self._members.size(f"{prefix}.zattrs") is not None and not self._has_array(prefix)

    def list_children(self, path: str) -> list[str]:
        """Return the names of the groups and arrays directly below a group."""
        return sorted(self._children.get(path, ()))

    def _has_array(self, prefix: str) -> bool:
        return self._members.size(f"{prefix}.zarray") is not None

    @cached_property
    def _children(self) -> Mapping[str, set[str]]:
        """The names of groups and arrays by the path of what they are in."""
        found: dict[str, set[str]] = {}
        for name in self._members.names():
            folder, _, last = name.rpartition("/")
            while last in METADATA and folder:
                parent, _, last_folder = folder.rpartition("/")
                children = found.setdefault(parent, set())
                if last_folder in children:
                    break
                children.add(last_folder)
                folder = parent
        return found

    def _load(self, path: str, name: str, max_bytes: int = MAX_JSON_BYTES) -> Json | None:
        full = f"{path}/{name}" if path else name
        size = self._members.size(full)
        if size is None:
            return None
        if size > max_bytes:
            raise self._error(path, f"{name} has {size} bytes, more than {max_bytes}")
        try:
            found = json.loads(self._members.read(full, 0, size))
        except (ValueError, RecursionError) as error:
            raise self._error(path, f"{name} is not valid JSON: {error!s:.200}") from error
        if not isinstance(found, dict):
            raise self._error(path, f"{name} does not hold a JSON object")
        return found

    def _error(self, path: str, reason: str) -> UnsafeCrateError:
        return UnsafeCrateError(
            f"{self._name} has no readable Zarr metadata at {path or '/'!a:.200}: {reason}.", hint=_NOTHING
        )


def _check_depth(value: object, error: UnsafeCrateError) -> None:
    level = [value]
    for _ in range(_MAX_DEPTH):
        level = [
            item
            for one in level
            if isinstance(one, dict | list)
            for item in (one.values() if isinstance(one, dict) else one)
        ]
    if level:
        raise error
