"""The ROIs of an image with very many come in pages, and cost no more memory than a few."""

from __future__ import annotations

import gc
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import omero
import pytest
from omero.rtypes import rstring

from omero_rocrate_transfer.server.read.documents import rois
from omero_sandbox.testing import seed
from tests.command_line import CommandLine
from tests.integration.conftest import Server
from tests.server.conftest import Rows
from tests.server.content.files import import_rich
from tests.worlds.crates import check_documents

Line = Callable[..., Any]
PER_PAGE = 3
#: Runs a command in a process of its own, and prints the most memory that it had, in MiB.
_MEASURE = """
import sys
from pathlib import Path
from omero_rocrate_transfer.__main__ import main
code = main(sys.argv[1:])
# not ru_maxrss: that of a child begins with what its parent had taken
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print("\\npeak", int(peak.split()[1]) // 1024)
sys.exit(code)
"""


@pytest.fixture
def in_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rois, "ROIS_PER_PAGE", PER_PAGE)


@pytest.fixture
def image(source_server: Server, tmp_path: Path) -> int:
    """Import an image with two ROIs, and put six more on it: with annotations, in a folder, with a mask."""
    client = source_server.client()
    (tmp_path / "in").mkdir()
    made = import_rich(client, tmp_path / "in")
    tag, folder = omero.model.TagAnnotationI(), seed.create(client, "Folder", "all")
    tag.setTextValue(rstring("cell"))
    tag = seed.reference("TagAnnotation", seed.save(client, tag).id.val)
    for number in range(4):
        roi = seed.roi(client, made, [seed.shape("Point", str(number), x=number, y=1)], f"cell {number}")
        seed.link(client, omero.model.RoiI(roi, False), tag)
        seed.link(client, folder, omero.model.RoiI(roi, False))
    mask = seed.shape("Mask", x=1, y=2, width=4, height=2)
    mask.bytes = b"\xa5"
    seed.roi(client, made, [mask, seed.shape("Label", "m", x=1, y=2)])
    seed.roi(client, made, [], "no shape")
    return made


@pytest.fixture
def verify_target(capsys: pytest.CaptureFixture[str], target_server: Server) -> Line:
    return partial(CommandLine(capsys, target_server.login()), "verify")


def names_in(crate: Path) -> list[str]:
    if crate.is_dir():
        return sorted(path.name for path in crate.iterdir())
    if crate.suffix == ".zip":
        with zipfile.ZipFile(crate) as archive:
            return sorted(archive.namelist())
    return sorted(re.findall(r"\S+", subprocess.check_output(["tar", "-tf", str(crate)], text=True)))


def said(server: Server) -> list[tuple[Any, ...]]:
    """Return what ROIs of the user on a server are and have."""
    query = server.client().getSession().getQueryService()
    hql = (
        "select r.id, r.name, (select count(s.id) from Shape s where s.roi.id = r.id),"
        " (select count(l.id) from RoiAnnotationLink l where l.parent.id = r.id),"
        " (select count(l.id) from FolderRoiLink l where l.child.id = r.id) from Roi r"
    )
    rows = query.projection(hql, None, {"omero.group": "-1"})
    found = [tuple(None if value is None else value.val for value in row[1:]) for row in rows]
    return sorted(found, key=str)


@pytest.mark.usefixtures("in_pages")
@pytest.mark.parametrize("form", ["crate", "crate.zip", "crate.tar"])
def test_rois_in_pages_come_back_with_all_that_hangs_on_them(
    form: str,
    image: int,
    pack: Line,
    unpack: Line,
    run_line: Line,
    verify_target: Line,
    source_server: Server,
    target_server: Server,
    home: Path,
) -> None:
    pack(f"Image:{image}", form)

    [document] = [name for name in names_in(home / form) if re.fullmatch(r"fs\d+\.ome\.xml", name)]
    unit = document.removesuffix(".ome.xml")
    pages = [name for name in names_in(home / form) if name.startswith("rois")]
    assert pages == [f"rois{unit}.{number:04d}.ome.xml" for number in range(3)]
    assert check_documents(home / form) == []
    assert "0 not the same" in run_line("verify", form).stderr
    # one of the eight has no shape, so that no document has an element for it
    assert "7 ROIs" in run_line("list", form, "--long").stdout
    unpack(form)
    assert said(target_server) == said(source_server)
    assert "0 not the same" in verify_target(form, "--server").stderr


@pytest.mark.usefixtures("in_pages")
def test_rois_in_pages_are_copied(
    image: int,
    capsys: pytest.CaptureFixture[str],
    source_server: Server,
    target_server: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMERO_TRANSFER_TO_PASSWORD", target_server.password(target_server.user))
    to = ["--to-server", target_server.host, "--to-port", str(target_server.port)]

    CommandLine(capsys, source_server.login())("copy", f"Image:{image}", *to)

    assert said(target_server) == said(source_server)


@pytest.mark.usefixtures("in_pages")
def test_a_difference_in_a_page_is_told(
    image: int, pack: Line, capsys: pytest.CaptureFixture[str], source_server: Server
) -> None:
    pack(f"Image:{image}", "crate")
    client = source_server.client()
    query = client.getSession().getQueryService()
    roi = query.findByQuery("select r from Roi r where r.name = 'cell 3'", None)
    roi.setName(rstring("other"))
    seed.save(client, roi)

    result = CommandLine(capsys, source_server.login())("verify", f"Image:{image}", "crate", exit_code=None)

    assert result.exit_code != 0
    assert f"Image:{image}" in result.stderr
    assert "1 not the same" in result.stderr


@pytest.mark.usefixtures("in_pages")
def test_a_changed_page_is_found_and_not_unpacked(
    image: int, pack: Line, unpack: Line, run_line: Line, target_server: Server, home: Path
) -> None:
    pack(f"Image:{image}", "crate")
    [page] = (home / "crate").glob("rois*.0001.ome.xml")
    text = page.read_text("utf-8")
    page.write_text(text.replace("cell", "CELL"), "utf-8")

    assert page.name in run_line("verify", "crate", exit_code=None).stderr
    assert page.name in unpack("crate", exit_code=None).stderr
    assert said(target_server) == []


@pytest.mark.sandbox
@pytest.mark.usefixtures("in_pages")
def test_a_unit_that_breaks_off_between_pages_leaves_nothing_and_is_done_again(
    image: int, pack: Line, unpack: Line, target_server: Server, source_server: Server
) -> None:
    assert target_server.sandbox is not None, "only a sandbox fails on demand"
    pack(f"Image:{image}", "crate.zip")
    fault = omero.SecurityViolation(message="not for you")
    # the first page had been saved
    target_server.sandbox.faults.add("IUpdate.saveAndReturnIds", fault, skip=1)

    unpack("crate.zip", exit_code=None)
    target_server.sandbox.faults.clear()
    images = target_server.client().getSession().getQueryService().findAll("Image", None)
    assert (said(target_server), images) == ([], [])

    unpack("crate.zip")
    assert said(target_server) == said(source_server)


@pytest.mark.usefixtures("in_pages")
def test_undo_takes_rois_in_pages_back(
    image: int,
    pack: Line,
    unpack: Line,
    target_server: Server,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pack(f"Image:{image}", "crate.zip")
    unpack("crate.zip", "--run", "mine")
    assert len(said(target_server)) == 8

    CommandLine(capsys, target_server.login())("undo", "mine", "--force")

    assert said(target_server) == []


def peak_of(server: Server, *arguments: object) -> int:
    """Run a command in a process of its own; return the most memory it had, in MiB."""
    command = [sys.executable, "-c", _MEASURE, *map(str, arguments), *server.login()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=3600, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout.rpartition("peak")[2])


def measure(source: Server, target: Server, image: int, crate: str) -> tuple[int, int, int]:
    # the servers are in this process: their objects would be searched for garbage again and again
    gc.collect()
    gc.freeze()
    packed = peak_of(source, "pack", f"Image:{image}", crate)
    unpacked = peak_of(target, "unpack", crate)
    verified = peak_of(target, "verify", crate, "--server")
    gc.unfreeze()
    return packed, unpacked, verified


@pytest.mark.sandbox
@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_a_hundred_thousand_rois_take_the_memory_of_five_thousand(
    source_server: Server,
    target_server: Server,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    assert source_server.sandbox is not None, "only a sandbox takes so many at once"
    few, many = 5000, 100_000
    peaks: dict[int, tuple[int, int, int]] = {}
    for count in (few, many):
        name = f"many{count}&sizeX=4&sizeY=4.fake"
        (tmp_path / name).touch()
        [number] = seed.import_fileset(source_server.client(), tmp_path, [name]).images
        rows = Rows(source_server.sandbox.store)
        for place in range(count):
            roi = rows.add("Roi", image=number, name=f"roi {place}")
            where = {"x": float(place), "y": 2.0, "width": 3.0, "height": 4.0}
            rows.add("Rectangle", roi=roi.id, roi_index=0, textValue=str(place), fillColor=255, **where)
        peaks[count] = measure(source_server, target_server, number, f"crate{count}.zip")

    assert len(said(target_server)) == few + many
    record_property("MiB of pack, unpack and verify", str(peaks))
    for small, large in zip(*peaks.values(), strict=True):
        assert large - small <= 120, peaks
