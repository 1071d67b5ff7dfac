"""Which annotations a user wants to take along, and what their files are called."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

from omero_rocrate_transfer.model.errors import UsageError

#: What no part of a path may hold.
_NOT_IN_PATHS: Final = re.compile(r"[/\\\x00-\x1f\x7f-\x9f]")
#: In characters: four bytes each still fit into a part of a path.
_LONGEST_NAME: Final = 60
#: Media type that makes a file a table (omero-py omero.tables); it is HDF5.
TABLE_TYPE: Final = "OMERO.tables"
#: Namespace of the files of OMERO.figure.
FIGURE_NAMESPACE: Final = "omero.web.figure.json"
_ALL: Final = "all"
_NONE: Final = "none"


@dataclass(frozen=True, slots=True)
class AnnotationChoice:
    """All annotations, none, or those of some namespaces."""

    #: None for all annotations; those without a namespace are in no other choice.
    namespaces: tuple[str, ...] | None = None
    #: Whether the folders travel that attached files were uploaded from: they may tell of persons.
    client_paths: bool = False

    @classmethod
    def parse(cls, text: str, *, client_paths: bool = False) -> Self:
        """Parse ``all``, ``none`` or namespaces with commas between them.

        Raises
        ------
        UsageError
            A namespace is empty.
        """
        if text == _ALL:
            return cls(client_paths=client_paths)
        namespaces = () if text == _NONE else tuple(dict.fromkeys(part.strip() for part in text.split(",")))
        if not all(namespaces):
            raise UsageError(
                f"--annotations {text!r}: a namespace is empty.",
                hint="Write all, none, or namespaces with commas between them.",
            )
        return cls(namespaces, client_paths)

    @property
    def is_all(self) -> bool:
        """Whether nothing is left out."""
        return self.namespaces is None

    def takes(self, namespace: str | None) -> bool:
        """Tell whether annotations of a namespace travel."""
        return self.namespaces is None or namespace in self.namespaces


def attachment_path(name: str) -> str:
    """Return the name of an attached file as a path: any text may be a name, but not a path."""
    clean = _NOT_IN_PATHS.sub("_", name)[-_LONGEST_NAME:]
    clean = clean if clean.strip(". ") else f"_{clean}"
    return f"_{clean}" if re.match(r"[A-Za-z]:", clean) else clean
