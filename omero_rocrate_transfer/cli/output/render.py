"""All that is printed: text for people on stderr, JSON lines for machines on stdout."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

from omero_rocrate_transfer.cli.output.json_lines import line_of, progress_line
from omero_rocrate_transfer.cli.output.progress import Speed
from omero_rocrate_transfer.cli.output.text import (
    escape,
    iter_difference_lines,
    iter_omission_lines,
    iter_plan_lines,
    iter_summary_lines,
    render_seconds,
    render_size,
    shorten,
)
from omero_rocrate_transfer.transfer.events import (
    Advanced,
    Compared,
    Finished,
    Listed,
    Planned,
    Retried,
    Started,
    UnitEnded,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from omero_rocrate_transfer.transfer.events import Event

ProgressStyle = Literal["auto", "block", "lines", "none"]
#: A line of progress in a log of many hours, and in what machines read.
LINES_EVERY_S: Final = 60.0
JSON_EVERY_S: Final = 0.5
#: What is going on, by what will be said at the end.
_DOING: Final = {"Packed": "Packing", "Unpacked": "Unpacking", "Copied": "Copying"}


class Renderer(Protocol):
    """Shows events as they come."""

    def show(self, event: Event) -> None:
        """Show one event; the last is a `Finished`."""
        ...

    def close(self) -> None:
        """Give the terminal back."""
        ...


def open_renderer(*, style: ProgressStyle, use_json: bool, quiet: bool, verb: str) -> Renderer:
    """Return the renderer that the options and the terminal ask for."""
    if use_json:
        return JsonRenderer()
    if style == "auto":
        style = "block" if sys.stderr.isatty() else "lines"
    if quiet:
        return QuietRenderer(verb)
    return BlockRenderer(verb) if style == "block" else LinesRenderer(verb, progress=style == "lines")


def note(text: str) -> None:
    """Tell people something that belongs to no event."""
    print(escape(text), file=sys.stderr, flush=True)


class JsonRenderer:
    """One JSON object a line on stdout; ASCII, so that no name can break a line or a terminal."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._speed = Speed(clock, every_s=JSON_EVERY_S)

    def show(self, event: Event) -> None:
        """Write the line of an event, and at most two lines of progress a second."""
        self._speed.take(event)
        line = line_of(event)
        if line is not None:
            self._write(line)
        elif isinstance(event, Advanced) and self._speed.is_due():
            tally, speed = self._speed.tally, self._speed
            self._write(
                progress_line(
                    phase=tally.phase,
                    done=tally.done_bytes,
                    total=tally.size_bytes,
                    items=tally.ended.total(),
                    rate=speed.rate_bytes_per_s,
                    eta_s=speed.eta_s,
                )
            )

    def _write(self, line: dict[str, Any]) -> None:
        print(json.dumps(line), flush=True)

    def close(self) -> None:
        """Nothing is open."""


class QuietRenderer:
    """Only what failed, and why the run ended."""

    def __init__(self, verb: str) -> None:
        self.verb = verb

    def show(self, event: Event) -> None:
        """Say what failed; nothing else."""
        match event:
            case Compared():
                self._say_all(iter_difference_lines(event))
            case Listed(lines=lines):
                for line in lines:
                    print(line, flush=True)
            case UnitEnded(error=error) if error is not None:
                self.say(f"Failed   {event.unit}: {escape(str(error))}")
            case Finished(error=error) if error is not None:
                self.say(f"Error    {escape(str(error))}")

    def say(self, line: str) -> None:
        """Write one line, which holds no control characters any more."""
        print(line, file=sys.stderr, flush=True)

    def _say_all(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.say(line)

    def close(self) -> None:
        """Nothing is open."""


class LinesRenderer(QuietRenderer):
    """Plain lines, for logs: plan, failures, summary, and now and then how far it is."""

    def __init__(
        self, verb: str, *, progress: bool = True, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(verb)
        self.speed = Speed(clock, every_s=LINES_EVERY_S)
        self._progress = progress

    def show(self, event: Event) -> None:
        """Say what the event says."""
        self.speed.take(event)
        match event:
            case Planned(contents=contents):
                self._say_all(iter_plan_lines(contents))
            case Started():
                self.start(event)
            case Advanced():
                self.advance(event)
            case Compared() | Listed():
                super().show(event)
            case Retried():
                on = "" if event.unit is None else f"{event.unit} "
                self.say(f"Retry    {on}in {render_seconds(event.wait_s)}: {escape(str(event.error))}")
            case UnitEnded():
                super().show(event)
                self._say_all(iter_omission_lines(event.omissions))
            case Finished():
                self._say_all(iter_summary_lines(event, self.verb))

    def start(self, _event: Started) -> None:
        """Say that a phase begins."""
        if self._progress:
            tally = self.speed.tally
            self.say(f"{self.doing:<8} {render_size(tally.size_bytes)}")

    def advance(self, _event: Advanced) -> None:
        """Say how far the phase is, once a minute."""
        if self._progress and self.speed.is_due():
            self.say(f"{self.doing:<8} {self.state()}")

    @property
    def doing(self) -> str:
        """What goes on in this phase."""
        phases = {"check": "Checking", "verify": "Reading"}
        return phases.get(self.speed.tally.phase, _DOING.get(self.verb, self.verb))

    def _counts(self) -> str:
        tally = self.speed.tally
        if tally.phase == "verify":
            return f"{tally.compared:,} compared, {tally.differences:,} not the same"
        return f"{tally.ended.total():,}/{tally.planned:,} items, {tally.ended['failed']:,} failed"

    def state(self) -> str:
        """Return how far the phase is, as one line."""
        tally, eta_s = self.speed.tally, self.speed.eta_s
        share = 100 * tally.done_bytes // max(tally.size_bytes, 1)
        eta = "" if eta_s is None else f", ETA {render_seconds(eta_s)}"
        return (
            f"{render_size(tally.done_bytes)} / {render_size(tally.size_bytes)}, {share}%, "
            f"{render_size(self.speed.rate_bytes_per_s)}/s{eta}   {self._counts()}"
        )


class BlockRenderer(LinesRenderer):
    """A block at the foot of the terminal that is drawn anew twice a second; lines scroll above it."""

    def __init__(self, verb: str, clock: Callable[[], float] = time.monotonic) -> None:
        from rich.console import Console
        from rich.live import Live

        super().__init__(verb, clock=clock)
        self._name = ""
        self._console = Console(stderr=True, markup=False, highlight=False, emoji=False)
        self._live = Live(
            console=self._console, refresh_per_second=2, transient=True, get_renderable=self._draw
        )

    def start(self, _event: Started) -> None:
        """Show the block."""
        self._name = ""
        self._live.start()

    def advance(self, event: Advanced) -> None:
        """Remember what is at work; the block draws itself."""
        self._name = f"{event.unit}  {shorten(event.name)}"

    def show(self, event: Event) -> None:
        """Say what the event says, without the block once the run is over."""
        if isinstance(event, Finished):
            self._live.stop()
        super().show(event)

    def say(self, line: str) -> None:
        """Write a line above the block."""
        self._console.print(line, soft_wrap=True)

    def close(self) -> None:
        """Take the block away."""
        self._live.stop()

    def _draw(self) -> Any:
        from rich.text import Text

        lines = f"{self.doing:<8} {self.state()}\n   {self._name}"
        return Text(lines, overflow="ellipsis", no_wrap=True)
