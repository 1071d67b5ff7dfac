"""OMERO's times: milliseconds since 1970 in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

#: The years 1 to 9999, which XML and Python know.
EARLIEST_MS: Final = -62_135_596_800_000
LATEST_MS: Final = 253_402_300_799_999
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def utc(milliseconds: int) -> datetime:
    """Return an ``RTime`` as a time with its zone; exact, also before 1970."""
    return _EPOCH + timedelta(milliseconds=milliseconds)


def iso_utc(milliseconds: int) -> str:
    """Return an ``RTime`` in ISO 8601, like ``2024-02-29T12:00:00.123Z``."""
    return utc(milliseconds).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def milliseconds(moment: datetime) -> int:
    """Return a time as an ``RTime``; one without zone is taken as UTC, as everywhere in OME-XML."""
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(milliseconds=1)
