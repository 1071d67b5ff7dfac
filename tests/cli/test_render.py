"""What people see while a run goes on, and what machines read."""

from __future__ import annotations

import json
import os
import pty
import sys
from contextlib import suppress
from typing import Any

import pytest

from omero_rocrate_transfer.cli.output.render import (
    BlockRenderer,
    JsonRenderer,
    LinesRenderer,
    QuietRenderer,
    open_renderer,
)
from omero_rocrate_transfer.model.errors import NotFoundError
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.transfer.events import Advanced, Event, Planned, Started, UnitEnded
from omero_rocrate_transfer.transfer.summary import Tally
from tests.transfer.fakes import FakeSource

UNIT = ObjectRef("Fileset", 1)
KIB = 1024


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def begin() -> list[Event]:
    contents = FakeSource([b"x" * 100 * KIB, b"y" * 100 * KIB]).read_contents(())
    return [Planned(contents=contents, dry_run=False), Started(phase="transfer", size_bytes=200 * KIB)]


def advance(size_bytes: int, name: str = "a.tif") -> Advanced:
    return Advanced(unit=UNIT, name=name, size_bytes=size_bytes)


def finish(tally: Tally, **words: Any) -> Event:
    return tally.finished(**({"exit_code": 0, "seconds": 2.0, "error": None} | words))


def test_lines_tell_of_progress_once_a_minute(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    renderer = LinesRenderer("Packed", clock=clock)
    for event in begin():
        renderer.show(event)
    capsys.readouterr()

    for _ in range(50):
        clock.now += 2.5
        renderer.show(advance(KIB))

    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert said[0].startswith("Packing  24.0 KiB / 200.0 KiB, 12%, 410 B/s, ETA 7m 20s   0/2 items, 0 failed")


def test_json_tells_of_progress_twice_a_second(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    renderer = JsonRenderer(clock=clock)
    for event in begin():
        renderer.show(event)

    for _ in range(20):
        clock.now += 0.125
        renderer.show(advance(KIB))

    progress = [json.loads(line) for line in capsys.readouterr().out.splitlines()][1:]
    assert len(progress) == 5
    assert progress[-1] == {
        "type": "progress",
        "phase": "transfer",
        "bytes_done": 20 * KIB,
        "bytes_total": 200 * KIB,
        "items_done": 0,
        "rate": 8192,
        "eta_s": 22.5,
    }


def test_json_is_ascii_whatever_the_names(capsys: pytest.CaptureFixture[str]) -> None:
    error = NotFoundError("Image '\x1b[2J\u202e\udcff\n' is not readable.")

    JsonRenderer().show(UnitEnded(unit=UNIT, state="failed", size_bytes=0, images=1, files=1, error=error))

    (line,) = capsys.readouterr().out.splitlines()
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["error"]["text"] == str(error)


@pytest.mark.parametrize("make", [QuietRenderer, LinesRenderer])
def test_names_cannot_write_control_characters(make: Any, capsys: pytest.CaptureFixture[str]) -> None:
    error = NotFoundError("Image '\x1b[2J\u202e' is not readable.")

    make("Packed").show(UnitEnded(unit=UNIT, state="failed", size_bytes=0, images=1, files=1, error=error))

    assert capsys.readouterr().err == ("Failed   Fileset:1: Image '\\x1b[2J\\u202e' is not readable.\n")


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({}, LinesRenderer),
        ({"use_json": True}, JsonRenderer),
        ({"quiet": True}, QuietRenderer),
        ({"style": "block"}, BlockRenderer),
        ({"style": "none"}, LinesRenderer),
    ],
)
def test_options_choose_the_renderer(options: dict[str, Any], kind: type) -> None:
    words: dict[str, Any] = {"style": "auto", "use_json": False, "quiet": False, "verb": "Packed"} | options

    assert type(open_renderer(**words)) is kind


def test_no_progress_still_shows_plan_and_summary(capsys: pytest.CaptureFixture[str]) -> None:
    renderer = open_renderer(style="none", use_json=False, quiet=False, verb="Packed")
    for event in [*begin(), advance(KIB), finish(Tally())]:
        renderer.show(event)

    said = capsys.readouterr().err.splitlines()
    assert [line.split()[0] for line in said] == ["Plan", "Packed"]


def read_all(terminal: int) -> str:
    """Read what was written to a terminal that is closed at its other end by now."""
    shown = b""
    with suppress(OSError):  # Linux says EIO at the end
        while block := os.read(terminal, 100_000):
            shown += block
    os.close(terminal)
    return shown.decode()


def test_terminal_gets_a_block_that_is_gone_at_the_end(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    main, terminal = pty.openpty()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("NO_COLOR", raising=False)
    with os.fdopen(terminal, "w", encoding="utf-8") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        renderer = open_renderer(style="auto", use_json=False, quiet=False, verb="Packed")
        assert isinstance(renderer, BlockRenderer)
        for event in [*begin(), advance(50 * KIB, "[red]\x1b[2Jevil.tif")]:
            renderer.show(event)
        renderer._live.refresh()
        renderer.show(finish(Tally()))
        renderer.close()
    shown = read_all(main)

    assert "50.0 KiB / 200.0 KiB, 25%" in shown
    assert "Fileset:1  [red]\\x1b[2Jevil.tif" in shown
    assert "Packed   0 images" in shown.rstrip().splitlines()[-1]
