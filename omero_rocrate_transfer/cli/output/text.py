"""Values as text for people."""

from __future__ import annotations

import unicodedata
from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from omero_rocrate_transfer.model.contents import Contents, Omission, TransferUnit
    from omero_rocrate_transfer.transfer.events import Compared, Finished

_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
#: Longest name on a line of its own; files may have names of thousands of characters.
MAX_NAME: Final = 120


def render_size(size_bytes: float) -> str:
    """Return a size in binary units: ``"1.5 GiB"``, ``"17 B"``."""
    size, unit = float(size_bytes), _UNITS[0]
    for unit in _UNITS:
        if size < 1024 or unit == _UNITS[-1]:
            break
        size /= 1024
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"


def render_seconds(seconds: float) -> str:
    """Return a span of time: ``"38m 12s"``, ``"2h 5m"``, ``"4s"``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60}s"
    return f"{whole // 3600}h {whole % 3600 // 60}m"


def render_count(count: int, noun: str) -> str:
    """Return a count with its noun: ``"1 image"``, ``"1,200 images"``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def render_server(host: str, database_uuid: str) -> str:
    """Return which server is meant, ``"omero.example.org (database 0b7c1f2e)"``: hosts may share a name."""
    return f"{host} (database {database_uuid[:8]})"


def escape(text: str) -> str:
    r"""Return the text with everything visible and on one line.

    Names come from strangers: a control character could move the cursor, one that turns the direction of
    writing could show ``exe.tif`` as ``fit.exe``. Both become escapes like ``\x1b`` and ``\u202e``.
    """
    return "".join(character if _is_plain(character) else _escaped(character) for character in text)


def shorten(text: str) -> str:
    """Return the escaped text, its middle left out where it is longer than `MAX_NAME`."""
    text = escape(text)
    half = MAX_NAME // 2
    return text if len(text) <= MAX_NAME else f"{text[:half]}…{text[-half:]}"


def _is_plain(character: str) -> bool:
    # C*: controls, format characters, surrogates; Zl and Zp break lines.
    category = unicodedata.category(character)
    return category[0] != "C" and category not in {"Zl", "Zp"}


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"


def iter_plan_lines(contents: Contents) -> Iterator[str]:
    """Yield what will travel and what will not."""
    containers = render_count(len(contents.containers), "container")
    images = render_count(sum(len(unit.images) for unit in contents.units), "image")
    units = render_count(len(contents.units) - contents.attachment_count, "item")
    attached = contents.attachment_count
    attachments = f", {render_count(attached, 'attachment')}" if attached else ""
    files = render_count(contents.file_count, "file")
    size = render_size(contents.size_bytes)
    yield f"Plan     {containers}, {images} in {units}{attachments}, {files}, {size}"
    yield from _iter_pixels_lines(contents.units)
    yield from iter_omission_lines(contents.omissions)


def _iter_pixels_lines(units: Iterable[TransferUnit]) -> Iterator[str]:
    """Yield one line for each reason why pixels travel and no files."""
    images: Counter[str] = Counter()
    for unit in units:
        if unit.pixels and not unit.files:
            images[unit.pixels_reason] += len(unit.images)
    for reason, count in images.items():
        why = f": {escape(reason)}" if reason else ""
        yield f"Pixels   {render_count(count, 'image')} without original files{why}"


def iter_omission_lines(omissions: tuple[Omission, ...]) -> Iterator[str]:
    """Yield one line for each omission."""
    for omission in omissions:
        on = f" on {omission.on}" if omission.on is not None else ""
        yield f"Left out {omission.count:,} {escape(omission.type)}{on}: {escape(omission.reason)}"


def iter_difference_lines(event: Compared) -> Iterator[str]:
    """Yield the line of a comparison, none where nothing differs."""
    if event.symbol != "=":
        yield f"{event.symbol} {escape(event.path)}  {escape(event.text)}".rstrip()


def _verified(finished: Finished) -> str:
    rate = render_size(finished.size_bytes / max(finished.seconds, 0.001))
    return (
        f"Verified {finished.compared:,} compared, {finished.differences:,} not the same, "
        f"{render_size(finished.size_bytes)} read in {render_seconds(finished.seconds)} ({rate}/s)"
    )


def _planes(finished: Finished) -> str:
    return f", {render_count(finished.planes_verified, 'plane')}" if finished.planes_verified else ""


def iter_summary_lines(finished: Finished, verb: str) -> Iterator[str]:
    """Yield how the run ended; ``verb`` is what it did, like ``"Packed"``."""
    if finished.dry_run and finished.error is None:
        yield "Dry run  nothing was written"
        return
    if verb in {"Listed", "Undone"} and finished.error is None:
        return  # what there was to say stands above
    if finished.compared:
        yield _verified(finished)
    elif finished.skipped and finished.skipped == finished.planned and finished.error is None:
        images, files = render_count(finished.images, "image"), render_count(finished.files, "file")
        yield f"{verb:<8} before: {images}, {files} are there already; nothing was left to do"
    elif finished.done or finished.error is None:
        rate = finished.size_bytes / max(finished.seconds, 0.001)
        yield (
            f"{verb:<8} {render_count(finished.images, 'image')}, {render_count(finished.files, 'file')}, "
            f"{render_size(finished.size_bytes)} in {render_seconds(finished.seconds)} "
            f"({render_size(rate)}/s); verified {finished.files_verified}/{finished.files}{_planes(finished)}"
        )
    yield from iter_omission_lines(finished.omissions)
    if finished.failed:
        yield f"Failed   {finished.failed} of {render_count(finished.planned, 'item')}, named above"
    if finished.error is not None:
        yield f"{'Stopped' if finished.exit_code > 128 else 'Error':<8} {escape(str(finished.error))}"
