"""Packs of omero-cli-transfer and crates of others arrive on a server."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from omero.sys import ParametersI

from tests.command_line import CommandLine
from tests.crate.foreign import packs
from tests.crate.foreign.test_source import crate_of_others
from tests.integration.conftest import Server

Line = Callable[..., Any]


def rows(server: Server, hql: str) -> list[list[Any]]:
    query = server.client().getSession().getQueryService()
    found = query.projection(hql, ParametersI(), {"omero.group": "-1"})
    return [[None if value is None else value.val for value in row] for row in found]


@pytest.fixture
def verify(capsys: pytest.CaptureFixture[str], target_server: Server) -> Line:
    return partial(CommandLine(capsys, target_server.login()), "verify")


@pytest.mark.parametrize(
    ("form", "document", "name"),
    [
        ("pack", packs.current_xml(), "transfer.xml"),
        ("pack.zip", packs.current_xml(twice=True), "ro-crate-metadata.json"),
        ("pack.tar", packs.legacy_xml(), "transfer.xml"),
    ],
)
def test_pack_arrives_with_containers_names_annotations_and_rois(
    form: str, document: bytes, name: str, unpack: Line, verify: Line, target_server: Server, home: Path
) -> None:
    packs.write_pack(home / form, document, name)

    result = unpack(form)

    assert "no digests" in result.stderr
    images = rows(target_server, "select i.name, i.description, i.series from Image i order by i.name")
    assert images == [
        ["image 11", "what 11 shows", 0],
        ["image 12", "what 12 shows", 1],
        ["image 13", "what 13 shows", 0],
        ["image 14", "what 14 shows", 0],
    ]
    linked = "select d.name, l.child.name from Dataset d join d.imageLinks l order by l.child.name"
    assert rows(target_server, linked) == [["Day 1", f"image {number}"] for number in (11, 12, 13)]
    assert rows(target_server, "select p.name, p.description from Project p") == [["Old project", "moved"]]
    tags = (
        "select a.textValue, i.name from Image i join i.annotationLinks l join l.child a"
        " where a.class = TagAnnotation order by i.name"
    )
    assert rows(target_server, tags) == [["mitosis", "image 11"], ["mitosis", "image 12"]]
    assert rows(target_server, "select count(t.id) from TagAnnotation t") == [[1]]
    attached = (
        "select f.name, f.size, i.name from Image i join i.annotationLinks l join l.child a join a.file f"
        " where a.class = FileAnnotation and a.ns = 'ns/file'"
    )
    assert rows(target_server, attached) == [["protocol.txt", 9, "image 13"]]
    shapes = "select count(s.id), r.image.name from Shape s join s.roi r group by r.image.name"
    assert rows(target_server, shapes) == [[2, "image 11"]]
    own = "select count(x.id) from XmlAnnotation x where x.ns like 'openmicroscopy.org/cli/transfer%'"
    assert rows(target_server, own) == [[0]]

    assert "0 not the same" in verify(form, "--server", "--quick").stderr


def test_images_of_a_crate_of_others_arrive(unpack: Line, target_server: Server, home: Path) -> None:
    crate_of_others(
        home / "crate.zip",
        {"@id": "cell.tif", "@type": "File", "name": "Cell A", "encodingFormat": "image/tiff"},
        {"@id": "two.ome.tiff", "@type": "File", "name": "Two", "encodingFormat": "image/tiff"},
        files={"cell.tif": packs.tiff(4, 4), "two.ome.tiff": packs.ome_tiff([11, 12])},
    )

    unpack("crate.zip")

    [first, *others] = rows(target_server, "select i.name, i.series from Image i order by i.name")
    assert first == ["Cell A", 0]
    assert [series for _, series in others] == [0, 1]
    assert all(name != "Two" for name, _ in others)


def test_damaged_zip_of_a_pack_is_found_before_anything_is_sent(
    unpack: Line, target_server: Server, home: Path
) -> None:
    packs.write_pack(home / "pack.zip")
    data = bytearray((home / "pack.zip").read_bytes())
    data[data.index(b"14.tiff") + 20] ^= 1
    (home / "pack.zip").write_bytes(data)

    unpack("pack.zip", exit_code=4)

    assert rows(target_server, "select count(i.id) from Image i") == [[0]]
