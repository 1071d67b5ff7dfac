"""The command ``list``: what a crate holds, as a tree or as JSON; needs no server."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Any

from omero_rocrate_transfer.cli.options.crate_limits import crate_limits
from omero_rocrate_transfer.cli.output.text import (
    escape,
    iter_omission_lines,
    render_count,
    render_size,
    shorten,
)
from omero_rocrate_transfer.cli.servers import endpoints
from omero_rocrate_transfer.model.refs import parse_lsid
from omero_rocrate_transfer.transfer.events import Listed

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from omero_rocrate_transfer.crate.archives.base import Limits
    from omero_rocrate_transfer.model.contents import Contents, ImageRecord, TransferUnit
    from omero_rocrate_transfer.model.document import Document
    from omero_rocrate_transfer.model.refs import ObjectRef
    from omero_rocrate_transfer.transfer.events import Event
    from omero_rocrate_transfer.transfer.interrupt import Interrupt
    from omero_rocrate_transfer.transfer.ports import Source, UnitReader

Line = dict[str, Any]


def list_crate(_ctx: Any, args: argparse.Namespace, interrupt: Interrupt) -> Iterator[Event]:
    """Show what a crate holds."""
    with interrupt.at_once():
        contents, details = read_listing(args.filepath, crate_limits(args), long=args.long)
    lines = iter_tree(contents, details)
    yield Listed(lines=tuple(lines), document=make_document(contents, details))


def read_listing(path: Path, limits: Limits, *, long: bool) -> tuple[Contents, dict[ObjectRef, Counter[str]]]:
    """Return what is at a path, and with ``long`` what hangs on each image."""
    with closing(endpoints.crate_reader(path, limits)) as source:
        contents = source.read_contents(())
        return contents, dict(_iter_details(source, contents)) if long else {}


def _iter_details(source: Source, contents: Contents) -> Iterator[tuple[ObjectRef, Counter[str]]]:
    for unit in contents.units:
        if unit.images:
            with source.open(unit) as reader:
                yield from _count_all(reader).items()


def _count_all(reader: UnitReader) -> dict[ObjectRef, Counter[str]]:
    found = dict(_count(reader.document()))
    for page in reader.pages():
        for image, counts in _count(page):
            if image in found:
                found[image]["rois"] += counts["rois"]
    return found


def _count(document: Document) -> Iterator[tuple[ObjectRef, Counter[str]]]:
    """Yield the numbers of annotations and ROIs on each image of a document."""
    links = Counter(link.parent for link in document.extras.annotations.links)
    for image in document.ome.images:
        found = parse_lsid(image.id)
        if found is not None:
            # links tell more than references where one annotation hangs there several times
            annotations = max(len(image.annotation_refs), links[image.id])
            counts = {
                "channels": image.pixels.size_c,
                "rois": len(image.roi_refs),
                "annotations": annotations,
            }
            yield found[1], Counter(counts)


def iter_tree(contents: Contents, details: Mapping[ObjectRef, Counter[str]]) -> Iterator[str]:
    """Yield containers with what is in them, each level two spaces further in."""
    source = contents.source
    images = {image.ref: (image, unit) for unit in contents.units for image in unit.images}
    yield (
        f"From {escape(source.host)}: {render_count(len(contents.containers), 'container')}, "
        f"{render_count(len(images), 'image')}, {render_count(contents.file_count, 'file')}, "
        f"{render_size(contents.size_bytes)}"
    )
    containers = {one.ref: one for one in contents.containers}
    inside = {member for one in contents.containers for member in one.members}
    shown: set[ObjectRef] = set()

    def show(ref: ObjectRef, depth: int) -> Iterator[str]:
        start = f"{'  ' * depth}{ref}  "
        if ref in shown:
            yield f"{start}{shorten(containers[ref].name)}  (shown above)"
        elif ref in containers:
            shown.add(ref)
            yield f"{start}{shorten(containers[ref].name)}"
            for member in containers[ref].members:
                yield from show(member, depth + 1)
        elif ref in images:
            yield start + _image_line(*images[ref], details.get(ref))

    for ref in (*containers, *images):
        if ref not in inside:
            yield from show(ref, 0)
    for unit in contents.units:
        if not unit.images:
            yield f"{unit.ref}  {_files(unit)}"
    yield from iter_omission_lines(contents.omissions)


def _image_line(image: ImageRecord, unit: TransferUnit, details: Counter[str] | None) -> str:
    parts = [_files(unit) if image.series == 0 else f"image {image.series + 1} of {unit.ref}"]
    if details is not None:
        nouns = (("channels", "channel"), ("annotations", "annotation"), ("rois", "ROI"))
        parts += [render_count(details[key], noun) for key, noun in nouns if details[key]]
    return f"{shorten(image.name)}  ({', '.join(parts)})"


def _files(unit: TransferUnit) -> str:
    what = "pixels" if unit.pixels and not unit.files else ""
    if unit.files:
        main = shorten(unit.files[0].path)
        what = main if len(unit.files) == 1 else f"{render_count(len(unit.files), 'file')} from {main}"
    return f"{what}, {render_size(unit.size_bytes)}"


def make_document(contents: Contents, details: Mapping[ObjectRef, Counter[str]]) -> Line:
    """Return what a crate holds as one JSON object."""
    return {
        "source": {"host": contents.source.host, "database": contents.source.database_uuid},
        "containers": [
            {
                "object": str(one.ref),
                "name": one.name,
                "description": one.description,
                "members": [str(member) for member in one.members],
            }
            for one in contents.containers
        ],
        "units": [_unit(unit, details) for unit in contents.units],
    }


def _unit(unit: TransferUnit, details: Mapping[ObjectRef, Counter[str]]) -> Line:
    return {
        "object": str(unit.ref),
        "bytes": unit.size_bytes,
        "pixels": unit.pixels,
        "images": [
            {
                "object": str(image.ref),
                "name": image.name,
                "series": image.series,
                **details.get(image.ref, {}),
            }
            for image in unit.images
        ],
        "files": [{"name": file.key, "path": file.path, "bytes": file.size_bytes} for file in unit.files],
    }
