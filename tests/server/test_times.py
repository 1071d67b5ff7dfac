from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from omero_rocrate_transfer.server.mapping.times import iso_utc, utc


def test_milliseconds_are_written_with_their_zone() -> None:
    assert iso_utc(1_709_208_000_123) == "2024-02-29T12:00:00.123Z"


def test_times_before_1970_are_exact() -> None:
    assert utc(-1) == datetime(1969, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)


@given(st.integers(-60_000_000_000_000, 250_000_000_000_000))
def test_no_millisecond_is_lost(milliseconds: int) -> None:
    moment = datetime.fromisoformat(iso_utc(milliseconds))

    assert moment - datetime(1970, 1, 1, tzinfo=UTC) == timedelta(milliseconds=milliseconds)
