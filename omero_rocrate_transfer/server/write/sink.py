"""A server as the sink of a transfer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Final, TypeVar

from omero_rocrate_transfer.model.choices import PixelsAs
from omero_rocrate_transfer.model.contents import Contents, Omission
from omero_rocrate_transfer.model.document import Document
from omero_rocrate_transfer.model.errors import UsageError
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.model.results import Mapping, UnitResult
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.owners import Owners
from omero_rocrate_transfer.server.write.containers import (
    ContainerFinder,
    check_units,
    fitting,
    group_of_target,
    parse_target,
)
from omero_rocrate_transfer.server.write.created import Traces, find_unit_traces, remove
from omero_rocrate_transfer.server.write.importer import FilesetImport
from omero_rocrate_transfer.server.write.ownership import Belongings
from omero_rocrate_transfer.server.write.pairing import pair_images, pair_plates
from omero_rocrate_transfer.server.write.pixels.unit import PixelsImport
from omero_rocrate_transfer.server.write.placing import Places
from omero_rocrate_transfer.server.write.renaming import changed_paths
from omero_rocrate_transfer.server.write.resume import Merging, Resume
from omero_rocrate_transfer.server.write.unit_content import ContentWriter
from omero_rocrate_transfer.transfer.faultpoints import faultpoint
from omero_rocrate_transfer.transfer.journal.state import History
from omero_rocrate_transfer.transfer.ports import Sink, UnitReader

#: Containers that are created before any unit; plates come with the import of their unit.
_TYPES: Final = ("Project", "Dataset", "Screen")

T = TypeVar("T")


class ServerSink(Sink):
    """Writes into one server; implements the port `Sink`.

    All that is created belongs to the user of the connection, unless owners are restored. What the server
    confirmed is durable, and a unit is complete once it is written; one that failed is deleted again at once.

    Parameters
    ----------
    connection
        Stays open: it is closed by whoever opened it.
    owners
        To whom things belong; closed by whoever made it.
    pixels_as
        How pixels without original files go in; where None, tile by tile wherever that is exact, else as an
        OME-TIFF.
    merge
        Whether containers of the user with the same name and place are used again.
    target
        ``Dataset:5`` or ``Dataset:name:Run1``: all images that are in no plate go there, and Projects and
        Datasets are not restored. ``Screen:…`` likewise for plates.
    figures
        Whether OMERO.figures are restored.
    provenance
        What is noted on images and plates of where they come from, words of `model.provenance.FIELDS`.
    run_id
        Of the run: what it creates is marked with it.
    """

    #: More imports at once make servers unresponsive (OMERO documentation, "Import scenarios").
    max_parallel = 4

    def __init__(
        self,
        connection: Connection,
        *,
        owners: Owners | None = None,
        merge: bool = False,
        target: str | None = None,
        pixels_as: PixelsAs | None = None,
        figures: bool = False,
        provenance: Sequence[str] = (),
        run_id: str = "",
    ) -> None:
        if run_id:
            connection.mark_with(run_id)
        #: What earlier processes of the run did.
        self._earlier = History()
        self._left = Traces()
        self._host = ""
        #: Units that failed in this process and may be tried again.
        self._broken: set[ObjectRef] = set()
        #: What of the containers could not be taken, once `begin` has returned.
        self.omissions: tuple[Omission, ...] = ()
        self._connection = connection
        self._owners = owners or Owners(connection)
        self._merge = merge
        self._pixels_as = pixels_as
        self._figures = figures
        self._provenance = provenance
        self._target = None if target is None else parse_target(target)
        self._group = connection.group_id
        self._belongings: Belongings | None = None
        self._places: Places | None = None
        self._content: ContentWriter | None = None

    def begin(self, contents: Contents, containers: Callable[[], Document]) -> Sequence[Mapping]:
        """Create or find the containers.

        Raises
        ------
        NotFoundError
            The target is missing or not readable.
        RefusedError
            The contents have items without original files and without pixels.
        UsageError
            Nothing of the contents can go into the target.
        """
        check_units(contents)
        if self._connection.run_id:
            self._connection.mark_with(self._connection.run_id, contents.source.database_uuid)
        if self._target is not None:
            self._check_target(contents)
            self._group = group_of_target(self._connection, self._target)
        self._host = contents.source.host
        document = containers()
        self._belongings = Belongings(self._owners, contents, document.extras.members)
        finder = ContainerFinder(self._belongings, self._group, merge=self._merge)
        again = self._earlier.begun
        made = (
            {one.source: one.target.id for one in self._earlier.mappings}
            if again
            else finder.restore(contents.containers, self._restored_types())
        )
        self._places = Places(self._belongings, self._group, contents, made)
        if self._target is not None:
            self._places.send(fitting(contents, self._target.type), finder.resolve(self._target))
        self._content = ContentWriter(
            self._belongings,
            self._group,
            contents,
            merge=self._merge,
            figures=self._figures,
            provenance=self._provenance,
            again=again,
        )
        self._content.add({ref: ObjectRef(ref.type, number) for ref, number in made.items()})
        self._content.add_earlier(self._earlier, self._left)
        restore = self._content.find_containers if again else self._content.write_containers
        restore(document)
        self.omissions = self._content.take_untold()
        return [_mapping(ref, number) for ref, number in made.items()]

    def take_up(self, contents: Contents, history: History) -> Collection[ObjectRef]:
        """Find the units that an earlier process wrote whole; delete whatever else it left.

        Raises
        ------
        RefusedError
            What the run left is not what it was, or somebody added something to it that would be lost.
        """
        if self._target is not None:
            self._group = group_of_target(self._connection, self._target)
        merging = Merging(merge=self._merge, owner=None if self._owners.restores else self._connection.user)
        resume = Resume(self._connection, self._group)
        whole, self._left = resume.take_up(contents, history, merging)
        self._earlier = replace(history, done={ref: history.done[ref] for ref in whole})
        return whole

    def write_unit(self, reader: UnitReader) -> UnitResult:
        """Import files, or rebuild images from pixels, and link and name what came out of it.

        Raises
        ------
        IntegrityError
            The target made something else of the files or gives back other pixels; it was deleted again.
        """
        unit = reader.unit
        if unit.ref in self._broken:
            # the link may have been too far gone to delete what was made
            remove(self._connection, find_unit_traces(self._connection, unit, self._host), self._group)
            self._broken.discard(unit.ref)
        try:
            return self._write_unit(reader)
        except BaseException:
            if self._connection.run_id:
                self._broken.add(unit.ref)
            raise

    def _write_unit(self, reader: UnitReader) -> UnitResult:
        if reader.unit.ref.type == "Annotation":
            return self._begun(self._content).write_attachment(reader)
        return self._import_files(reader) if reader.unit.files else self._import_pixels(reader)

    def _import_files(self, reader: UnitReader) -> UnitResult:
        belongings, places = self._begun(self._belongings), self._begun(self._places)
        unit, document = reader.unit, reader.document()
        owner = belongings.of_unit(unit)
        with self._owners.session(owner) as session:
            importing = FilesetImport(session, unit, self._group)
            try:
                fileset = importing.run(reader)
                pairs = pair_images(session, unit, document.ome, fileset)
                members = {plate: set(places.plates.get(plate, ())) for plate in unit.plates}
                plates = pair_plates(session, members, pairs, fileset)
                places.link(pairs, plates)
                faultpoint("server:linked")
                places.name(pairs, plates, owner)
                made = [
                    _mapping(unit.ref, fileset),
                    *(_mapping(plate, new.id) for plate, new in plates.items()),
                    *(_mapping(pair.source.ref, pair.target.id) for pair in pairs),
                ]
                omissions = (
                    *changed_paths(session, unit, fileset),
                    *self._write(reader, document, made),
                )
            except BaseException:
                importing.undo(self._connection)
                raise
        return UnitResult(
            unit=unit.ref,
            size_bytes=unit.size_bytes,
            mappings=tuple(made),
            omissions=omissions,
            files_verified=len(unit.files),
        )

    def _import_pixels(self, reader: UnitReader) -> UnitResult:
        belongings, places = self._begun(self._belongings), self._begun(self._places)
        unit = reader.unit
        owner = belongings.of_unit(unit)
        with self._owners.session(owner) as session:
            importing = PixelsImport(
                session,
                unit,
                self._group,
                pixels_as=self._pixels_as,
                names=places.names,
                plate_hands={plate: self._owners.hand(belongings.of(plate)) for plate in unit.plates},
            )
            try:
                document = reader.document()
                rebuilt = importing.run(reader, document.ome)
                places.link(rebuilt.pairs, rebuilt.plates)
                faultpoint("server:linked")
                places.name(rebuilt.pairs, rebuilt.plates, owner)
                made = [
                    *(_mapping(plate, new.id) for plate, new in rebuilt.plates.items()),
                    *(_mapping(pair.source.ref, pair.target.id) for pair in rebuilt.pairs),
                    *rebuilt.mappings,
                ]
                omissions = (*rebuilt.omissions, *self._write(reader, document, made))
            except BaseException:
                importing.undo(self._connection)
                raise
        return UnitResult(
            unit=unit.ref,
            size_bytes=unit.size_bytes,
            mappings=tuple(made),
            omissions=omissions,
            planes_verified=rebuilt.planes_verified,
        )

    def _write(self, reader: UnitReader, document: Document, made: Sequence[Mapping]) -> tuple[Omission, ...]:
        """Write what hangs on the objects that a unit became."""
        belongings, content = self._begun(self._belongings), self._begun(self._content)
        targets = {one.source: one.target for one in made}
        told = content.write_unit(reader, document, targets)
        return (*belongings.lost(reader.unit), *told)

    @staticmethod
    def _begun(part: T | None) -> T:
        if part is None:
            raise RuntimeError("begin comes first")
        return part

    def _restored_types(self) -> tuple[str, ...]:
        if self._target is None:
            return _TYPES
        return ("Screen",) if self._target.type == "Dataset" else ("Project", "Dataset")

    def _check_target(self, contents: Contents) -> None:
        if self._target is not None and not fitting(contents, self._target.type):
            kind = "image outside a plate" if self._target.type == "Dataset" else "plate"
            raise UsageError(f"--target: there is no {kind} to put into a {self._target.type}.")


def _mapping(source: ObjectRef, target: int) -> Mapping:
    return Mapping(source=source, target=ObjectRef(source.type, target))
