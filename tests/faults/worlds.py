"""What is broken off and gone on with: two servers, a world, and commands in processes of their own."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omero_rocrate_transfer.transfer.faultpoints import VARIABLE
from omero_sandbox.server import SandboxServer
from omero_sandbox.testing import seed

ROOT = Path(__file__).parents[2]
PROGRAM = ("-m", "omero_rocrate_transfer")
#: Exit codes of a process that was broken off; a signal that comes last finds nothing left to do.
BROKEN = {"kill": {-9}, "term": {143, 0}, "raise": {1}}
UNITS = 3


def fill(
    server: SandboxServer, folder: Path, *, size: str = "&sizeX=16&sizeY=8", file_bytes: int = 3000
) -> str:
    """Make a small world on a server and return the object to pack."""
    client = seed.connection(server.host, server.port, "root", "omero")
    try:
        project, dataset = seed.create(client, "Project", "P"), seed.create(client, "Dataset", "D", "text")
        seed.link(client, project, dataset)
        tag = seed.tag(client, "shared")
        seed.link(client, dataset, tag)
        for number in range(UNITS):
            name = f"image{number}{size}&series=2.fake"
            (folder / name).write_bytes(os.urandom(file_bytes))
            made = seed.import_fileset(client, folder, [name], dataset)
            image = seed.reference("Image", made.images[0])
            seed.link(client, image, tag)
            seed.link(client, image, seed.key_values(client, [("number", str(number))]))
            seed.roi(client, made.images[0], [seed.shape("Point", "p", x=number, y=2)])
        return f"Project:{project.id.val}"
    finally:
        client.closeSession()


def start(
    home: Path,
    server: SandboxServer,
    *words: str,
    fault: str = "",
    through: tuple[str, int] | None = None,
    program: Sequence[str] = PROGRAM,
) -> subprocess.Popen[str]:
    """Start a command in a process of its own.

    ``through`` is where it logs in, when that is not the server itself.
    """
    url, port = through or (f"tcp://{server.host}", server.port)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMERO_USERDIR": str(home / "omero")}
    environment.pop(VARIABLE, None)
    if fault:
        environment[VARIABLE] = fault
    login = ["-s", url, "-p", str(port), "-u", "root", "-w", "omero", "-C"]
    return subprocess.Popen(
        [sys.executable, *program, *words, "--json", *login],
        cwd=home, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip


def run(
    home: Path,
    server: SandboxServer,
    *words: str,
    fault: str = "",
    through: tuple[str, int] | None = None,
    patience_s: float = 120,
) -> tuple[int, dict[str, Any], str]:
    """Run a command in a process of its own; return exit code, summary and standard error."""
    with start(home, server, *words, fault=fault, through=through) as process:
        stdout, stderr = finish(process, patience_s)
    lines = [json.loads(line) for line in stdout.splitlines()]
    summary = lines[-1] if lines and lines[-1]["type"] == "summary" else {}
    return process.returncode, summary, stderr


def finish(process: subprocess.Popen[str], patience_s: float = 120) -> tuple[str, str]:
    """Wait for the end of a command, but not for ever; return what it wrote."""
    try:
        return process.communicate(timeout=patience_s)
    except BaseException:
        process.kill()
        raise


def read_crate(path: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of a crate but those that tell the time of packing."""
    if path.is_dir():
        found = {
            file.relative_to(path).as_posix(): file.read_bytes() for file in path.rglob("*") if file.is_file()
        }
    elif path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
            assert len(set(archive.namelist())) == len(archive.namelist())
            found = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    else:
        with tarfile.open(path) as tar:
            members = [member for member in tar if member.isfile()]
            assert len({member.name for member in members}) == len(members)
            found = {member.name: tar.extractfile(member).read() for member in members}  # type: ignore[union-attr]
    timed = {"ro-crate-metadata.json", "manifest-sha256.txt", "ro-crate-preview.html"}
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in found.items() if name not in timed}
    described = json.loads(found["ro-crate-metadata.json"])["@graph"]
    digests["entities"] = json.dumps(sorted(str(one["@id"]) for one in described))
    listed = dict(line.split("  ", 1)[::-1] for line in found["manifest-sha256.txt"].decode().splitlines())
    assert listed.keys() == found.keys() - {"manifest-sha256.txt"}
    assert all(hashlib.sha256(found[name]).hexdigest() == digest for name, digest in listed.items())
    return digests


COUNTED = (
    "Project", "Dataset", "ProjectDatasetLink", "DatasetImageLink", "Fileset", "FilesetEntry", "Image",
    "Pixels", "Roi", "Shape", "Annotation", "ProjectAnnotationLink", "DatasetAnnotationLink",
    "ImageAnnotationLink",
)  # fmt: skip


def read_server(server: SandboxServer) -> dict[str, object]:
    """Return what is on a server, without the ids and times that no two runs share."""
    store = server.store
    counts: dict[str, object] = {kind: sum(1 for _ in store.rows(kind)) for kind in COUNTED}
    names = {row.id: row.values.get("name") for row in store.rows("Image")}
    boxes = {row.id: row.values.get("name") for row in store.rows("Dataset")}
    links = store.rows("DatasetImageLink")
    counts["members"] = sorted((boxes[row.values["parent"]], names[row.values["child"]]) for row in links)
    counts["pixels"] = sorted(
        (names[row.values["image"]], row.values["sha1"]) for row in store.rows("Pixels")
    )
    entries = [store.get("OriginalFile", row.values["originalFile"]) for row in store.rows("FilesetEntry")]
    counts["files"] = sorted((file.values["name"], file.values["hash"]) for file in entries if file)
    counts["annotated"] = sorted(
        (names[row.values["parent"]], _text(store.get("Annotation", row.values["child"])))
        for row in store.rows("ImageAnnotationLink")
    )
    return counts


def _text(row: Any) -> str:
    return f"{row.type} {row.values.get('textValue')} {row.values.get('mapValue')}"
