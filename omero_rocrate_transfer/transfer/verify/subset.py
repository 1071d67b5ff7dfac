"""Which part of many things is looked at: always the same things for the same part."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final, Self

from omero_rocrate_transfer.model.errors import UsageError

_PARTITION: Final = re.compile(r"(\d{1,6})/(\d{1,6})\Z", re.ASCII)
_PERCENT: Final = re.compile(r"(\d{1,3}(?:\.\d{1,6})?)%\Z", re.ASCII)
#: Names are spread evenly over this many places.
_PLACES: Final = 2**64


@dataclass(frozen=True, slots=True)
class Subset:
    """A range of the places that names are spread over."""

    #: First place, and the first behind it.
    start: int = 0
    stop: int = _PLACES

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse ``2/10``, the second of ten parts that together are all, or ``5%``.

        Raises
        ------
        UsageError
            It is neither, or an empty part.
        """
        if (match := _PARTITION.match(text)) and 1 <= int(match[1]) <= int(match[2]):
            number, parts = int(match[1]), int(match[2])
            return cls((number - 1) * _PLACES // parts, number * _PLACES // parts)
        if (match := _PERCENT.match(text)) and 0 < float(match[1]) <= 100:
            return cls(0, int(_PLACES * float(match[1]) / 100))
        raise UsageError(f"--subset {text!a:.100} is no part.", hint="Write it like 2/10 or 5%.")

    def __contains__(self, name: object) -> bool:
        """Tell whether a name is in it, whatever other names there are."""
        digest = hashlib.sha256(str(name).encode("utf-8", "surrogatepass")).digest()
        return self.start <= int.from_bytes(digest[:8], "big") < self.stop


#: All there is.
ALL: Final = Subset()
