"""From one server to another by whole command lines, with what has to be true of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from omero_sandbox.testing.compare import Comparison, compare
from tests.command_line import CommandLine, Result
from tests.support.facts import Facts, differences
from tests.support.servers import Server

#: What `compare` knows.
_COMPARED = ("Project", "Dataset", "Screen", "Plate", "Fileset", "Image")
_HELD = (
    "Project", "Dataset", "Screen", "Plate", "Image", "Fileset", "Annotation", "Folder", "Roi",
    "OriginalFile",
)  # fmt: skip


@dataclass
class Journey:
    """Runs commands on a pair of servers; ids are in ``ids.json``."""

    source: Server
    target: Server
    capsys: pytest.CaptureFixture[str]
    home: Path

    def on_source(self, *words: object, exit_code: int | None = 0) -> Result:
        """Run a command on the source."""
        return CommandLine(self.capsys, self.source.login())(str(words[0]), *words[1:], exit_code=exit_code)

    def on_target(self, *words: object, exit_code: int | None = 0) -> Result:
        """Run a command on the target."""
        return CommandLine(self.capsys, self.target.login())(str(words[0]), *words[1:], exit_code=exit_code)

    def pack(self, *words: object) -> dict[str, Any]:
        """Pack, and return the summary."""
        return self.on_source("pack", "--rocrate", *words, "--json").summary

    def unpack(self, crate: str, *words: object) -> dict[str, Any]:
        """Unpack as the run of `names` and with nothing added, and return the summary."""
        return self.on_target("unpack", crate, *self.names(), *words, "--json").summary

    def names(self) -> tuple[str, ...]:
        """Return the arguments that name the run and its id map."""
        return ("--run", f"there-{self.target.token}", "--idmap", "ids.json", "--metadata", "none")

    def verify(self, crate: str) -> dict[str, Any]:
        """Compare a crate with what became of it, and return the summary."""
        return self.on_target("verify", crate, "--server", "--idmap", "ids.json", "--json").summary

    def undo(self) -> None:
        """Take back what was unpacked."""
        self.on_target("undo", f"there-{self.target.token}", "--force")

    def ids(self) -> dict[str, str]:
        """Return the id map."""
        objects = json.loads((self.home / "ids.json").read_text("utf-8"))["objects"]
        return {one["source"]: one["target"] for one in objects}

    def became(self, type_name: str, number: int) -> int:
        """Return the id on the target."""
        return int(self.ids()[f"{type_name}:{number}"].partition(":")[2])

    def compare(self) -> Comparison:
        """Compare containers, files and images that the id map has."""
        ids = {old: new for old, new in self.ids().items() if old.partition(":")[0] in _COMPARED}
        return compare(self.source.client(), self.target.client(), ids)

    def unlike(self, images: Sequence[int]) -> dict[int, dict[str, Any]]:
        """Return what a user sees otherwise on the target, by image."""
        before, after = Facts(self.source.client()), Facts(self.target.client())
        found = {
            image: differences(before.image(image), after.image(self.became("Image", image)))
            for image in images
        }
        return {image: unlike for image, unlike in found.items() if unlike}

    def held(self) -> dict[str, int]:
        """Return how many objects of the run there are on the target, by class."""
        return {name: len(found) for name, found in self.target.held(*_HELD).items()}
