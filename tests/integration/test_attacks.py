"""What strangers may put into objects and crates harms neither the machine nor the rest of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import omero.model as om
import pytest

from omero_rocrate_transfer.model.annotations import TABLE_TYPE
from omero_sandbox.testing.seed import import_fileset
from tests.command_line import CommandLine
from tests.integration.conftest import Server
from tests.server.annotations import hostile_tables
from tests.server.annotations.conftest import FAKE, attach

pytestmark = pytest.mark.promise("attacks")


def image_of(server: Server, folder: Path) -> int:
    """Import an image; return its id."""
    folder.mkdir(exist_ok=True)
    (folder / FAKE).write_bytes(b"")
    return int(import_fileset(server.client(), folder, [FAKE]).images[0])


def attached(server: Server) -> tuple[bytes, str]:
    """Return the one attached file of a server: its bytes and its media type."""
    client = server.client()
    hql = "select f from FileAnnotation a join a.file f"
    [file] = client.sf.getQueryService().findAllByQuery(hql, None)
    store = client.sf.createRawFileStore()
    store.setFileId(file.id.val)
    data: bytes = store.read(0, file.size.val)
    store.close()
    return data, file.mimetype.val


@pytest.mark.parametrize("form", ["crate", "crate.zip", "crate.tar"])
def test_limits_of_those_who_read_hold_for_those_who_write(
    form: str, tmp_path: Path, pack: Any, unpack: Any, run_line: CommandLine, source_server: Server
) -> None:
    image = f"Image:{image_of(source_server, tmp_path / 'in')}"
    pack(image, form)
    assert "--max-size" in run_line("list", form, "--max-size", "1K", exit_code=8).sentences[0]
    assert "1024 are allowed" in run_line("verify", form, "--max-size", "1K", exit_code=None).stderr
    for command in ("list", "verify"):
        run_line(command, form, "--max-size", "1G", "--max-metadata", "1G")
    assert "--max-size" in unpack(form, "--max-size", "1K", exit_code=8).sentences[0]
    unpack(form, "--max-size", "1G")


@pytest.mark.parametrize("name", ["external_rows", "external_link_to_a_group", "virtual_rows"])
@pytest.mark.parametrize("way", ["copy", "unpack"])
def test_a_table_that_leads_out_of_its_file_changes_no_other(
    name: str, way: str, tmp_path: Path, pack: Any, unpack: Any, run_line: CommandLine,
    source_server: Server, target_server: Server, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    image = image_of(source_server, tmp_path / "in")
    table, victim = hostile_tables.write(tmp_path / "hostile", hostile_tables.ATTACKS[name])
    data, before = table.read_bytes(), victim.read_bytes()
    attach(source_server.client(), om.ImageI(image, False), "t.h5", data, TABLE_TYPE)

    if way == "copy":
        monkeypatch.setenv("OMERO_TRANSFER_TO_PASSWORD", target_server.password(target_server.user))
        to = ("--to-server", f"{target_server.host}:{target_server.port}", "--to-user", target_server.user)
        ended = run_line("copy", f"Image:{image}", *to, *source_server.login(), exit_code=3)
    else:
        pack(f"Image:{image}", "crate.zip")
        ended = unpack("crate.zip", exit_code=3)

    assert victim.read_bytes() == before
    assert attached(target_server) == (data, "application/x-hdf5")
    assert "Left out 1 OMERO.table" in ended.stderr
