"""``ro-crate-preview.html``: one small static page for people, never one row per file."""

from __future__ import annotations

from html import escape
from itertools import islice
from typing import TYPE_CHECKING, Final

from omero_rocrate_transfer.crate.vocabulary import MANIFEST, METADATA

if TYPE_CHECKING:
    from collections.abc import Iterable

    from omero_rocrate_transfer.crate.entities import Entity
    from omero_rocrate_transfer.model.contents import Contents

_MAX_ROWS: Final = 200

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{name}</title>
<style>
body {{ font-family: sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em }}
table {{ border-collapse: collapse }}
th, td {{ text-align: left; padding: .2em 1em .2em 0; vertical-align: top }}
pre {{ background: #eee; padding: 1em; overflow-x: auto }}
</style>
</head>
<body>
<h1>{name}</h1>
<p>{description}</p>
<table>{facts}</table>
<h2>Containers</h2>
<table>{containers}</table>
<h2>Images</h2>
<table>{images}</table>
<h2>Use</h2>
<p>Check every file:</p>
<pre>sha256sum --check {manifest}</pre>
<p>Files are named so that no two collide. Copy them to their original names, one folder per fileset:</p>
<pre>{snippet}</pre>
</body>
</html>
"""

#: What a reader without this tool needs; it stays within the folder "original".
_SNIPPET = f"""python3 - &lt;&lt;'END'
import json, pathlib, shutil
for entity in json.load(open("{METADATA}", encoding="utf-8"))["@graph"]:
    if entity["@id"].startswith("fs") and "alternateName" in entity:
        unit, path = entity["@id"].split(".")[0], pathlib.PurePosixPath(entity["alternateName"])
        assert not path.is_absolute() and ".." not in path.parts
        target = pathlib.Path("original", unit, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(entity["@id"], target)
END"""


def render_preview(contents: Contents, root: Entity) -> bytes:
    """Return the page as UTF-8; every text from outside is escaped.

    Parameters
    ----------
    contents
        What is in the crate.
    root
        The root data entity.
    """
    images = sum(len(unit.images) for unit in contents.units)
    facts = (
        ("Source", contents.source.host),
        ("Published", root["datePublished"]),
        ("Licence", _first_id(root["license"])),
        ("Images", images),
        ("Files", contents.file_count),
        ("Bytes", contents.size_bytes),
    )
    containers = ((thing.ref, thing.name, thing.description) for thing in contents.containers)
    records = ((image.ref, image.name, image.description) for image in contents.iter_images())
    page = _PAGE.format(
        name=_text(root["name"]),
        description=_text(root["description"]),
        facts=_render_rows(facts),
        containers=_render_rows(containers, len(contents.containers)),
        images=_render_rows(records, images),
        manifest=MANIFEST,
        snippet=_SNIPPET,
    )
    return page.encode()


def _render_rows(rows: Iterable[tuple[object, ...]], count: int = 0) -> str:
    shown = "".join(_render_row(row) for row in islice(rows, _MAX_ROWS))
    rest = count - _MAX_ROWS
    return shown + (f"<tr><td>and {rest} more, see {METADATA}</td></tr>" if rest > 0 else "")


def _render_row(row: tuple[object, ...]) -> str:
    head, *cells = row
    return f"<tr><th>{_text(head)}</th>" + "".join(f"<td>{_text(cell)}</td>" for cell in cells) + "</tr>\n"


def _text(value: object) -> str:
    return "" if value is None else escape(str(value))


def _first_id(value: object) -> object:
    return value["@id"] if isinstance(value, dict) else value
