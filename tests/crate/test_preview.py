from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

from omero_rocrate_transfer.crate.write.preview import render_preview
from omero_rocrate_transfer.model.facts import CrateFacts
from tests.crate.worlds import make_image, make_world, pack, pack_world

ATTACK = "</title><script>alert(1)</script>\"'&"


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.found.append(tag)


def test_every_text_is_escaped(tmp_path: Path) -> None:
    contents, data = make_world()
    unit = replace(contents.units[0], images=(make_image(201, ATTACK, 0, ATTACK),))
    dataset = replace(contents.containers[1], name=ATTACK, description=ATTACK, members=())
    contents = replace(contents, units=(unit,), containers=(contents.containers[0], dataset))

    pack(tmp_path / "crate", contents, data, CrateFacts(name=ATTACK, description=ATTACK))

    page = (tmp_path / "crate/ro-crate-preview.html").read_text("utf-8")
    tags = Tags()
    tags.feed(page)
    assert "script" not in tags.found
    assert unescape(page).count(ATTACK) == 7


def test_page_stays_small_with_many_images() -> None:
    contents, _ = make_world()
    unit = replace(
        contents.units[0], images=tuple(make_image(number, series=number) for number in range(5000))
    )

    page = render_preview(
        replace(contents, units=(unit,)),
        {"name": "x", "description": "y", "datePublished": "z", "license": {"@id": "l"}},
    )

    assert b"and 4800 more" in page
    assert page.count(b"<tr>") < 220


def test_snippet_restores_the_original_names(tmp_path: Path) -> None:
    contents, data = pack_world(tmp_path / "crate")
    page = (tmp_path / "crate/ro-crate-preview.html").read_text("utf-8")
    script = unescape(page.split("python3 - &lt;&lt;'END'\n")[1].split("\nEND</pre>")[0])

    subprocess.run([sys.executable, "-c", script], cwd=tmp_path / "crate", check=True)

    restored = tmp_path / "crate/original"
    expected = {
        f"fs{unit.ref.id}/{file.path}": data[file.key] for unit in contents.units for file in unit.files
    }
    found = {
        str(path.relative_to(restored)): path.read_bytes() for path in restored.rglob("*") if path.is_file()
    }
    assert found == expected
