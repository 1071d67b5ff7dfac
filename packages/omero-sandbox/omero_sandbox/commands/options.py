"""Child options of a request: types to take or to leave, whatever the rules say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from omero_sandbox.commands.command import CommandFailedError
from omero_sandbox.db.schema import resolve
from omero_sandbox.db.store import Row


class Options:
    """The ``omero.cmd.graphs.ChildOption`` list of a request; the first that applies to a row decides.

    Facts: omero-blitz ``ChildOptionI.init``, ``ChildOptionsPolicy``.
    """

    def __init__(self, options: Iterable[Any] | None = None) -> None:
        self._options = [_Option(each) for each in options or ()]

    def wish(self, row: Row) -> bool | None:
        """Tell whether to take the row (True), to leave it (False) or to do as the rules say (None)."""
        for option in self._options:
            wish = option.wish(row)
            if wish is not None:
                return wish
        return None


class _Option:
    def __init__(self, option: Any) -> None:
        self._include = _concrete(option.includeType)
        self._exclude = _concrete(option.excludeType)
        self._include_ns = set(option.includeNs or ())
        self._exclude_ns = set(option.excludeNs or ())
        if not self._include and not self._exclude:
            raise CommandFailedError("child option must include or exclude some type")
        if self._include_ns and self._exclude_ns:
            raise CommandFailedError("child option may not both include and exclude namespace")

    def wish(self, row: Row) -> bool | None:
        if row.model.root == "Annotation" and not self._applies_to(row.get("ns")):
            return None
        if row.type in self._include:
            return True
        return False if row.type in self._exclude else None

    def _applies_to(self, namespace: str | None) -> bool:
        if self._include_ns:
            return namespace in self._include_ns
        return namespace not in self._exclude_ns


def _concrete(names: Iterable[str] | None) -> frozenset[str]:
    return frozenset(subtype for name in names or () for subtype in resolve(name).subtypes)
