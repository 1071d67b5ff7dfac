"""How pixels travel: the choices of pack and unpack reach the ends."""

from __future__ import annotations

from typing import Any

import pytest

from omero_rocrate_transfer.cli.options.transfers import PackOptions, UnpackOptions
from omero_rocrate_transfer.cli.servers import endpoints
from omero_rocrate_transfer.model.choices import PixelsAs, PixelsPolicy
from tests.transfer.fakes import FakeSink, FakeSource


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Collect the options with which the ends are opened."""
    seen: list[Any] = []
    for name in ("server_source", "server_sink"):
        before = getattr(endpoints, name)

        def note(*given: Any, to: Any = before) -> Any:
            seen.extend(one for one in given if isinstance(one, PackOptions | UnpackOptions))
            return to(*given)

        monkeypatch.setattr(endpoints, name, note)
    return seen


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), PixelsPolicy.ORIGINAL),
        (("--pixels", "original"), PixelsPolicy.ORIGINAL),
        (("--pixels", "zarr"), PixelsPolicy.ZARR),
        (("--pixels", "both"), PixelsPolicy.BOTH),
    ],
)
def test_policy_reaches_the_source(
    source: FakeSource,
    sink: FakeSink,
    asked: list[Any],
    run_line: Any,
    arguments: Any,
    expected: PixelsPolicy,
) -> None:
    run_line("pack", *arguments, "Image:1", "crate")

    assert [chosen.pixels for chosen in asked] == [expected]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), None),
        (("--pixels-as", "tiles"), PixelsAs.TILES),
        (("--pixels-as", "ome-tiff"), PixelsAs.OME_TIFF),
    ],
)
def test_way_of_pixels_reaches_the_sink(
    source: FakeSource, sink: FakeSink, asked: list[Any], run_line: Any, arguments: Any, expected: Any
) -> None:
    run_line("unpack", *arguments, "crate.zip")

    assert [chosen.pixels_as for chosen in asked] == [expected]


@pytest.mark.parametrize(
    "arguments", [("pack", "--pixels", "tiff", "Image:1", "c"), ("unpack", "--pixels-as", "zarr", "c")]
)
def test_other_choices_are_usage_errors(run_line: Any, arguments: tuple[str, ...]) -> None:
    run_line(*arguments, exit_code=2)
