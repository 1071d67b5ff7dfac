"""Deletion of what was really imported leaves no rows and no bytes behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import omero.clients
import pytest

from omero_sandbox.db.schema import schema
from omero_sandbox.db.store import Store
from omero_sandbox.server import SandboxServer
from omero_sandbox.testing import real_input, seed
from support.commands import run


def counts(store: Store) -> dict[str, int]:
    """Rows that users own, by type; folders of the repository stay on any server."""
    rows = (
        row for each in schema() if each.base is None and not each.is_global for row in store.rows(each.name)
    )
    found: dict[str, int] = {}
    for row in rows:
        if row.get("mimetype") != "Directory" and not row.model.is_enum:
            found[row.type] = found.get(row.type, 0) + 1
    return found


@pytest.mark.parametrize("name", ["multi_series", "same_names", "multi_file", "plate"])
def test_import_and_deletion_cancel_out(root: Any, sandbox: SandboxServer, tmp_path: Path, name: str) -> None:
    root.getManagedRepository()  # registers the row of the repository itself
    before = counts(sandbox.store)
    made = real_input.INPUTS[name](tmp_path / "input")
    imported = seed.import_fileset(root, made.folder, made.files)
    assert counts(sandbox.store) != before
    targets = {"Plate": imported.plates} if imported.plates else {"Image": imported.images}
    response = run(root, omero.cmd.Delete2(targetObjects=targets))
    assert isinstance(response, omero.cmd.Delete2Response)
    assert counts(sandbox.store) == before
    repository = sandbox.data_dir / "ManagedRepository"
    assert [path for path in repository.rglob("*") if path.is_file()] == []
