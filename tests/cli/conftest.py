"""Command lines against a source and a sink in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from omero_rocrate_transfer.cli.servers import endpoints
from omero_rocrate_transfer.model.contents import Contents
from omero_rocrate_transfer.model.refs import ObjectRef
from tests.command_line import CommandLine
from tests.transfer.fakes import TARGET, FakeSink, FakeSource


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder of the test's own, logs and sessions too."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMERO_USERDIR", str(tmp_path / "omero"))
    return tmp_path


class WillingSource(FakeSource):
    """Has whatever it is asked for: command lines here name objects of any id."""

    def read_contents(self, roots: Sequence[ObjectRef]) -> Contents:
        contents = super().read_contents(())
        return replace(contents, roots=tuple(roots) or contents.roots)


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> FakeSource:
    """Be the server of pack and the crate of unpack."""
    source = WillingSource([bytes([number]) * 1500 for number in range(1, 6)])
    monkeypatch.setattr(endpoints, "server_source", lambda *_: (source, 7))
    monkeypatch.setattr(endpoints, "crate_source", lambda *_: source)
    return source


@pytest.fixture
def sink(monkeypatch: pytest.MonkeyPatch) -> FakeSink:
    """Be the crate of pack and the server of unpack."""
    sink = FakeSink()
    monkeypatch.setattr(endpoints, "crate_sink", lambda *_: sink)
    monkeypatch.setattr(
        endpoints,
        "server_connection",
        lambda *_: SimpleNamespace(info=TARGET, user="root", group_id=0, session_id=1),
    )
    monkeypatch.setattr(endpoints, "server_sink", lambda *_: sink)
    monkeypatch.setattr(endpoints, "refuse_doubles", lambda *_: None)
    return sink


@pytest.fixture
def run_line(capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a whole command line in this process."""
    return CommandLine(capsys)
