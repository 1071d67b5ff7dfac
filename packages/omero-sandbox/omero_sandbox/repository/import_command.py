"""The import itself, five steps that commit one by one (ManagedImportRequestI)."""

from __future__ import annotations

import logging
from threading import Thread
from typing import TYPE_CHECKING, Any

import omero
import omero.clients
from omero.rtypes import rint

from omero_sandbox.commands.command import CommandFailedError
from omero_sandbox.db.marshal import Marshaller
from omero_sandbox.images import FormatError, Original, UnsupportedCompressionError
from omero_sandbox.images.backend import pyramid_path
from omero_sandbox.images.pyramid import DERIVED
from omero_sandbox.images.scan import Scan
from omero_sandbox.repository.metadata import Imported, Wishes, import_metadata
from omero_sandbox.repository.targets import link_annotations, link_target
from omero_sandbox.repository.writer import RowWriter
from omero_sandbox.services import pixel_access
from omero_sandbox.services.default_settings import reset_defaults
from omero_sandbox.services.thumbnails import fit, store_thumbnail

if TYPE_CHECKING:
    from omero_sandbox.db.store import Row
    from omero_sandbox.net.call import Call
    from omero_sandbox.repository.files import RepositoryFiles
    from omero_sandbox.repository.locations import Location

log = logging.getLogger(__name__)

_THUMBNAIL = 96
"""Longest side of the thumbnails that an import makes."""


class ImportCommand:
    """Read the first file of a fileset and store what it says; nothing is undone after a failure."""

    steps = 5

    def __init__(
        self, call: Call, files: RepositoryFiles, fileset: Row, location: Location, settings: Any
    ) -> None:
        self._call = call
        self._files = files
        self._fileset = fileset
        self._location = location
        self._settings = settings
        self._path = files.path(location.full(0))
        self._imported = Imported([], [], [])
        self._lines: list[str] = []

    def step(self, number: int) -> None:
        """Do one step; errors are named as the real command names them."""
        self._lines.append(f"step {number} of {self.steps}")
        work = (self._metadata, self._pixel_data, self._thumbnails, self._launch, self._finish)[number]
        try:
            work(self._open())
        except CommandFailedError:
            raise
        except Exception as error:
            raise self._failure(error, _name(error)) from error
        finally:
            self._write_log()

    def response(self) -> omero.cmd.Response:
        """Answer with the pixels in series order, plates and images."""
        marshaller = Marshaller(self._call.store, self._call)
        plan: dict[str, Any] = {"image": {"fileset": {}}, "pixelsType": {}, "dimensionOrder": {}}
        pixels = marshaller.entities(self._imported.pixels, plan)
        objects = marshaller.entities([*self._imported.plates, *self._imported.images])
        return omero.grid.ImportResponse(pixels=pixels, objects=objects)

    # -- steps

    def _open(self) -> Original:
        try:
            return pixel_access.originals_of(self._call.context.server).open(self._path)
        except (OSError, FormatError, ValueError) as error:
            raise self._failure(error, "error-on-init") from error

    def _metadata(self, original: Original) -> None:
        call, settings = self._call, self._settings
        wishes = Wishes(
            name=_text(settings.userSpecifiedName),
            description=_text(settings.userSpecifiedDescription),
            pixel_sizes=tuple(settings.userSpecifiedPixels or ()),
            file_name=self._path.name,
            fileset=self._fileset.id,
        )
        with call.store.transaction():
            writer = RowWriter(call.store, call.user_id, call.group_id, call.event())
            imported = import_metadata(writer, original, wishes)
            link_target(call, settings.userSpecifiedTarget, imported)
            link_annotations(call, settings.userSpecifiedAnnotationList or [], imported.images)
        self._imported = imported

    def _pixel_data(self, original: Original) -> None:
        """Find digest and extremes of images that fit into one plane's limit."""
        if self._settings.noStatsInfo is not None and self._settings.noStatsInfo.getValue():
            return
        for number, pixels in enumerate(self._imported.pixels):
            if not pixel_access.is_big(self._call.context, pixels):
                found = self._scan(number)
                self._store_extremes(pixels, found)
                self._call.store.update(pixels, {"sha1": found.digest.hex()}, event=self._call.event())

    def _thumbnails(self, original: Original) -> None:
        """Make rendering settings; images that cannot be read yet get theirs when somebody looks at them."""
        wanted = self._settings.doThumbnails
        if wanted is None or wanted.getValue():
            for pixels in self._imported.pixels:
                try:
                    reset_defaults(self._call, pixels)
                    store_thumbnail(self._call, pixels, fit(pixels, rint(_THUMBNAIL)))
                except omero.ServerError as error:
                    self._lines.append(f"no rendering settings for Pixels {pixels.id}: {error.message}")

    def _launch(self, original: Original) -> None:
        """Begin the work that goes on after the response: pyramids and extremes of big images."""
        for number, (pixels, series) in enumerate(zip(self._imported.pixels, original.series, strict=True)):
            if pixel_access.is_big(self._call.context, pixels):
                thread = Thread(
                    target=self._process,
                    args=(pixels, number, len(series.levels)),
                    name=f"pixel data {pixels.id}",
                )
                thread.start()
                self._call.context.server.resources.callback(thread.join)

    def _finish(self, original: Original) -> None:
        """Leave the rest to `response`."""

    def _process(self, pixels: Row, number: int, levels: int) -> None:
        """Do for one big image what the PixelData process of a real server does."""
        try:
            found = self._scan(number)
        except (OSError, FormatError):
            log.exception("Pixels %d cannot be read", pixels.id)
            return
        if self._call.store.get("Pixels", pixels.id) is None:
            return  # deleted meanwhile
        self._store_extremes(pixels, found)
        if levels == 1:
            path = pyramid_path(self._call.context.data_dir, pixels.id)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(DERIVED)

    def _scan(self, number: int) -> Scan:
        return pixel_access.originals_of(self._call.context.server).scan(self._path, number)

    def _store_extremes(self, pixels: Row, found: Scan) -> None:
        call = self._call
        with call.store.transaction():
            writer = RowWriter(call.store, call.user_id, call.group_id, call.event())
            for channel, (low, high) in zip(
                call.store.children(pixels, "channels"), found.extremes, strict=False
            ):
                info = writer.insert("StatsInfo", {"globalMin": low, "globalMax": high})
                call.store.update(channel, {"statsInfo": info.id}, event=call.event())

    # -- failures and the log

    def _failure(self, error: Exception, name: str) -> CommandFailedError:
        message = str(getattr(error, "message", None) or error or type(error).__name__)
        self._lines.append(f"{name}: {message}")
        return CommandFailedError(message, name=name, parameters={"filename": str(self._path)})

    def _write_log(self) -> None:
        prefix = self._location.prefix
        place = (*prefix[:-1], f"{prefix[-1]}.log")
        path = self._files.path(place)
        path.write_text("".join(f"{line}\n" for line in self._lines), encoding="utf-8")
        row = self._files.find(place)
        if row is not None:
            self._call.store.update(row, {"size": path.stat().st_size})


def _name(error: Exception) -> str:
    """Name a failure of a step (ManagedImportRequestI.step)."""
    if isinstance(error, UnsupportedCompressionError):
        return "import-unknown-format"
    if isinstance(error, (OSError, FormatError)):
        return "import-file-exception"
    return "import-request-failure"


def _text(value: Any) -> str | None:
    return None if value is None else str(value.getValue())
