"""The JSON lines have the fields that the documentation names, no more and no fewer."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from omero_rocrate_transfer.cli.output.json_lines import line_of, progress_line
from omero_rocrate_transfer.model.contents import Omission
from omero_rocrate_transfer.model.errors import NotFoundError
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.transfer.events import Advanced, ContainersCreated, Planned, Started, UnitEnded
from omero_rocrate_transfer.transfer.summary import Tally
from tests.transfer.fakes import FakeSource

PAGE = Path(__file__).parents[2] / "docs" / "json-lines.rst"
UNIT = ObjectRef("Fileset", 5)
OMISSION = Omission(type="Roi", count=2, reason="not carried yet", on=UNIT)
ERROR = NotFoundError("Image:2 is not readable.", hint="Log in as its owner.")
PLAN = Planned(contents=FakeSource([b"abc"], [OMISSION]).read_contents(()), dry_run=True)
ENDED = UnitEnded(
    unit=UNIT, state="failed", size_bytes=0, images=3, files=2, omissions=(OMISSION,), error=ERROR
)


def lines() -> dict[str, Any]:
    tally = Tally()
    tally.take(PLAN)
    tally.take(ENDED)
    found = [
        line_of(PLAN),
        line_of(ENDED),
        line_of(tally.finished(exit_code=3, seconds=1.23456, error=ERROR)),
    ]
    found.append(progress_line(phase="check", done=1, total=2, items=0, rate=1.5, eta_s=None))
    return {line["type"]: line for line in found if line is not None}


def documented() -> dict[str, set[str]]:
    """Return the names in each paragraph of the page, by the type that begins it."""
    paragraphs = re.findall(r"^``(\w+)``\n((?:    .+\n)+)", PAGE.read_text("utf-8"), re.MULTILINE)
    return {kind: set(re.findall(r"``([a-z_]+)``", text)) for kind, text in paragraphs}


@pytest.mark.parametrize("kind", ["plan", "progress", "item", "summary"])
def test_every_field_is_documented(kind: str) -> None:
    assert lines()[kind].keys() - {"type"} <= documented()[kind]


def test_values_say_what_happened() -> None:
    omissions = [
        {"type": "Roi", "count": 2, "reason": "not carried yet", "on": "Fileset:5", "on_request": False}
    ]
    error = {"id": "not-found", "text": "Image:2 is not readable. Log in as its owner."}

    found = lines()

    assert found["plan"] | {"items": 1, "files": 1, "bytes": 3, "omissions": omissions} == found["plan"]
    assert found["item"] | {"object": "Fileset:5", "state": "failed", "error": error} == found["item"]
    assert (
        found["summary"] | {"omitted": 4, "failed": 1, "seconds": 1.235, "error": error} == found["summary"]
    )


@pytest.mark.parametrize(
    "event",
    [
        Started(phase="check", size_bytes=1),
        ContainersCreated(mappings=()),
        Advanced(unit=UNIT, name="f", size_bytes=1),
    ],
)
def test_other_events_have_no_line_of_their_own(event: Started | ContainersCreated | Advanced) -> None:
    assert line_of(event) is None
