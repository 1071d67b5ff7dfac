"""Annotations of every class, shared between objects, on annotations, in tag sets, with attached files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omero_sandbox.db.store import Row
from omero_sandbox.testing import seed
from tests.worlds.rows import Rows
from tests.worlds.values import NOT_FINITE

TAG_SET = "openmicroscopy.org/omero/insight/tagset"
RATING = "openmicroscopy.org/omero/insight/rating"
_NAMESPACES = (
    None,
    "openmicroscopy.org/omero/client/mapAnnotation",
    "example.org/ns with blanks/µ",
    "",
    "https://example.org/a?b=c&d=<e>",
)
PLAIN = (
    *("TagAnnotation", "CommentAnnotation", "LongAnnotation", "DoubleAnnotation", "BooleanAnnotation"),
    *("TimestampAnnotation", "TermAnnotation", "XmlAnnotation", "MapAnnotation", "ListAnnotation"),
)
_XML = (
    "<a xmlns='urn:a'><b c='d'>text &amp; more</b><!-- kept --></a>",
    "<two/><roots/>",
    "not XML < at all",
    "",
)


def add_annotations(rows: Rows, client: Any, count: int, folder: Path) -> list[Row]:
    """Add annotations of random classes; about one in eight has a file."""
    made = [_add_plain(rows, rows.draw.pick(PLAIN)) for _ in range(count)]
    made += [_attach(rows, client, folder / str(number)) for number in range(-(-count // 8))]
    rating = rows.add("LongAnnotation", ns=RATING, longValue=rows.draw.integer(0, 5))
    return [*made, rating]


def _add_plain(rows: Rows, kind: str) -> Row:
    draw = rows.draw
    given: dict[str, Any] = {"ns": draw.pick(_NAMESPACES)}
    if kind == "DoubleAnnotation" and draw.chance(0.3):
        given["doubleValue"] = draw.pick(NOT_FINITE)
    elif kind == "XmlAnnotation" and draw.chance(0.8):
        given["textValue"] = draw.pick(_XML)
    elif kind == "TimestampAnnotation" and draw.chance(0.2):
        given["timeValue"] = draw.pick((0, -(10**15), 10**15))
    return rows.add(kind, fill=0.7, **given)


def _attach(rows: Rows, client: Any, folder: Path) -> Row:
    draw = rows.draw
    folder.mkdir(parents=True)
    name = draw.pick(("notes.txt", "empty", "data.csv", "Bericht für µ.pdf", "notes.txt"))
    path = folder / name
    # one more than the block in which clients usually read
    size = draw.pick((0, 1, 1000, 2**20 + 1))
    path.write_bytes(draw.random.randbytes(size))
    mimetype = draw.pick(("text/plain", "application/octet-stream", "text/csv; charset=utf-8"))
    made = seed.attachment(client, path, mimetype, draw.pick(_NAMESPACES))
    row = rows.store.get("FileAnnotation", made.id.val)
    if row is None:
        raise LookupError(f"FileAnnotation:{made.id.val}")
    rows.change(row, description=draw.text() if draw.chance(0.5) else None)
    return row


def link_annotations(rows: Rows, annotations: Sequence[Row], things: Sequence[Row]) -> None:
    """Link every annotation to some of the things; some annotations to many."""
    for annotation in annotations:
        most = 8 if rows.draw.chance(0.2) else 2
        for thing in rows.draw.some(things, most, 1):
            rows.link(thing, annotation)


def annotate_annotations(rows: Rows, annotations: Sequence[Row]) -> None:
    """Put comments on annotations, and tags into tag sets that nothing else is linked to."""
    draw = rows.draw
    for annotation in draw.some(annotations, 3):
        comment = rows.add("CommentAnnotation")
        rows.link(annotation, comment)
        if draw.chance(0.3):
            rows.link(comment, rows.add("LongAnnotation"))
    tags = [one for one in annotations if one.type == "TagAnnotation" and one.get("ns") != TAG_SET]
    for _ in range(draw.integer(0, 2) if tags else 0):
        tag_set = rows.add("TagAnnotation", ns=TAG_SET, textValue=draw.name())
        for tag in draw.some(tags, 4, 1):
            rows.link(tag_set, tag)
